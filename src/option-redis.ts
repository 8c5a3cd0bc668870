// Where sessions are kept.
import type { Config } from './config.ts'
import { emptyIsNone, flag, mistake } from './option-readers.ts'
import type { AuthOptions } from './options.ts'

export function resolveRedis(
  options: AuthOptions,
  env: NodeJS.ProcessEnv,
  production: boolean,
): Config['redis'] {
  const redis = options.redis ?? emptyIsNone(env.REDIS_URL)
  const memoryAllowed = flag(options.allowInMemoryStore, 'allowInMemoryStore', false)
  if (redis === undefined) {
    if (production && !memoryAllowed) {
      throw mistake(
        'redis (REDIS_URL)',
        'is required in production (NODE_ENV=production): in memory, sessions end with the process and no other process knows them. Set a redis:// URL, or allowInMemoryStore: true if that is what you want',
      )
    }
    return undefined
  }
  const usable =
    typeof redis === 'string'
      ? /^(?:rediss?|unix):\/\//.test(redis)
      : typeof redis === 'object' && redis !== null && isRedis(redis)
  if (usable) return redis
  throw mistake(
    'redis (REDIS_URL)',
    'must be a redis:// or rediss:// URL, { sentinels, name }, { nodes }, or an ioredis Redis or Cluster',
  )
}

function isRedis(redis: object): boolean {
  if ('defineCommand' in redis) return true
  if ('sentinels' in redis)
    return Array.isArray(redis.sentinels) && 'name' in redis && typeof redis.name === 'string'
  return 'nodes' in redis && Array.isArray(redis.nodes)
}
