// What apps and other sites do around a login: write to the session, ask for tokens too early, post forms by the dozen.
import type { Request } from 'express'
import { type CallbackLogin, isAuthError, requireClaim, requireStepUp } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp
let hook: (login: CallbackLogin, req: Request) => unknown = () => undefined
const log = createLog()

beforeAll(async () => {
  provider = await startProvider()
  const afterCallback = (login: CallbackLogin, req: Request) => hook(login, req) as undefined
  app = await startApp({ provider, options: { afterCallback, logger: log.logger } })
  app.app.post('/confirmed', requireStepUp({ acr: 'mfa', maxAgeSeconds: 300 }), (_req, res) => void res.end())
  app.app.get('/at-once', requireStepUp({ maxAgeSeconds: 1 }), (_req, res) => void res.json({ opened: true }))
  app.app.get('/strong', requireClaim('acr', 'mfa'), (_req, res) => void res.json({ opened: true }))
})
beforeEach(() => {
  hook = () => undefined
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

const get = async (browser: Browser, path: string) =>
  (await browser.request('GET', app.url + path)).json<Record<string, unknown>>()

test.each([
  ['who has no session yet', false],
  ['who has an anonymous one', true],
])('what afterCallback writes to req.session is in the session of %s', async (_who, before) => {
  const browser = new Browser()
  if (before) await browser.request('POST', `${app.url}/cart`, { json: { cart: 'of a visitor' } })
  hook = (_login, req) => {
    req.session.cart = 'from the hook'
  }
  await browser.logIn(app.url, { user: 'alice' })
  expect(await get(browser, '/me')).toMatchObject({ authenticated: true, user: { sub: 'alice' } })
  expect(await get(browser, '/cart')).toEqual({ cart: 'from the hook' })
  expect(await browser.cookies(app.url)).toHaveLength(1)
})

test('afterCallback that asks for the session is told so, and nobody is sent in circles', async () => {
  hook = (_login, req) => req.oidc.getAccessToken()
  const browser = new Browser()
  app.errors.length = 0
  const page = await browser.logIn(app.url, { user: 'alice' })
  expect(page.status).toBe(500)
  expect(page.headers.location).toBeUndefined()
  expect([app.errors.map(String), app.errors.some(isAuthError)]).toEqual([
    [expect.stringMatching(/afterCallback\(\).*login_required/)],
    false,
  ])
})

test('forms of another site, by the dozen, leave a browser that can still log in', async () => {
  const browser = new Browser()
  const fields = { iss: provider.issuer, target_link_uri: `${app.url}/public?${'x'.repeat(1500)}` }
  const stopAt = (url: URL) => url.origin === provider.issuer
  for (let count = 0; count < 40; count += 1) {
    await browser.submit(`${app.url}/login`, fields, { from: 'https://evil.example/', stopAt })
  }
  const bytes = (await browser.cookies(app.url)).map((cookie) => cookie.cookieString()).join('; ').length
  expect(bytes).toBeLessThan(5000)
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
})

test('a form that needs a step-up leads to it by a link', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const page = await browser.submit(`${app.url}/confirmed`, {}, { from: app.url })
  expect(page.status).toBe(401)
  expect(page.body).toMatch(/<a href="\/login\?max_age=300&#38;acr_values=mfa">Confirm your identity<\/a>/)
})

test('who has just come back is let in, however short the time that the guard allows', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice', returnTo: '/public' })
  const asked = provider.authorizationRequests().length
  // Two seconds on the way to the page: their authentication is older than the guard's one second by then.
  nextIdToken(provider, (claims) => ({ ...claims, auth_time: Math.floor(Date.now() / 1000) }))
  const page = await browser.logIn(app.url, { user: 'alice', path: '/at-once' })
  expect(page.json()).toEqual({ opened: true })
  expect(provider.authorizationRequests().length - asked).toBe(1)
})

test("a claim of the protocol can be required too: the person's acr", async () => {
  const browser = new Browser()
  nextIdToken(provider, { acr: 'mfa' })
  await browser.logIn(app.url, { user: 'strong' })
  expect(await get(browser, '/strong')).toEqual({ opened: true })
  const weak = new Browser()
  await weak.logIn(app.url, { user: 'weak' })
  expect((await weak.request('GET', `${app.url}/strong`)).status).toBe(403)
})
