// POST /logout: here first, then revocation, then the provider's own session, and back home.
import type { Redis } from 'ioredis'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually, within } from '../support/deadline.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: TestApp

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  app = await startApp({ provider, redisUrl: redis.url, options: { logger: createLog().logger } })
})
beforeEach(() => redis.flush())
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const sessionKeys = async () => [...(await store.keys('bff:{*}:auth')), ...(await store.keys('bff:{*}:app'))]
const whoIs = async (browser: Browser, at = app) => (await browser.request('GET', `${at.url}/public`)).json()

async function logIn(user: string, at = app): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(at.url, { user })
  await browser.request('POST', `${at.url}/cart`, { json: { cart: 'own' } })
  return browser
}

test('logging out leads over the provider home, and a copy of the cookie is dead', async () => {
  const browser = await logIn('alice')
  const copy = browser.clone()
  const page = await browser.logOut(app.url)
  expect(page).toMatchObject({ status: 200, url: `${app.url}/` })
  expect(page.json()).toMatchObject({ home: true, authenticated: false })
  expect(await whoIs(copy)).toMatchObject({ authenticated: false })
  expect((await copy.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  expect(await sessionKeys()).toEqual([])
  expect(await browser.cookies(app.url)).toEqual([])
  expect(app.events).toContainEqual({ name: 'session-ended', event: { subject: 'alice', reason: 'logout' } })
  // The provider asks who it is again.
  const again = await browser.navigate(`${app.url}/login`)
  expect(again.body).toContain('name="login"')
})

test('the answer is a 303 to end_session with id_token_hint and post_logout_redirect_uri, and no body', async () => {
  const browser = await logIn('bob')
  const page = await browser.request('POST', `${app.url}/logout`)
  expect(page).toMatchObject({ status: 303, body: '', headers: { 'cache-control': 'no-store' } })
  const url = new URL(page.headers.location ?? '')
  expect(`${url.origin}${url.pathname}`).toBe(`${provider.issuer}/session/end`)
  expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/`)
  expect(provider.secretsSeen()).toContain(url.searchParams.get('id_token_hint'))
  expect(setCookieLine(page, 'bff')).toMatch(/^bff=; Path=\/; Expires=Thu, 01 Jan 1970/)
})

test('the session is gone in Redis before the revocation reaches the provider, and nobody waits for it', async () => {
  const browser = await logIn('carol')
  expect(provider.liveRefreshTokens('carol')).toHaveLength(1)
  const hold = provider.holdNext('revocation')
  const answered = browser.request('POST', `${app.url}/logout`)
  await hold.arrived
  expect(await sessionKeys()).toEqual([])
  const { status } = await within(answered, 'the answer, before that of the revocation', 4000)
  expect(status).toBe(303)
  hold.release()
  await eventually('the refresh token to be revoked', () => provider.liveRefreshTokens('carol').length === 0)
  expect(provider.revocations().at(-1)).toMatchObject({
    method: 'POST',
    authorization: 'basic',
    params: { token_type_hint: 'refresh_token' },
  })
})

test('the refresh token that is revoked is the newest', async () => {
  const browser = await logIn('dave')
  await browser.request('POST', `${app.url}/renew`)
  await browser.request('POST', `${app.url}/renew`)
  await browser.request('POST', `${app.url}/logout`)
  await eventually('the refresh token to be revoked', () => provider.liveRefreshTokens('dave').length === 0)
})

test('logging out twice, and without ever having logged in, is no error', async () => {
  const browser = await logIn('erin')
  const copy = browser.clone()
  await browser.request('POST', `${app.url}/logout`)
  for (const each of [browser, copy, new Browser()]) {
    const page = await each.request('POST', `${app.url}/logout`)
    expect(page).toMatchObject({ status: 303, headers: { location: '/' } })
  }
  await eventually('one revocation', () => provider.liveRefreshTokens('erin').length === 0)
  const ends = app.events.filter(({ event }) => JSON.stringify(event).includes('erin'))
  expect(ends.filter(({ name }) => name === 'session-ended')).toHaveLength(1)
})

test('two logouts at once revoke once and end once', async () => {
  const browser = await logIn('frank')
  const before = provider.revocations().length
  const pages = await Promise.all(
    [browser, browser.clone()].map((each) => each.request('POST', `${app.url}/logout`)),
  )
  expect(pages.map(({ status }) => status)).toEqual([303, 303])
  await eventually('the revocation', () => provider.liveRefreshTokens('frank').length === 0)
  expect(provider.revocations()).toHaveLength(before + 1)
})

test("one session's logout leaves the user's other session alone", async () => {
  const [here, there] = [await logIn('grace'), await logIn('grace')]
  await here.request('POST', `${app.url}/logout`)
  expect(await whoIs(there)).toMatchObject({ sub: 'grace' })
})

test('a logout takes an anonymous visitor’s data from the browser, too', async () => {
  const browser = new Browser()
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'anonymous' } })
  await browser.request('POST', `${app.url}/logout`)
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
})

test.each<[string, { from: string | null }]>([
  ['by the address bar', { from: null }],
  ['by a link of ours', { from: 'http://localhost/' }],
])('GET /logout %s logs out', async (_name, { from }) => {
  const browser = await logIn('heidi')
  const page = await browser.finish(
    await browser.navigate(`${app.url}/logout`, { from: from && `${app.url}/` }),
  )
  expect(page.json()).toMatchObject({ home: true, authenticated: false })
})

test('GET /logout from another site is refused, and the session lives', async () => {
  const browser = await logIn('ivan')
  const before = provider.revocations().length
  const link = await browser.navigate(`${app.url}/logout`, { from: 'https://evil.example/' })
  expect(link.status).toBe(403)
  const cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
  const image = {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'no-cors',
    'sec-fetch-dest': 'image',
    cookie,
  }
  expect((await browser.request('GET', `${app.url}/logout`, { headers: image })).status).toBe(403)
  const sibling = { ...image, 'sec-fetch-site': 'same-site' }
  expect((await browser.request('GET', `${app.url}/logout`, { headers: sibling })).status).toBe(403)
  expect(await whoIs(browser)).toMatchObject({ sub: 'ivan' })
  expect(provider.revocations()).toHaveLength(before)
})

test.each(['HEAD', 'PUT', 'DELETE', 'OPTIONS'])(
  '%s /logout is refused, and the session lives',
  async (method) => {
    const browser = await logIn('judy')
    const page = await browser.request(method, `${app.url}/logout`)
    expect(page).toMatchObject({ status: 405, headers: { allow: 'GET, POST' } })
    expect(await whoIs(browser)).toMatchObject({ sub: 'judy' })
  },
)

test.each([
  '?return_to=//evil.example',
  '?returnTo=https://evil.example',
  '?post_logout_redirect_uri=https://evil.example',
])('/logout%s cannot change where the browser lands', async (query) => {
  const browser = await logIn('mallory')
  const page = await browser.request('POST', `${app.url}/logout${query}`)
  const url = new URL(page.headers.location ?? '')
  expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/`)
  expect(url.href).not.toContain('evil')
})
