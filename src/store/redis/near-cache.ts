// The near cache over Redis: a second connection hears what changes.
import type { Redis } from 'ioredis'
import { createChangeCheck } from '../../lib/change-check.ts'
import type { Config } from '../../options/config.ts'
import type { SessionStore } from '../store.ts'
import { createCachedStore } from './cached-store.ts'
import { createClientTracking } from './client-tracking.ts'
import { openRedis, type RedisConnection } from './connection.ts'
import type { Outages } from './outages.ts'
import { createSessionCache } from './session-cache.ts'

/** @param reading the connection that `records` reads on */
export function withNearCache(
  store: SessionStore,
  reading: RedisConnection,
  given: NonNullable<Config['redis']>,
  config: Config,
  outages: Outages,
): SessionStore {
  const sessions = createSessionCache()
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
  // What a secret opened that is none any more does not open.
  const forgetOfOthers = createChangeCheck(() => config.secrets, sessions.forgetAll)

  return {
    ...createCachedStore(store, sessions, () => {
      forgetOfOthers()
      return tracking.isHeard()
    }),
    async close() {
      tracking.close()
      hearing.close()
      await store.close()
    },
  }
}
