// Redis under Sentinel: a master, two replicas, and three sentinels that make one of them the master when it dies.
import { Redis } from 'ioredis'
import { eventually } from '../deadline.ts'
import { killAll, type LaunchOptions, launchRedisGroup, type RedisProcess } from './launch.ts'
import { freezeReplicas, isMaster, REPLICA_CONFIG, thawReplicas } from './replicas.ts'
import { masterNamedBy, watchMaster } from './sentinel-watch.ts'

export interface RedisSentinel {
  readonly sentinels: { host: string; port: number }[]
  /** what the sentinels call the master */
  readonly name: string
  /** a client that asks the sentinels; stop() closes it */
  connect(): Redis
  /** resolves when all sentinels name the same one, alive or not */
  masterPort(): Promise<number>
  /** SIGKILL */
  killMaster(): Promise<void>
  /** resolves when all sentinels name a living master, which answers as one */
  failedOver(): Promise<void>
  /** resolves when the replicas have all that was written before; they get nothing of what is written then */
  freezeReplicas(): Promise<void>
  /** resolves when they answer again */
  thawReplicas(): Promise<void>
  stop(): Promise<void>
}

const NAME = 'mymaster'
const SERVERS: LaunchOptions[] = Array(3).fill({ config: REPLICA_CONFIG })
const SENTINELS: LaunchOptions[] = Array(3).fill({ sentinel: true })
const FAILOVER_MS = 25_000

export async function startRedisSentinel(): Promise<RedisSentinel> {
  const all = await launchRedisGroup([...SERVERS, ...SENTINELS])
  const servers = all.slice(0, SERVERS.length)
  const sentinels = all.slice(SERVERS.length)
  const addresses = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
  const clients = new Set<Redis>()
  const serverAt = (port: number) => servers.find((each) => each.port === port)

  async function masterPort(): Promise<number> {
    return eventually('the sentinels to agree on the master', async () => {
      const [first, ...others] = await Promise.all(sentinels.map((each) => masterNamedBy(each, NAME)))
      return others.every((port) => port === first) ? first : undefined
    })
  }

  async function roles(): Promise<[master: RedisProcess, replicas: RedisProcess[]]> {
    const master = serverAt(await masterPort())
    if (!master) throw new Error('the sentinels name a master that is not one of ours')
    return [master, servers.filter((each) => each !== master)]
  }

  async function stop() {
    for (const client of clients) client.disconnect()
    await killAll(all)
  }

  try {
    await watchMaster(servers, sentinels, NAME)
  } catch (error) {
    await stop()
    throw error
  }

  return {
    sentinels: addresses,
    name: NAME,
    connect() {
      const client = new Redis({
        sentinels: addresses,
        name: NAME,
        retryStrategy: () => 50,
        sentinelRetryStrategy: () => 50,
        disconnectTimeout: 50,
      })
      client.on('error', () => {})
      clients.add(client)
      return client
    },
    masterPort,
    killMaster: async () => (await roles())[0].kill(),
    failedOver: async () => {
      await eventually(
        'the sentinels to make a replica the master',
        async () => {
          const [master] = await roles()
          return master.awake() && isMaster(master)
        },
        FAILOVER_MS,
      )
    },
    freezeReplicas: async () => {
      const [master, replicas] = await roles()
      await freezeReplicas([master], replicas)
    },
    thawReplicas: () => thawReplicas(servers),
    stop,
  }
}
