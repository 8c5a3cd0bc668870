// A Redis Cluster: three masters, and a replica of each that takes its place when it dies.
import { Cluster } from 'ioredis'
import { eventually } from '../deadline.ts'
import { freePort } from '../listen.ts'
import { formCluster, masterSeenBy, takesCommands } from './cluster-nodes.ts'
import { killAll, launchRedisGroup, type RedisProcess } from './launch.ts'
import { every, freezeReplicas, isMaster, REPLICA_CONFIG, thawReplicas } from './replicas.ts'

export interface RedisCluster {
  readonly nodes: { host: string; port: number }[]
  /** a client of the whole cluster; stop() closes it */
  connect(): Cluster
  /** resolves when all nodes name the same one, alive or not */
  masterOf(key: string): Promise<{ port: number; pid: number }>
  /** SIGKILL */
  killMasterOf(key: string): Promise<void>
  /** resolves when all nodes name a living master for the key, which answers as one, and take commands */
  failedOver(key: string): Promise<void>
  /** resolves when the replicas have all that was written before; they get nothing of what is written then */
  freezeReplicas(): Promise<void>
  /** resolves when they answer again */
  thawReplicas(): Promise<void>
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const MASTERS = 3
const FAILOVER_MS = 25_000
const CONFIG = [
  ...REPLICA_CONFIG,
  'cluster-enabled yes',
  // Less, and a busy machine fails over by itself.
  'cluster-node-timeout 1000',
  // A replica takes over however long it was frozen.
  'cluster-replica-validity-factor 0',
]

export async function startRedisCluster(): Promise<RedisCluster> {
  const all = await launchRedisGroup(Array(2 * MASTERS).fill({ config: CONFIG, pickPort: pickClusterPort }))
  const clients = new Set<Cluster>()
  const awake = () => all.filter((each) => each.awake())

  async function ownerOf(key: string): Promise<RedisProcess> {
    return eventually(`the nodes to agree on the master of "${key}"`, async () => {
      const [first, ...others] = await Promise.all(awake().map((each) => masterSeenBy(each, key)))
      return others.every((port) => port === first) ? all.find(({ port }) => port === first) : undefined
    })
  }

  async function stop() {
    for (const client of clients) client.disconnect()
    await killAll(all)
  }

  try {
    await formCluster(all.slice(0, MASTERS), all.slice(MASTERS))
  } catch (error) {
    await stop()
    throw error
  }

  return {
    nodes: all.map(({ port }) => ({ host: HOST, port })),
    connect() {
      const nodes = all.map(({ port }) => ({ host: HOST, port }))
      const client = new Cluster(nodes, {
        clusterRetryStrategy: () => 50,
        redisOptions: { disconnectTimeout: 50 },
      })
      client.on('error', () => {})
      clients.add(client)
      return client
    },
    masterOf: async (key) => {
      const { port, pid } = await ownerOf(key)
      return { port, pid }
    },
    killMasterOf: async (key) => (await ownerOf(key)).kill(),
    failedOver: async (key) => {
      await eventually(
        `a replica to become the master of "${key}"`,
        async () => {
          const owner = await ownerOf(key)
          return owner.awake() && (await isMaster(owner)) && every(awake(), takesCommands)
        },
        FAILOVER_MS,
      )
    },
    freezeReplicas: async () => {
      const running = awake()
      const master = await Promise.all(running.map(isMaster))
      await freezeReplicas(
        running.filter((_, at) => master[at]),
        running.filter((_, at) => !master[at]),
      )
    },
    thawReplicas: () => thawReplicas(all),
    stop,
  }
}

// The nodes talk to each other on the port 10,000 above.
async function pickClusterPort(): Promise<number> {
  return eventually('a port for a cluster node', async () => {
    const port = await freePort()
    return port + 10_000 < 65_536 ? port : undefined
  })
}
