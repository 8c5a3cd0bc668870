// The app's data beside the auth record, the same in memory and in Redis: logged in it lives and ends with it.
import { createAnonymousId, createLoggedInId } from '../../src/record/session-id.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { BACKENDS, leaseTerms, recordAt, storedSession } from './stores.ts'

describe.each(BACKENDS)('app data %s', (_name, backend) => {
  let records: SessionStore

  beforeAll(async () => {
    await backend.start()
    records = backend.open()
  })
  afterAll(() => backend.stop())

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
      recordAt(await records.now(), { endsAt: (await records.now()) + 600 }),
      undefined,
    )
    await records.appData.set(id, '{"cart":2}', 5000)
    await eventually(
      'the record to end',
      async () => {
        await records.appData.touch(id, 5000)
        return (await records.find(id)).value === undefined
      },
      3000,
    )
    expect(await records.appData.get(id)).toBeNull()
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
    await records.appData.set(kept, '{"a":1}', 1)
    await records.appData.set(dropped, '{"b":1}', 1)
    await records.appData.touch(kept, 100)
    expect(await records.appData.get(dropped)).toBe('{"b":1}')
    await eventually('the other one to end', async () => (await records.appData.get(dropped)) === null, 3000)
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
