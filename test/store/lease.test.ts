// The right to renew, the same in memory and in Redis: acquire, commit, release, and what is used only once.
import { randomUUID } from 'node:crypto'
import { createLoggedInId } from '../../src/record/session-id.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { BACKENDS, backOff, leaseTerms, recordAt, storedSession } from './stores.ts'

describe.each(BACKENDS)('a lease %s', (_name, backend) => {
  let records: SessionStore

  beforeAll(async () => {
    await backend.start()
    records = backend.open()
  })
  afterAll(() => backend.stop())

  test('is granted to the first who asks, with the store’s clock, and held for the others', async () => {
    const { id } = await storedSession(records)
    const before = await records.now()
    const granted = await records.acquire(id, 1, 'first', leaseTerms(10))
    expect(granted).toEqual({ kind: 'granted', now: expect.any(Number) })
    if (granted.kind === 'granted') {
      expect(granted.now).toBeGreaterThanOrEqual(before)
      expect(granted.now).toBeLessThanOrEqual(await records.now())
    }
    expect(await records.acquire(id, 1, 'second', leaseTerms(10))).toEqual({ kind: 'held' })
    expect(await records.acquire(id, 1, 'first', leaseTerms(10))).toEqual({ kind: 'held' })
  })

  test('is granted to one of fifty who ask at once', async () => {
    const { id } = await storedSession(records)
    const asked = await Promise.all(
      Array.from({ length: 50 }, () => records.acquire(id, 1, randomUUID(), leaseTerms(10))),
    )
    const kinds = asked.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'granted')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'held')).toHaveLength(49)
  })

  test('of one session does not hold another', async () => {
    const [one, other] = [await storedSession(records), await storedSession(records)]
    await records.acquire(one.id, 1, 'owner', leaseTerms(10))
    expect(await records.acquire(other.id, 1, 'owner', leaseTerms(10))).toMatchObject({ kind: 'granted' })
  })

  test('is not needed by whoever saw an older generation: the newer record is there', async () => {
    const { id, next } = await storedSession(records)
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    await records.commit(id, next, 'owner', 0)
    expect(await records.acquire(id, 1, 'late', leaseTerms(10))).toEqual({ kind: 'renewed', record: next })
    // Whoever renews that one meanwhile does not keep the newer record from those who are further behind.
    await records.acquire(id, 2, 'next', leaseTerms(10))
    expect(await records.acquire(id, 1, 'late', leaseTerms(10))).toEqual({ kind: 'renewed', record: next })
  })

  test('for a generation that is not stored yet is not answered with an older record', async () => {
    const { id } = await storedSession(records)
    const { kind } = await records.acquire(id, 2, 'ahead', leaseTerms(10))
    expect(kind).not.toBe('renewed')
    expect(kind).not.toBe('granted')
  })

  test('on a session that is over is gone', async () => {
    expect(await records.acquire(createLoggedInId(), 1, 'owner', leaseTerms(10))).toEqual({ kind: 'gone' })
  })

  test('ends by a commit, and the next generation can be renewed', async () => {
    const { id, next } = await storedSession(records, '{"cart":1}')
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    const { value: before } = await records.find(id)
    expect((await records.commit(id, next, 'owner', 0)).result).toBe('committed')
    const { value } = await records.find(id)
    expect(value).toMatchObject({ record: next, appData: '{"cart":1}' })
    expect(Math.abs((value?.idleEndsAt ?? 0) - (before?.idleEndsAt ?? 0))).toBeLessThan(100)
    expect(await records.acquire(id, 2, 'other', leaseTerms(10))).toMatchObject({ kind: 'granted' })
  })

  test('allows one commit, which may be said again after its answer was lost', async () => {
    const { id, next } = await storedSession(records)
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    expect((await records.commit(id, next, 'owner', 0)).result).toBe('committed')
    await records.acquire(id, 2, 'other', leaseTerms(10))
    expect((await records.commit(id, next, 'owner', 5)).result).toBe('committed')
    // Saying it again took no lease from the next holder and set no back-off.
    expect(await records.acquire(id, 2, 'third', leaseTerms(10))).toEqual({ kind: 'held' })
    const third = { ...next, generation: 3 }
    expect((await records.commit(id, third, 'other', 0)).result).toBe('committed')
    expect((await records.commit(id, next, 'owner', 0)).result).toBe('superseded')
    expect((await records.find(id)).value?.record).toEqual(third)
  })

  test.each([
    ['of a generation that leaves one out', 'owner', 3, 'superseded'],
    ['of the generation that is stored', 'owner', 1, 'superseded'],
    ['while it is somebody else’s', 'other', 2, 'held'],
  ])('allows no commit %s', async (_what, owner, generation, result) => {
    const { id, record } = await storedSession(records)
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    expect((await records.commit(id, recordAt(0, { generation }), owner, 0)).result).toBe(result)
    expect((await records.find(id)).value?.record).toEqual(record)
  })

  test('that the store has lost, as after a failover, does not lose its holder’s commit', async () => {
    const { id, next } = await storedSession(records)
    expect((await records.commit(id, next, 'holder', 0)).result).toBe('committed')
    expect((await records.find(id)).value?.record).toEqual(next)
  })

  test('allows no commit to a session that ended meanwhile, which stays dead', async () => {
    const { id, next } = await storedSession(records, '{"cart":1}')
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    await records.end(id)
    expect((await records.commit(id, next, 'owner', 0)).result).toBe('gone')
    await records.release(id, 'owner', backOff(5))
    await records.touch(id)
    expect((await records.find(id)).value).toBeUndefined()
    expect(await records.appData.get(id)).toBeNull()
    expect((await records.commit(id, next, 'owner', 0)).result).toBe('gone')
  })

  test('that ran out is given to the next; the late holder can neither commit nor release', async () => {
    const { id, record, next } = await storedSession(records)
    await records.acquire(id, 1, 'late', leaseTerms(0.1))
    await eventually('the lease to run out', async () => {
      return (await records.acquire(id, 1, 'successor', leaseTerms(10))).kind === 'granted'
    })
    expect((await records.commit(id, next, 'late', 0)).result).toBe('held')
    await records.release(id, 'late', backOff(30))
    expect(await records.acquire(id, 1, 'third', leaseTerms(10))).toEqual({ kind: 'held' })
    expect((await records.find(id)).value?.record).toEqual(record)
    expect((await records.commit(id, next, 'successor', 0)).result).toBe('committed')
    expect((await records.commit(id, { ...next, accessToken: 'late' }, 'late', 0)).result).toBe('superseded')
    expect((await records.find(id)).value?.record).toEqual(next)
  })

  test('that ran out and was given to nobody is still good for a commit', async () => {
    const { id, next } = await storedSession(records)
    await records.acquire(id, 1, 'late', leaseTerms(0.05))
    const ranOutAt = (await records.now()) + 60
    await eventually('the lease to run out', async () => (await records.now()) > ranOutAt)
    expect((await records.commit(id, next, 'late', 0)).result).toBe('committed')
  })

  test('given back is there for the next at once, or after the back-off', async () => {
    const { id } = await storedSession(records)
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    await records.release(id, 'somebody else', backOff(30))
    expect(await records.acquire(id, 1, 'second', leaseTerms(10))).toEqual({ kind: 'held' })
    await records.release(id, 'owner', backOff(0))
    expect(await records.acquire(id, 1, 'second', leaseTerms(10))).toMatchObject({ kind: 'granted' })
    await records.release(id, 'second', backOff(0.25))
    const asked = await records.acquire(id, 1, 'third', leaseTerms(10))
    expect(asked).toEqual({ kind: 'backing-off', retryAfterSeconds: expect.any(Number) })
    if (asked.kind === 'backing-off') {
      expect(asked.retryAfterSeconds).toBeGreaterThan(0)
      expect(asked.retryAfterSeconds).toBeLessThanOrEqual(0.25)
    }
    await eventually('the back-off to end', async () => {
      return (await records.acquire(id, 1, 'third', leaseTerms(10))).kind === 'granted'
    })
  })

  test('on a record whose renewal was not whole waits for the back-off', async () => {
    const { id, next } = await storedSession(records)
    await records.acquire(id, 1, 'owner', leaseTerms(10))
    await records.commit(id, next, 'owner', 30)
    expect(await records.acquire(id, 2, 'other', leaseTerms(10))).toMatchObject({ kind: 'backing-off' })
    expect(await records.acquire(id, 1, 'late', leaseTerms(10))).toEqual({ kind: 'renewed', record: next })
  })

  test('is no use-once key: that is taken by one of twenty, until its time is over', async () => {
    const key = randomUUID()
    const used = await Promise.all(Array.from({ length: 20 }, () => records.useOnce(key, 1)))
    expect(used.filter((first) => first)).toHaveLength(1)
    expect(await records.useOnce(randomUUID(), 1)).toBe(true)
    await eventually('its time to be over', () => records.useOnce(key, 1), 3000)
  })
})
