// Changes that this process makes itself: nothing of before is used once they are on their way, nor after them.
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import { createCachedStore } from '../../src/store/redis/cached-store.ts'
import { createSessionCache } from '../../src/store/redis/session-cache.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { backOff, configWith, leaseTerms, storedSession } from './stores.ts'

const CACHED = { mayBeCached: true }

/** What a change finds on its way to the store, and what is there when it is done. */
const CHANGES: [name: string, change: (records: SessionStore, id: string) => Promise<unknown>][] = [
  ['touch', (records, id) => records.touch(id)],
  ['end', (records, id) => records.end(id)],
  ['acquire', (records, id) => records.acquire(id, 1, 'owner', leaseTerms(1))],
  ['release', (records, id) => records.release(id, 'owner', backOff(0))],
  ['appData.set', (records, id) => records.appData.set(id, '{}', 60)],
  ['appData.touch', (records, id) => records.appData.touch(id, 60)],
  ['appData.delete', (records, id) => records.appData.delete(id)],
]

/** A store whose changes wait for the gate; reads do not. */
function slow(records: SessionStore, gate: Promise<void>): SessionStore {
  const after =
    <Args extends unknown[], T>(change: (...args: Args) => Promise<T>) =>
    async (...args: Args) => {
      await gate
      return change(...args)
    }
  const { touch, end, acquire, release, commit, create, appData } = records
  return {
    ...records,
    touch: after(touch),
    end: after(end),
    acquire: after(acquire),
    release: after(release),
    commit: after(commit),
    create: after(create),
    appData: {
      ...appData,
      set: after(appData.set),
      touch: after(appData.touch),
      delete: after(appData.delete),
    },
  }
}

test.each(CHANGES)(
  '%s: what is near is used neither from its beginning on nor after it',
  async (_name, change) => {
    const memory = createMemoryStore(configWith())
    const { id } = await storedSession(memory)
    const gate = createSignal()
    const records = createCachedStore(slow(memory, gate.promise), createSessionCache(), () => true)
    const isCached = async () => (await records.find(id, CACHED)).isCached === true
    await isCached()
    expect(await isCached()).toBe(true)

    const changing = change(records, id)
    expect(await isCached()).toBe(false)
    // Read between, as it was before.
    expect(await isCached()).toBe(true)
    gate.resolve()
    await changing
    expect(await isCached()).toBe(false)
  },
)

test('a commit is seen by the next read', async () => {
  const memory = createMemoryStore(configWith())
  const { id, next } = await storedSession(memory)
  const records = createCachedStore(memory, createSessionCache(), () => true)
  await records.find(id, CACHED)
  await records.acquire(id, 1, 'owner', leaseTerms(1))
  await records.find(id, CACHED)
  await records.commit(id, next, 'owner', 0)
  expect((await records.find(id, CACHED)).value?.record).toEqual(next)
})

test('a change that is heard of in the turn of the request is not passed over', async () => {
  const memory = createMemoryStore(configWith())
  const { id } = await storedSession(memory)
  const near = createSessionCache()
  let isHeard = true
  const records = createCachedStore(memory, near, () => isHeard)
  const breakChannel = () => {
    isHeard = false
  }
  const changes = [() => near.forget(id), () => near.forgetAll(), breakChannel]
  for (const change of changes) {
    await records.find(id, CACHED)
    const found = records.find(id, CACHED)
    change()
    expect((await found).isCached).toBeUndefined()
  }
})

test('the time that comes with what is near is never ahead of the store’s, however long the question was under way', async () => {
  const memory = createMemoryStore(configWith())
  const { id } = await storedSession(memory)
  const gate = createSignal()
  const slowly = async (sought: string) => {
    await gate.promise
    return memory.find(sought)
  }
  const records = createCachedStore({ ...memory, find: slowly }, createSessionCache(), () => true)
  const asked = performance.now()
  const found = records.find(id, CACHED)
  await eventually('time to pass', () => performance.now() - asked > 50)
  gate.resolve()
  await found
  const { now, isCached } = await records.find(id, CACHED)
  // The store tells whole milliseconds.
  expect([isCached, now < (await memory.now()) + 1]).toEqual([true, true])
})

test('while changes may be missed, the store is asked', async () => {
  const memory = createMemoryStore(configWith())
  const { id } = await storedSession(memory)
  let isHeard = true
  const records = createCachedStore(memory, createSessionCache(), () => isHeard)
  await records.find(id, CACHED)
  isHeard = false
  expect((await records.find(id, CACHED)).isCached).toBeUndefined()
})
