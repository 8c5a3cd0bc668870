// A Map whose entries end at a time of their own, as keys in Redis do.

export interface ExpiringMap<T> {
  get(key: string): T | undefined
  /** When the entry ends, in milliseconds; undefined where there is none. */
  endsAt(key: string): number | undefined
  set(key: string, value: T, endsAt: number): void
  /** Another value that ends when the one before it would have; false where that has ended. */
  replace(key: string, value: T): boolean
  delete(key: string): boolean
}

/** Entries that a write looks at: more than it adds, so that it comes round, and so few that no write is slow. */
const SWEPT_EACH_WRITE = 3

/** @param most where there are more, the one that was set first goes first */
export function createExpiringMap<T>(now: () => number, most = Number.POSITIVE_INFINITY): ExpiringMap<T> {
  const entries = new Map<string, { value: T; endsAt: number }>()
  let sweep = entries.keys()
  /** Where it stands nothing is older: one that begins anew walks over all that was deleted. */
  let oldest: MapIterator<string> | undefined

  function live(key: string) {
    const entry = entries.get(key)
    if (entry === undefined || entry.endsAt > now()) return entry
    entries.delete(key)
    return undefined
  }

  /** What nobody asks for again must go too; a timer would keep the process alive. */
  function sweepSome(): void {
    for (let count = 0; count < SWEPT_EACH_WRITE; count += 1) {
      const { done, value: key } = sweep.next()
      if (done) sweep = entries.keys()
      else live(key)
    }
  }

  function dropOldest(): void {
    let next = oldest?.next()
    if (next === undefined || next.done) {
      oldest = entries.keys()
      next = oldest.next()
    }
    if (!next.done) entries.delete(next.value)
  }

  return {
    get: (key) => live(key)?.value,
    endsAt: (key) => live(key)?.endsAt,
    set(key, value, endsAt) {
      entries.delete(key)
      entries.set(key, { value, endsAt })
      sweepSome()
      if (entries.size > most) dropOldest()
    },
    replace(key, value) {
      const entry = live(key)
      if (entry !== undefined) entry.value = value
      return entry !== undefined
    },
    delete(key) {
      return live(key) !== undefined && entries.delete(key)
    },
  }
}
