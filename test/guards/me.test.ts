// GET /me: who is logged in and how fresh that is.
import { startApp, type TestApp } from '../support/app.ts'
import { Browser } from '../support/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  app = await startApp({ provider, redisUrl: redis.url, options: { logger: createLog().logger } })
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const me = (browser: Browser, method = 'GET') => browser.request(method, `${app.url}/me`)

test('signed out: not authenticated, and nothing else', async () => {
  const page = await me(new Browser())
  expect(page).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
  expect(page.json()).toEqual({ authenticated: false })
})

test('signed in: the claims about the person, and how fresh they are', async () => {
  const browser = new Browser()
  const began = Date.now()
  await browser.logIn(app.url, { user: 'alice' })
  const page = await me(browser)
  const { session, ...rest } = page.json<{ session: Record<string, string> }>()
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(rest).toEqual({
    authenticated: true,
    user: {
      sub: 'alice',
      name: 'alice Example',
      preferred_username: 'alice',
      email: 'alice@example.com',
      email_verified: true,
    },
  })
  expect(session).toMatchObject({ generation: 1 })
  const at = (name: string) => Date.parse(session[name] ?? '') - began
  expect(at('createdAt')).toBeGreaterThan(-1000)
  expect(at('createdAt')).toBeLessThan(20_000)
  expect(session.renewedAt).toBe(session.createdAt)
  expect(at('dueAt') - at('renewedAt')).toBe(900_000)
  expect(at('expiresAt')).toBeGreaterThan(86_000_000)
  expect(setCookieLines(page)).toEqual([])
})

test('no token and no secret of the protocol is in it', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const { body } = await me(browser)
  for (const secret of provider.secretsSeen()) expect(body).not.toContain(secret)
  expect(body).not.toMatch(/nonce|at_hash|token/)
})

test('HEAD is answered without a body, other methods are refused', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  expect(await me(browser, 'HEAD')).toMatchObject({ status: 200, body: '' })
  expect(await me(browser, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
})

test("another site's script cannot read it", async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const page = await browser.request('GET', `${app.url}/me`, { from: 'https://evil.example/' })
  // The cookie is Lax and stays away, and no CORS header opens the answer.
  expect(page.json()).toEqual({ authenticated: false })
  expect(page.headers['access-control-allow-origin']).toBeUndefined()
})

test('after the log-out it says so', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const before = browser.clone()
  await browser.request('POST', `${app.url}/logout`)
  for (const each of [browser, before]) expect((await me(each)).json()).toEqual({ authenticated: false })
})
