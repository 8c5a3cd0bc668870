// The store in Redis: what its keys and values show, what else may be under them, and how records are asked for.
import type { Redis } from 'ioredis'
import { createSealer } from '../../src/lib/seal.ts'
import { createAnonymousId, createLoggedInId } from '../../src/record/session-id.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import { createOpenedRecords } from '../../src/store/redis/opened-records.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { startRedisCluster } from '../support/redis/cluster.ts'
import { isScript } from '../support/redis/commands.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { launchRedis } from '../support/redis/launch.ts'
import { useParts, useStarted } from '../support/servers.ts'
import type { OneStore } from '../support/session/one-store.ts'
import { add, drained, nobody, page, sidOf } from './index-entries.ts'
import {
  backOff,
  leaseTerms,
  type OpenedStore,
  openRedisStore,
  recordAt,
  SECRET,
  storedSession,
  useRedisStores,
} from './stores.ts'

const { redis, client, open } = useRedisStores()

const keyOf = (id: string) => `bff:{${id}}:auth`

const storedSessions = (records: SessionStore, count: number) =>
  Promise.all(Array.from({ length: count }, (_, at) => storedSession(records, `{"cart":${at}}`)))

describe('keys that all end, in one cluster slot a session, and values that show nothing', () => {
  const { records } = useParts(async () => ({ records: open().records }))

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
    for (const key of await client.keys('*')) {
      const hash = (await client.type(key)) === 'hash'
      all.set(key, hash ? JSON.stringify(await client.hgetall(key)) : String(await client.get(key)))
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
      for (const key of await client.keys('*')) {
        expect([key, await client.pttl(key)]).toEqual([key, expect.any(Number)])
        expect(await client.pttl(key)).toBeGreaterThan(0)
        expect(await client.pttl(key)).toBeLessThanOrEqual(100_000)
      }
    }
    const keys = await client.keys('*')
    expect(keys.filter((key) => key.includes(other.id))).toEqual([])
    expect(keys).toHaveLength(4)
  })

  test('the app data of a logged-in session ends with its record, to the millisecond', async () => {
    const { id } = await storedSession(records, '{"cart":1}')
    await records.appData.set(id, '{"cart":2}', 9999)
    // As if both had been idle for a while, the data for longer: a touch brings them together.
    await client.pexpire(`bff:{${id}}:auth`, 7000)
    await client.pexpire(`bff:{${id}}:app`, 5000)
    await records.touch(id)
    const ends = await client.multi().pexpiretime(`bff:{${id}}:auth`).pexpiretime(`bff:{${id}}:app`).exec()
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
      const keys = (await client.keys('*')).filter((key) => key.includes(id))
      expect(keys).toHaveLength(2)
      expect(new Set(keys.map(slotOf)).size).toBe(1)
      slots.add(slotOf(keys[0] ?? ''))
    }
    expect(slots.size).toBeGreaterThan(15)
  })

  test('no stored value shows a token or a claim, in clear or in base64', async () => {
    await client.flushall()
    const id = createLoggedInId()
    const claims = { ...recordAt(0).claims, sub: 'subject-to-be-hidden', email: 'hidden@example.com' }
    const record = recordAt(await records.now(), { claims })
    await records.create(id, record, undefined)
    const next = recordAt(await records.now(), { claims, generation: 2 })
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    await records.commit(id, next, 'owner', 0)

    const all = [...(await everything())].flat().join('\n')
    const decoded = all.match(/[\w-]{16,}/g)?.map((text) => Buffer.from(text, 'base64url').toString('latin1'))
    for (const { idToken, accessToken = '', refreshToken = '' } of [record, next]) {
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
      sealed.add(await client.hget(`bff:{${id}}:auth`, 'sealed'))
    }
    expect(sealed.size).toBe(5)
  })
})

// Nobody is logged in by it, and nothing breaks (HARD-CASES H20, H21).
describe('whatever else is under a session’s key', () => {
  const OTHER_SECRET = 'quite another secret of the store tests'

  const openWith = (secret: string | string[] = SECRET) => open({ secret })

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
    expect(await client.exists(keyOf(id))).toBe(0)
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
    const store = openWith()
    const { id } = await storedSession(store.records, '{"cart":1}')
    await client.hset(keyOf(id), 'sealed', sealedFor(id))
    await expectUnreadable(store, id)
  })

  test('a hash without a sealed record is nobody', async () => {
    const { records } = openWith()
    const id = createLoggedInId()
    await client.hset(keyOf(id), 'generation', '1')
    await client.pexpire(keyOf(id), 10_000)
    expect((await records.find(id)).value).toBeUndefined()
  })

  test.each<[string, (key: string) => Promise<unknown>]>([
    ['text', (key) => client.set(key, 'text', 'EX', 100)],
    ['list', (key) => client.rpush(key, 'one')],
  ])(
    'a %s where the hash should be logs out, and does not answer "try later" for ever',
    async (_type, put) => {
      const { records } = openWith()
      const id = createLoggedInId()
      await put(keyOf(id))
      expect((await records.find(id)).value).toBeUndefined()
    },
  )

  test('the whole hash of another session under this session’s key does not open', async () => {
    const store = openWith()
    const [mine, yours] = [await storedSession(store.records), await storedSession(store.records)]
    await client.copy(keyOf(yours.id), keyOf(mine.id), 'REPLACE')
    await expectUnreadable(store, mine.id)
    expect((await store.records.find(yours.id)).value?.record).toEqual(yours.record)
  })

  test('an older sealed record put back under a newer generation is not renewed from', async () => {
    const { records } = openWith()
    const { id, next } = await storedSession(records)
    const old = await client.hget(keyOf(id), 'sealed')
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    await records.commit(id, next, 'owner', 0)
    await client.hset(keyOf(id), 'sealed', old ?? '')
    // Whoever saw generation 1 must not be told, again and again, that 1 is what it was renewed to.
    expect((await records.acquire(id, 1, 'owner', leaseTerms(10))).kind).not.toBe('renewed')
  })

  test('a record of the retired secret opens, and is sealed by the new one from the next commit on', async () => {
    const { id, record, next } = await storedSession(openWith(OTHER_SECRET).records)
    const both = openWith([SECRET, OTHER_SECRET])
    expect((await both.records.find(id)).value?.record).toEqual(record)
    await both.records.acquire(id, 1, 'owner', leaseTerms(10))
    await both.records.commit(id, next, 'owner', 0)
    expect((await openWith(SECRET).records.find(id)).value?.record).toEqual(next)
    await expectUnreadable(openWith(OTHER_SECRET), id)
  })
})

describe('a record that a process has opened is not sent to it again, and never used once it is another one', () => {
  const { one, other } = useParts(async () => ({ one: open(), other: open() }))

  const find = async ({ records }: OpenedStore, id: string) => (await records.find(id)).value

  async function sentBytes(): Promise<number> {
    return Number(/total_net_output_bytes:(\d+)/.exec(await client.info('stats'))?.[1])
  }

  test('an unchanged record is sent once', async () => {
    const { id, record } = await storedSession(one.records, '{"cart":1}')
    expect((await find(one, id))?.record).toEqual(record)
    const size = await client.hstrlen(keyOf(id), 'sealed')
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
    ['has expired', (id) => client.del(keyOf(id)), 0],
    [
      'has one changed letter',
      async (id) => {
        const sealed = (await client.hget(keyOf(id), 'sealed')) ?? ''
        await client.hset(keyOf(id), 'sealed', `${sealed.slice(0, -1)}${sealed.endsWith('A') ? 'B' : 'A'}`)
      },
      1,
    ],
    ['is garbage now', (id) => client.hset(keyOf(id), 'sealed', 'garbage'), 1],
    ['is empty now', (id) => client.hset(keyOf(id), 'sealed', ''), 1],
    ['says another generation now', (id) => client.hset(keyOf(id), 'generation', '9'), 1],
  ])('a record that %s is nobody’s', async (_what, change, unreadable) => {
    const { id } = await storedSession(one.records)
    expect(await find(one, id)).toBeDefined()
    one.told.length = 0
    await change(id)
    expect(await find(one, id)).toBeUndefined()
    expect(one.told.map(({ name }) => name)).toEqual(Array(unreadable).fill('record-unreadable'))
  })

  test('two thousand records are remembered, those that were opened last', () => {
    const secrets: string[] = []
    const opened = createOpenedRecords().of({ secrets: () => secrets })
    const record = recordAt(0)
    for (let count = 0; count <= 2000; count += 1) opened.put(`${count}`, 'sealed', record)
    opened.put('1', 'sealed again', record)
    opened.put('2001', 'sealed', record)
    const known = (id: string) => opened.get(id) !== undefined
    expect(['0', '1', '2', '3', '2001'].map(known)).toEqual([false, true, false, true, true])
    opened.drop('2001')
    expect(known('2001')).toBe(false)
  })
})

describe('sessions that are looked up in the same moment', () => {
  const front = useStarted(() => startRedisFront(redis))
  const openFront = () => open({}, front.url)

  afterEach(() => front.normal())

  const questions = () => front.seen(isScript('find')).map(({ args }) => Number(args[2]) / 2)

  test('what is asked for in one turn is one question, of fifty sessions at most, and each gets its own answer', async () => {
    const { records } = openFront()
    const sessions = await storedSessions(records, 119)
    const before = questions().length
    const found = await Promise.all(
      [createLoggedInId(), ...sessions.map(({ id }) => id)].map((id) => records.find(id)),
    )
    expect(questions().slice(before)).toEqual([50, 50, 20])
    expect(found.map(({ value }) => [value?.record, value?.appData])).toEqual([
      [undefined, undefined],
      ...sessions.map(({ record }, at) => [record, `{"cart":${at}}`]),
    ])
  })

  test('of sessions in one question, the record that changed and the one that is known are not confused', async () => {
    const { records } = openFront()
    const [changed, same] = await storedSessions(records, 2)
    if (changed === undefined || same === undefined) throw new Error('no sessions')
    await Promise.all([changed, same].map(({ id }) => records.find(id)))
    await records.create(changed.id, changed.next, undefined)
    const [first, second] = await Promise.all([changed, same].map(({ id }) => records.find(id)))
    expect(first?.value?.record).toEqual(changed.next)
    expect(second?.value?.record).toEqual(same.record)
  })

  test('a key of one session that cannot be read is an outage for that session alone', async () => {
    const { records, told } = openFront()
    const sessions = await storedSessions(records, 3)
    const ids = sessions.map(({ id }) => id)
    await client.del(`bff:{${ids[1]}}:app`)
    await client.lpush(`bff:{${ids[1]}}:app`, 'x')
    const [first, second, third] = await Promise.allSettled(ids.map((id) => records.find(id)))
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } })
    expect(told).toEqual([{ name: 'store-unavailable', detail: expect.stringContaining('WRONGTYPE') }])
    for (const [at, each] of [first, third].entries())
      expect(each).toMatchObject({
        status: 'fulfilled',
        value: { value: { record: sessions[at * 2]?.record } },
      })
  })

  test('the end of a session is the same to the millisecond, however often it is asked for', async () => {
    const { records } = openFront()
    const { id } = await storedSession(records)
    const ends = new Set<number | undefined>()
    for (let times = 0; times < 200; times += 1) ends.add((await records.find(id)).value?.idleEndsAt)
    expect([...ends]).toEqual([await client.pexpiretime(`bff:{${id}}:auth`)])
  })

  test('a refusal of several sessions at once is none of each by itself', async () => {
    const { records, told } = openFront()
    const sessions = await storedSessions(records, 5)
    front.refuseAll((args) => isScript('find')(args) && Number(args[2]) > 2, 'ERR keys of several servers')
    const before = questions().length
    const found = await Promise.all(sessions.map(({ id }) => records.find(id)))
    front.normal()
    expect(found.map(({ value }) => value?.record)).toEqual(sessions.map(({ record }) => record))
    expect([questions().length - before, told]).toEqual([5, []])
  })

  test('an outage is one for each who asked', async () => {
    const { records } = openFront()
    const sessions = await storedSessions(records, 3)
    front.refuseAll(isScript('find'), 'LOADING Redis is loading the dataset in memory')
    const found = await Promise.allSettled(sessions.map(({ id }) => records.find(id)))
    front.normal()
    expect(found).toEqual(
      Array(3).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'store_unavailable' }) }),
    )
  })
})

describe('another kind of server', () => {
  const { older, clustered, cluster } = useParts(async (start) => {
    const launched = async (...config: string[]) => {
      const server = await launchRedis({ config })
      await start({ stop: () => server.kill() })
      return server
    }
    // A node is a member again so long after it was none, but half a second at least.
    const clustered = await launched('cluster-enabled yes', 'cluster-node-timeout 500')
    await clustered.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    const older = await launched('rename-command PEXPIRETIME ""')
    return { clustered, older, cluster: await start(startRedisCluster()) }
  })
  const opened: OneStore[] = []

  // Before its server ends: a client whose connection is gone already leaves a timer behind.
  afterEach(() => Promise.all(opened.splice(0).map((records) => records.close())))

  function openOther(given: unknown): OpenedStore {
    const store = openRedisStore(given as string | Redis)
    opened.push(store.records)
    return store
  }

  test('a Redis older than 7 tells the end too', async () => {
    const { records } = openOther(`redis://127.0.0.1:${older.port}`)
    const now = await records.now()
    const { id, record } = await storedSession(records)
    const { value } = await records.find(id)
    expect(value?.record).toEqual(record)
    expect(value?.idleEndsAt).toBeGreaterThanOrEqual(now + 100_000 - 1)
    expect(value?.idleEndsAt).toBeLessThanOrEqual((await records.now()) + 100_000)
  })

  /** Sessions of several slots, found all at once, by who knows none of them yet and by who does. */
  async function expectFound({ records, told }: OpenedStore): Promise<void> {
    const sessions = await storedSessions(records, 20)
    for (const _time of ['first', 'second']) {
      const found = await Promise.all(sessions.map(({ id }) => records.find(id)))
      expect(found.map(({ value }) => value?.record)).toEqual(sessions.map(({ record }) => record))
    }
    expect(told).toEqual([])
  }

  test('a server in cluster mode answers a client that takes it for an ordinary one', async () => {
    await eventually('the cluster to be whole', async () =>
      (await clustered.admin.cluster('INFO')).includes('cluster_state:ok'),
    )
    await expectFound(openOther(`redis://127.0.0.1:${clustered.port}`))
    // Once is enough to know it.
    expect(await clustered.admin.info('errorstats')).toContain('errorstat_CROSSSLOT:count=1\r')
  })

  test('a cluster is asked for each session on its node, by a client that pipelines by itself too', async () => {
    const { nodes } = cluster
    for (const given of [{ nodes }, { nodes, enableAutoPipelining: true }])
      await expectFound(openOther(given))
  })

  test('a cluster keeps it like a single server, on whatever node', async () => {
    const { index } = openOther(cluster.connect()).records
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
  })
})
