// Chance that can be had again: the same seed draws the same numbers.

export interface Random {
  /** 0 to 1 */
  next(): number
  between(least: number, most: number): number
  /** one of them; `undefined` where there is none */
  pick<T>(of: readonly T[]): T | undefined
}

/** mulberry32; each purpose draws from a stream of its own, so that the pace of one does not change another. */
export function createRandom(seed: number, purpose: string): Random {
  let state =
    [...purpose].reduce((sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 0x01000193), seed) >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    pick: (of) => of[Math.floor(next() * of.length)],
  }
}

/** Draws each of them once before any comes again. */
export function createDeck<T>(random: Random, of: readonly T[]): () => T {
  let left: T[] = []
  return () => {
    if (left.length === 0) left = [...of]
    return left.splice(Math.floor(random.next() * left.length), 1)[0] as T
  }
}
