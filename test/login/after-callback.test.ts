// afterCallback: the app's own say at a login. It refuses, enriches or fails; only then there is a session, or none. What
// fails, or nobody can understand, lets nobody in by accident.
import { randomBytes } from 'node:crypto'
import type { Request } from 'express'
import { type AuthOptions, type CallbackLogin, type CallbackVerdict, isAuthError } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'

type Hook = NonNullable<AuthOptions['afterCallback']>

const client = { clientId: 'hooked', clientSecret: 'known to both of them' }
let hook: Hook = () => undefined
let asked: CallbackLogin[] = []
const log = createLog()

const { provider, store, app, other } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const afterCallback = (login: CallbackLogin, req: Request) => {
    asked.push(login)
    return hook(login, req)
  }
  const options = {
    issuerBaseURL: provider.issuer,
    clientID: client.clientId,
    clientSecret: client.clientSecret,
    // The page is told what the hook adds, so that these tests see it.
    userClaims: ['name', 'email', 'role', 'list', 'other'],
  }
  const setup = { redisUrl: redis.url, options: { ...options, logger: log.logger, afterCallback } }
  const app = await start(startApp(setup))
  await provider.registerClient({ ...client, baseURL: app.url })
  return {
    provider,
    store: redis.connect(),
    app,
    other: await start(startAppProcess({ redisUrl: redis.url, options: { ...options, baseURL: app.url } })),
  }
})
beforeEach(() => {
  hook = () => undefined
  asked = []
  log.lines.length = 0
  app.events.length = 0
  app.errors.length = 0
})
afterEach(() => provider.normal())

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
  const { user, claims, scope, accessTokenLifetimeSeconds, getAccessToken, getIdToken } =
    asked[0] as CallbackLogin
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
  expect(accessTokenLifetimeSeconds).toBe(provider.lifetimes.accessToken)
  expect(claimsOfToken(getIdToken())).toEqual(claims)
  const headers = { authorization: `Bearer ${getAccessToken()}` }
  expect((await new Browser().request('GET', `${provider.issuer}/me`, { headers })).json()).toMatchObject({
    sub: 'shown',
  })
  for (const token of [getAccessToken(), getIdToken()]) expect(JSON.stringify(asked)).not.toContain(token)
})

test('a hook may refuse: 403 with its sentence, escaped, no session, and the refresh token is revoked', async () => {
  hook = async ({ user }) => ({ refuse: `Not you, <b>"${user.name}"</b> & 'friends'` })
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

test('a client that is no browser and brings the callback gets the refusal as problem details', async () => {
  hook = () => ({ refuse: 'Not you.' })
  const browser = new Browser({ secFetch: false })
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
  expect((await me(browser, other.url)).user).toMatchObject(expected)
  expect((await browser.request('POST', `${other.url}/renew`)).json()).toMatchObject({ generation: 3 })
  expect((await me(browser, other.url)).user).toMatchObject(expected)
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

test.each([
  ['who has no session yet', false],
  ['who has an anonymous one', true],
])('what afterCallback writes to req.session is in the session of %s', async (_who, before) => {
  const browser = new Browser()
  if (before) await browser.request('POST', `${app.url}/cart`, { json: { cart: 'of a visitor' } })
  hook = (_login, req) => {
    req.session.cart = 'from the hook'
    return undefined
  }
  await browser.logIn(app.url, { user: 'alice' })
  expect(await me(browser)).toMatchObject({ authenticated: true, user: { sub: 'alice' } })
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'from the hook' })
  expect(await browser.cookies(app.url)).toHaveLength(1)
})

test('afterCallback that asks for the session is told so, and nobody is sent in circles', async () => {
  hook = (_login, req) => req.oidc.getAccessToken() as Promise<never>
  const browser = new Browser()
  const page = await browser.logIn(app.url, { user: 'alice' })
  expect(page.status).toBe(500)
  expect(page.headers.location).toBeUndefined()
  expect([app.errors.map(String), app.errors.some(isAuthError)]).toEqual([
    [expect.stringMatching(/afterCallback\(\).*login_required/)],
    false,
  ])
})

describe('that fails, or answers with what nobody can understand', () => {
  /** A login that comes to nothing: its status, and what it left behind. */
  async function faultOf(answer: () => unknown): Promise<number> {
    const user = `user-${randomBytes(4).toString('hex')}`
    hook = answer as Hook
    const browser = new Browser()
    const page = await browser.logIn(app.url, { user, returnTo: '/private' })
    expect(new URL(page.url).pathname).toBe('/callback')
    expect(setCookieLine(page, 'bff')).toBeUndefined()
    expect(await me(browser)).toEqual({ authenticated: false })
    await noTokenWorks(user)
    return page.status
  }

  const throwing = (error: unknown) => () => {
    throw error
  }
  const circle: Record<string, unknown> = {}
  circle.self = circle

  test.each<[string, () => unknown]>([
    ['throws', throwing(new Error('no directory'))],
    ['rejects', () => Promise.reject(new Error('no directory'))],
    ['throws nothing', throwing(undefined)],
    ['rejects with nothing', () => Promise.reject()],
    ['rejects with null', () => Promise.reject(null)],
    ["rejects with 'route', a word of Express's", () => Promise.reject('route')],
    ['returns what JSON cannot hold', () => ({ user: { big: 1n } })],
    ['returns a circle', () => ({ user: circle })],
  ])(
    'a hook that %s is a fault of the app: 500 by Express, and nobody is logged in',
    async (_name, fault) => {
      expect(await faultOf(fault)).toBe(500)
      expect(app.errors).toHaveLength(1)
      expect(log.lines).toEqual([])
    },
  )

  test.each<[string, unknown]>([
    ['an empty text', ''],
    ['true', true],
    ['false', false],
    ['a number', 1],
    ['null', null],
    ['an object', { toString: throwing(new Error('no text')) }],
  ])('a refusal that is %s lets nobody in', async (_name, refuse) => {
    expect(await faultOf(() => ({ refuse }))).toBeGreaterThanOrEqual(403)
  })

  test.each<[string, unknown]>([
    ['false', false],
    ['true', true],
    ['null', null],
    ['a number', 0],
    ['a text', 'no'],
    ['a list', []],
    ['a function', () => true],
    ['an Error', new Error('not allowed')],
    ['a word that nobody knows', { refused: 'Not you.' }],
    ['a user that is a text', { user: 'admin' }],
    ['a user that is a list', { user: ['admin'] }],
  ])(
    'a hook that returns %s said nothing that can be understood: nobody is let in',
    async (_name, verdict) => {
      expect(await faultOf(async () => verdict)).toBe(500)
    },
  )
})
