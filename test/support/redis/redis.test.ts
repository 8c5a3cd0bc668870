// Redis on several machines: what a replica has survives the death of its master, and nothing else does.
import type { Cluster, Redis } from 'ioredis'
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

test.each([
  ['Sentinel', sentinel],
  ['Cluster', cluster],
])('under %s, a write that reached a replica survives the master, and no other', async (_name, start) => {
  const servers = await start()
  const { client } = servers
  const replicasWith = async (key: string) => {
    const answers = await client.pipeline().set(key, 'yes').wait(1, 300).exec()
    return answers?.[1]?.[1]
  }
  try {
    const before = await servers.masterPort()
    expect(await replicasWith('{k}kept')).toBeGreaterThan(0)
    await servers.freezeReplicas()
    expect(await replicasWith('{k}lost')).toBe(0)
    await servers.killMaster()
    await servers.thawReplicas()
    await servers.failedOver()
    expect(await servers.masterPort()).not.toBe(before)
    expect(await client.mget('{k}kept', '{k}lost')).toEqual(['yes', null])
  } finally {
    await servers.stop()
  }
})

test('under Sentinel, replicas that are frozen right after a failover have what was written before', async () => {
  const servers = await startRedisSentinel()
  const client = servers.connect()
  try {
    await servers.killMaster()
    await servers.failedOver()
    await client.set('k', 'yes')
    await servers.freezeReplicas()
    await servers.killMaster()
    await servers.thawReplicas()
    await servers.failedOver()
    expect(await client.get('k')).toBe('yes')
  } finally {
    await servers.stop()
  }
})
