// H19 as one table for Sentinel and Cluster: what a session is after its master died right after a commit.
import type { Cluster, Redis } from 'ioredis'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import type { Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

export interface Replicated {
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

interface Renewed extends LoggedIn {
  readonly key: string
  /** what the renewal right before the master died was answered with */
  readonly page: Page
}

const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }

export function testFailovers(start: () => Promise<Replicated>): void {
  let servers: Replicated
  let provider: TestProvider
  const apps: TestApp[] = []

  beforeAll(async () => {
    ;[servers, provider] = await Promise.all([start(), startProvider()])
  })

  afterAll(async () => {
    await Promise.all(apps.map((each) => each.stop()))
    await Promise.all([servers, provider].map((each) => each?.stop()))
  })

  async function open(options: AuthOptions): Promise<TestApp> {
    const app = await startApp({
      options: {
        issuerBaseURL: provider.issuer,
        clientID: client.clientId,
        clientSecret: client.clientSecret,
        redisTimeoutSeconds: 0.5,
        renewal: { afterSeconds: 900, timeoutSeconds: 1 },
        ...options,
      },
    })
    apps.push(app)
    await provider.registerClient({ ...client, redirectUris: apps.map(({ url }) => `${url}/callback`) })
    await app.auth.ready()
    return app
  }

  /** Somebody whose record is at that master; at any that has a replica, unless told. */
  async function signInAt(app: TestApp, port?: number) {
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
        while (going) own.push(await get(`${app.url}/private`))
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
  const back = (app: TestApp, { get }: LoggedIn) =>
    eventually('an answer after the failover', async () => {
      const page = await get(`${app.url}/private`)
      return page.status === 503 ? undefined : page
    })

  const told = (app: TestApp, name: string, user: string) =>
    app.events.filter((each) => each.name === name && (each.event as { subject?: string }).subject === user)

  test('H19: with waitReplicas a renewed session survives its master, by configuration and by client', async () => {
    const byConfiguration = await open({ redis: servers.configuration, waitReplicas: 1 })
    const byClient = await open({ redis: servers.connect(), waitReplicas: 1 })
    const one = await signInAt(byConfiguration)
    const two = await signInAt(byClient, one.master)
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
      const next = await eventually('the next renewal', async () => {
        const fresh = await session.get(`${app.url}/fresh`)
        return fresh.status === 503 ? undefined : fresh
      })
      expect([next.status, next.json().generation]).toEqual([200, 3])
      expect(told(app, 'session-ended', session.user)).toEqual([])
    }
    // One each before the failover and one each after it.
    expect(provider.refreshCount()).toBe(4)
    // What is ended need not reach a replica any more.
    for (const [{ url }, { browser }] of all) await browser.request('POST', `${url}/logout`)
  })

  describe('when no replica has the commit', () => {
    let waiting: TestApp
    let plain: TestApp
    let leaseKept: Renewed
    let leaseLost: Renewed
    let unsafe: Renewed
    let during: Page[]

    beforeAll(async () => {
      waiting = await open({ redis: servers.configuration, waitReplicas: 1 })
      plain = await open({ redis: servers.configuration })
      const first = await signInAt(waiting)
      const second = await signInAt(waiting, first.master)
      const third = await signInAt(plain, first.master)
      const held = provider.holdNext('token', { mode: 'after' })
      const waitingPage = first.get(`${waiting.url}/fresh`)
      await held.processed
      await servers.freezeReplicas()
      held.release()
      leaseKept = { ...first, page: await waitingPage }
      leaseLost = { ...second, page: await second.get(`${waiting.url}/fresh`) }
      unsafe = { ...third, page: await third.get(`${plain.url}/fresh`) }
      await servers.killMasterOf(first.key)
      await servers.thawReplicas()
      during = await answersUntil(servers.failedOver(first.key), [
        [waiting, first],
        [waiting, second],
        [plain, third],
      ])
    })

    test('H19: the failover is nothing but a few 503s', () => expectOnlyPauses(during))

    test.each([
      ['knows of the lease', () => leaseKept],
      ['knows nothing of the lease', () => leaseLost],
    ])(
      'H19: with waitReplicas the rotated token is kept until the new master, which %s, has it',
      async (_what, which) => {
        const { get, page, user } = which()
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
}
