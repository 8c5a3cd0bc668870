// What all servers of a bench share: a Redis, a provider, and a way to stop them.
import { startProvider, type TestProvider } from '../test/support/provider/provider.ts'
import { createClients } from '../test/support/redis/clients.ts'
import { launchRedis } from '../test/support/redis/launch.ts'
import type { CleanUp } from './clean-up.ts'

export type RedisClient = ReturnType<ReturnType<typeof createClients>['open']>

export interface Stage {
  readonly provider: TestProvider
  readonly redisUrl: (database?: number) => string
  readonly connect: (database?: number) => RedisClient
  readonly cleanUp: CleanUp
}

/** A Redis of its own even where TEST_REDIS_URL lends one: others would be measured with it. */
export async function setStage(cleanUp: CleanUp): Promise<Stage> {
  const redis = await launchRedis()
  cleanUp.later(() => redis.kill())
  const clients = createClients()
  cleanUp.later(() => clients.close())
  const provider = await startProvider()
  cleanUp.later(() => provider.stop())
  const redisUrl = (database = 0) => `redis://127.0.0.1:${redis.port}/${database}`
  return {
    provider,
    redisUrl,
    connect: (database) => clients.open(redisUrl(database)),
    cleanUp,
  }
}
