// Sessions in the store, the same in memory and in Redis: their life, the app's data beside them, and the right to renew.
import { randomUUID } from 'node:crypto'
import { createAnonymousId, createLoggedInId } from '../../src/record/session-id.ts'
import { eventually } from '../support/deadline.ts'
import { createMemoryStore } from '../support/session/one-store.ts'
import { BACKENDS, backOff, configWith, IDLE_SECONDS, leaseTerms, recordAt, storedSession } from './stores.ts'

describe.each(BACKENDS)('%s', (_name, useBackend) => {
  const { records, open } = useBackend()

  describe('a session', () => {
    test('is found as it was created, with the store’s clock', async () => {
      const before = await records.now()
      const { id, record } = await storedSession(records, '{"cart":1}')
      const after = await records.now()
      const { now, value } = await records.find(id)
      expect(value).toEqual({ record, appData: '{"cart":1}', idleEndsAt: expect.any(Number) })
      expect(now).toBeGreaterThanOrEqual(after)
      expect(now).toBeLessThanOrEqual(await records.now())
      const idleBegan = (value?.idleEndsAt ?? 0) - IDLE_SECONDS * 1000
      expect(idleBegan).toBeGreaterThanOrEqual(before - 1)
      expect(idleBegan).toBeLessThanOrEqual(after + 1)
    })

    test('is found with fields that are undefined, claims that nest, and any text', async () => {
      const claims = {
        ...recordAt(0).claims,
        name: 'Ünal “𝔘” \u0000\n',
        address: { lines: ['1', { city: 'Ærø' }] },
        empty: null,
      }
      const record = recordAt(await records.now(), {
        claims,
        refreshToken: undefined,
        scope: undefined,
        idTokenExpiresAt: undefined,
        accessTokenExpiresAt: undefined,
      })
      const id = createLoggedInId()
      await records.create(id, record, undefined)
      expect((await records.find(id)).value?.record).toEqual(record)
    })

    test('is not found under an id that nobody created, and the clock comes all the same', async () => {
      const { now, value } = await records.find(createLoggedInId())
      expect(value).toBeUndefined()
      expect(Math.abs(now - Date.now())).toBeLessThan(60_000)
    })

    test('is not changed by what a caller does to what it found', async () => {
      const id = createLoggedInId()
      const address = { city: 'Bergen' }
      await records.create(
        id,
        recordAt(await records.now(), { claims: { ...recordAt(0).claims, address } }),
        undefined,
      )
      const found = (await records.find(id)).value?.record.claims.address as { city: string }
      expect(() => {
        found.city = 'elsewhere'
      }).toThrow(TypeError)
      expect((await records.find(id)).value?.record.claims.address).toEqual({ city: 'Bergen' })
    })

    test('is not changed by what a caller does to what it stored', async () => {
      const id = createLoggedInId()
      const claimsOf = (city: string) => ({ ...recordAt(0).claims, address: { city } })
      const [first, second] = [claimsOf('Bergen'), claimsOf('Oslo')]
      await records.create(id, recordAt(await records.now(), { claims: first }), undefined)
      first.address.city = 'elsewhere'
      expect((await records.find(id)).value?.record.claims.address).toEqual({ city: 'Bergen' })
      await records.acquire(id, 1, 'owner', leaseTerms(10))
      await records.commit(id, recordAt(await records.now(), { generation: 2, claims: second }), 'owner', 0)
      second.address.city = 'elsewhere'
      expect((await records.find(id)).value?.record.claims.address).toEqual({ city: 'Oslo' })
    })

    test('has no app data where none was given', async () => {
      const { id } = await storedSession(records)
      expect((await records.find(id)).value?.appData).toBeUndefined()
      expect(await records.appData.get(id)).toBeNull()
    })

    test('ends whole, once, and says what it was', async () => {
      const { id, record } = await storedSession(records, '{"cart":1}')
      expect(await records.end(id)).toEqual({ ended: true, record })
      expect((await records.find(id)).value).toBeUndefined()
      expect(await records.appData.get(id)).toBeNull()
      expect(await records.end(id)).toEqual({ ended: false, record: undefined })
    })

    test('ends by its generation only if that is still the stored one', async () => {
      const { id, record, next } = await storedSession(records, '{"cart":1}')
      await records.acquire(id, 1, 'owner', leaseTerms(10))
      await records.commit(id, next, 'owner', 0)

      expect(await records.end(id, 1)).toEqual({ ended: false, record: next })
      expect((await records.find(id)).value).toMatchObject({ record: next, appData: '{"cart":1}' })
      expect(await records.end(id, 3)).toEqual({ ended: false, record: next })
      expect(await records.end(id, 2)).toEqual({ ended: true, record: next })
      expect(await records.appData.get(id)).toBeNull()
      expect(await records.end(id, 2)).toEqual({ ended: false, record: undefined })
      expect(record.generation).toBe(1)
    })

    test('is over at its idle end, app data and all', async () => {
      const short = open({ session: { idleTimeoutSeconds: 1 } })
      const created = await short.now()
      const { id } = await storedSession(short, '{"cart":1}')
      const { now, value } = await short.find(id)
      expect(value !== undefined || now > created + 999).toBe(true)
      await eventually('the idle end', async () => (await short.find(id)).value === undefined)
      // Redis ends a key a millisecond after its time.
      await eventually('the end of its data', async () => (await short.appData.get(id)) === null)
      expect(await short.acquire(id, 1, 'owner', leaseTerms(10))).toEqual({ kind: 'gone' })
      await short.touch(id)
      expect((await short.find(id)).value).toBeUndefined()
    })

    test('is over at its absolute end, however often it is touched', async () => {
      const id = createLoggedInId()
      await records.create(id, recordAt(await records.now(), { endsAt: (await records.now()) + 400 }), '{}')
      await records.touch(id)
      await eventually('the absolute end', async () => {
        await records.touch(id)
        return (await records.find(id)).value === undefined
      })
      // Redis ends a key a millisecond after its time.
      await eventually('the end of its data', async () => (await records.appData.get(id)) === null)
    })

    test('is given its idle time again by a touch, and no other session is', async () => {
      const [touched, other] = [await storedSession(records, '{}'), await storedSession(records)]
      const end = async (id: string) => (await records.find(id)).value?.idleEndsAt ?? 0
      const before = { touched: await end(touched.id), other: await end(other.id) }
      const later = (await records.now()) + 100
      await eventually('a tenth of a second to pass', async () => (await records.now()) > later)
      await records.touch(touched.id)
      expect((await end(touched.id)) - before.touched).toBeGreaterThan(80)
      expect((await end(other.id)) - before.other).toBeLessThan(20)
    })

    test('is not brought back by a touch after its end', async () => {
      const { id } = await storedSession(records, '{}')
      await records.end(id)
      await records.touch(id)
      expect((await records.find(id)).value).toBeUndefined()
      expect(await records.appData.get(id)).toBeNull()
    })

    test('lives by idle and absolute times that are not whole seconds', async () => {
      const odd = open({ session: { idleTimeoutSeconds: 60.0005, absoluteTimeoutSeconds: 90.00025 } })
      const id = createLoggedInId()
      const now = await odd.now()
      await odd.create(id, recordAt(now, { endsAt: now + 90_000.25 }), '{}')
      await odd.touch(id)
      expect((await odd.find(id)).value).toBeDefined()
      await odd.appData.set('a-nonymous', '{}', 60.0005)
      await odd.appData.touch('a-nonymous', 60.0005)
      expect(await odd.appData.get('a-nonymous')).toBe('{}')
    })
  })

  describe('app data', () => {
    test('of a logged-in session is stored and found with it', async () => {
      const { id, record } = await storedSession(records)
      await records.appData.set(id, '{"cart":2}', 1)
      expect((await records.find(id)).value).toMatchObject({ record, appData: '{"cart":2}' })
      expect(await records.appData.get(id)).toBe('{"cart":2}')
    })

    test('of a logged-in session ends with the record, whatever seconds it was given', async () => {
      const id = createLoggedInId()
      await records.create(
        id,
        recordAt(await records.now(), { endsAt: (await records.now()) + 300 }),
        undefined,
      )
      await records.appData.set(id, '{"cart":2}', 5000)
      await eventually('the record to end', async () => {
        await records.appData.touch(id, 5000)
        return (await records.find(id)).value === undefined
      })
      // Redis ends each of the two in a millisecond of its own.
      await eventually('what is kept with it to end', async () => (await records.appData.get(id)) === null)
    })

    test('of a logged-in id that has no record is not stored', async () => {
      const id = createLoggedInId()
      await records.appData.set(id, '{"cart":2}', 100)
      await records.appData.touch(id, 100)
      expect(await records.appData.get(id)).toBeNull()
    })

    test('saved late, after the session ended, does not come back', async () => {
      const { id } = await storedSession(records, '{"cart":1}')
      await records.end(id)
      await records.appData.set(id, '{"cart":2}', 100)
      expect(await records.appData.get(id)).toBeNull()
      expect((await records.find(id)).value).toBeUndefined()
    })

    test('saved while a renewal commits is kept, and so is the renewed record', async () => {
      const { id, next } = await storedSession(records, '{"cart":1}')
      await records.acquire(id, 1, 'owner', leaseTerms(10))
      await Promise.all([records.appData.set(id, '{"cart":2}', 100), records.commit(id, next, 'owner', 0)])
      expect((await records.find(id)).value).toMatchObject({ record: next, appData: '{"cart":2}' })
    })

    test('destroyed by the app takes the record with it', async () => {
      const { id } = await storedSession(records, '{"cart":1}')
      await records.appData.delete(id)
      expect((await records.find(id)).value).toBeUndefined()
      expect(await records.appData.get(id)).toBeNull()
    })

    test('of an anonymous session has a time of its own, which a touch extends', async () => {
      const [kept, dropped] = [createAnonymousId(), createAnonymousId()]
      // At once, so that none of it comes too late.
      const [, , , found] = await Promise.all([
        records.appData.set(kept, '{"a":1}', 0.5),
        records.appData.set(dropped, '{"b":1}', 0.5),
        records.appData.touch(kept, 100),
        records.appData.get(dropped),
      ])
      expect(found).toBe('{"b":1}')
      await eventually('the other one to end', async () => (await records.appData.get(dropped)) === null)
      expect(await records.appData.get(kept)).toBe('{"a":1}')
      expect((await records.find(kept)).value).toBeUndefined()
    })

    test('of an anonymous session is not made by a touch, and is gone when it is deleted', async () => {
      const id = createAnonymousId()
      await records.appData.touch(id, 100)
      expect(await records.appData.get(id)).toBeNull()
      await records.appData.set(id, '{}', 100)
      await records.appData.delete(id)
      expect(await records.appData.get(id)).toBeNull()
      await records.appData.delete(id)
    })

    test('of two sessions is never mixed', async () => {
      const [one, other] = [await storedSession(records, '1'), await storedSession(records, '2')]
      await records.end(one.id)
      expect((await records.find(other.id)).value).toMatchObject({ record: other.record, appData: '2' })
    })
  })

  describe('a lease', () => {
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
      expect((await records.commit(id, { ...next, accessToken: 'late' }, 'late', 0)).result).toBe(
        'superseded',
      )
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
      await records.release(id, 'second', backOff(30))
      const asked = await records.acquire(id, 1, 'third', leaseTerms(10))
      expect(asked).toEqual({ kind: 'backing-off', retryAfterSeconds: expect.any(Number) })
      if (asked.kind === 'backing-off') {
        expect(asked.retryAfterSeconds).toBeGreaterThan(0)
        expect(asked.retryAfterSeconds).toBeLessThanOrEqual(30)
      }
      const { id: other } = await storedSession(records)
      await records.acquire(other, 1, 'owner', leaseTerms(10))
      await records.release(other, 'owner', backOff(0.1))
      await eventually('the back-off to end', async () => {
        return (await records.acquire(other, 1, 'third', leaseTerms(10))).kind === 'granted'
      })
    })

    test('given back after a refusal counts it, for its own generation, and for its holder only', async () => {
      const { id, next } = await storedSession(records)
      const refused = async (owner: string, generation: number, isRefusal = true) => {
        await records.acquire(id, generation, owner, leaseTerms(10))
        return records.release(id, owner, backOff(0), isRefusal)
      }
      expect(await refused('one', 1)).toMatchObject({ refusals: 1, refusedForSeconds: 0 })
      await records.acquire(id, 1, 'two', leaseTerms(10))
      expect(await records.release(id, 'one', backOff(0), true)).toMatchObject({ refusals: 0 })
      expect(await records.release(id, 'two', backOff(0))).toMatchObject({ refusals: 0 })
      const later = await eventually('some time to pass', async () => {
        const { refusals, refusedForSeconds } = await refused('three', 1)
        return refusedForSeconds > 0 && refusals
      })
      expect(later).toBeGreaterThanOrEqual(2)
      await records.acquire(id, 1, 'four', leaseTerms(10))
      await records.commit(id, next, 'four', 0)
      expect(await refused('five', 2)).toMatchObject({ refusals: 1, refusedForSeconds: 0 })
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
      await eventually('its time to be over', () => records.useOnce(key, 1))
    })
  })
})

describe('in memory, by a clock that the test moves', () => {
  const START = 1_800_000_000_000

  function storeAt() {
    const clock = { now: START }
    return { clock, records: createMemoryStore(configWith(), () => clock.now) }
  }

  async function loggedIn({ clock, records }: ReturnType<typeof storeAt>, endsAt = START + 1_000_000) {
    const id = createLoggedInId()
    await records.create(id, recordAt(clock.now, { endsAt }), '{}')
    return id
  }

  test('now is the given clock, and no other', async () => {
    const store = storeAt()
    expect(await store.records.now()).toBe(START)
    store.clock.now += 12_345
    expect(await store.records.now()).toBe(START + 12_345)
    expect((await store.records.find('s-nobody')).now).toBe(START + 12_345)
  })

  test('a session is there until the last millisecond of its idle time, and not in the next', async () => {
    const store = storeAt()
    const id = await loggedIn(store)
    store.clock.now += IDLE_SECONDS * 1000 - 1
    expect((await store.records.find(id)).value?.idleEndsAt).toBe(START + IDLE_SECONDS * 1000)
    store.clock.now += 1
    expect((await store.records.find(id)).value).toBeUndefined()
    expect(await store.records.appData.get(id)).toBeNull()
  })

  test('a touch gives the whole idle time again, up to the absolute end', async () => {
    const store = storeAt()
    const id = await loggedIn(store, START + 150_000)
    store.clock.now += 40_000
    await store.records.touch(id)
    expect((await store.records.find(id)).value?.idleEndsAt).toBe(START + 140_000)
    store.clock.now += 40_000
    await store.records.touch(id)
    expect((await store.records.find(id)).value?.idleEndsAt).toBe(START + 150_000)
    // What the app keeps beside it was given the same time, both times.
    store.clock.now = START + 149_999
    expect((await store.records.find(id)).value?.appData).toBe('{}')
    store.clock.now = START + 150_000
    await store.records.touch(id)
    expect((await store.records.find(id)).value).toBeUndefined()
  })

  test('a commit and a release leave the idle end where it was', async () => {
    const store = storeAt()
    const id = await loggedIn(store)
    store.clock.now += 50_000
    await store.records.acquire(id, 1, 'one', leaseTerms(10))
    await store.records.release(id, 'one', backOff(0))
    await store.records.acquire(id, 1, 'two', leaseTerms(10))
    await store.records.commit(id, recordAt(START, { generation: 2 }), 'two', 0)
    expect((await store.records.find(id)).value?.idleEndsAt).toBe(START + IDLE_SECONDS * 1000)
  })

  test('a lease is held until its last millisecond', async () => {
    const store = storeAt()
    const id = await loggedIn(store)
    await store.records.acquire(id, 1, 'one', leaseTerms(10))
    store.clock.now += 9_999
    expect(await store.records.acquire(id, 1, 'two', leaseTerms(10))).toEqual({ kind: 'held' })
    store.clock.now += 1
    expect(await store.records.acquire(id, 1, 'two', leaseTerms(10))).toEqual({
      kind: 'granted',
      now: START + 10_000,
    })
  })

  test('a back-off says how long it still is, until its last millisecond', async () => {
    const store = storeAt()
    const id = await loggedIn(store)
    await store.records.acquire(id, 1, 'one', leaseTerms(10))
    await store.records.release(id, 'one', backOff(5))
    store.clock.now += 1500
    expect(await store.records.acquire(id, 1, 'two', leaseTerms(10))).toEqual({
      kind: 'backing-off',
      retryAfterSeconds: 3.5,
    })
    store.clock.now += 3500
    expect(await store.records.acquire(id, 1, 'two', leaseTerms(10))).toMatchObject({ kind: 'granted' })
  })

  test('a session whose end comes in the middle of a commit stays ended', async () => {
    const store = storeAt()
    let ticks = 0
    const ticking = createMemoryStore(configWith(), () => {
      store.clock.now += ticks
      return store.clock.now
    })
    const id = createLoggedInId()
    await ticking.create(id, recordAt(START), undefined)
    await ticking.acquire(id, 1, 'owner', leaseTerms(1000))
    store.clock.now = START + IDLE_SECONDS * 1000 - 2
    // From here on each look at the clock finds it a millisecond later.
    ticks = 1
    await ticking.commit(id, recordAt(START, { generation: 2 }), 'owner', 0)
    expect((await ticking.find(id)).value).toBeUndefined()
  })

  test('anonymous data and what is used once end in the millisecond that they were given', async () => {
    const { clock, records } = storeAt()
    const id = createAnonymousId()
    await records.appData.set(id, '{}', 10)
    expect(await records.useOnce('key', 10)).toBe(true)
    clock.now += 9_999
    expect(await records.appData.get(id)).toBe('{}')
    expect(await records.useOnce('key', 10)).toBe(false)
    clock.now += 1
    expect(await records.appData.get(id)).toBeNull()
    expect(await records.useOnce('key', 10)).toBe(true)
  })
})
