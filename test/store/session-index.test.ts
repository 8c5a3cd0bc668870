// The index of sessions, the same in memory and in Redis: who is found from elsewhere, for how long, and no longer. In Redis:
// its keys, whose they are, and whatever client keeps it.
import { Redis } from 'ioredis'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { END_BATCH } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { add, drained, nobody, page, sidOf } from './index-entries.ts'
import { BACKENDS, recordAt, useRedisStores } from './stores.ts'

describe.each(BACKENDS)('the index %s', (_name, useBackend) => {
  const { records, index } = useBackend()
  let now: number

  beforeEach(async () => {
    now = await records.now()
  })

  test('names a person’s sessions, the newest first, page by page, and nobody else’s', async () => {
    const [group, other] = [nobody(), nobody()]
    const ids = (await add(index, group, { now, count: 25 })).reverse()
    await add(index, other, { now, count: 3 })
    expect(await index.page(group, 0, 10)).toEqual(ids.slice(0, 10))
    expect(await index.page(group, 10, 10)).toEqual(ids.slice(10, 20))
    expect(await index.page(group, 20, 10)).toEqual(ids.slice(20))
    expect(await index.page(group, 30, 10)).toEqual([])
    expect(await page(index, nobody())).toEqual([])
  })

  test('names a session by its sid too, which is nobody’s sub', async () => {
    const [group, value] = [nobody(), createLoggedInId()]
    const [first] = await add(index, group, { now, sid: value })
    const [second] = await add(index, group, { now: now + 1 })
    expect(await page(index, sidOf(value))).toEqual([first])
    expect(await page(index, { claim: 'sub', value })).toEqual([])
    expect(await page(index, sidOf(group.value))).toEqual([])
    expect(await page(index, group)).toEqual([second, first])
  })

  test.each(['', 7, null, ['a'], {}])('names no session by a sid that is %p', async (sid) => {
    const group = nobody()
    const claims = { ...recordAt(now).claims, sub: group.value, sid } as unknown as AuthRecord['claims']
    await index.add('s-odd', recordAt(now, { claims }))
    expect(await page(index, sidOf(String(sid)))).toEqual([])
    expect(await page(index, group)).toEqual(['s-odd'])
  })

  test.each([
    '__proto__',
    'constructor',
    'a b',
    'a"b\\',
    'Ünal “𝔘”',
    '\u0000',
    '*',
    '{x}',
    'x'.repeat(10_000),
  ])('takes any name, and confuses none (%#)', async (value) => {
    const group = { claim: 'sub', value } as const
    const [id] = await add(index, group, { now })
    expect(await page(index, group)).toEqual([id])
    for (const like of [`${value} `, `${value}x`, value.toLowerCase().slice(0, -1)]) {
      expect(await page(index, { claim: 'sub', value: like })).toEqual([])
    }
  })

  test('names a session once that is added twice', async () => {
    const group = nobody()
    const record = recordAt(now, { claims: { ...recordAt(now).claims, sub: group.value } })
    for (let time = 0; time < 2; time += 1) await index.add('s-twice', record)
    expect(await page(index, group)).toEqual(['s-twice'])
  })

  test('forgets a session in the groups that it is told, and no other', async () => {
    const [group, sid] = [nobody(), createLoggedInId()]
    const [first = '', second = ''] = await add(index, group, { now, sid, count: 2 })
    await index.remove([first], [group])
    expect(await page(index, group)).toEqual([second])
    expect(await page(index, sidOf(sid))).toEqual([second, first])
    await index.remove([first], [group, sidOf(sid), nobody()])
    expect(await page(index, sidOf(sid))).toEqual([second])
  })

  test('is drained in batches, whole, and is empty then', async () => {
    const [group, other] = [nobody(), nobody()]
    const ids = await add(index, group, { now, count: 2 * END_BATCH + 1 })
    const kept = await add(index, other, { now })
    const batches = await drained(index, group)
    // Redis takes the size of a batch for a hint.
    expect(batches.length).toBeGreaterThan(1)
    for (const { length } of batches) expect(length).toBeLessThan(2 * END_BATCH)
    expect(batches.flat().sort()).toEqual([...ids].sort())
    expect(await page(index, group)).toEqual([])
    expect(await drained(index, group)).toEqual([])
    expect(await page(index, other)).toEqual(kept)
  })

  test('still names a batch whose sessions could not be ended', async () => {
    const group = nobody()
    const ids = await add(index, group, { now, count: END_BATCH + 5 })
    const stopping = index.endGroup(group, 60)
    await stopping.next()
    await stopping.return()
    expect(await page(index, group)).toEqual([...ids].reverse())
    expect((await drained(index, group)).flat().sort()).toEqual([...ids].sort())
  })

  test('is not drained of what was added since', async () => {
    const group = nobody()
    const ids = await add(index, group, { now, count: END_BATCH + 5 })
    const draining = index.endGroup(group, 60)
    const seen = [...((await draining.next()).value ?? [])]
    const late = await add(index, group, { now: now + 10_000, count: 3 })
    for await (const batch of draining) seen.push(...batch)
    expect([...new Set(seen)].sort()).toEqual([...ids].sort())
    expect(seen).not.toEqual(expect.arrayContaining(late))
  })

  test('remembers for a while when a group was ended, and that one only', async () => {
    const group = nobody()
    expect(await index.endedAt(group)).toBeUndefined()
    await drained(index, group, 60)
    const ended = (await index.endedAt(group)) ?? Number.NaN
    expect(ended).toBeGreaterThanOrEqual(now)
    expect(ended).toBeLessThanOrEqual(await records.now())
    expect(await index.endedAt({ ...group, claim: 'sid' })).toBeUndefined()
    expect(await index.endedAt(nobody())).toBeUndefined()
    const soon = nobody()
    await drained(index, soon, 1)
    await eventually('it to be forgotten', async () => (await index.endedAt(soon)) === undefined)
    expect(await index.endedAt(group)).toBe(ended)
  })

  test('names a session to its latest end, though a later one ends sooner', async () => {
    const group = nobody()
    const [longer] = await add(index, group, { now, lives: 100_000 })
    await add(index, group, { now, lives: 200 })
    await eventually('the shorter one to end', async () => (await records.now()) > now + 300)
    expect(await page(index, group)).toContain(longer)
  })

  test('forgets a session at its latest end, and a group with its last one', async () => {
    const [group, short] = [nobody(), nobody()]
    await add(index, group, { now, lives: 200 })
    await add(index, short, { now, lives: 200 })
    const [longer = ''] = await add(index, group, { now, lives: 100_000 })
    await add(index, short, { now, lives: 400 })
    await eventually('the first to end', async () => {
      const [added = ''] = await add(index, group, { now, lives: 100_000 })
      await index.remove([added], [group])
      return (await page(index, group)).length === 1
    })
    expect(await page(index, group)).toEqual([longer])
    await eventually('the last to end', async () => (await page(index, short)).length === 0)
  })
})

describe('in Redis', () => {
  const { redis, client, open } = useRedisStores()

  test('a group’s key has one length, names nobody, and ends with the last of its sessions', async () => {
    const { records } = open()
    const now = await records.now()
    const groups = [nobody(), { claim: 'sub', value: 'x'.repeat(5000) } as const]
    for (const group of groups) {
      await drained(records.index, group, 50)
      await add(records.index, group, { now, lives: 90_000.5 })
      await add(records.index, group, { now, lives: 10_000 })
    }
    const keys = await client.keys('*')
    expect(keys).toHaveLength(4)
    for (const key of keys) {
      expect(key).toMatch(/^bff:(?:sessions|ended):sub:[\w-]{43}$/)
      const end = key.startsWith('bff:ended') ? now + 50_000 : now + 90_001
      expect(Math.abs((await client.pexpiretime(key)) - end)).toBeLessThan(5000)
    }
  })

  test('another provider’s person of the same name is somebody else; a slash makes no other provider', async () => {
    const indexAt = (issuerBaseURL: string) => open({ issuerBaseURL }).records.index
    const one = indexAt('https://a.example/realm')
    const same = indexAt('https://a.example/realm/')
    const other = indexAt('https://a.example/Realm')
    const group = nobody()
    const [id] = await add(one, group, { now: Date.now() })
    expect(await page(same, group)).toEqual([id])
    expect(await page(other, group)).toEqual([])
    expect(await drained(other, group)).toEqual([])
  })

  test.each([
    ['RESP2', { protocol: 2 }],
    ['pairs for lists', { replyMapping: 'resp3' }],
    ['numbers as texts', { stringNumbers: true }],
    ['a prefix', { keyPrefix: 'app:' }],
    ['pipelines of its own', { enableAutoPipelining: true }],
  ] as const)('an app’s own client with %s finds and drains', async (_name, options) => {
    const own = new Redis(redis.url, options)
    const { index } = open({}, own).records
    const group = nobody()
    const ids = await add(index, group, { now: Date.now(), count: 3 })
    expect(await page(index, group)).toEqual([...ids].reverse())
    expect((await drained(index, group)).flat().sort()).toEqual([...ids].sort())
    expect(await page(index, group)).toEqual([])
    own.disconnect()
  })
})
