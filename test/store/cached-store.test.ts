// What is kept near: nothing of before is used once a change is on its way, nor after it, and its time is not the store's.
import type { Request, Response } from 'express'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import type { Renewer } from '../../src/renewal/renew.ts'
import { attachOidc } from '../../src/request-oidc.ts'
import { CurrentSession, type SessionServices } from '../../src/session/current-session.ts'
import { oneRealm } from '../../src/session/realms.ts'
import type { RequestContext } from '../../src/session/request-context.ts'
import type { SessionBinding } from '../../src/session/session-binding.ts'
import { createCachedStore } from '../../src/store/redis/cached-store.ts'
import { createSessionCaches } from '../../src/store/redis/session-cache.ts'
import type { Found, SessionStore } from '../../src/store/store.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { createMemoryStore } from '../support/session/one-store.ts'
import { backOff, configWith, leaseTerms, recordAt, storedSession } from './stores.ts'

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
    const records = createCachedStore(slow(memory, gate.promise), createSessionCaches().ofSite(), () => true)
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
  const records = createCachedStore(memory, createSessionCaches().ofSite(), () => true)
  await records.find(id, CACHED)
  await records.acquire(id, 1, 'owner', leaseTerms(1))
  await records.find(id, CACHED)
  await records.commit(id, next, 'owner', 0)
  expect((await records.find(id, CACHED)).value?.record).toEqual(next)
})

test('a change that is heard of in the turn of the request is not passed over', async () => {
  const memory = createMemoryStore(configWith())
  const { id } = await storedSession(memory)
  const near = createSessionCaches().ofSite()
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
  const records = createCachedStore({ ...memory, find: slowly }, createSessionCaches().ofSite(), () => true)
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
  const records = createCachedStore(memory, createSessionCaches().ofSite(), () => isHeard)
  await records.find(id, CACHED)
  isHeard = false
  expect((await records.find(id, CACHED)).isCached).toBeUndefined()
})

describe('what is kept', () => {
  const record = recordAt(1000)
  const found = (idleEndsAt = 1e15): Found => ({
    now: 1000,
    value: { record, appData: undefined, idleEndsAt },
  })

  test('a session is kept with a clock that goes on, and says that it is near', () => {
    const near = createSessionCaches().ofSite()
    near.reading('id')(found())
    const kept = near.get('id')
    expect(kept).toMatchObject({ isCached: true, value: found().value })
    expect(kept?.now).toBeGreaterThanOrEqual(1000)
  })

  test('a change while a session is on its way here, whichever comes first, keeps it from being kept', () => {
    const near = createSessionCaches().ofSite()
    const keep = near.reading('id')
    near.forget('id')
    keep(found())
    expect(near.get('id')).toBeUndefined()
  })

  test('of two that are on their way, the later question’s answer is kept, in whatever order they come', () => {
    const near = createSessionCaches().ofSite()
    const [early, late] = [near.reading('id'), near.reading('id')]
    late(found(2e15))
    early(found(1e15))
    expect(near.get('id')?.value?.idleEndsAt).toBe(2e15)
  })

  test('nothing is kept over a moment in which changes may have been missed', () => {
    const near = createSessionCaches().ofSite()
    near.reading('kept')(found())
    const keep = near.reading('under way')
    near.forgetAll()
    keep(found())
    expect([near.get('kept'), near.get('under way')]).toEqual([undefined, undefined])
  })

  test('a session that ended unused is not used, though nobody tells of its end', () => {
    const near = createSessionCaches().ofSite()
    near.reading('id')(found(1000))
    expect(near.get('id')).toBeUndefined()
  })

  test('that there is no session is not kept', () => {
    const near = createSessionCaches().ofSite()
    near.reading('id')({ now: 1000, value: undefined })
    expect(near.get('id')).toBeUndefined()
  })

  test('ten thousand are kept, those that were read last', () => {
    const near = createSessionCaches().ofSite()
    for (let count = 0; count <= 10_000; count += 1) near.reading(`${count}`)(found())
    expect([near.get('0'), near.get('1')]).toEqual([undefined, expect.objectContaining({ isCached: true })])
  })
})

// Whoever asks for fresh tokens is measured by the store's time, not by that of what is near, which may be late.
describe('what is reloaded', () => {
  const [NEAR, RENEWED, STORE] = [100_000, 150_000, 200_000]

  /** A session that was renewed a while ago: later than the near clock says that it is now. */
  async function read(): Promise<{ session: CurrentSession; renewals: () => number }> {
    const record = recordAt(RENEWED)
    const found = (now: number) => ({ now, value: { record, appData: undefined, idleEndsAt: STORE * 2 } })
    let renewals = 0
    const services: SessionServices = {
      config: configWith(),
      store: {
        find: async (_id: string, options?: { mayBeCached: boolean }) =>
          options?.mayBeCached ? { ...found(NEAR), isCached: true } : found(STORE),
      } as SessionStore,
      renewer: {
        newest: (_id: string, known: AuthRecord) => known,
        renew: async () => {
          renewals += 1
          return { kind: 'renewed', record: { ...record, renewedAt: STORE + 60_000 } }
        },
      } as unknown as Renewer,
    }
    const browser = { authId: 's-any', attach: () => undefined } as unknown as SessionBinding
    return { session: await CurrentSession.read(oneRealm(services), browser), renewals: () => renewals }
  }

  test('what is reloaded has the store’s time', async () => {
    const { session } = await read()
    expect(session.readAt).toBe(NEAR)
    await session.reload()
    expect(session.readAt).toBe(STORE)
    expect(session.now).toBeGreaterThanOrEqual(STORE)
  })

  test('req.oidc.renew() is not content with a renewal of before', async () => {
    const { session, renewals } = await read()
    const [req, res] = [{} as Request, {} as Response]
    attachOidc({ session, req, res } as RequestContext)
    await req.oidc.renew()
    expect(renewals()).toBe(1)
  })
})
