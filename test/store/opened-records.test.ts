// A record that a process has opened is not sent to it again, and never used once it is another one.
import type { Redis } from 'ioredis'
import { createOpenedRecords } from '../../src/store/redis/opened-records.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { leaseTerms, type OpenedStore, openRedisStore, recordAt, storedSession } from './stores.ts'

let server: RedisServer
let redis: Redis
let one: OpenedStore
let other: OpenedStore

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
  one = openRedisStore(server.url)
  other = openRedisStore(server.url)
})
afterAll(async () => {
  await Promise.all([one, other].map((store) => store?.records.close()))
  await server?.stop()
})

const keyOf = (id: string) => `bff:{${id}}:auth`
const find = async ({ records }: OpenedStore, id: string) => (await records.find(id)).value

async function sentBytes(): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1])
}

test('an unchanged record is sent once', async () => {
  const { id, record } = await storedSession(one.records, '{"cart":1}')
  expect((await find(one, id))?.record).toEqual(record)
  const size = await redis.hstrlen(keyOf(id), 'sealed')
  const before = await sentBytes()
  for (let times = 0; times < 100; times += 1) {
    expect(await find(one, id)).toMatchObject({ record, appData: '{"cart":1}' })
  }
  expect((await sentBytes()) - before).toBeLessThan((100 * size) / 3)
})

test('a record that another process renewed is the new one', async () => {
  const { id, record, next } = await storedSession(one.records)
  expect((await find(one, id))?.record).toEqual(record)
  await other.records.acquire(id, record.generation, 'owner', leaseTerms(10))
  await other.records.commit(id, next, 'owner', 0)
  expect((await find(one, id))?.record).toEqual(next)
  expect((await find(one, id))?.record).toEqual(next)
})

test.each<[string, (id: string) => Promise<unknown>, unreadable: number]>([
  ['was ended elsewhere', (id) => other.records.end(id), 0],
  ['has expired', (id) => redis.del(keyOf(id)), 0],
  [
    'has one changed letter',
    async (id) => {
      const sealed = (await redis.hget(keyOf(id), 'sealed')) ?? ''
      await redis.hset(keyOf(id), 'sealed', `${sealed.slice(0, -1)}${sealed.endsWith('A') ? 'B' : 'A'}`)
    },
    1,
  ],
  ['is garbage now', (id) => redis.hset(keyOf(id), 'sealed', 'garbage'), 1],
  ['is empty now', (id) => redis.hset(keyOf(id), 'sealed', ''), 1],
  ['says another generation now', (id) => redis.hset(keyOf(id), 'generation', '9'), 1],
])('a record that %s is nobody’s', async (_what, change, unreadable) => {
  const { id } = await storedSession(one.records)
  expect(await find(one, id)).toBeDefined()
  one.told.length = 0
  await change(id)
  expect(await find(one, id)).toBeUndefined()
  expect(one.told.map(({ name }) => name)).toEqual(Array(unreadable).fill('record-unreadable'))
})

test('two thousand records are remembered, those that were opened last', () => {
  const opened = createOpenedRecords()
  const record = recordAt(0)
  for (let count = 0; count <= 2000; count += 1) opened.put(`${count}`, 'sealed', record)
  opened.put('1', 'sealed again', record)
  opened.put('2001', 'sealed', record)
  const known = (id: string) => opened.get(id) !== undefined
  expect(['0', '1', '2', '3', '2001'].map(known)).toEqual([false, true, false, true, true])
  opened.drop('2001')
  expect(known('2001')).toBe(false)
})
