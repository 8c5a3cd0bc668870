// Whatever else is under a session's key in Redis: nobody is logged in by it, and nothing breaks (HARD-CASES H20, H21).
import type { Redis } from 'ioredis'
import { createSealer } from '../../src/lib/seal.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { leaseTerms, type OpenedStore, openRedisStore, recordAt, SECRET, storedSession } from './stores.ts'

const OTHER_SECRET = 'quite another secret of the store tests'

let server: RedisServer
let redis: Redis
const opened: OpenedStore[] = []

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
})
afterAll(async () => {
  await Promise.all(opened.map(({ records }) => records.close()))
  await server?.stop()
})

function open(secret: string | string[] = SECRET): OpenedStore {
  const store = openRedisStore(server.url, { secret })
  opened.push(store)
  return store
}

const keyOf = (id: string) => `bff:{${id}}:auth`
const sealedBySecret = (secret: string, text: string, id: string) =>
  createSealer([secret], 'auth record').seal(text, id)

async function expectUnreadable({ records, told }: OpenedStore, id: string) {
  told.length = 0
  expect((await records.find(id)).value).toBeUndefined()
  expect(told).toEqual([{ name: 'record-unreadable', detail: expect.stringMatching(/\w/) }])
  expect(JSON.stringify(told)).not.toContain(id)
  // Someone who saw another generation asks for the lease.
  expect((await records.acquire(id, 0, 'owner', leaseTerms(1))).kind).toBe('gone')
  // And it can be ended all the same.
  expect(await records.end(id)).toEqual({ ended: true, record: undefined })
  expect(await redis.exists(keyOf(id))).toBe(0)
}

const text = (record: object) => JSON.stringify({ version: 1, ...record })
const RECORD = recordAt(1_800_000_000_000)

test.each<[string, (id: string) => string]>([
  ['nothing', () => ''],
  ['a word', () => 'garbage'],
  ['bytes that are no base64', () => '\u0000\u00ff{}[]"\r\n'],
  ['a megabyte of noise', () => 'A'.repeat(1_000_000)],
  ['the record in clear', () => encodeRecord(RECORD)],
  ['a seal cut short', (id) => sealedBySecret(SECRET, encodeRecord(RECORD), id).slice(0, -8)],
  ['only the head of a seal', (id) => sealedBySecret(SECRET, encodeRecord(RECORD), id).slice(0, 44)],
  ['a seal of another secret', (id) => sealedBySecret(OTHER_SECRET, encodeRecord(RECORD), id)],
  ['a seal for another id', () => sealedBySecret(SECRET, encodeRecord(RECORD), createLoggedInId())],
  [
    'a seal of another purpose',
    (id) => createSealer([SECRET], 'login transaction').seal(encodeRecord(RECORD), id),
  ],
  ['a newer version', (id) => sealedBySecret(SECRET, text({ ...RECORD, version: 2 }), id)],
  ['an older version', (id) => sealedBySecret(SECRET, text({ ...RECORD, version: 0 }), id)],
  ['a version that is a text', (id) => sealedBySecret(SECRET, text({ ...RECORD, version: '1' }), id)],
  ['no version', (id) => sealedBySecret(SECRET, JSON.stringify(RECORD), id)],
  ['another version’s format, which is no JSON', (id) => sealedBySecret(SECRET, '\u0002CBOR', id)],
  ['null', (id) => sealedBySecret(SECRET, 'null', id)],
  ['a number', (id) => sealedBySecret(SECRET, '1', id)],
  ['a list', (id) => sealedBySecret(SECRET, '[]', id)],
])('%s is no record: undefined, an event, no throw', async (_what, sealedFor) => {
  const store = open()
  const { id } = await storedSession(store.records, '{"cart":1}')
  await redis.hset(keyOf(id), 'sealed', sealedFor(id))
  await expectUnreadable(store, id)
})

test('a hash without a sealed record is nobody', async () => {
  const { records } = open()
  const id = createLoggedInId()
  await redis.hset(keyOf(id), 'generation', '1')
  await redis.pexpire(keyOf(id), 10_000)
  expect((await records.find(id)).value).toBeUndefined()
})

test.each<[string, (key: string) => Promise<unknown>]>([
  ['text', (key) => redis.set(key, 'text', 'EX', 100)],
  ['list', (key) => redis.rpush(key, 'one')],
])('a %s where the hash should be logs out, and does not answer "try later" for ever', async (_type, put) => {
  const { records } = open()
  const id = createLoggedInId()
  await put(keyOf(id))
  expect((await records.find(id)).value).toBeUndefined()
})

test('the whole hash of another session under this session’s key does not open', async () => {
  const store = open()
  const [mine, yours] = [await storedSession(store.records), await storedSession(store.records)]
  await redis.copy(keyOf(yours.id), keyOf(mine.id), 'REPLACE')
  await expectUnreadable(store, mine.id)
  expect((await store.records.find(yours.id)).value?.record).toEqual(yours.record)
})

test('an older sealed record put back under a newer generation is not renewed from', async () => {
  const { records } = open()
  const { id, next } = await storedSession(records)
  const old = await redis.hget(keyOf(id), 'sealed')
  await records.acquire(id, 1, 'owner', leaseTerms(10))
  await records.commit(id, next, 'owner', 0)
  await redis.hset(keyOf(id), 'sealed', old ?? '')
  // Whoever saw generation 1 must not be told, again and again, that 1 is what it was renewed to.
  expect((await records.acquire(id, 1, 'owner', leaseTerms(10))).kind).not.toBe('renewed')
})

test('a record of the retired secret opens, and is sealed by the new one from the next commit on', async () => {
  const { id, record, next } = await storedSession(open(OTHER_SECRET).records)
  const both = open([SECRET, OTHER_SECRET])
  expect((await both.records.find(id)).value?.record).toEqual(record)
  await both.records.acquire(id, 1, 'owner', leaseTerms(10))
  await both.records.commit(id, next, 'owner', 0)
  expect((await open(SECRET).records.find(id)).value?.record).toEqual(next)
  await expectUnreadable(open(OTHER_SECRET), id)
})
