// A bounded map that several parts share: none sees what another put there, and none has more of it than its share.
import { BoundedMap } from './bounded-map.ts'

export interface PartedMap<Value> {
  part(): MapPart<Value>
  /** Whoever put it. */
  delete(key: string): void
  clear(): void
}

export interface MapPart<Value> {
  get(key: string): Value | undefined
  /** @param since what `now()` said before: of the time before a `clear()` nothing is put any more */
  set(key: string, value: Value, since?: object): void
  /** Changes with each `clear()`. */
  now(): object
  delete(key: string): void
  clear(): void
}

interface Entry<Value> {
  readonly of: object
  readonly value: Value
}

/** @param mostOfPart so many of one part; more than `most` is no bound */
export function createPartedMap<Value>(most: number, mostOfPart = most): PartedMap<Value> {
  const entries = new BoundedMap<string, Entry<Value>>(most)
  return { part, delete: (key) => void entries.delete(key), clear: () => entries.clear() }

  function part(): MapPart<Value> {
    /** The keys of this part, the oldest first, with some that others have deleted since. */
    let own = new Set<string>()

    function drop(key: string): void {
      if (entries.get(key)?.of === own) entries.delete(key)
      own.delete(key)
    }

    return {
      get(key) {
        const entry = entries.get(key)
        return entry?.of === own ? entry.value : undefined
      },

      set(key, value, since = own) {
        if (since !== own) return
        entries.set(key, { of: own, value })
        if (mostOfPart >= most) return
        own.delete(key)
        own.add(key)
        const [oldest] = own.size > mostOfPart ? own : []
        if (oldest !== undefined) drop(oldest)
      },

      now: () => own,

      delete: drop,

      // What is there is nobody's from here on, and goes as it grows old.
      clear() {
        own = new Set()
      },
    }
  }
}
