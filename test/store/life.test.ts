// A session's life in the store, the same in memory and in Redis: create, find, touch, end.
import { createLoggedInId } from '../../src/record/session-id.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { BACKENDS, IDLE_SECONDS, leaseTerms, recordAt, storedSession } from './stores.ts'

describe.each(BACKENDS)('a session %s', (_name, backend) => {
  let records: SessionStore

  beforeAll(async () => {
    await backend.start()
    records = backend.open()
  })
  afterAll(() => backend.stop())

  test('is found as it was created, with the store’s clock', async () => {
    const { id, record } = await storedSession(records, '{"cart":1}')
    const { now, value } = await records.find(id)
    expect(value).toEqual({ record, appData: '{"cart":1}', idleEndsAt: expect.any(Number) })
    expect(Math.abs(now - (await records.now()))).toBeLessThan(1000)
    expect(((value?.idleEndsAt ?? 0) - now) / 1000).toBeCloseTo(IDLE_SECONDS, 0)
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
    const short = backend.open({ session: { idleTimeoutSeconds: 1 } })
    const { id } = await storedSession(short, '{"cart":1}')
    expect((await short.find(id)).value).toBeDefined()
    await eventually('the idle end', async () => (await short.find(id)).value === undefined, 3000)
    expect(await short.appData.get(id)).toBeNull()
    expect(await short.acquire(id, 1, 'owner', leaseTerms(10))).toEqual({ kind: 'gone' })
    await short.touch(id)
    expect((await short.find(id)).value).toBeUndefined()
  })

  test('is over at its absolute end, however often it is touched', async () => {
    const id = createLoggedInId()
    await records.create(id, recordAt(await records.now(), { endsAt: (await records.now()) + 700 }), '{}')
    await records.touch(id)
    await eventually(
      'the absolute end',
      async () => {
        await records.touch(id)
        return (await records.find(id)).value === undefined
      },
      3000,
    )
    expect(await records.appData.get(id)).toBeNull()
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
    const odd = backend.open({ session: { idleTimeoutSeconds: 60.0005, absoluteTimeoutSeconds: 90.00025 } })
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
