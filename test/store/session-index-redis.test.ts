// The index of sessions in Redis: its keys, whose they are, and whatever client and server keep it.
import { Redis } from 'ioredis'
import type { SessionStore } from '../../src/store/store.ts'
import { startRedisCluster } from '../support/redis/cluster.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { add, drained, nobody, page, sidOf } from './index-entries.ts'
import { openRedisStore } from './stores.ts'

let server: RedisServer
let redis: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
})
afterAll(() => server?.stop())

test('a group’s key has one length, names nobody, and ends with the last of its sessions', async () => {
  const { records } = openRedisStore(server.url)
  const now = await records.now()
  const groups = [nobody(), { claim: 'sub', value: 'x'.repeat(5000) } as const]
  for (const group of groups) {
    await drained(records.index, group, 50)
    await add(records.index, group, { now, lives: 90_000.5 })
    await add(records.index, group, { now, lives: 10_000 })
  }
  const keys = await redis.keys('*')
  expect(keys).toHaveLength(4)
  for (const key of keys) {
    expect(key).toMatch(/^bff:(?:sessions|ended):sub:[\w-]{43}$/)
    const end = key.startsWith('bff:ended') ? now + 50_000 : now + 90_001
    expect(Math.abs((await redis.pexpiretime(key)) - end)).toBeLessThan(5000)
  }
  await records.close()
})

test('another provider’s person of the same name is somebody else; a slash makes no other provider', async () => {
  const open = (issuerBaseURL: string) => openRedisStore(server.url, { issuerBaseURL }).records
  const [one, same, other] = [
    'https://a.example/realm',
    'https://a.example/realm/',
    'https://a.example/Realm',
  ].map(open)
  const group = nobody()
  const [id] = await add((one as SessionStore).index, group, { now: Date.now() })
  expect(await page((same as SessionStore).index, group)).toEqual([id])
  expect(await page((other as SessionStore).index, group)).toEqual([])
  expect(await drained((other as SessionStore).index, group)).toEqual([])
  await Promise.all([one, same, other].map((each) => each?.close()))
})

test.each([
  ['RESP2', { protocol: 2 }],
  ['pairs for lists', { replyMapping: 'resp3' }],
  ['numbers as texts', { stringNumbers: true }],
  ['a prefix', { keyPrefix: 'app:' }],
  ['pipelines of its own', { enableAutoPipelining: true }],
] as const)('an app’s own client with %s finds and drains', async (_name, options) => {
  const client = new Redis(server.url, options)
  const { index } = openRedisStore(client).records
  const group = nobody()
  const ids = await add(index, group, { now: Date.now(), count: 3 })
  expect(await page(index, group)).toEqual([...ids].reverse())
  expect((await drained(index, group)).flat().sort()).toEqual([...ids].sort())
  expect(await page(index, group)).toEqual([])
  client.disconnect()
})

test('a cluster keeps it like a single server, on whatever node', async () => {
  const cluster = await startRedisCluster()
  try {
    const { index } = openRedisStore(cluster.connect() as unknown as Redis).records
    const now = Date.now()
    const groups = Array.from({ length: 12 }, nobody)
    for (const group of groups) {
      await drained(index, group)
      expect(await index.endedAt(group)).toBeGreaterThan(0)
      const ids = await add(index, group, { now, count: 2, sid: `sid of ${group.value}` })
      expect(await page(index, sidOf(`sid of ${group.value}`))).toEqual([...ids].reverse())
      expect((await drained(index, group)).flat().sort()).toEqual([...ids].sort())
      await index.remove([ids[0] ?? ''], [group, sidOf(`sid of ${group.value}`)])
      expect(await page(index, sidOf(`sid of ${group.value}`))).toEqual(ids.slice(1))
    }
  } finally {
    await cluster.stop()
  }
})
