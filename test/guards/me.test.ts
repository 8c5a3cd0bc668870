// GET /me: who is logged in and how fresh that is.
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

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

test('logged out: not authenticated, and nothing else', async () => {
  const page = await me(new Browser())
  expect(page).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
  expect(page.json()).toEqual({ authenticated: false })
})

test('logged in: the claims about the person, and how fresh they are', async () => {
  const browser = new Browser()
  const began = Date.now()
  await browser.logIn(app.url, { user: 'alice' })
  const page = await me(browser)
  const { session, ...rest } = page.json<{ session: Record<string, string> & { expiresIn: number } }>()
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(page.headers).not.toHaveProperty('etag')
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
  expectSecondsUpTo(86_400, session.expiresIn)
  const always = ['createdAt', 'dueAt', 'expiresAt', 'expiresIn', 'generation', 'renewedAt']
  expect(Object.keys(session).sort()).toEqual(always)
  expect(setCookieLines(page)).toEqual([])
})

test.each<[string, NonNullable<AuthOptions['session']>]>([
  ['its idle time', { idleTimeoutSeconds: 60 }],
  ['its absolute lifetime', { absoluteTimeoutSeconds: 60 }],
])('the page is told how long the session lives when %s ends first', async (_what, session) => {
  const own = await startApp({ provider, options: { session } })
  try {
    const browser = new Browser()
    await browser.logIn(own.url)
    const answer = (await browser.request('GET', `${own.url}/me`)).json<{ session: { expiresIn: number } }>()
    expectSecondsUpTo(60, answer.session.expiresIn)
  } finally {
    await own.stop()
  }
})

/** Whole, and not many of them gone. */
function expectSecondsUpTo(most: number, seconds: number) {
  expect(Number.isInteger(seconds)).toBe(true)
  expect(seconds).toBeGreaterThan(most - 20)
  expect(seconds).toBeLessThanOrEqual(most)
}

const CLAIMS = { roles: ['admin'], birthdate: '1815-12-10', locale: 'en-GB', staff_number: 7 }

test.each<[string, AuthOptions, object]>([
  ['the usual ones alone', {}, { name: 'ada Example', email: 'ada@example.com', locale: 'en-GB' }],
  [
    'those of the list alone',
    { userClaims: ['roles', 'birthdate'] },
    { roles: ['admin'], birthdate: '1815-12-10' },
  ],
  ['what afterCallback added, where it is listed', { userClaims: ['team'] }, { team: 'engines' }],
  ['none of an empty list', { userClaims: [] }, {}],
  ['what is not there, is not told', { userClaims: ['nickname', 'toString', '__proto__'] }, {}],
])('of the claims about the person the page is told %s', async (_which, options, told) => {
  const afterCallback = () => ({ user: { team: 'engines', salary: 1 } })
  let user: unknown
  const own = await startApp({ provider, options: { ...options, afterCallback, logger: createLog().logger } })
  try {
    own.app.get('/all', (req, res) => {
      user = req.oidc.user
      res.end()
    })
    const browser = new Browser()
    nextIdToken(provider, CLAIMS)
    await browser.logIn(own.url, { user: 'ada' })
    const answer = (await browser.request('GET', `${own.url}/me`)).json()
    await browser.request('GET', `${own.url}/all`)
    const usual = options.userClaims ? {} : { preferred_username: 'ada', email_verified: true }
    expect(answer.user).toEqual({ sub: 'ada', ...usual, ...told })
    expect(user).toMatchObject({ ...CLAIMS, team: 'engines', salary: 1 })
  } finally {
    await own.stop()
  }
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

test('after the logout it says so', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const before = browser.clone()
  await browser.request('POST', `${app.url}/logout`)
  for (const each of [browser, before]) expect((await me(each)).json()).toEqual({ authenticated: false })
})
