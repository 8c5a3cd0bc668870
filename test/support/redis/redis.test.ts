// Redis on several machines: what a replica has survives the death of its master, and nothing else does.
import type { Cluster, Redis } from 'ioredis'
import { useParts } from '../servers.ts'
import { startRedisCluster } from './cluster.ts'
import { startRedisSentinel } from './sentinel.ts'

interface Replicated {
  client: Redis | Cluster
  masterPort(): Promise<number>
  killMaster(): Promise<void>
  failedOver(): Promise<void>
  freezeReplicas(): Promise<void>
  thawReplicas(): Promise<void>
  stop(): Promise<void>
}

async function sentinel(): Promise<Replicated> {
  const servers = await startRedisSentinel()
  return { ...servers, client: servers.connect() }
}

async function cluster(): Promise<Replicated> {
  const servers = await startRedisCluster()
  return {
    ...servers,
    client: servers.connect(),
    masterPort: async () => (await servers.masterOf('{k}')).port,
    killMaster: () => servers.killMasterOf('{k}'),
    failedOver: () => servers.failedOver('{k}'),
  }
}

const { underSentinel, underCluster, twice } = useParts(async (start) => {
  const [underSentinel, underCluster, twice] = await Promise.all([
    start(sentinel()),
    start(cluster()),
    start(sentinel()),
  ])
  return { underSentinel, underCluster, twice }
})

test.each([
  ['Sentinel', () => underSentinel],
  ['Cluster', () => underCluster],
])('under %s, a write that reached a replica survives the master, and no other', async (_name, which) => {
  const servers = which()
  const { client } = servers
  const replicasWith = async (key: string, withinMs: number) => {
    const answers = await client.pipeline().set(key, 'yes').wait(1, withinMs).exec()
    return answers?.[1]?.[1]
  }
  const before = await servers.masterPort()
  expect(await replicasWith('{k}kept', 10_000)).toBeGreaterThan(0)
  await servers.freezeReplicas()
  expect(await replicasWith('{k}lost', 300)).toBe(0)
  await servers.killMaster()
  await servers.thawReplicas()
  await servers.failedOver()
  expect(await servers.masterPort()).not.toBe(before)
  expect(await client.mget('{k}kept', '{k}lost')).toEqual(['yes', null])
})

test('under Sentinel, replicas that are frozen right after a failover have what was written before', async () => {
  const { client } = twice
  await twice.killMaster()
  await twice.failedOver()
  await client.set('k', 'yes')
  await twice.freezeReplicas()
  await twice.killMaster()
  await twice.thawReplicas()
  await twice.failedOver()
  expect(await client.get('k')).toBe('yes')
})
