// H19: what a session is after its master died right after a commit, and while a replica is missing.
import type { Cluster, Redis } from 'ioredis'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { PATIENT } from '../support/app/fault-fixture.ts'
import type { Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { startRedisCluster } from '../support/redis/cluster.ts'
import { startRedisSentinel } from '../support/redis/sentinel.ts'
import { type Start, useParts, useServers } from '../support/servers.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

interface Replicated {
  /** as `auth()` takes it */
  readonly configuration: AuthOptions['redis']
  /** as an app's own client, with no deadline of its own */
  connect(): Redis | Cluster
  masterOf(key: string): Promise<number>
  /** true for a master that took over and has no replica itself */
  isAlone(port: number): boolean
  killMasterOf(key: string): Promise<void>
  failedOver(key: string): Promise<void>
  freezeReplicas(): Promise<void>
  thawReplicas(): Promise<void>
  stop(): Promise<void>
}

/** A master, two replicas, three sentinels; each of the two failovers uses up a master. */
async function sentinel(): Promise<Replicated> {
  const servers = await startRedisSentinel()
  return {
    ...servers,
    configuration: { sentinels: servers.sentinels, name: servers.name },
    masterOf: servers.masterPort,
    isAlone: () => false,
    killMasterOf: servers.killMaster,
  }
}

/** Three masters with a replica each; each of the two failovers uses up one. */
async function cluster(): Promise<Replicated> {
  const servers = await startRedisCluster()
  const alone = new Set<number>()
  const masterOf = async (key: string) => (await servers.masterOf(key)).port
  return {
    ...servers,
    configuration: { nodes: servers.nodes },
    masterOf,
    isAlone: (port) => alone.has(port),
    async failedOver(key) {
      await servers.failedOver(key)
      alone.add(await masterOf(key))
    },
  }
}

interface Site {
  readonly servers: Replicated
  readonly provider: TestProvider
  readonly byConfiguration: TestApp
  readonly byClient: TestApp
  readonly plain: TestApp
}

interface Renewed extends LoggedIn {
  readonly key: string
  /** what the renewal right before the master died was answered with */
  readonly page: Page
}

const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }

async function openSite(startServers: () => Promise<Replicated>, start: Start): Promise<Site> {
  const [servers, provider] = await Promise.all([start(startServers()), start(startProvider())])
  const open = (options: AuthOptions) =>
    start(
      startApp({
        options: {
          issuerBaseURL: provider.issuer,
          clientID: client.clientId,
          clientSecret: client.clientSecret,
          ...PATIENT,
          // The replicas have an eighth of it.
          redisTimeoutSeconds: 2,
          ...options,
        },
      }),
    )
  const byConfiguration = await open({ redis: servers.configuration, waitReplicas: 1 })
  const byClient = await open({ redis: servers.connect(), waitReplicas: 1 })
  const plain = await open({ redis: servers.configuration })
  const apps = [byConfiguration, byClient, plain]
  await provider.registerClient({ ...client, redirectUris: apps.map(({ url }) => `${url}/callback`) })
  await Promise.all(apps.map(({ auth }) => auth.ready()))
  return { servers, provider, byConfiguration, byClient, plain }
}

/** Somebody whose record is at that master; at any that has a replica, unless told. */
async function logInAt({ servers, provider }: Site, app: TestApp, port?: number) {
  for (let tries = 0; tries < 40; tries += 1) {
    const session = await logIn(provider, app.url)
    const key = `bff:{${await sessionIdOf(session.browser)}}:auth`
    const master = await servers.masterOf(key)
    if (port === undefined ? !servers.isAlone(master) : master === port) return { ...session, key, master }
  }
  throw new Error('no session came to that master')
}

/** What everybody is answered, again and again, until `over`. */
async function answersUntil(over: Promise<unknown>, asked: [TestApp, LoggedIn][]): Promise<Page[]> {
  let going = true
  const stop = () => {
    going = false
  }
  over.then(stop, stop)
  const pages = await Promise.all(
    asked.map(async ([app, { get }]) => {
      const own: Page[] = []
      while (going) {
        own.push(await get(`${app.url}/private`))
        // Often, and the machine has time for the elections.
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return own
    }),
  )
  await over
  return pages.flat()
}

function expectOnlyPauses(pages: Page[]) {
  const others = pages.filter(({ status }) => status !== 200 && status !== 503)
  expect(others.map(({ status, body }) => `${status} ${body}`)).toEqual([])
  for (const page of pages) {
    expect(page.headers['set-cookie']).toBeUndefined()
    if (page.status === 503) expect(Number(page.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  }
}

/** The failover is over: the app is back by itself. */
const back = (app: TestApp, { get }: LoggedIn, path = '/private') =>
  eventually('an answer after the failover', async () => {
    const page = await get(app.url + path)
    return page.status === 503 ? undefined : page
  })

const told = (app: TestApp, name: string, user: string) =>
  app.events.filter((each) => each.name === name && (each.event as { subject?: string }).subject === user)

async function surviveMaster(site: Site): Promise<void> {
  const { servers, provider, byConfiguration, byClient } = site
  const one = await logInAt(site, byConfiguration)
  const two = await logInAt(site, byClient, one.master)
  const all: [TestApp, LoggedIn][] = [
    [byConfiguration, one],
    [byClient, two],
  ]
  const renewed = await Promise.all(all.map(([{ url }, { get }]) => get(`${url}/fresh`)))
  await servers.killMasterOf(one.key)
  expect(renewed.map((page) => page.json().generation)).toEqual([2, 2])
  for (const [app, { user }] of all) expect(told(app, 'commit-delayed', user)).toEqual([])

  expectOnlyPauses(await answersUntil(servers.failedOver(one.key), all))
  for (const [app, session] of all) {
    const page = await back(app, session)
    expect([page.status, page.json().generation]).toEqual([200, 2])
    const next = await back(app, session, '/fresh')
    expect([next.status, next.json().generation]).toEqual([200, 3])
    expect(told(app, 'session-ended', session.user)).toEqual([])
  }
  // One each before the failover and one each after it.
  expect(provider.refreshCount()).toBe(4)
  // What is ended need not reach a replica any more.
  for (const [{ url }, { browser }] of all) await browser.request('POST', `${url}/logout`)
}

async function loseMaster(site: Site) {
  const { servers, provider, byConfiguration: waiting, plain } = site
  const first = await logInAt(site, waiting)
  const second = await logInAt(site, waiting, first.master)
  const third = await logInAt(site, plain, first.master)
  const held = provider.holdNext('token', { mode: 'after' })
  const waitingPage = first.get(`${waiting.url}/fresh`)
  await held.processed
  await servers.freezeReplicas()
  held.release()
  const leaseKept: Renewed = { ...first, page: await waitingPage }
  const leaseLost: Renewed = { ...second, page: await second.get(`${waiting.url}/fresh`) }
  const unsafe: Renewed = { ...third, page: await third.get(`${plain.url}/fresh`) }
  await servers.killMasterOf(first.key)
  await servers.thawReplicas()
  const during = await answersUntil(servers.failedOver(first.key), [
    [waiting, first],
    [waiting, second],
    [plain, third],
  ])
  return { provider, waiting, plain, leaseKept, leaseLost, unsafe, during }
}

const { underSentinel, underCluster } = useParts(async (start) => {
  const [underSentinel, underCluster] = await Promise.all([
    openSite(sentinel, start),
    openSite(cluster, start),
  ])
  return { underSentinel, underCluster }
})

interface Run {
  readonly survived: PromiseSettledResult<void>
  readonly lost: Awaited<ReturnType<typeof loseMaster>>
}
const runs = new Map<string, Run>()

// At the same time, since most of it is waiting for elections.
beforeAll(async () => {
  const sites = Object.entries({ Sentinel: underSentinel, Cluster: underCluster })
  await Promise.all(
    sites.map(async ([name, site]) => {
      const [survived] = await Promise.allSettled([surviveMaster(site)])
      runs.set(name, { survived, lost: await loseMaster(site) })
    }),
  )
}, 90_000)

function runOf(name: string): Run {
  const run = runs.get(name)
  if (!run) throw new Error(`nothing happened under ${name}`)
  return run
}

describe.each(['Sentinel', 'Cluster'])('under %s', (name) => {
  test('H19: with waitReplicas a renewed session survives its master, by configuration and by client', () => {
    const { survived } = runOf(name)
    if (survived.status === 'rejected') throw survived.reason
  })

  describe('when no replica has the commit', () => {
    test('H19: the failover is nothing but a few 503s', () => expectOnlyPauses(runOf(name).lost.during))

    test.each(['knows of the lease', 'knows nothing of the lease'])(
      'H19: with waitReplicas the rotated token is kept until the new master, which %s, has it',
      async (what) => {
        const { provider, waiting, plain, leaseKept, leaseLost } = runOf(name).lost
        const { get, page, user } = what === 'knows of the lease' ? leaseKept : leaseLost
        const before = provider.refreshCount()
        expect([page.status, page.json().generation]).toEqual([200, 2])
        expect(told(waiting, 'commit-delayed', user)).toHaveLength(1)
        // The other app has nothing but what the new master has.
        await eventually(
          'the rotated token at the new master',
          async () => (await get(`${plain.url}/private`)).json().generation === 2,
        )
        expect((await get(`${plain.url}/fresh`)).json()).toMatchObject({ generation: 3, sub: user })
        expect(provider.refreshCount() - before).toBe(1)
        expect(told(waiting, 'session-ended', user)).toEqual([])
      },
    )

    test('H19: without waitReplicas the session at worst ends as a clean "log in again"', async () => {
      const { provider, plain, unsafe } = runOf(name).lost
      const { browser, get, page, user } = unsafe
      const before = provider.refreshCount()
      expect([page.status, page.json().generation]).toEqual([200, 2])
      expect(await back(plain, unsafe)).toMatchObject({ status: 200 })
      const refused = await get(`${plain.url}/fresh`)
      expect([refused.status, refused.json().code]).toEqual([401, 'session_ended'])
      expect((await get(`${plain.url}/fresh`)).json()).toMatchObject({ code: 'login_required' })
      expect(provider.refreshCount() - before).toBe(1)
      expect((await browser.logIn(plain.url, { user })).json()).toMatchObject({ sub: user, generation: 1 })
      expect(plain.errors).toEqual([])
    })
  })
})

describe('the time before and after', () => {
  const { provider, redis, store, app } = useServers({
    redis: true,
    options: { waitReplicas: 1, redisTimeoutSeconds: 1, renewal: { afterSeconds: 900 } },
  })
  // What waits for a replica would keep the app from its end.
  afterEach(() => redis.flush())

  // It has no replica: only what needs one may wait for it.
  test('H19: while the replica is missing sessions are renewed, and nobody else waits for it', async () => {
    const due: LoggedIn[] = []
    for (let count = 0; count < 8; count += 1) due.push(await logIn(provider, app.url))
    const other = await logIn(provider, app.url)
    const ask = async () => (await other.get(`${app.url}/private`)).status
    for (const { browser } of due) await ageSession(store, browser, 901)
    const before = provider.refreshCount()
    const renewed = Promise.all(due.map(({ get }) => get(`${app.url}/private`)))
    const asked: number[] = []
    for (let count = 0; count < 10; count += 1) asked.push(await ask())
    expect((await renewed).map(({ status }) => status)).toEqual(Array(8).fill(200))
    for (let count = 0; count < 10; count += 1) asked.push(await ask())
    expect(asked).toEqual(Array(20).fill(200))
    const again = await Promise.all(due.map(({ get }) => get(`${app.url}/private`)))
    expect(again.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(provider.refreshCount() - before).toBe(8)
  })
})
