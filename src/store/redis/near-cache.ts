// The near cache over Redis: a second connection hears what changes.
import type { Redis } from 'ioredis'
import { createChangeCheck } from '../../lib/change-check.ts'
import type { Config } from '../../options/config.ts'
import type { SiteStore, StoreSite } from '../session-stores.ts'
import { createCachedStore } from './cached-store.ts'
import { createClientTracking } from './client-tracking.ts'
import { openRedis } from './connection.ts'
import type { RedisServers } from './servers.ts'
import { createSessionCaches } from './session-cache.ts'

/** One for all sites. */
export interface NearCache {
  over(store: SiteStore, site: Pick<StoreSite, 'secrets'>): SiteStore
  close(): void
}

/**
 * @param servers sessions are read on their first connection
 * @param mostOfSite so many sessions of one site; undefined where there is one
 */
export function openNearCache(
  { connection: reading, outages }: RedisServers,
  given: NonNullable<Config['redis']>,
  config: Pick<Config, 'redisTimeoutSeconds'>,
  mostOfSite: number | undefined,
): NearCache {
  const sessions = createSessionCaches(mostOfSite)
  const hearing = openRedis(given, config.redisTimeoutSeconds, outages, { hears: true })
  // The options allow it with one server only, and with connections of ours.
  const [readingFrom, hearingFrom] = [reading.redis as Redis, hearing.redis as Redis]
  const tracking = createClientTracking(readingFrom, hearingFrom, {
    // Not from its beginning: ioredis may put a prefix before it.
    changed: (key) => sessions.forget(/bff:\{(.+)\}:(?:auth|app)$/.exec(key)?.[1] ?? ''),
    missed: sessions.forgetAll,
    refused: (why) =>
      outages.warn(
        `does not tell what changes, so every session is read from it (redis.nearCache has no effect): ${why}: its user needs client, subscribe and info; CLIENT TRACKING came with Redis 6`,
      ),
  })

  return {
    over(store, { secrets }) {
      const cache = sessions.ofSite()
      // What a secret opened that is none any more does not open.
      const forgetOfOthers = createChangeCheck(secrets, cache.forgetAll)
      return createCachedStore(store, cache, () => {
        forgetOfOthers()
        return tracking.isHeard()
      })
    },

    close() {
      tracking.close()
      hearing.close()
    },
  }
}
