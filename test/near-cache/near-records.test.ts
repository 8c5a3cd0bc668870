// Changes that this process makes itself: nothing of before is used once they are on their way, nor after them.
import type { AuthRecords } from '../../src/auth-records/auth-records.ts'
import { createMemoryRecords } from '../../src/auth-records/memory.ts'
import { withNearCache } from '../../src/auth-records/near-records.ts'
import { createNearSessions } from '../../src/auth-records/near-sessions.ts'
import { backOff, configWith, leaseTerms, storedSession } from '../auth-records/stores.ts'
import { createSignal, eventually } from '../support/deadline.ts'

/** What a change finds on its way to the store, and what is there when it is done. */
const CHANGES: [name: string, change: (records: AuthRecords, id: string) => Promise<unknown>][] = [
  ['touch', (records, id) => records.touch(id)],
  ['end', (records, id) => records.end(id)],
  ['acquire', (records, id) => records.acquire(id, 1, 'owner', leaseTerms(1))],
  ['release', (records, id) => records.release(id, 'owner', backOff(0))],
  ['appData.set', (records, id) => records.appData.set(id, '{}', 60)],
  ['appData.touch', (records, id) => records.appData.touch(id, 60)],
  ['appData.delete', (records, id) => records.appData.delete(id)],
]

/** A store whose changes wait for the gate; reads do not. */
function slow(records: AuthRecords, gate: Promise<void>): AuthRecords {
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
    const memory = createMemoryRecords(configWith())
    const { id } = await storedSession(memory)
    const gate = createSignal()
    const records = withNearCache(slow(memory, gate.promise), createNearSessions(), () => true)
    const isNear = async () => (await records.find(id, 'near')).isNear === true
    await isNear()
    expect(await isNear()).toBe(true)

    const changing = change(records, id)
    expect(await isNear()).toBe(false)
    // Read between, as it was before.
    expect(await isNear()).toBe(true)
    gate.resolve()
    await changing
    expect(await isNear()).toBe(false)
  },
)

test('a commit is seen by the next read', async () => {
  const memory = createMemoryRecords(configWith())
  const { id, next } = await storedSession(memory)
  const records = withNearCache(memory, createNearSessions(), () => true)
  await records.find(id, 'near')
  await records.acquire(id, 1, 'owner', leaseTerms(1))
  await records.find(id, 'near')
  await records.commit(id, next, 'owner', 0)
  expect((await records.find(id, 'near')).value?.record).toEqual(next)
})

test('a change that is heard of in the turn of the request is not passed over', async () => {
  const memory = createMemoryRecords(configWith())
  const { id } = await storedSession(memory)
  const near = createNearSessions()
  let isHeard = true
  const records = withNearCache(memory, near, () => isHeard)
  const breakChannel = () => {
    isHeard = false
  }
  const changes = [() => near.forget(id), () => near.forgetAll(), breakChannel]
  for (const change of changes) {
    await records.find(id, 'near')
    const found = records.find(id, 'near')
    change()
    expect((await found).isNear).toBeUndefined()
  }
})

test('the time that comes with what is near is never ahead of the store’s, however long the question was under way', async () => {
  const memory = createMemoryRecords(configWith())
  const { id } = await storedSession(memory)
  const gate = createSignal()
  const slowly = async (sought: string) => {
    await gate.promise
    return memory.find(sought)
  }
  const records = withNearCache({ ...memory, find: slowly }, createNearSessions(), () => true)
  const asked = performance.now()
  const found = records.find(id, 'near')
  await eventually('time to pass', () => performance.now() - asked > 50)
  gate.resolve()
  await found
  const { now, isNear } = await records.find(id, 'near')
  // The store tells whole milliseconds.
  expect([isNear, now < (await memory.now()) + 1]).toEqual([true, true])
})

test('while changes may be missed, the store is asked', async () => {
  const memory = createMemoryRecords(configWith())
  const { id } = await storedSession(memory)
  let isHeard = true
  const records = withNearCache(memory, createNearSessions(), () => isHeard)
  await records.find(id, 'near')
  isHeard = false
  expect((await records.find(id, 'near')).isNear).toBeUndefined()
})
