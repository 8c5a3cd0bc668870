// A store that tells how long its answers took, and whether the near cache spared one. Nobody listens: nothing is measured.
import type { AuthEventEmitter, AuthEvents } from '../events/events.ts'
import type { Config } from '../options/config.ts'
import type { SessionStores, SiteStore } from './session-stores.ts'
import type { SessionIndex } from './store.ts'

/** Asks, and tells whoever listens how long that took. */
export async function timed<T>(
  events: AuthEventEmitter,
  operation: string,
  ask: () => Promise<T>,
): Promise<T> {
  if (!events.hears('store-answered')) return ask()
  const began = performance.now()
  const tell = (outcome: AuthEvents['store-answered']['outcome']) =>
    events.emit('store-answered', { operation, outcome, milliseconds: performance.now() - began })
  try {
    const answer = await ask()
    tell('answered')
    return answer
  } catch (error) {
    tell('failed')
    throw error
  }
}

export function withStoreEvents(
  stores: SessionStores,
  events: AuthEventEmitter,
  { nearCache }: Pick<Config, 'nearCache'>,
): SessionStores {
  const withTime =
    <Given extends unknown[], T>(operation: string, ask: (...given: Given) => Promise<T>) =>
    (...given: Given) =>
      timed(events, operation, () => ask(...given))

  return { ...stores, now: withTime('now', stores.now), of: (site) => timedSite(stores.of(site)) }

  /** Look-ups are timed where they are sent: many requests share one. */
  function timedSite(store: SiteStore): SiteStore {
    const { appData } = store
    return {
      ...store,
      ...(nearCache && { find: findNear }),
      now: withTime('now', store.now),
      create: withTime('create', store.create),
      touch: withTime('touch', store.touch),
      end: withTime('end', store.end),
      acquire: withTime('acquire', store.acquire),
      extend: withTime('extend', store.extend),
      commit: withTime('commit', store.commit),
      release: withTime('release', store.release),
      useOnce: withTime('use-once', store.useOnce),
      wasUsed: withTime('was-used', store.wasUsed),
      claim: withTime('claim', store.claim),
      indexOf: (owner) => timedIndex(store.indexOf(owner)),
      appData: {
        get: withTime('app-data-get', appData.get),
        set: withTime('app-data-set', appData.set),
        touch: withTime('app-data-touch', appData.touch),
        delete: withTime('app-data-delete', appData.delete),
      },
    }

    /** Every request's way: one that nobody watches takes no detour. */
    function findNear(...[id, options]: Parameters<SiteStore['find']>): ReturnType<SiteStore['find']> {
      const finding = store.find(id, options)
      return options?.mayBeCached && events.hears('near-cache-read') ? noted(finding) : finding
    }
  }

  function timedIndex(index: SessionIndex): SessionIndex {
    return {
      ...index,
      add: withTime('index-add', index.add),
      remove: withTime('index-remove', index.remove),
      page: withTime('index-page', index.page),
      endedAt: withTime('index-ended-at', index.endedAt),
    }
  }

  async function noted(finding: ReturnType<SiteStore['find']>): ReturnType<SiteStore['find']> {
    const found = await finding
    events.emit('near-cache-read', { isHit: found.isCached === true })
    return found
  }
}
