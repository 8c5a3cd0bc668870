// Auth records with a near cache: reads of a request may be answered from it, everything else goes to Redis.
// Not the global one, which an app's tests may have replaced.
import { setImmediate } from 'node:timers'
import type { AuthRecords } from './auth-records.ts'
import type { NearSessions } from './near-sessions.ts'

/**
 * Resolves when all was looked at that had arrived in this turn of the event loop, for all who ask in it. Requests that
 * take their steps together are answered in less time than one after another (docs/performance.md).
 */
function createTurn(): () => Promise<void> {
  let end: Promise<void> | undefined
  return () => {
    end ??= new Promise((resolve) => {
      setImmediate(() => {
        end = undefined
        resolve()
      })
    })
    return end
  }
}

/** @param isHeard whether changes are sure to be heard of just now */
export function withNearCache(records: AuthRecords, near: NearSessions, isHeard: () => boolean): AuthRecords {
  const turnEnds = createTurn()

  /** Before, since the change may be there before its answer; after, since a read may have come between. */
  async function changing<T>(id: string, change: () => Promise<T>): Promise<T> {
    near.forget(id)
    try {
      return await change()
    } finally {
      near.forget(id)
    }
  }

  return {
    ...records,

    async find(id, from) {
      if (from !== 'near') return records.find(id)
      await turnEnds()
      if (!isHeard()) return records.find(id)
      const known = near.get(id)
      if (known !== undefined) return known
      const keep = near.reading(id)
      try {
        const found = await records.find(id)
        // A channel that broke meanwhile has emptied the cache, and this reading with it.
        keep(found)
        return found
      } catch (error) {
        near.forget(id)
        throw error
      }
    },

    touch: (id) => changing(id, () => records.touch(id)),
    end: (id, ...rest) => changing(id, () => records.end(id, ...rest)),
    acquire: (id, ...rest) => changing(id, () => records.acquire(id, ...rest)),
    commit: (id, ...rest) => changing(id, () => records.commit(id, ...rest)),
    release: (id, ...rest) => changing(id, () => records.release(id, ...rest)),

    appData: {
      get: records.appData.get,
      set: (id, ...rest) => changing(id, () => records.appData.set(id, ...rest)),
      touch: (id, ...rest) => changing(id, () => records.appData.touch(id, ...rest)),
      delete: (id) => changing(id, () => records.appData.delete(id)),
    },
  }
}
