// A lease that its holder extends: while it is alive nobody takes over, and nobody waits longer for one who is not.
import { createLoggedInId } from '../../src/record/session-id.ts'
import type { LeaseTerms } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { BACKENDS, leaseTerms, storedSession } from './stores.ts'

const SHORT = 0.2
/** At a provider that takes a spent token once: whoever notices that a lease is over waits that long. */
const strict = (patienceSeconds: number): LeaseTerms => ({ seconds: SHORT, reuseSeconds: 0, patienceSeconds })

describe.each(BACKENDS)('%s', (_name, useBackend) => {
  const { records } = useBackend()

  /** A session whose lease was granted to `holder`, and is over. */
  async function lapsed(patienceSeconds: number) {
    const session = await storedSession(records)
    const granted = await records.acquire(session.id, 1, 'holder', strict(patienceSeconds))
    if (granted.kind !== 'granted') throw new Error(granted.kind)
    await eventually('its end', async () => (await records.now()) > granted.now + SHORT * 1000)
    return session
  }

  test('the holder’s is extended, again and again', async () => {
    const { id, next } = await storedSession(records)
    await records.acquire(id, 1, 'holder', leaseTerms(SHORT))
    const began = await records.now()
    await eventually('three times its length', async () => {
      expect(await records.extend(id, 'holder', 1000)).toBe(true)
      return (await records.now()) > began + 3 * SHORT * 1000
    })
    expect(await records.acquire(id, 1, 'other', leaseTerms(SHORT))).toEqual({ kind: 'held' })
    expect(await records.commit(id, next, 'holder', 0)).toMatchObject({ result: 'committed' })
  })

  test('one that is over is extended until somebody has it, and then they begin to wait anew', async () => {
    const { id } = await lapsed(SHORT)
    // Noticed; from now on the patience runs.
    expect(await records.acquire(id, 1, 'other', strict(SHORT))).toEqual({ kind: 'held' })
    const noticedAt = await records.now()
    await eventually('the patience', async () => (await records.now()) > noticedAt + SHORT * 1000)
    expect(await records.extend(id, 'holder', 0.001)).toBe(true)
    await eventually('its end', async () => (await records.now()) > noticedAt + SHORT * 1000 + 10)
    expect(await records.acquire(id, 1, 'other', strict(1000))).toEqual({ kind: 'held' })
  })

  test('another’s is not extended, nor one that was taken over, given back or used', async () => {
    const { id, next } = await storedSession(records)
    expect(await records.extend(id, 'holder', 1000)).toBe(false)
    await records.acquire(id, 1, 'holder', leaseTerms(1000))
    expect(await records.extend(id, 'other', 1000)).toBe(false)
    await records.commit(id, next, 'holder', 0)
    expect(await records.extend(id, 'holder', 1000)).toBe(false)
    expect(await records.acquire(id, 2, 'other', leaseTerms(1000))).toMatchObject({ kind: 'granted' })

    const over = await lapsed(0)
    await records.acquire(over.id, 1, 'noticed', strict(0))
    expect(await records.acquire(over.id, 1, 'successor', strict(0))).toMatchObject({ kind: 'granted' })
    expect(await records.extend(over.id, 'holder', 1000)).toBe(false)
  })

  test('a session that is not there does not come back by it', async () => {
    const id = createLoggedInId()
    expect(await records.extend(id, 'holder', 1000)).toBe(false)
    expect((await records.find(id)).value).toBeUndefined()
    const { id: ended } = await storedSession(records)
    await records.acquire(ended, 1, 'holder', leaseTerms(1000))
    await records.end(ended)
    expect(await records.extend(ended, 'holder', 1000)).toBe(false)
    expect((await records.find(ended)).value).toBeUndefined()
  })

  test('one that is held for long is overdue to who says what is long', async () => {
    const { id } = await lapsed(1000)
    await records.extend(id, 'holder', 1000)
    const ask = (overdueSeconds: number) =>
      records.acquire(id, 1, 'other', { ...leaseTerms(1), overdueSeconds })
    expect(await ask(SHORT)).toEqual({ kind: 'overdue' })
    expect(await ask(1000)).toEqual({ kind: 'held' })
    expect(await records.acquire(id, 1, 'other', leaseTerms(1))).toEqual({ kind: 'held' })
  })
})
