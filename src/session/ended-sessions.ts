// The sessions that this process ended a moment ago: no answer of a request that came before gives a browser their id again.
import { BoundedMap } from '../lib/bounded-map.ts'

export interface EndedSessions {
  add(id: string): void
  has(id: string): boolean
}

const MOST_REMEMBERED = 10_000

export function createEndedSessions(): EndedSessions {
  const ids = new BoundedMap<string, true>(MOST_REMEMBERED)
  return { add: (id) => void ids.set(id, true), has: (id) => ids.has(id) }
}
