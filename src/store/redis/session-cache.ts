// Sessions that this process has read, used again without asking Redis until it says that they changed.
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { Found } from '../store.ts'

/** Of one site: what another read is not known to it, whoever has the id. */
export interface SessionCache {
  /** The session as it was read, its clock going on; undefined where it has to be asked for. */
  get(id: string): Found | undefined
  /** @returns keeps what was read, unless the session changed since this call */
  reading(id: string): (found: Found) => void
  forget(id: string): void
  forgetAll(): void
}

/** Of all sites together. */
export interface SessionCaches {
  ofSite(): SessionCache
  forget(id: string): void
  forgetAll(): void
}

interface Entry {
  readonly reader: object
  readonly found: Found
  readonly readAt: number
}

const MOST_SESSIONS = 10_000

export function createSessionCaches(): SessionCaches {
  const kept = new BoundedMap<string, Entry>(MOST_SESSIONS)
  /** What is on its way here. A change that is heard of meanwhile may be older or newer than what comes. */
  const underWay = new Map<string, object>()

  return { ofSite, forget, forgetAll }

  function ofSite(): SessionCache {
    let reader = {}

    return {
      get(id) {
        const entry = kept.get(id)
        if (entry?.reader !== reader) return undefined
        const { found, readAt } = entry
        const now = found.now + performance.now() - readAt
        // Nobody tells of a session that ended unused before Redis comes to delete it.
        if (found.value !== undefined && now < found.value.idleEndsAt)
          return { now, value: found.value, isCached: true }
        kept.delete(id)
        return undefined
      },

      reading(id) {
        const reading = {}
        const mine = reader
        underWay.set(id, reading)
        return (found) => {
          if (underWay.get(id) !== reading) return
          underWay.delete(id)
          // What an app keeps for a session may be large, and an older copy of it must not be written back.
          if (found.value === undefined || found.value.appData !== undefined) return
          // Its clock may be late by the answer's way here, and is never ahead of the store's.
          kept.set(id, { reader: mine, found, readAt: performance.now() })
        }
      },

      forget,

      // What it has kept, or will of what is under way, is another reader's from here on.
      forgetAll() {
        reader = {}
      },
    }
  }

  function forget(id: string): void {
    underWay.delete(id)
    kept.delete(id)
  }

  function forgetAll(): void {
    underWay.clear()
    kept.clear()
  }
}
