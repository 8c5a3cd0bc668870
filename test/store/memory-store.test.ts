// The memory store under a flood of visitors: flat, and whoever is logged in stays.
import { createAnonymousId } from '../../src/record/session-id.ts'
import { createMemoryStore } from '../support/session/one-store.ts'
import { configWith, storedSession } from './stores.ts'

/** In an app a hundred thousand. */
const MOST = 1000

test('beyond so many anonymous sessions the oldest of them go first, and no logged-in one', async () => {
  const records = createMemoryStore(configWith(), Date.now, MOST)
  const { id, record } = await storedSession(records, '{"cart":"kept"}')
  const visitors = Array.from({ length: MOST + 10 }, createAnonymousId)
  for (const visitor of visitors) await records.appData.set(visitor, '{}', 3600)
  const documents = await Promise.all(visitors.map((visitor) => records.appData.get(visitor)))
  expect(documents.slice(0, 10)).toEqual(Array(10).fill(null))
  expect(documents.slice(10).every((document) => document === '{}')).toBe(true)
  expect((await records.find(id)).value).toMatchObject({ record, appData: '{"cart":"kept"}' })
})

test('an anonymous session that is used goes after one that is not', async () => {
  const records = createMemoryStore(configWith(), Date.now, MOST)
  const [used, unused] = [createAnonymousId(), createAnonymousId()]
  for (const id of [used, unused]) await records.appData.set(id, '{}', 3600)
  await records.appData.touch(used, 3600)
  for (let count = 0; count < MOST - 1; count += 1) await records.appData.set(createAnonymousId(), '{}', 3600)
  expect([await records.appData.get(used), await records.appData.get(unused)]).toEqual(['{}', null])
})

test('at its limit a write looks at no more sessions than at ten', async () => {
  let looks = 0
  const clock = () => {
    looks += 1
    return 1_000_000
  }
  const records = createMemoryStore(configWith(), clock, MOST)
  let most = 0
  for (let count = 0; count < MOST + 10; count += 1) {
    looks = 0
    await records.appData.set(createAnonymousId(), '{}', 3600)
    most = Math.max(most, looks)
  }
  expect(most).toBeLessThan(10)
})
