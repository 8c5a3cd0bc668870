// Redis as every store of this process asks it: the connections, the scripts on them, and what is known of outages.
import type { AuthEventEmitter } from '../../events/events.ts'
import type { Config } from '../../options/config.ts'
import type { StoreConfig } from '../../options/redis.ts'
import { createBatchedLookups } from './batched-lookups.ts'
import { openRedis, type RedisConnection } from './connection.ts'
import { defineIndexScripts, type IndexScripts } from './index-scripts.ts'
import { createOutages, type Outages } from './outages.ts'
import { defineClaim, defineScripts, type Keys, type ScriptName } from './scripts.ts'

export interface RedisServers {
  readonly connection: RedisConnection
  /** Waits for replicas, where that is asked for; else the same. */
  readonly replicating: RedisConnection
  readonly outages: Outages
  readonly lookUp: ReturnType<typeof createBatchedLookups>
  readonly claim: ReturnType<typeof defineClaim>
  readonly indexScripts: IndexScripts
  /** Redis's own clock, in milliseconds. */
  now(): Promise<number>
  run(name: ScriptName, keys: Keys, ...args: (string | number)[]): Promise<unknown>
  /** What a failover must not lose goes to the replicas, as far as they answer. */
  write(
    name: ScriptName,
    keys: Keys,
    ...args: (string | number)[]
  ): Promise<{ result: unknown; replicas: number }>
  close(): void
}

export function openServers(
  config: StoreConfig & Pick<Config, 'logger'>,
  given: NonNullable<Config['redis']>,
  events: AuthEventEmitter,
): RedisServers {
  const outages = createOutages(config, given, events)
  const connection = openRedis(given, config.redisTimeoutSeconds, outages)
  const scripts = defineScripts(connection.redis)
  // WAIT holds up its connection, so what waits for replicas has one of its own.
  const another =
    config.waitReplicas > 0
      ? openRedis(given, config.redisTimeoutSeconds, outages, { another: true })
      : undefined
  const replicatingScripts = another && defineScripts(another.redis)

  const run: RedisServers['run'] = (name, keys, ...args) =>
    connection.answer(() => scripts.run(name, keys, ...args))

  return {
    connection,
    replicating: another ?? connection,
    outages,
    lookUp: createBatchedLookups(connection, events),
    claim: defineClaim(connection.redis),
    indexScripts: defineIndexScripts(connection.redis, (another ?? connection).redis),

    async now() {
      const [seconds, microseconds] = await connection.answer(() => connection.redis.time())
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
    },

    run,

    async write(name, keys, ...args) {
      if (another === undefined || replicatingScripts === undefined) {
        return { result: await run(name, keys, ...args), replicas: 0 }
      }
      const replicas = {
        wanted: config.waitReplicas,
        milliseconds: Math.ceil((config.redisTimeoutSeconds / 8) * 1000),
      }
      return another.answer(() => replicatingScripts.runReplicated(replicas, name, keys, ...args))
    },

    close() {
      outages.close()
      connection.close()
      another?.close()
    },
  }
}
