// Auth records with a near cache: reads of a request may be answered from it, everything else goes to Redis.
// Not the global one, which an app's tests may have replaced.
import { setImmediate } from 'node:timers'
import type { SessionStore } from '../store.ts'
import type { SessionCache } from './session-cache.ts'

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
export function createCachedStore<Store extends Omit<SessionStore, 'index'>>(
  store: Store,
  cache: SessionCache,
  isHeard: () => boolean,
): Store & Pick<SessionStore, 'find'> {
  const turnEnds = createTurn()

  /** Before, since the change may be there before its answer; after, since a read may have come between. */
  async function changing<T>(id: string, change: () => Promise<T>): Promise<T> {
    cache.forget(id)
    try {
      return await change()
    } finally {
      cache.forget(id)
    }
  }

  return {
    ...store,

    async find(id, options) {
      if (options?.mayBeCached !== true) return store.find(id)
      await turnEnds()
      if (!isHeard()) return store.find(id)
      const known = cache.get(id)
      if (known !== undefined) return known
      const keep = cache.reading(id)
      try {
        const found = await store.find(id)
        // A channel that broke meanwhile has emptied the cache, and this reading with it.
        keep(found)
        return found
      } catch (error) {
        cache.forget(id)
        throw error
      }
    },

    touch: (id) => changing(id, () => store.touch(id)),
    end: (id, ...rest) => changing(id, () => store.end(id, ...rest)),
    acquire: (id, ...rest) => changing(id, () => store.acquire(id, ...rest)),
    commit: (id, ...rest) => changing(id, () => store.commit(id, ...rest)),
    release: (id, ...rest) => changing(id, () => store.release(id, ...rest)),

    appData: {
      get: store.appData.get,
      set: (id, ...rest) => changing(id, () => store.appData.set(id, ...rest)),
      touch: (id, ...rest) => changing(id, () => store.appData.touch(id, ...rest)),
      delete: (id) => changing(id, () => store.appData.delete(id)),
    },
  }
}
