// The renewer by itself, with a real provider and a store: what no request can bring about within seconds.
import { randomUUID } from 'node:crypto'
import { AuthEventEmitter } from '../../src/events/events.ts'
import { createOperations } from '../../src/events/operations.ts'
import type { AuthOptions } from '../../src/index.ts'
import { createBackgroundTasks } from '../../src/lib/background-tasks.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { createProvider } from '../../src/provider/provider.ts'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { createRenewer } from '../../src/renewal/renew.ts'
import type { LeaseTerms, SessionStore } from '../../src/store/store.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { useStarted } from '../support/servers.ts'
import { createMemoryStore } from '../support/session/one-store.ts'

const provider = useStarted(() => startProvider())
afterEach(() => provider.normal())

/** A renewer over a store of its own, in which there is one session that is due. */
async function due(options: AuthOptions, storeAs = (store: SessionStore) => store) {
  const config = resolveOptions(
    {
      issuerBaseURL: provider.issuer,
      baseURL: 'http://localhost:1',
      clientID: 'c',
      secret: TEST_SECRET,
      ...options,
    },
    {},
  )
  const events = new AuthEventEmitter()
  const tasks = createBackgroundTasks()
  const store = createMemoryStore(config)
  const now = await store.now()
  const record: AuthRecord = {
    generation: 1,
    claims: { iss: provider.issuer, sub: 'alice', aud: 'c', exp: 2, iat: 1 },
    idToken: 'i',
    accessToken: 'a',
    refreshToken: 'r',
    scope: 'openid',
    createdAt: now,
    endsAt: now + 1_000_000,
    authenticatedAt: now,
    device: undefined,
    enrichment: undefined,
    renewedAt: now,
    idTokenExpiresAt: now,
    accessTokenExpiresAt: now,
    jitter: 0,
    logins: [],
  }
  const renewer = createRenewer({
    config,
    store: storeAs(store),
    provider: createProvider(config, events, tasks),
    events,
    operations: createOperations(),
    tasks,
  })
  /** One more that is due. */
  async function another() {
    const id = createLoggedInId()
    const own = { ...record, refreshToken: randomUUID() }
    await store.create(id, own, undefined)
    const presented = () => provider.requests({ refreshTokenHash: sha256(own.refreshToken) })
    return { id, record: own, presented }
  }
  return { store, renewer, another, ...(await another()) }
}

const TERMS: LeaseTerms = { seconds: 10, reuseSeconds: 0, patienceSeconds: 0 }

test('H7: a request that is longer under way than the process may take to end is given up, and its lease given back', async () => {
  const held = provider.holdNext('token')
  const { store, renewer, id, record, presented } = await due({ renewal: { timeoutSeconds: 0.1 } })
  const renewal = renewer.renew({ id, seen: record, trigger: 'timeframe' })
  await held.arrived
  expect(await renewal).toMatchObject({ kind: 'unavailable', because: 'pending' })
  // Whoever comes now does not wait for it any more.
  expect(await renewer.renew({ id, seen: record, trigger: 'timeframe' })).toMatchObject({
    kind: 'unavailable',
    because: 'pending',
  })
  expect(presented()).toMatchObject([{ endedAt: undefined }])
  await renewer.idle(2.5)
  expect(await store.acquire(id, 1, 'successor', TERMS)).toMatchObject({ kind: 'backing-off' })
  await eventually('the end of the request', () => presented()[0]?.endedAt)
  expect(presented()).toHaveLength(1)
  held.release('cut')
})

test('H7: what waited for a place presents nothing once the others were given up', async () => {
  const held = provider.holdNext('token')
  const { renewer, id, record, another } = await due({ renewal: { timeoutSeconds: 0.1, maxConcurrent: 1 } })
  const second = await another()
  await renewer.renew({ id, seen: record, trigger: 'timeframe' })
  await renewer.renew({ id: second.id, seen: second.record, trigger: 'timeframe' })
  await held.arrived
  await renewer.idle(2.5)
  await renewer.idle(1000)
  expect(second.presented()).toEqual([])
  held.release('cut')
})

test('H7: a renewal that is asked for after the end presents nothing', async () => {
  const held = provider.holdNext('token')
  const { renewer, id, record, another } = await due({ renewal: { timeoutSeconds: 0.1 } })
  const second = await another()
  await renewer.renew({ id, seen: record, trigger: 'timeframe' })
  await held.arrived
  await renewer.idle(2.2)
  await renewer.renew({ id: second.id, seen: second.record, trigger: 'timeframe' })
  await renewer.idle(1000)
  expect(second.presented()).toEqual([])
  held.release('cut')
})

test('H7: the end of the process does not wait for whoever holds the lease elsewhere', async () => {
  const { store, renewer, id, record, presented } = await due({ renewal: { timeoutSeconds: 0.1 } })
  await store.acquire(id, 1, 'another', { ...TERMS, seconds: 1000 })
  expect(await renewer.renew({ id, seen: record, trigger: 'timeframe' })).toMatchObject({
    kind: 'unavailable',
    because: 'pending',
  })
  let isOver = false
  const idle = renewer.idle(1000).then(() => {
    isOver = true
  })
  await eventually('the end', () => isOver)
  await idle
  expect(presented()).toEqual([])
})

test('H29: whoever holds the lease elsewhere for longer than a request waits is not waited for again', async () => {
  let asked = 0
  const { store, renewer, id, record } = await due({ renewal: { timeoutSeconds: 0.2 } }, (store) => ({
    ...store,
    acquire(...question) {
      asked += 1
      return store.acquire(...question)
    },
  }))
  await store.acquire(id, 1, 'another', { ...TERMS, seconds: 1000 })
  expect(await renewer.renew({ id, seen: record, trigger: 'timeframe' })).toMatchObject({
    kind: 'unavailable',
    because: 'pending',
  })
  await renewer.idle(1000)
  expect(asked).toBeGreaterThan(1)
  asked = 0
  expect(await renewer.renew({ id, seen: record, trigger: 'timeframe' })).toMatchObject({
    kind: 'unavailable',
    because: 'pending',
  })
  await renewer.idle(1000)
  expect(asked).toBe(1)
})

test('H40: a lease that was over before its holder heard of it is not used', async () => {
  let successor: unknown
  const { renewer, id, record, presented } = await due(
    { renewal: { timeoutSeconds: 0.1 }, redisTimeoutSeconds: 0.1 },
    (store) => ({
      ...store,
      async acquire(...asked) {
        const granted = await store.acquire(...asked)
        if (granted.kind !== 'granted') return granted
        // As if the process was paused here.
        await eventually('a successor', async () => {
          const taken = await store.acquire(id, 1, 'successor', { ...TERMS, seconds: 1000 })
          if (taken.kind === 'granted') successor = taken
          return successor
        })
        return granted
      },
    }),
  )
  expect(await renewer.renew({ id, seen: record, trigger: 'timeframe' })).toMatchObject({
    kind: 'unavailable',
    because: 'pending',
  })
  await renewer.idle(1000)
  expect(successor).toMatchObject({ kind: 'granted' })
  expect(presented()).toEqual([])
})
