// Every lifetime of the store in memory to the millisecond, by a clock that the test moves.
import { createAnonymousId, createLoggedInId } from '../../src/record/session-id.ts'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import { backOff, configWith, IDLE_SECONDS, leaseTerms, recordAt } from './stores.ts'

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
