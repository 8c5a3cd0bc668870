// Redis as the place of everybody's sessions: opened once, and seen by each site as if it was alone there.
import type { AuthEventEmitter } from '../../events/events.ts'
import type { Config, SharedConfig } from '../../options/config.ts'
import type { SessionStores } from '../session-stores.ts'
import { checkRedis } from './check.ts'
import { evictionFault } from './eviction.ts'
import { openNearCache } from './near-cache.ts'
import { createOpenedRecords } from './opened-records.ts'
import { createRedisStore } from './redis-store.ts'
import { openServers } from './servers.ts'

/** A tenth of what all have together: who is busy makes nobody else's slow. */
const OPENED_OF_TENANT = 200
const CACHED_OF_TENANT = 1000

export function openRedisStores(
  config: Pick<
    SharedConfig,
    'tenants' | 'redis' | 'nearCache' | 'redisTimeoutSeconds' | 'waitReplicas' | 'logger'
  > &
    Parameters<typeof createRedisStore>[3],
  given: NonNullable<Config['redis']>,
  events: AuthEventEmitter,
): SessionStores {
  const servers = openServers(config, given, events)
  const { redis } = servers.connection
  const opened = createOpenedRecords(config.tenants && OPENED_OF_TENANT)
  const near = config.nearCache
    ? openNearCache(servers, given, config, config.tenants && CACHED_OF_TENANT)
    : undefined

  return {
    now: servers.now,

    async usable() {
      await servers.now()
      // Where its user may not ask, nothing is known of it.
      const info = await redis.info('memory').catch(() => '')
      const fault = evictionFault(info)
      if (fault !== undefined) servers.outages.warn(fault)
    },

    check: () => checkRedis(redis, config),

    of(site) {
      const store = createRedisStore(servers, opened.of(site), site, config)
      return near?.over(store, site) ?? store
    },

    async close() {
      near?.close()
      servers.close()
    },
  }
}
