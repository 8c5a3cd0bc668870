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

const SWEEP_EVERY = 1000

export function createExpiringMap<T>(now: () => number): ExpiringMap<T> {
  const entries = new Map<string, { value: T; endsAt: number }>()
  let writes = 0

  function live(key: string) {
    const entry = entries.get(key)
    if (entry === undefined || entry.endsAt > now()) return entry
    entries.delete(key)
    return undefined
  }

  return {
    get: (key) => live(key)?.value,
    endsAt: (key) => live(key)?.endsAt,
    set(key, value, endsAt) {
      entries.set(key, { value, endsAt })
      writes += 1
      // What nobody asks for again must go too; a timer would keep the process alive.
      if (writes % SWEEP_EVERY === 0) for (const old of entries.keys()) live(old)
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
