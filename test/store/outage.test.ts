// Redis frozen, killed, full, or made to forget its scripts: a clear "try later" in time, and everything works again.
import { Redis } from 'ioredis'
import { TryLaterError } from '../../src/errors/errors.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { eventually } from '../support/deadline.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts, useStarted } from '../support/servers.ts'
import { backOff, leaseTerms, type OpenedStore, openRedisStore, recordAt, storedSession } from './stores.ts'

const TIMEOUT_SECONDS = 2

const { server, client } = useParts(async (start) => {
  const server = await start(startRedis())
  return { server, client: server.connect() }
})
const [frozen, frozenForGiven, counted] = [
  useStarted(startRedis),
  useStarted(startRedis),
  useStarted(startRedis),
]
let store: OpenedStore

beforeEach(() => {
  store = open(server.url)
})
afterEach(async () => {
  await store.records.close()
  await client.config('SET', 'maxmemory', '0')
  await server.flush()
})

const open = (redis: string | Redis) => openRedisStore(redis, { redisTimeoutSeconds: TIMEOUT_SECONDS })

/** Every method of the interface, at once. */
function askEverything({ records }: OpenedStore, id: string): [string, Promise<unknown>][] {
  const record = recordAt(Date.now())
  return [
    ['now', records.now()],
    ['find', records.find(id)],
    ['create', records.create(createLoggedInId(), record, '{}')],
    ['touch', records.touch(id)],
    ['end', records.end(createLoggedInId())],
    ['acquire', records.acquire(id, 9, 'owner', leaseTerms(1))],
    ['commit', records.commit(id, record, 'owner', 0)],
    ['release', records.release(id, 'owner', backOff(0))],
    ['useOnce', records.useOnce(id, 60)],
    ['appData.get', records.appData.get(id)],
    ['appData.set', records.appData.set(id, '{}', 60)],
    ['appData.set of nobody', records.appData.set('a-nonymous', '{}', 60)],
    ['appData.touch', records.appData.touch('a-nonymous', 60)],
    ['appData.delete', records.appData.delete('a-nonymous')],
  ]
}

async function expectTryLater(asked: [string, Promise<unknown>][]) {
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
  }, 2000 * TIMEOUT_SECONDS)
  const outcomes = await Promise.all(
    asked.map(async ([name, answer]) => {
      const error = await answer.then(
        () => 'answered',
        (reason: unknown) => reason,
      )
      return { name, error, inTime: !isLate }
    }),
  )
  clearTimeout(late)
  for (const { name, error, inTime } of outcomes) {
    expect([name, error]).toEqual([name, expect.any(TryLaterError)])
    expect(error).toMatchObject({ code: 'store_unavailable', status: 503, headers: { 'retry-after': '1' } })
    expect(String((error as Error).message)).not.toMatch(/redis|127\.0\.0\.1|ECONN/i)
    // In our words: ioredis's errors hold what was sent.
    const { cause } = error as { cause: Error }
    expect(cause.message).toMatch(/^Redis at \S+ .*cannot be used: /)
    expect(Reflect.ownKeys(cause).sort()).toEqual(['message', 'stack'])
    expect([name, inTime]).toEqual([name, true])
  }
}

test('a killed Redis makes every method say "try later", and a new one is used without a restart', async () => {
  const { id } = await storedSession(store.records)
  await server.kill()
  await expectTryLater(askEverything(store, id))
  await server.restart()
  await eventually('Redis to answer again', () => store.records.now())
  // Empty as it is: logged out, not broken.
  expect((await store.records.find(id)).value).toBeUndefined()
  const again = await storedSession(store.records, '{}')
  expect((await store.records.find(again.id)).value?.record).toEqual(again.record)
})

test('a Redis that is not there yet is used as soon as it is', async () => {
  await server.kill()
  const early = open(server.url)
  try {
    await expectTryLater([['now', early.records.now()]])
    await server.restart()
    await eventually('Redis to answer', () => early.records.now())
  } finally {
    await early.records.close()
  }
})

test('a Redis that refuses writes still tells who is logged in', async () => {
  const { id, record, next } = await storedSession(store.records)
  await store.records.acquire(id, 1, 'owner', leaseTerms(10))
  await client.config('SET', 'maxmemory', '1')
  expect((await store.records.find(id)).value?.record).toEqual(record)
  await expectTryLater([
    ['commit', store.records.commit(id, next, 'owner', 0)],
    ['create', store.records.create(createLoggedInId(), record, undefined)],
    ['useOnce', store.records.useOnce('key', 10)],
  ])
  // It can end a session even so: a logout needs no memory.
  await client.config('SET', 'maxmemory', '0')
  expect((await store.records.commit(id, next, 'owner', 0)).result).toBe('committed')
  expect((await store.records.find(id)).value?.record).toEqual(next)
})

test('a Redis that refuses writes lets a session be ended', async () => {
  const { id, record } = await storedSession(store.records)
  await client.config('SET', 'maxmemory', '1')
  expect(await store.records.end(id)).toEqual({ ended: true, record })
})

test('a Redis that forgot its scripts does no harm, to fifty who ask at once either', async () => {
  const { id, record, next } = await storedSession(store.records)
  await client.script('FLUSH')
  const asked = await Promise.all(
    Array.from({ length: 50 }, (_, index) => store.records.acquire(id, 1, `owner-${index}`, leaseTerms(10))),
  )
  expect(asked.filter(({ kind }) => kind === 'granted')).toHaveLength(1)
  const owner = `owner-${asked.findIndex(({ kind }) => kind === 'granted')}`
  await client.script('FLUSH')
  expect((await store.records.commit(id, next, owner, 0)).result).toBe('committed')
  await client.script('FLUSH')
  expect(await store.records.end(id)).toEqual({ ended: true, record: next })
  expect(record.generation).toBe(1)
})

test('a store closes the connection it opened, and leaves open the client it was given', async () => {
  const control = counted.connect()
  const count = async () =>
    String(await control.call('CLIENT', 'LIST', 'TYPE', 'normal'))
      .trim()
      .split('\n').length
  const before = await count()
  const given = new Redis(counted.url)
  const [own, handedIn] = [open(counted.url), open(given)]
  await Promise.all([own.records.now(), handedIn.records.now()])
  expect(await count()).toBe(before + 2)
  await own.records.close()
  await handedIn.records.close()
  await eventually('one connection to close', async () => (await count()) === before + 1)
  expect(await given.ping()).toBe('PONG')
  given.disconnect()
})

test.each([
  ['that prefixes its keys', { keyPrefix: 'shop:' }],
  ['that answers numbers as texts', { stringNumbers: true }],
  ['that pipelines by itself', { enableAutoPipelining: true }],
])('a client %s can be handed in', async (_what, options) => {
  const given = new Redis(server.url, options)
  try {
    const { records } = open(given)
    const { id, record, next } = await storedSession(records, '{}')
    const { now, value } = await records.find(id)
    expect({ now, value }).toEqual({
      now: expect.any(Number),
      value: { record, appData: '{}', idleEndsAt: expect.any(Number) },
    })
    expect(await records.acquire(id, 1, 'owner', leaseTerms(10))).toEqual({
      kind: 'granted',
      now: expect.any(Number),
    })
    expect((await records.commit(id, next, 'owner', 5)).result).toBe('committed')
    expect(await records.acquire(id, 2, 'owner', leaseTerms(10))).toMatchObject({ kind: 'backing-off' })
    await records.touch(id)
    expect(await records.end(id, 2)).toEqual({ ended: true, record: next })
  } finally {
    given.disconnect()
  }
})

test('a Redis whose rules forbid reading records says "try later", not that nobody is logged in', async () => {
  const { id } = await storedSession(store.records)
  await client.call('ACL', 'SETUSER', 'default', '-hmget')
  await expectTryLater([['find', store.records.find(id)]])
  await client.call('ACL', 'SETUSER', 'default', '+hmget')
  expect((await store.records.find(id)).value).toBeDefined()
})

// Each waits for deadlines, at a Redis of its own.
describe('frozen', () => {
  test.concurrent('a frozen Redis makes every method say "try later" in time, and all is well after it', async () => {
    const asking = open(frozen.url)
    const { id, record } = await storedSession(asking.records, '{"cart":1}')
    frozen.freeze()
    await expectTryLater(askEverything(asking, id))
    expect(asking.told).toContainEqual({ name: 'store-unavailable', detail: expect.any(String) })

    frozen.thaw()
    const found = await eventually('Redis to answer again', () => asking.records.find(id))
    // What was asked while it was frozen may have been done since: nobody was logged out by it.
    expect(found.value).toMatchObject({ record })
    expect(await Promise.allSettled(askEverything(asking, id).map(([, answer]) => answer))).toEqual(
      expect.not.arrayContaining([expect.objectContaining({ status: 'rejected' })]),
    )
    await asking.records.close()
  })

  test.concurrent('a frozen Redis makes a client that was handed in, and waits for ever, say "try later" in time too', async () => {
    const given = new Redis(frozenForGiven.url, { maxRetriesPerRequest: null })
    const handedIn = open(given)
    const { id } = await storedSession(handedIn.records)
    frozenForGiven.freeze()
    await expectTryLater(askEverything(handedIn, id))
    frozenForGiven.thaw()
    await eventually('Redis to answer again', () => handedIn.records.find(id))
    given.disconnect()
  })
})
