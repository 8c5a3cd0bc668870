// H21: `secret: [new, old]`: what the old one made goes on, and moves to the new one, until the old one may go.
import type { AuthOptions } from '../../src/index.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET as OLD } from '../support/app/app-options.ts'
import { type Balancer, startBalancer } from '../support/app/balancer.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const NEW = 'the next secret for tests, long enough for anybody'
const client = { clientId: 'rotating', clientSecret: 'not the secret that rotates' }

let provider: TestProvider
let redis: RedisServer
let site: Balancer
let before: TestApp
let between: TestApp
let after: TestApp
let stranger: TestApp
const { logger } = createLog()

/** A server of the site with that secret. */
function open(secret: AuthOptions['secret']): Promise<TestApp> {
  const { clientId: clientID, clientSecret } = client
  const given = { issuerBaseURL: provider.issuer, clientID, clientSecret, baseURL: site.url }
  return startApp({ redisUrl: redis.url, options: { ...given, logger, secret } })
}

beforeAll(async () => {
  ;[provider, redis, site] = await Promise.all([startProvider(), startRedis(), startBalancer()])
  await provider.registerClient({ ...client, baseURL: site.url })
  before = await open(OLD)
  between = await open([NEW, OLD])
  after = await open(NEW)
  stranger = await open('a secret of nobody here, long enough as well')
})

afterAll(async () => {
  await Promise.all([before, between, after, stranger].map((each) => each?.stop()))
  await Promise.all([site, redis, provider].map((each) => each?.stop()))
})

/** The site is now served by that app alone. */
function deploy(app: TestApp) {
  site.targets = [app.url]
  app.events.length = 0
}

async function signInBefore(): Promise<LoggedIn> {
  deploy(before)
  return logIn(provider, site.url)
}

const opens = async (secret: string, id: string) => {
  const sealed = (await redis.connect().hget(`bff:{${id}}:auth`, 'sealed')) ?? ''
  return createSealer([secret], 'auth record').open(sealed, id) !== undefined
}

test('H21: a session goes on under [new, old], moves with its next renewal, and lives on under the new one', async () => {
  const { browser, get, renewals, user } = await signInBefore()
  const id = await sessionIdOf(browser)
  await browser.request('POST', `${site.url}/cart`, { json: { cart: 'mine' } })

  deploy(between)
  const first = await get(`${site.url}/private`)
  expect(first.json()).toMatchObject({ sub: user, generation: 1 })
  expect(setCookieLine(first, 'bff')).toMatch(/^bff=s%3As-.*; Max-Age=604800;.*HttpOnly; SameSite=Lax$/)
  expect(await sessionIdOf(browser)).toBe(id)
  expect(setCookieLines(await get(`${site.url}/private`))).toEqual([])
  expect(await opens(NEW, id)).toBe(false)

  await ageSession(redis.connect(), browser, 901)
  expect((await get(`${site.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
  expect([await opens(NEW, id), await opens(OLD, id)]).toEqual([true, false])

  deploy(after)
  const last = await get(`${site.url}/private`)
  expect(last.json()).toMatchObject({ sub: user, generation: 2 })
  expect(setCookieLines(last)).toEqual([])
  expect((await get(`${site.url}/cart`)).json()).toEqual({ cart: 'mine' })
  expect((await get(`${site.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
  expect(renewals()).toBe(2)
  expect([...between.events, ...after.events].map(({ name }) => name)).not.toContain('record-unreadable')
})

test.each(['/public', '/me', '/cart'])('H21: GET %s moves the cookie too', async (path) => {
  const { browser, get } = await signInBefore()
  deploy(between)
  expect(setCookieLine(await get(site.url + path), 'bff')).toBeDefined()
  deploy(after)
  // The cookie is known, the record not yet: an end that is told, and no crash.
  expect((await get(`${site.url}/private`)).json()).toMatchObject({ code: 'login_required' })
  expect(after.events).toEqual([{ name: 'record-unreadable', event: { detail: expect.any(String) } }])
  expect((await browser.logIn(site.url)).json()).toMatchObject({ generation: 1 })
})

test('H21: a logout under [new, old] ends a session of the old secret, and revokes its token', async () => {
  const { browser, user } = await signInBefore()
  deploy(between)
  expect(provider.liveRefreshTokens(user)).toHaveLength(1)
  await browser.logOut(site.url)
  expect(provider.liveRefreshTokens(user)).toEqual([])
  expect((await browser.request('GET', `${site.url}/me`)).json()).toEqual({ authenticated: false })
})

test('H21: a login that began before the rotation is completed after it', async () => {
  deploy(before)
  const browser = new Browser()
  const back = await browser.startLogin(site.url, { user: 'under-way', returnTo: '/private' })
  deploy(between)
  const page = await browser.navigate(back)
  expect([page.url, page.json().sub]).toEqual([`${site.url}/private`, 'under-way'])
  deploy(after)
  const later = await browser.request('GET', `${site.url}/private`)
  expect(later.json()).toMatchObject({ sub: 'under-way', generation: 1 })
})

test('H21: a login of the old secret is refused cleanly by the new one alone, and begins again', async () => {
  deploy(before)
  const browser = new Browser()
  const back = await browser.startLogin(site.url)
  deploy(after)
  const refused = await browser.navigate(back)
  expect(refused.status).toBe(400)
  expect(after.events).toMatchObject([{ name: 'refused', event: { code: 'login_unknown' } }])
  expect((await browser.logIn(site.url)).json()).toMatchObject({ generation: 1 })
})

test('H21: an anonymous visitor keeps req.session across the rotation, and takes it into a login', async () => {
  deploy(before)
  const browser = new Browser()
  const cart = async () => (await browser.request('GET', `${site.url}/cart`)).json().cart
  await browser.request('POST', `${site.url}/cart`, { json: { cart: 'anonymous' } })
  deploy(between)
  const moved = await browser.request('GET', `${site.url}/cart`)
  expect(moved.json()).toEqual({ cart: 'anonymous' })
  expect(setCookieLine(moved, 'bff')).toMatch(/^bff=s%3Aa-/)
  deploy(after)
  expect(await cart()).toBe('anonymous')
  await browser.logIn(site.url)
  expect(await cart()).toBe('anonymous')
})

test('H21: a secret that is not known makes its holder anonymous, without a 500, and ends nothing', async () => {
  const { browser, get, user } = await signInBefore()
  const id = await sessionIdOf(browser)
  deploy(stranger)
  const page = await get(`${site.url}/public`)
  expect([page.status, page.json().authenticated]).toEqual([200, false])
  expect((await get(`${site.url}/private`)).json()).toMatchObject({ code: 'login_required' })
  expect((await get(`${site.url}/cart`)).json()).toEqual({ cart: null })
  expect(setCookieLines(page)).toEqual([])
  expect(stranger.errors).toEqual([])
  deploy(before)
  expect(await sessionIdOf(browser)).toBe(id)
  expect((await get(`${site.url}/private`)).json()).toMatchObject({ sub: user, generation: 1 })
})

test('H21: a roll-out in two steps signs nobody out while servers of both steps answer in turn', async () => {
  const cautious = await open([OLD, NEW])
  try {
    const { browser, get, user } = await signInBefore()
    site.targets = [cautious.url, between.url]
    const pages = []
    for (let turn = 0; turn < 6; turn += 1) pages.push(await get(`${site.url}/fresh`))
    expect(pages.map((page) => page.json().generation)).toEqual([2, 3, 4, 5, 6, 7])
    const other = new Browser()
    for (const name of ['one', 'two']) expect((await other.logIn(site.url, { user: name })).status).toBe(200)
    expect((await browser.request('GET', `${site.url}/private`)).json()).toMatchObject({ sub: user })
  } finally {
    await cautious.stop()
  }
})
