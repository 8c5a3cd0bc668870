// Where sessions are kept, and whether what was read is remembered.
import type { AuthOptions } from './auth-options.ts'
import type { Config } from './config.ts'
import { emptyIsNone, flag, onlyKnown, optionError } from './read-option.ts'

export function resolveRedis(
  options: AuthOptions,
  env: NodeJS.ProcessEnv,
  production: boolean,
): Pick<Config, 'redis' | 'nearCache'> {
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
function splitNearCache(given: AuthOptions['redis']): { redis: Config['redis']; nearCache: boolean } {
  const isPlain = typeof given === 'object' && given !== null && !('defineCommand' in given)
  if (!isPlain) return { redis: given, nearCache: false }
  const { nearCache, ...redis } = given as { nearCache?: unknown; url?: unknown }
  const isOn = flag(nearCache, 'redis.nearCache', false)
  if ('url' in redis) {
    onlyKnown(redis, ['url'], 'redis.')
    return { redis: redis.url as string, nearCache: isOn }
  }
  return { redis: redis as Config['redis'], nearCache: isOn }
}

function isRedis(redis: object): boolean {
  if ('defineCommand' in redis) return true
  if ('sentinels' in redis)
    return Array.isArray(redis.sentinels) && 'name' in redis && typeof redis.name === 'string'
  return 'nodes' in redis && Array.isArray(redis.nodes)
}
