// Where sessions are kept, and whether what was read is remembered.
import type { Cluster, Redis } from 'ioredis'
import { emptyIsNone, flag, namesOf, onlyKnown, optionError, seconds, wholeNumber } from './read-option.ts'
import type { RedisCluster, RedisSentinels, RedisURL } from './redis-servers.ts'

export interface StoreOptions {
  /**
   * A `redis://` or `rediss://` URL, also as `{ url, nearCache }`; `{ sentinels, name, nearCache }`; `{ nodes }` of a
   * Cluster; or an ioredis client of yours. Environment: `REDIS_URL`.
   * @defaultValue memory; refused with `NODE_ENV=production`
   */
  redis?: string | RedisURL | RedisSentinels | RedisCluster | Redis | Cluster | undefined
  /** Deadline of each answer of Redis, in seconds. @defaultValue `2` */
  redisTimeoutSeconds?: number | undefined
  /**
   * A renewal counts as stored once so many replicas have it, so that a failover cannot lose the new refresh token.
   * @defaultValue `0`
   */
  waitReplicas?: number | undefined
  /** Keep sessions in this process's memory although `NODE_ENV` is `production`. @defaultValue `false` */
  allowInMemoryStore?: boolean | undefined
}

export interface StoreConfig {
  readonly redis: Exclude<StoreOptions['redis'], RedisURL>
  readonly nearCache: boolean
  readonly redisTimeoutSeconds: number
  readonly waitReplicas: number
}

/** Besides `nearCache`. */
const URL_NAMES = namesOf<Omit<RedisURL, 'nearCache'>>({ url: true })

export function resolveStore(
  options: StoreOptions,
  env: NodeJS.ProcessEnv,
  production: boolean,
): StoreConfig {
  return {
    ...resolveRedis(options, env, production),
    redisTimeoutSeconds: seconds(options.redisTimeoutSeconds, 'redisTimeoutSeconds', {
      fallback: 2,
      min: 0.1,
      max: 60,
    }),
    waitReplicas: wholeNumber(options.waitReplicas, 'waitReplicas', { fallback: 0, max: 16 }),
  }
}

function resolveRedis(
  options: StoreOptions,
  env: NodeJS.ProcessEnv,
  production: boolean,
): Pick<StoreConfig, 'redis' | 'nearCache'> {
  const { redis, nearCache } = splitNearCache(options.redis ?? emptyIsNone(env.REDIS_URL))
  const memoryAllowed = flag(options.allowInMemoryStore, 'allowInMemoryStore', false)
  if (redis === undefined) {
    if (production && !memoryAllowed) {
      throw optionError(
        'redis (REDIS_URL)',
        'is required in production (NODE_ENV=production): in memory, sessions end with the process and no other process knows them. Set a redis:// URL, or allowInMemoryStore: true if that is what you want',
      )
    }
    return { redis, nearCache: false }
  }
  const usable =
    typeof redis === 'string'
      ? /^(?:rediss?|unix):\/\//.test(redis)
      : typeof redis === 'object' && redis !== null && isRedis(redis)
  if (usable && nearCache && !(typeof redis === 'string' || 'sentinels' in redis)) {
    throw optionError(
      'redis.nearCache',
      'works with { url, nearCache } and { sentinels, name, nearCache }: it needs two connections of its own to one server',
    )
  }
  if (usable) return { redis, nearCache }
  throw optionError(
    'redis (REDIS_URL)',
    'must be a redis:// or rediss:// URL, { url, nearCache }, { sentinels, name }, { nodes }, or an ioredis Redis or Cluster',
  )
}

/** `nearCache` is ours, the rest is ioredis's. */
function splitNearCache(given: StoreOptions['redis']): Pick<StoreConfig, 'redis' | 'nearCache'> {
  const isPlain = typeof given === 'object' && given !== null && !('defineCommand' in given)
  if (!isPlain) return { redis: given, nearCache: false }
  const { nearCache, ...redis } = given as { nearCache?: unknown; url?: unknown }
  const isOn = flag(nearCache, 'redis.nearCache', false)
  if ('url' in redis) {
    onlyKnown(redis, URL_NAMES, 'redis.')
    return { redis: redis.url as string, nearCache: isOn }
  }
  return { redis: redis as StoreConfig['redis'], nearCache: isOn }
}

function isRedis(redis: object): boolean {
  if ('defineCommand' in redis) return true
  if ('sentinels' in redis)
    return Array.isArray(redis.sentinels) && 'name' in redis && typeof redis.name === 'string'
  return 'nodes' in redis && Array.isArray(redis.nodes)
}
