// Several sites over one place of sessions: each sees its own alone, though it has the id of another's.
import { AuthEventEmitter } from '../../src/events/events.ts'
import type { AuthOptions } from '../../src/index.ts'
import type { SessionGroup } from '../../src/record/auth-record.ts'
import { ownerName } from '../../src/record/owner.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { createMemoryStores } from '../../src/store/memory/memory-store.ts'
import { openRedisStores } from '../../src/store/redis/redis-stores.ts'
import { type SessionStores, storeOf } from '../../src/store/session-stores.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { configWith, leaseTerms, recordAt, SECRET } from './stores.ts'

interface Site {
  readonly store: SessionStore
  /** What it was told of records that it cannot read. */
  readonly unreadable: string[]
  /** Stores a session of it. */
  logIn(): Promise<string>
}

const ANOTHER_SECRET = 'the secret of another site, long enough'
const CACHED = { mayBeCached: true }
const alice: SessionGroup = { claim: 'sub', value: 'alice' }

/** The other site, by how it differs from the first. */
const OTHERS: [how: string, options: AuthOptions][] = [
  ['of another client', { clientID: 'another' }],
  ['of another provider', { issuerBaseURL: 'https://another.example.com' }],
  ['with other secrets alone', { secret: ANOTHER_SECRET }],
]

function siteOf(stores: SessionStores, options: AuthOptions = {}): Site {
  const config = configWith(options)
  const unreadable: string[] = []
  const events = new AuthEventEmitter()
  events.on('record-unreadable', ({ detail }) => unreadable.push(detail))
  const store = storeOf(stores.of({ owners: [config], secrets: () => config.secrets, events }), config)
  return {
    store,
    unreadable,
    async logIn() {
      const id = createLoggedInId()
      const record = recordAt(await store.now(), { owner: ownerName(config) })
      await store.index.add(id, record)
      await store.create(id, record, '{"cart":1}')
      return id
    },
  }
}

const { redis } = useParts(async (start) => ({ redis: await start(startRedis()) }))
const opened: SessionStores[] = []
afterEach(() => Promise.all(opened.splice(0).map((stores) => stores.close())))

function openRedis(options: { nearCache?: true } = {}): SessionStores {
  const config = configWith({ redis: { url: redis.url, ...options } })
  const stores = openRedisStores(config, { url: redis.url }, new AuthEventEmitter())
  opened.push(stores)
  return stores
}

const PLACES: [name: string, open: () => SessionStores][] = [
  ['in memory', () => createMemoryStores(configWith())],
  ['in Redis', () => openRedis()],
]

describe.each(PLACES)('%s', (place, open) => {
  const others = OTHERS.filter(([, { secret }]) => place === 'in Redis' || secret === undefined)

  test.each(others)('a session is nobody’s to a site %s that has its id', async (_how, options) => {
    const stores = open()
    const [one, other] = [siteOf(stores), siteOf(stores, options)]
    const id = await one.logIn()
    // What one has opened is not known to the other either, nor forgotten because the other asked.
    for (let round = 0; round < 2; round += 1) {
      expect((await one.store.find(id)).value?.record.claims.sub).toBe('alice')
      expect((await other.store.find(id)).value).toBeUndefined()
    }
    expect(one.unreadable).toEqual([])
  })

  test.each(others.filter(([, { secret }]) => secret === undefined))(
    'a site %s neither ends it nor finds it by its person',
    async (_how, options) => {
      const stores = open()
      const [one, other] = [siteOf(stores), siteOf(stores, options)]
      const id = await one.logIn()
      expect(await other.store.end(id)).toEqual({ ended: false, record: undefined })
      expect(await other.store.index.page(alice, 0, 10)).not.toContain(id)
      for await (const ids of other.store.index.endGroup(alice, 60)) expect(ids).toEqual([])
      expect(await one.store.index.endedAt(alice)).toBeUndefined()
      expect((await one.store.find(id)).value?.appData).toBe('{"cart":1}')
      expect(await one.store.index.page(alice, 0, 10)).toContain(id)
    },
  )

  test('what one used or claimed, another may still', async () => {
    const stores = open()
    const [one, other] = [siteOf(stores).store, siteOf(stores, { clientID: 'another' }).store]
    const key = createLoggedInId()
    expect([await one.useOnce(key, 60), await other.useOnce(key, 60)]).toEqual([true, true])
    expect([await one.claim(key, 'mine', 60), await other.claim(key, 'theirs', 60)]).toEqual([
      'mine',
      'theirs',
    ])
  })

  test('realms of one site share its sessions, and each has an index of its own', async () => {
    const [staff, customers] = [configWith({ clientID: 'staff' }), configWith({ clientID: 'customers' })]
    const stores = open()
    const events = new AuthEventEmitter()
    const site = stores.of({ owners: [staff, customers], secrets: () => staff.secrets, events })
    const [ofStaff, ofCustomers] = [storeOf(site, staff), storeOf(site, customers)]
    const id = createLoggedInId()
    const record = recordAt(await site.now(), { owner: ownerName(customers) })
    await ofCustomers.index.add(id, record)
    await ofCustomers.create(id, record, undefined)
    expect((await ofStaff.find(id)).value?.record).toEqual(record)
    expect(await ofStaff.index.page(alice, 0, 10)).not.toContain(id)
    // A login as staff in that browser ends it, and takes it out of the index that names it.
    expect((await ofStaff.end(id)).ended).toBe(true)
    expect(await ofCustomers.index.page(alice, 0, 10)).not.toContain(id)
  })
})

test('in memory another site gets no lease of it, commits nothing, and writes no data of it', async () => {
  const stores = createMemoryStores(configWith())
  const [one, other] = [siteOf(stores), siteOf(stores, { clientID: 'another' }).store]
  const id = await one.logIn()
  const { value } = await one.store.find(id)
  if (value === undefined) throw new Error('nobody is logged in')
  expect(await other.acquire(id, 1, 'owner', leaseTerms(60))).toEqual({ kind: 'gone' })
  const next = { ...value.record, generation: 2 }
  expect(await other.commit(id, next, 'owner', 0)).toEqual({ result: 'gone', safe: true })
  await other.appData.set(id, '{"cart":"theirs"}', 60)
  await other.appData.delete(id)
  expect(await other.appData.get(id)).toBeNull()
  expect((await one.store.find(id)).value).toEqual(value)
})

test.each(OTHERS)('what is near to one site is not near to a site %s', async (_how, options) => {
  const stores = openRedis({ nearCache: true })
  const [one, other] = [siteOf(stores).store, siteOf(stores, options).store]
  const id = createLoggedInId()
  await one.create(id, recordAt(await one.now(), { owner: ownerName(configWith()) }), undefined)
  const isNear = async () => (await one.find(id, CACHED)).isCached === true
  await eventually('it to be near', isNear)
  expect((await other.find(id, CACHED)).value).toBeUndefined()
  expect(await isNear()).toBe(true)
})

test('a change that one site makes is heard of by the near cache of every other', async () => {
  const [here, there] = [openRedis({ nearCache: true }), openRedis()]
  const [reading, changing] = [siteOf(here).store, siteOf(there).store]
  // Another site of the same process, which was asked later.
  siteOf(here, { clientID: 'another' })
  const id = createLoggedInId()
  await reading.create(id, recordAt(await reading.now()), undefined)
  await eventually('it to be near', async () => (await reading.find(id, CACHED)).isCached === true)
  await changing.end(id)
  await eventually('the end', async () => (await reading.find(id, CACHED)).value === undefined)
})

test('secrets that are changed make one site forget what is near, and no other', async () => {
  const stores = openRedis({ nearCache: true })
  const config = configWith()
  let secrets: readonly string[] = [SECRET]
  const events = new AuthEventEmitter()
  const changed = storeOf(stores.of({ owners: [config], secrets: () => secrets, events }), config)
  const other = siteOf(stores, { clientID: 'another' })
  const [id, kept] = [createLoggedInId(), createLoggedInId()]
  const at = await changed.now()
  await changed.create(id, recordAt(at), undefined)
  const owner = ownerName(configWith({ clientID: 'another' }))
  await other.store.create(kept, recordAt(at, { owner }), undefined)
  for (const [store, one] of [
    [changed, id],
    [other.store, kept],
  ] as const)
    await eventually('it to be near', async () => (await store.find(one, CACHED)).isCached === true)
  secrets = [ANOTHER_SECRET]
  expect((await changed.find(id, CACHED)).value).toBeUndefined()
  expect((await other.store.find(kept, CACHED)).isCached).toBe(true)
})
