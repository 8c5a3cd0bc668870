// POST /logout: here first, then revocation, then the provider's own session, and back home, however the provider sends
// the browser back. While the provider or the store is out of reach it ends the session here, or says that it did not.
import express from 'express'
import { auth } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { findForm } from '../support/browser/html-form.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'

const { provider, redis, store, app, log } = useServers({ redis: true })
const { logger } = log

beforeEach(() => redis.flush())

const sessionKeys = async () => [...(await store.keys('bff:{*}:auth')), ...(await store.keys('bff:{*}:app'))]
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()

async function logIn(user: string, at: TestApp = app): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(at.url, { user })
  return browser
}

async function logInWithCart(user: string): Promise<Browser> {
  const browser = await logIn(user)
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'own' } })
  return browser
}

test('logging out leads over the provider home, and a copy of the cookie is dead', async () => {
  const browser = await logInWithCart('alice')
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
  const browser = await logInWithCart('carol')
  expect(provider.liveRefreshTokens('carol')).toHaveLength(1)
  const hold = provider.holdNext('revocation')
  const answered = browser.request('POST', `${app.url}/logout`)
  await hold.arrived
  expect(await sessionKeys()).toEqual([])
  expect((await answered).status).toBe(303)
  expect(provider.revocations().at(-1)?.endedAt).toBeUndefined()
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

/** Logs out; the provider sends the browser back to the page for it with that query. */
async function logOutBy(browser: Browser, query: string) {
  const location = `${app.url}/${query}`
  provider.answerNext('end_session', { status: 303, headers: { location } })
  const page = await browser.logOut(app.url)
  expect([page.status, page.url]).toEqual([200, location])
  expect(page.json()).toMatchObject({ home: true, authenticated: false })
  // The last hop is that page: it sets nothing, and the one before took the session's cookie, and a login's under way.
  const [taken, ...logins] = page.hops.flatMap(setCookieLines)
  expect(taken).toMatch(/^bff=;/)
  for (const line of logins) expect(line).toMatch(/^bff-login-[0-4]=;/)
}

async function expectStaysLoggedOut(browser: Browser, copy: Browser) {
  for (const each of [browser, copy]) expect(await whoIs(each)).toMatchObject({ authenticated: false })
  expect(await authKeys(store)).toEqual([])
}

test('rp-init-logout: the provider is asked with hint and address, and its own session ends too', async () => {
  const browser = await logIn('alice')
  const copy = browser.clone()
  const before = provider.requests({ endpoint: 'end_session' }).length
  const page = await browser.logOut(app.url)
  expect([page.status, page.url]).toEqual([200, `${app.url}/`])
  const [asked] = provider.requests({ endpoint: 'end_session' }).slice(before)
  expect(asked?.params).toMatchObject({ post_logout_redirect_uri: `${app.url}/` })
  await expectStaysLoggedOut(browser, copy)
  expect((await browser.navigate(`${app.url}/login`)).body).toContain('name="login"')
})

test.each([
  ['rp-init-logout-no-state: none', ''],
  ['rp-init-logout-other-state: other', '?state=other'],
  ['rp-init-logout-other-state: empty', '?state='],
  ['rp-init-logout-other-state: twice', '?state=one&state=other'],
  ['rp-init-logout-other-state: markup', '?state=%3Cscript%3Ealert(1)%3C/script%3E'],
  ['rp-init-logout-other-state: a code beside it', '?state=other&code=planted&iss=https://evil.example'],
])('%s: the browser lands normally, and stays logged out', async (_what, query) => {
  const browser = await logIn('alice')
  const copy = browser.clone()
  await logOutBy(browser, query)
  await expectStaysLoggedOut(browser, copy)
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
  await browser.logOut(app.url)
})

test('rp-init-logout-other-state: that of a login under way, which ended with the session', async () => {
  const browser = await logIn('alice')
  const copy = browser.clone()
  const callback = await browser.tab().startLogin(app.url, { user: 'alice' })
  const before = provider.tokenRequests().length
  await logOutBy(browser, `?state=${new URL(callback).searchParams.get('state')}`)
  await expectStaysLoggedOut(browser, copy)
  expect((await browser.navigate(callback)).status).toBe(400)
  expect(provider.tokenRequests()).toHaveLength(before)
  await expectStaysLoggedOut(browser, copy)
})

/** Each has not talked to the provider yet, and would wait for it as long as nobody does; one gives up on it soon. */
const { down, hanging, hasty } = useParts(async (start) => {
  const setup = { provider, redisUrl: redis.url }
  const patient = { ...setup, options: { httpTimeoutSeconds: 60, logger } }
  return {
    down: await start(startApp(patient)),
    hanging: await start(startApp(patient)),
    hasty: await start(startApp({ ...setup, options: { httpTimeoutSeconds: 2, logger } })),
  }
})
afterEach(() => provider.up())

test('while the provider is down the session ends here, and the browser lands home', async () => {
  const browser = await logIn('offline')
  const copy = browser.clone()
  await provider.down()
  const page = await browser.submit(`${down.url}/logout`, {}, { from: down.url })
  expect(page).toMatchObject({ status: 200, url: `${down.url}/` })
  expect(page.json()).toMatchObject({ authenticated: false })
  expect(await whoIs(copy)).toMatchObject({ authenticated: false })
})

test('while the provider hangs the logout does not', async () => {
  const browser = await logIn('hanging')
  provider.holdNext('discovery')
  const page = await browser.request('POST', `${hanging.url}/logout`)
  expect(page).toMatchObject({ status: 303, headers: { location: '/' } })
  // The app asks on, and the answer did not wait for it.
  expect(provider.requests({ endpoint: 'discovery' }).at(-1)?.endedAt).toBeUndefined()
  expect(await whoIs(browser)).toMatchObject({ authenticated: false })
})

test.each([
  ['answers 500', () => provider.answerNext('revocation', { status: 500, body: 'oops' })],
  [
    'answers 400',
    () => provider.answerNext('revocation', { status: 400, body: { error: 'unsupported_token_type' } }),
  ],
  ['resets the connection', () => provider.cutNext('revocation')],
  ['hangs', () => void provider.holdNext('revocation')],
])('a revocation that %s keeps nobody from logging out', async (_name, arm) => {
  const browser = await logIn('unrevoked', hasty)
  hasty.events.length = 0
  arm()
  const page = await browser.request('POST', `${hasty.url}/logout`)
  expect(page.status).toBe(303)
  expect(page.headers.location).toContain('/session/end')
  expect(await whoIs(browser)).toMatchObject({ authenticated: false })
  await eventually('word of it', () => hasty.events.some(({ name }) => name === 'provider-unavailable'))
  for (const secret of provider.secretsSeen()) expect(JSON.stringify(hasty.events)).not.toContain(secret)
})

test('while Redis is down the answer is 503 and the cookie stays; afterwards the logout works', async () => {
  const [browser, other] = [await logIn('stuck'), await logIn('stuck')]
  app.app.post('/leave', (_req, res) => res.oidc.logout())
  const keys = await authKeys(store)
  redis.freeze()
  app.events.length = 0
  try {
    const [page, byHandler] = await Promise.all([
      browser.request('POST', `${app.url}/logout`),
      other.request('POST', `${app.url}/leave`),
    ])
    expect(byHandler).toMatchObject({ status: 503 })
    expect(setCookieLines(byHandler)).toEqual([])
    // One deadline for all that a request wants of the store: neither asked it a second time.
    expect(app.events.filter(({ name }) => name === 'store-unavailable').length).toBeLessThanOrEqual(2)
    expect(page.status).toBe(503)
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
    expect(page.json()).toMatchObject({ code: 'store_unavailable' })
    expect(setCookieLines(page)).toEqual([])
  } finally {
    redis.thaw()
  }
  await eventually('Redis to answer again', async () => (await whoIs(browser)).sub === 'stuck')
  expect(await authKeys(store)).toEqual(keys)
  expect(await whoIs(other)).toMatchObject({ sub: 'stuck' })
  const page = await browser.request('POST', `${app.url}/logout`)
  expect(setCookieLine(page, 'bff')).toMatch(/^bff=;/)
  expect(await authKeys(store)).toHaveLength(keys.length - 1)
})

test('a store that cannot end the session makes the answer 503, and both stay', async () => {
  const browser = await logIn('undeletable')
  await store.call('ACL', 'SETUSER', 'default', '-del')
  try {
    const page = await browser.request('POST', `${app.url}/logout`)
    expect(page.status).toBe(503)
    expect(setCookieLines(page)).toEqual([])
  } finally {
    await store.call('ACL', 'SETUSER', 'default', '+del')
  }
  expect(await whoIs(browser)).toMatchObject({ sub: 'undeletable' })
  expect(provider.liveRefreshTokens('undeletable')).toHaveLength(1)
})

test('while Redis is down a callback is 503 and the login can still be completed; so is the back button', async () => {
  const browser = await logIn('patient')
  const done = await browser.startLogin(app.url, { user: 'patient' })
  await browser.navigate(done)
  const callback = await browser.startLogin(app.url, { user: 'patient' })
  const before = provider.tokenRequests().length
  redis.freeze()
  try {
    const pages = await Promise.all([callback, done].map((url) => browser.tab().navigate(url)))
    expect(pages.map(({ status }) => status)).toEqual([503, 503])
    expect(pages.flatMap(setCookieLines)).toEqual([])
    expect(provider.tokenRequests()).toHaveLength(before)
  } finally {
    redis.thaw()
  }
  await eventually('Redis to answer again', async () => (await whoIs(browser)).sub === 'patient')
  expect((await browser.navigate(callback)).json()).toMatchObject({ sub: 'patient' })
})

describe('below the headers of helmet(), in a browser without Fetch Metadata (Safari before 16.4)', () => {
  const { strict } = useParts(async (start) => ({
    strict: await start(
      startOwnApp({ provider, redisUrl: redis.url, options: { logger } }, (given) => {
        const handler = auth(given)
        const site = express()
        site.use((_req, res, next) => {
          res.set({
            'referrer-policy': 'no-referrer',
            'content-security-policy': "default-src 'self'; form-action 'self'; script-src 'self'",
          })
          next()
        })
        site.use(handler)
        site.get('/', (_req, res) => void res.json({}))
        return { app: site, auth: handler }
      }),
    ),
  }))

  test('the form of the page that asks before the logout says where it comes from, and logs out', async () => {
    const browser = new Browser({ secFetch: false })
    await browser.logIn(strict.url, { user: 'safari' })
    const asking = await browser.navigate(`${strict.url}/logout`)
    expect([asking.status, setCookieLines(asking)]).toEqual([200, []])
    const { action = '' } = findForm(asking.body, asking.url) ?? {}
    // Under no-referrer a form says `Origin: null` (Fetch, "append a request Origin header").
    const origin = asking.headers['referrer-policy'] === 'no-referrer' ? 'null' : strict.url
    const done = await browser.submit(action, {}, { headers: { origin }, stopAt: () => true })
    expect([done.status, setCookieLine(done, 'bff')]).toEqual([200, expect.stringMatching(/^bff=;/)])
  })
})
