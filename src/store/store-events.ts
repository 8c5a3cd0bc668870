// A store that tells how long its answers took, and whether the near cache spared one. Nobody listens: nothing is measured.
import type { AuthEventEmitter } from '../events.ts'
import type { Config } from '../options/config.ts'
import type { SessionStore } from './store.ts'

export function withStoreEvents(
  store: SessionStore,
  events: AuthEventEmitter,
  { nearCache }: Pick<Config, 'nearCache'>,
): SessionStore {
  const { index, appData } = store

  function tell(operation: string, outcome: 'answered' | 'failed', began: number): void {
    events.emit('store-answered', { operation, outcome, milliseconds: performance.now() - began })
  }

  function timed<Given extends unknown[], T>(
    operation: string,
    ask: (...given: Given) => Promise<T>,
  ): (...given: Given) => Promise<T> {
    return async (...given) => {
      if (!events.hears('store-answered')) return ask(...given)
      const began = performance.now()
      try {
        const answer = await ask(...given)
        tell(operation, 'answered', began)
        return answer
      } catch (error) {
        tell(operation, 'failed', began)
        throw error
      }
    }
  }

  const find = timed('find', store.find)
  return {
    ...store,
    now: timed('now', store.now),
    // Every request's way: one that nobody watches takes no detour.
    find(id, options) {
      if (!events.hears('store-answered')) return store.find(id, options)
      return nearCache && options?.mayBeCached ? findNear(id, options) : find(id, options)
    },
    create: timed('create', store.create),
    touch: timed('touch', store.touch),
    end: timed('end', store.end),
    acquire: timed('acquire', store.acquire),
    extend: timed('extend', store.extend),
    commit: timed('commit', store.commit),
    release: timed('release', store.release),
    useOnce: timed('use-once', store.useOnce),
    wasUsed: timed('was-used', store.wasUsed),
    claim: timed('claim', store.claim),
    index: {
      ...index,
      add: timed('index-add', index.add),
      remove: timed('index-remove', index.remove),
      page: timed('index-page', index.page),
      endedAt: timed('index-ended-at', index.endedAt),
    },
    appData: {
      get: timed('app-data-get', appData.get),
      set: timed('app-data-set', appData.set),
      touch: timed('app-data-touch', appData.touch),
      delete: timed('app-data-delete', appData.delete),
    },
  }

  async function findNear(...asked: Parameters<SessionStore['find']>): ReturnType<SessionStore['find']> {
    const began = performance.now()
    try {
      const found = await store.find(...asked)
      events.emit('near-cache-read', { isHit: found.isCached === true })
      if (!found.isCached) tell('find', 'answered', began)
      return found
    } catch (error) {
      tell('find', 'failed', began)
      throw error
    }
  }
}
