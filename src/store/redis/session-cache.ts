// Sessions that this process has read, used again without asking Redis until it says that they changed.
import { createPartedMap } from '../../lib/parted-map.ts'
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
  readonly found: Found
  readonly readAt: number
}

const MOST_SESSIONS = 10_000

/** @param mostOfSite so many of one site */
export function createSessionCaches(mostOfSite = MOST_SESSIONS): SessionCaches {
  const all = createPartedMap<Entry>(MOST_SESSIONS, mostOfSite)
  /** What is on its way here. A change that is heard of meanwhile may be older or newer than what comes. */
  const underWay = new Map<string, object>()

  return {
    ofSite,

    forget(id) {
      underWay.delete(id)
      all.delete(id)
    },

    forgetAll() {
      underWay.clear()
      all.clear()
    },
  }

  function ofSite(): SessionCache {
    const kept = all.part()

    return {
      get(id) {
        const entry = kept.get(id)
        if (entry === undefined) return undefined
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
        const began = kept.now()
        underWay.set(id, reading)
        return (found) => {
          if (underWay.get(id) !== reading) return
          underWay.delete(id)
          // What an app keeps for a session may be large, and an older copy of it must not be written back.
          if (found.value === undefined || found.value.appData !== undefined) return
          // Its clock may be late by the answer's way here, and is never ahead of the store's.
          kept.set(id, { found, readAt: performance.now() }, began)
        }
      },

      forget(id) {
        underWay.delete(id)
        kept.delete(id)
      },

      forgetAll: kept.clear,
    }
  }
}
