// What is in Redis: keys that all end, in one cluster slot a session, and values that show nothing.
import type { Redis } from 'ioredis'
import { createAnonymousId, createLoggedInId } from '../../src/record/session-id.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { backOff, leaseTerms, openRedisStore, recordAt, storedSession } from './stores.ts'

let server: RedisServer
let redis: Redis
let records: SessionStore

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
  records = openRedisStore(server.url).records
})
afterAll(async () => {
  await records?.close()
  await server?.stop()
})

/** CRC16/XMODEM over what stands in braces: the Redis Cluster specification, "Key distribution model". */
function slotOf(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc % 16384
}

async function everything(): Promise<Map<string, string>> {
  const all = new Map<string, string>()
  for (const key of await redis.keys('*')) {
    const hash = (await redis.type(key)) === 'hash'
    all.set(key, hash ? JSON.stringify(await redis.hgetall(key)) : String(await redis.get(key)))
  }
  return all
}

test('every key has an end, whatever was done to it', async () => {
  const { id, next } = await storedSession(records, '{"cart":1}')
  const other = await storedSession(records)
  const anonymous = createAnonymousId()
  await records.appData.set(id, '{"cart":2}', 50)
  await records.appData.set(other.id, '{"cart":2}', 50)
  await records.appData.set(anonymous, '{}', 50)
  await records.useOnce('key', 50)
  const steps = [
    () => records.touch(id),
    () => records.acquire(id, 1, 'owner', leaseTerms(10)),
    () => records.commit(id, next, 'owner', 5),
    () => records.acquire(other.id, 1, 'owner', leaseTerms(10)),
    () => records.release(other.id, 'owner', backOff(5)),
    () => records.appData.touch(anonymous, 40),
    () => records.appData.touch(id, 5),
    () => records.end(other.id, 7),
    // After the end: none of these may make a key again, least of all one without an end.
    () => records.end(other.id),
    () => records.commit(other.id, other.next, 'owner', 5),
    () => records.acquire(other.id, 1, 'owner', leaseTerms(10)),
    () => records.release(other.id, 'owner', backOff(5)),
    () => records.touch(other.id),
    () => records.appData.set(other.id, '{}', 50),
  ]
  for (const step of steps) {
    await step()
    for (const key of await redis.keys('*')) {
      expect([key, await redis.pttl(key)]).toEqual([key, expect.any(Number)])
      expect(await redis.pttl(key)).toBeGreaterThan(0)
      expect(await redis.pttl(key)).toBeLessThanOrEqual(100_000)
    }
  }
  const keys = await redis.keys('*')
  expect(keys.filter((key) => key.includes(other.id))).toEqual([])
  expect(keys).toHaveLength(4)
})

test('the app data of a logged-in session ends with its record, to the millisecond', async () => {
  const { id } = await storedSession(records, '{"cart":1}')
  await records.appData.set(id, '{"cart":2}', 9999)
  // As if both had been idle for a while, the data for longer: a touch brings them together.
  await redis.pexpire(`bff:{${id}}:auth`, 7000)
  await redis.pexpire(`bff:{${id}}:app`, 5000)
  await records.touch(id)
  const ends = await redis.multi().pexpiretime(`bff:{${id}}:auth`).pexpiretime(`bff:{${id}}:app`).exec()
  const [auth, app] = (ends ?? []).map(([, end]) => Number(end))
  expect(auth).toBeGreaterThan(Date.now() + 50_000)
  expect(Math.abs((auth ?? 0) - (app ?? 0))).toBeLessThan(50)
})

test('both keys of a session are in one cluster slot, and sessions are spread over the slots', async () => {
  // The specification's own example, so that this CRC is that CRC.
  expect(slotOf('123456789')).toBe(0x31c3 % 16384)
  expect(slotOf('{user1000}.following')).toBe(slotOf('{user1000}.followers'))

  const slots = new Set<number>()
  for (let count = 0; count < 20; count += 1) {
    const { id } = await storedSession(records, '{}')
    const keys = (await redis.keys('*')).filter((key) => key.includes(id))
    expect(keys).toHaveLength(2)
    expect(new Set(keys.map(slotOf)).size).toBe(1)
    slots.add(slotOf(keys[0] ?? ''))
  }
  expect(slots.size).toBeGreaterThan(15)
})

test('no stored value shows a token or a claim, in clear or in base64', async () => {
  await redis.flushall()
  const id = createLoggedInId()
  const claims = { ...recordAt(0).claims, sub: 'subject-to-be-hidden', email: 'hidden@example.com' }
  const record = recordAt(await records.now(), { claims })
  await records.create(id, record, undefined)
  const next = recordAt(await records.now(), { claims, generation: 2 })
  await records.acquire(id, 1, 'owner', leaseTerms(10))
  await records.commit(id, next, 'owner', 0)

  const all = [...(await everything())].flat().join('\n')
  const decoded = all.match(/[\w-]{16,}/g)?.map((text) => Buffer.from(text, 'base64url').toString('latin1'))
  for (const { idToken, accessToken, refreshToken = '' } of [record, next]) {
    for (const secret of [idToken, accessToken, refreshToken, claims.sub, claims.email]) {
      expect(all).not.toContain(secret)
      expect(all).not.toContain(Buffer.from(secret).toString('base64url').slice(2, -4))
      expect(decoded?.join('\n')).not.toContain(secret)
    }
  }
})

test('the same record is never stored as the same bytes twice', async () => {
  const id = createLoggedInId()
  const record = recordAt(await records.now())
  const sealed = new Set<string | null>()
  for (let count = 0; count < 5; count += 1) {
    await records.create(id, record, undefined)
    sealed.add(await redis.hget(`bff:{${id}}:auth`, 'sealed'))
  }
  expect(sealed.size).toBe(5)
})
