// Where sessions are kept, and whether what was read is remembered.
import type { Cluster, Redis } from 'ioredis'
import { commentError, isCommented } from './environment.ts'
import { emptyIsNone, flag, namesOf, onlyKnown, optionError, seconds, wholeNumber } from './read-option.ts'
import type { RedisCluster, RedisSentinels, RedisURL, ServerURL } from './redis-servers.ts'

/**
 * @example auth({ redis: { url: 'rediss://redis.example.com', keyPrefix: 'shop:', nearCache: true } })
 */
export interface StoreOptions {
  /**
   * A `redis://` or `rediss://` URL, also as `{ url, keyPrefix, nearCache }`; `{ sentinels, name, nearCache }`; `{ nodes }` of a
   * Cluster; or an ioredis client of yours. `false` is memory, whatever the environment says. Environment: `REDIS_URL`.
   * @defaultValue memory; refused with `NODE_ENV=production`
   */
  redis?: string | RedisURL | RedisSentinels | RedisCluster | Redis | Cluster | false | undefined
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
  readonly redis: ServerURL | RedisSentinels | RedisCluster | Redis | Cluster | undefined
  readonly nearCache: boolean
  readonly redisTimeoutSeconds: number
  readonly waitReplicas: number
}

const REDIS = 'redis (REDIS_URL)'
const URL_NAMES = namesOf<RedisURL>({ url: true, keyPrefix: true, nearCache: true })

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
  { redis, allowInMemoryStore }: StoreOptions,
  env: NodeJS.ProcessEnv,
  production: boolean,
): Pick<StoreConfig, 'redis' | 'nearCache'> {
  const memoryAllowed = flag(allowInMemoryStore, 'allowInMemoryStore', false)
  const fromEnvironment = emptyIsNone(env.REDIS_URL)
  const given = redis === false ? undefined : (redis ?? fromEnvironment)
  if (given === undefined) {
    if (production && !memoryAllowed) {
      throw optionError(
        REDIS,
        'is required in production (NODE_ENV=production): in memory, sessions end with the process and no other process knows them. Set a redis:// URL, or allowInMemoryStore: true if that is what you want',
      )
    }
    return { redis: undefined, nearCache: false }
  }
  if (typeof given === 'string') return { redis: server(given), nearCache: false }
  if (typeof given !== 'object') throw unusable()
  if ('defineCommand' in given) return { redis: given, nearCache: false }
  const { nearCache, ...servers } = given as
    | RedisURL
    | RedisSentinels
    | (RedisCluster & { nearCache?: boolean })
  const isOn = flag(nearCache, 'redis.nearCache', false)
  if ('nodes' in servers || 'sentinels' in servers) return { redis: several(servers, isOn), nearCache: isOn }
  onlyKnown(given, URL_NAMES, 'redis.')
  const { url = fromEnvironment, keyPrefix } = servers
  return { redis: server(url, keyPrefix), nearCache: isOn }
}

function several<T extends RedisSentinels | RedisCluster>(servers: T, nearCache: boolean): T {
  if ('nodes' in servers && nearCache) {
    throw optionError(
      'redis.nearCache',
      'works with { url, nearCache } and { sentinels, name, nearCache }: it needs two connections of its own to one server',
    )
  }
  const isUsable =
    'nodes' in servers
      ? Array.isArray(servers.nodes)
      : Array.isArray(servers.sentinels) && typeof servers.name === 'string'
  if (!isUsable) throw unusable()
  return servers
}

function server(url: unknown, keyPrefix?: unknown): ServerURL {
  if (typeof url !== 'string' || !/^(?:rediss?|unix):\/\//.test(url)) throw unusable()
  if (isCommented(url)) throw commentError(REDIS)
  const inURL = prefixIn(url)
  if (keyPrefix !== undefined && inURL !== undefined && keyPrefix !== inURL)
    throw optionError('redis.keyPrefix', `is ${JSON.stringify(inURL)} in the URL: say it in one place`)
  return Object.freeze({ url, keyPrefix: prefix(keyPrefix ?? inURL) })
}

function unusable() {
  return optionError(
    REDIS,
    'must be a redis:// or rediss:// URL, { url, keyPrefix, nearCache }, { sentinels, name }, { nodes }, or an ioredis Redis or Cluster',
  )
}

/** ioredis takes its options from the URL too. */
function prefixIn(url: string): string | undefined {
  return new URLSearchParams(url.split('?')[1]).get('keyPrefix') ?? undefined
}

/** Braces say where a cluster keeps a key, and the session's own do. */
function prefix(given: unknown): string | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'string' && /^[\w:./-]{1,64}$/.test(given)) return given
  throw optionError('redis.keyPrefix', "must be 1 to 64 letters, digits and : . _ / -, such as 'staff:'")
}
