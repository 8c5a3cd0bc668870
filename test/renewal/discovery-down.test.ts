// H27: discovery is out of reach when the app starts, and stays so; nobody notices but who needs the provider.
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { type Start, useParts } from '../support/servers.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'
import { testAllAtOnce, timeOver } from './real-waits.ts'

const client = { clientId: 'early', clientSecret: 'known to both of them' }

interface Site {
  readonly provider: TestProvider
  /** was there before the provider went away */
  readonly older: TestApp
}

const absences: [string, (provider: TestProvider) => unknown][] = [
  ['is not there', (provider) => provider.down()],
  ['answers 503', (provider) => provider.answerAll('discovery', { status: 503 })],
  ['resets the connection', (provider) => provider.cutAll('discovery')],
  ['hangs', (provider) => provider.delayAll('discovery', 60_000)],
  ['answers with a web page', (provider) => provider.answerAll('discovery', { status: 200, body: '<html>' })],
  [
    'answers with another’s document',
    (provider) =>
      provider.answerAll('discovery', {
        status: 200,
        body: { issuer: 'https://elsewhere.example.com/', token_endpoint: 'https://elsewhere.example.com/t' },
      }),
  ],
  [
    'redirects',
    (provider) => provider.answerAll('discovery', { status: 302, headers: { location: '/elsewhere' } }),
  ],
]

const { store, redis, sites, provider, older } = useParts(async (start) => {
  const redis = await start(startRedis())
  const openSite = async (begin: Start): Promise<Site> => {
    const provider = await begin(startProvider())
    const older = await begin(startSiteApp({ provider }, redis.url))
    await provider.registerClient({ ...client, baseURL: older.url })
    return { provider, older }
  }
  const sites = await Promise.all(absences.map(() => openSite(start)))
  return { redis, store: redis.connect(), sites, ...(await openSite(start)) }
})

function startSiteApp({ provider }: Pick<Site, 'provider'>, redisUrl: string, options: AuthOptions = {}) {
  return startApp({
    redisUrl,
    options: {
      issuerBaseURL: provider.issuer,
      clientID: client.clientId,
      clientSecret: client.clientSecret,
      httpTimeoutSeconds: 2,
      renewal: { afterSeconds: 900, timeoutSeconds: 5 },
      ...options,
    },
  })
}

const opened: TestApp[] = []

/** A younger app of that site, until the end of the test. */
async function open(site: Pick<Site, 'provider'>, options?: AuthOptions): Promise<TestApp> {
  const app = await startSiteApp(site, redis.url, options)
  opened.push(app)
  return app
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop()))
  provider.normal()
  await provider.up()
})

const discoveries = () => provider.requests({ endpoint: 'discovery' }).length

/** By a client that says nothing of what it is: a script may not begin a login. */
const askLogin = (url: string) => new Browser({ secFetch: false }).request('GET', `${url}/login`)

function expectTryLater(page: Page) {
  expect(page.status).toBe(503)
  expect(Number(page.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  expect(setCookieLines(page)).toEqual([])
}

/** Everything that works without a provider does; the rest is 503, and takes no cookie. */
async function expectGoesOn({ url }: TestApp, { browser, get, user }: LoggedIn) {
  expect((await new Browser().request('GET', `${url}/public`)).json()).toMatchObject({ authenticated: false })
  expect((await new Browser().request('GET', `${url}/private`)).status).toBe(401)
  const page = await get(`${url}/private`)
  expect([page.status, page.json().sub]).toEqual([200, user])
  await browser.request('POST', `${url}/cart`, { json: { cart: 'kept' } })
  expect((await get(`${url}/cart`)).json()).toEqual({ cart: 'kept' })
  expectTryLater(await askLogin(url))
  const navigation = await new Browser().navigate(`${url}/login`)
  expectTryLater(navigation)
  expect(navigation.headers['content-type']).toMatch(/html/)
  expectTryLater(await get(`${url}/fresh`))
}

async function expectBackToNormal({ url }: TestApp, { get, user }: LoggedIn, generation: number) {
  await eventually(
    'a renewal after the provider came back',
    async () => (await get(`${url}/fresh`)).status === 200,
  )
  expect((await get(`${url}/private`)).json()).toMatchObject({ sub: user, generation })
  expect((await askLogin(url)).status).toBe(302)
}

testAllAtOnce(absences)(
  'H27: an app that starts while discovery %s works for those who are logged in, and is whole as soon as it can',
  async (what, goAway) => {
    const site = sites[absences.findIndex(([name]) => name === what)] as Site
    const { provider, older } = site
    const session = await logIn(provider, older.url)
    await goAway(provider)
    const app = await open(site)
    // What is not where it should be, or another's, is told as a mistake in the set-up to whoever waits for it at start.
    const isMistake = /web page|another’s|redirects/.test(what)
    await expect(app.auth.ready()).rejects.toMatchObject({
      code: isMistake ? 'invalid_option' : 'provider_unavailable',
    })
    await expectGoesOn(app, session)
    expect(app.errors.every((error) => (error as { status?: number }).status === 503)).toBe(true)
    expect(app.events.map(({ name }) => name)).toContain('provider-unavailable')
    provider.normal()
    await provider.up()
    await expectBackToNormal(app, session, 2)
    await expect(app.auth.ready()).resolves.toBeUndefined()
    expect((await session.browser.logIn(older.url, { user: session.user })).status).toBe(200)
  },
)

test('H27: a due session is served by its old token while that is valid, then answered 503, and lives on', async () => {
  const session = await logIn(provider, older.url)
  await provider.down()
  const app = await open({ provider })
  await ageSession(store, session.browser, 901)
  const { url } = app
  const served = await Promise.all(Array.from({ length: 5 }, () => session.get(`${url}/private`)))
  expect(served.map((page) => [page.status, page.json().generation])).toEqual(Array(5).fill([200, 1]))
  await ageSession(store, session.browser, 3600, { idToken: 3601 })
  for (const path of ['/private', '/fresh', '/token']) expectTryLater(await session.get(url + path))
  const open_ = await session.get(`${url}/public`)
  expect([open_.status, setCookieLines(open_)]).toEqual([200, []])
  await provider.up()
  await expectBackToNormal(app, session, 2)
})

test('H27: a logout ends the session here', async () => {
  const session = await logIn(provider, older.url)
  const id = await sessionIdOf(session.browser)
  const copy = session.browser.clone()
  await provider.down()
  const app = await open({ provider })
  const page = await session.browser.request('POST', `${app.url}/logout`)
  expect([page.status, page.headers.location]).toEqual([303, '/'])
  expect(setCookieLines(page)).toEqual([expect.stringMatching(/^bff=;.*Expires=Thu, 01 Jan 1970/)])
  expect(await keysOf(store, id)).toEqual([])
  expect((await copy.request('GET', `${app.url}/private`)).json()).toMatchObject({ code: 'login_required' })
  await provider.up()
  expect((await copy.request('GET', `${older.url}/private`)).status).toBe(401)
})

test('H27: a logout ends the session here while discovery hangs, and does not wait until it ends', async () => {
  const session = await logIn(provider, older.url)
  const id = await sessionIdOf(session.browser)
  const held = provider.holdNext('discovery')
  const app = await open({ provider }, { httpTimeoutSeconds: 30 })
  // Discovery goes on as long as nobody releases it: the answer comes without it.
  expect((await session.browser.request('POST', `${app.url}/logout`)).status).toBe(303)
  expect(await keysOf(store, id)).toEqual([])
  expect(provider.requests({ endpoint: 'discovery' }).at(-1)?.endedAt).toBeUndefined()
  held.release()
})

test('H27: a provider that does not answer discovery is asked about once a second, not by every request', async () => {
  const session = await logIn(provider, older.url)
  await ageSession(store, session.browser, 901)
  provider.answerAll('discovery', { status: 500 })
  const app = await open({ provider })
  const { url } = app
  const before = discoveries()
  const began = performance.now()
  for (let round = 0; round < 10; round += 1) {
    const pages = await Promise.all(
      ['/login', '/private', '/fresh', '/login', '/private', '/fresh'].map((path) =>
        path === '/login' ? askLogin(url) : session.get(url + path),
      ),
    )
    expect(pages.map(({ status }) => status)).toEqual([503, 200, 503, 503, 200, 503])
  }
  // One at the beginning, and one more for each second that has passed since.
  expect(discoveries() - before).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - began) / 1000))
  expect(discoveries() - before).toBeGreaterThanOrEqual(1)
  expect(session.renewals()).toBe(0)
})

test('H27: while discovery hangs there is one request for all, and who needs no provider does not wait', async () => {
  const session = await logIn(provider, older.url)
  const due = await logIn(provider, older.url)
  await ageSession(store, due.browser, 901)
  const held = provider.holdNext('discovery')
  const app = await open({ provider }, { httpTimeoutSeconds: 30 })
  const before = discoveries()
  const waiting = [askLogin(app.url), session.get(`${app.url}/fresh`), due.get(`${app.url}/private`)]
  await held.arrived
  expect((await session.get(`${app.url}/private`)).status).toBe(200)
  expect(discoveries() - before).toBe(1)
  held.release()
  const pages = await Promise.all(waiting)
  expect(pages.map(({ status }) => status)).toEqual([302, 200, 200])
  expect(discoveries() - before).toBe(1)
})

test('H27: a provider that goes away later, with discovery done, costs nobody the session', async () => {
  const session = await logIn(provider, older.url)
  const app = await open({ provider })
  await app.auth.ready()
  await provider.down()
  await ageSession(store, session.browser, 901)
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ generation: 1, sub: session.user })
  expectTryLater(await session.get(`${app.url}/fresh`))
  await ageSession(store, session.browser, 3600, { idToken: 3601 })
  expectTryLater(await session.get(`${app.url}/private`))
  expect(app.events.filter(({ name }) => name === 'session-ended')).toEqual([])
  await provider.up()
  // By itself, as soon as the back-off of at most five seconds is over.
  await timeOver(store, session.browser, 'retryAt')
  await expectBackToNormal(app, session, 2)
})
