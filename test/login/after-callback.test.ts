// afterCallback: the app's own say at a login. It refuses, enriches or fails; only then there is a session, or none.
import type { Request } from 'express'
import type { Redis } from 'ioredis'
import type { AuthOptions, CallbackLogin, CallbackVerdict } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'

type Hook = NonNullable<AuthOptions['afterCallback']>

const client = { clientId: 'hooked', clientSecret: 'known to both of them' }
let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: TestApp
let hook: Hook = () => undefined
let asked: CallbackLogin[] = []
const log = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  const afterCallback = (login: CallbackLogin, req: Request) => {
    asked.push(login)
    return hook(login, req)
  }
  app = await startApp({ redisUrl: redis.url, options: { ...clientOptions(), afterCallback } })
  await provider.registerClient({ ...client, baseURL: app.url })
})
beforeEach(() => {
  hook = () => undefined
  asked = []
  log.lines.length = 0
  app.errors.length = 0
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const clientOptions = () => ({
  issuerBaseURL: provider.issuer,
  clientID: client.clientId,
  clientSecret: client.clientSecret,
  logger: log.logger,
  // The page is told what the hook adds, so that these tests see it.
  userClaims: ['name', 'email', 'role', 'list', 'other'],
})
const me = async (browser: Browser, url = app.url) => (await browser.request('GET', `${url}/me`)).json()
const noTokenWorks = (user: string) =>
  eventually(`no refresh token of ${user} works`, () => provider.liveRefreshTokens(user).length === 0)

/** A login that comes to nothing: its answer, and what it left behind. */
async function expectNobody(user: string, status: number) {
  const [browser, keys] = [new Browser(), await authKeys(store)]
  const page = await browser.logIn(app.url, { user, returnTo: '/private' })
  expect([page.status, new URL(page.url).pathname]).toEqual([status, '/callback'])
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(await authKeys(store)).toEqual(keys)
  expect(await me(browser)).toEqual({ authenticated: false })
  await noTokenWorks(user)
  for (const secret of provider.secretsSeen())
    expect(page.body + log.lines.join() + JSON.stringify(app.events)).not.toContain(secret)
  return page
}

test('the hook is given the person, the claims, the scope, and a token that works', async () => {
  nextIdToken(provider, { groups: ['staff'] })
  const page = await new Browser().logIn(app.url, { user: 'shown', returnTo: '/token' })
  expect(asked).toHaveLength(1)
  const { user, claims, scope, getAccessToken } = asked[0] as CallbackLogin
  expect(user).toEqual({
    sub: 'shown',
    name: 'shown Example',
    preferred_username: 'shown',
    email: 'shown@example.com',
    email_verified: true,
    groups: ['staff'],
  })
  expect(claims).toMatchObject({ iss: provider.issuer, aud: client.clientId, ...user })
  expect(scope?.split(' ')).toContain('offline_access')
  expect(page.json()).toMatchObject({ sha256: sha256(getAccessToken()) })
  const headers = { authorization: `Bearer ${getAccessToken()}` }
  expect((await new Browser().request('GET', `${provider.issuer}/me`, { headers })).json()).toMatchObject({
    sub: 'shown',
  })
  expect(JSON.stringify(asked)).not.toContain(getAccessToken())
})

test('a hook may refuse: 403 with its sentence, escaped, no session, and the refresh token is revoked', async () => {
  hook = async ({ user }) => ({ refuse: `Not you, <b>"${user.name}"</b> & 'friends'` })
  app.events.length = 0
  const page = await expectNobody('refused', 403)
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  expect(page.body).toContain(
    'Not you, &#60;b&#62;&#34;refused Example&#34;&#60;/b&#62; &#38; &#39;friends&#39;',
  )
  expect(page.body).not.toContain('<b>')
  expect(app.events).toEqual([
    { name: 'refused', event: { code: 'login_refused', detail: expect.any(String) } },
  ])
})

test('a refusal with line breaks, which a claim may have brought, splits no log line', async () => {
  hook = () => ({ refuse: 'Not you,\r\nexpress-bff-session: all is well' })
  await expectNobody('splitter', 403)
  expect(log.lines).toHaveLength(1)
  expect(log.lines[0]).not.toMatch(/[\r\n]/)
})

test('a script that brings the callback gets the refusal as problem details', async () => {
  hook = () => ({ refuse: 'Not you.' })
  const browser = new Browser()
  const page = await browser.request('GET', await browser.startLogin(app.url, { user: 'scripted' }))
  expect(page.json()).toMatchObject({ status: 403, code: 'login_refused', detail: 'Not you.' })
})

test('who is refused while logged in here stays logged in, and their refresh token works', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'staying' })
  const [id, revocations] = [await sessionIdOf(browser), provider.revocations().length]
  const record = await storedRecord(store, id)
  hook = () => ({ refuse: 'Not now.' })
  expect((await browser.logIn(app.url, { user: 'staying' })).status).toBe(403)
  expect([await sessionIdOf(browser), await storedRecord(store, id)]).toEqual([id, record])
  const renewed = await browser.request('POST', `${app.url}/renew`)
  expect(renewed.json()).toMatchObject({ sub: 'staying', generation: 2 })
  expect(provider.revocations()).toHaveLength(revocations)
})

test('another person is refused over a live session: their refresh token is revoked, the session lives on', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'owner' })
  const id = await sessionIdOf(browser)
  hook = () => ({ refuse: 'Not you.' })
  await browser.clearCookies(provider.issuer)
  expect((await browser.logIn(app.url, { user: 'guest' })).status).toBe(403)
  await noTokenWorks('guest')
  expect(await sessionIdOf(browser)).toBe(id)
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({
    sub: 'owner',
    generation: 2,
  })
})

test('what the hook adds is there at once, after a renewal, and in another process; Redis shows none of it', async () => {
  const added = { role: 'administrator', name: 'Another Name', list: [1, { two: null }], sub: 'mallory' }
  hook = async () => ({ user: added })
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'enriched' })
  const expected = { ...added, sub: 'enriched', email: 'enriched@example.com' }
  expect((await me(browser)).user).toMatchObject(expected)
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
  expect((await me(browser)).user).toMatchObject(expected)
  const { logger: _, ...options } = clientOptions()
  const other = await startAppProcess({ redisUrl: redis.url, options: { ...options, baseURL: app.url } })
  try {
    expect((await me(browser, other.url)).user).toMatchObject(expected)
    expect((await browser.request('POST', `${other.url}/renew`)).json()).toMatchObject({ generation: 3 })
    expect((await me(browser, other.url)).user).toMatchObject(expected)
  } finally {
    await other.stop()
  }
  const kept = await store.hgetall(`bff:{${await sessionIdOf(browser)}}:auth`)
  expect(JSON.stringify(kept)).not.toMatch(/administrator|Another Name|mallory/)
  expect(asked).toHaveLength(1)
})

test('the next login is asked anew: what was added before is gone', async () => {
  const browser = new Browser()
  hook = () => ({ user: { role: 'admin' } })
  await browser.logIn(app.url, { user: 'demoted' })
  hook = () => ({ user: { other: 1 } })
  await browser.logIn(app.url, { user: 'demoted' })
  expect((await me(browser)).user).toMatchObject({ other: 1 })
  expect((await me(browser)).user).not.toHaveProperty('role')
})

test('the login waits for the hook, however long it takes', async () => {
  const [called, verdict] = [createSignal(), createSignal<CallbackVerdict>()]
  hook = () => {
    called.resolve()
    return verdict.promise
  }
  const browser = new Browser()
  const page = browser.logIn(app.url, { user: 'patient', returnTo: '/private' })
  await called.promise
  expect(await me(browser.clone())).toEqual({ authenticated: false })
  verdict.resolve({ user: { role: 'late' } })
  expect(await page).toMatchObject({ status: 200 })
  expect((await me(browser)).user).toMatchObject({ role: 'late' })
})

test('what the hook keeps in req.session is the new session’s', async () => {
  hook = (_login, req) => {
    req.session.cart = 'from the hook'
    return undefined
  }
  const browser = new Browser()
  const page = await browser.logIn(app.url, { user: 'keeper', returnTo: '/private' })
  expect(page.json()).toMatchObject({ sub: 'keeper' })
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'from the hook' })
})

test('the hook is not asked about a login that failed, nor about a repeated or a malformed callback', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'failing' })
  nextIdToken(provider, { aud: 'somebody-else' })
  expect((await browser.navigate(callback)).status).toBe(400)
  const denied = new URL(await browser.startLogin(app.url, { user: 'failing' }))
  denied.searchParams.set('error', 'access_denied')
  await browser.navigate(denied.href)
  denied.searchParams.delete('code')
  await browser.navigate(denied.href)
  expect(asked).toEqual([])
  const last = await browser.startLogin(app.url, { user: 'failing' })
  await browser.navigate(last)
  await browser.navigate(last)
  expect(asked).toHaveLength(1)
})

test('the hook is asked about a step-up only once the step-up itself has passed', async () => {
  const browser = new Browser()
  nextIdToken(provider, { acr: 'pwd' })
  expect((await browser.logIn(app.url, { path: '/step-up?acr=mfa', user: 'weak' })).status).toBe(403)
  expect(asked).toEqual([])
})
