// Whatever was made of something that may change, and is worth nothing once it did.

/**
 * @param current the same for as long as nothing changed
 * @returns to be called before what was made is used: forgets it where it is of something else
 */
export function createChangeCheck(current: () => unknown, forget: () => void): () => void {
  let of = current()
  return () => {
    const now = current()
    if (now === of) return
    of = now
    forget()
  }
}
