// The near cache over Redis: a second connection hears what changes.
import type { Redis } from 'ioredis'
import type { Config } from '../config.ts'
import type { AuthEventEmitter } from '../events.ts'
import type { AuthRecords } from './auth-records.ts'
import { withNearCache } from './near-records.ts'
import { createNearSessions } from './near-sessions.ts'
import { openRedis, type RedisConnection } from './redis-connection.ts'
import { createInvalidations } from './redis-invalidations.ts'

/** @param reading the connection that `records` reads on */
export function nearRedis(
  records: AuthRecords,
  reading: RedisConnection,
  given: NonNullable<Config['redis']>,
  config: Config,
  events: AuthEventEmitter,
): AuthRecords {
  const sessions = createNearSessions()
  const hearing = openRedis(given, config.redisTimeoutSeconds, events, { hears: true })
  // The options allow it with one server only, and with connections of ours.
  const [readingFrom, hearingFrom] = [reading.redis as Redis, hearing.redis as Redis]
  const invalidations = createInvalidations(readingFrom, hearingFrom, {
    // Not from its beginning: ioredis may put a prefix before it.
    changed: (key) => sessions.forget(/bff:\{(.+)\}:(?:auth|app)$/.exec(key)?.[1] ?? ''),
    missed: sessions.forgetAll,
  })

  return {
    ...withNearCache(records, sessions, invalidations.isHeard),
    async close() {
      invalidations.close()
      hearing.close()
      await records.close()
    },
  }
}
