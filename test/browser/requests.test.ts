// In Chromium: the module's fetch(), on sessions that are due, over, or for the moment not to be known.
import type { Redis } from 'ioredis'
import type { BrowserContext, Page } from 'playwright-core'
import type { TestApp } from '../support/app/app.ts'
import { endsOf, openAs, openLoggedIn, ready, startPageApp, who } from '../support/app/page-app.ts'
import type { Browser } from '../support/browser/browser.ts'
import { type Chromium, passProvider, startChromium } from '../support/browser/chromium.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession } from '../support/session/age-session.ts'

let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: TestApp
let chromium: Chromium
let context: BrowserContext
let page: Page
let browser: Browser
let user: string
let renewals: () => number

beforeAll(async () => {
  ;[provider, redis, chromium] = await Promise.all([startProvider(), startRedis(), startChromium()])
  store = redis.connect()
  app = await startPageApp({ provider, redisUrl: redis.url, options: { redisTimeoutSeconds: 0.3 } })
})
beforeEach(async () => {
  ;({ context, page, browser, user, renewals } = await openLoggedIn(
    chromium,
    app,
    provider,
    '/page?tab=2#deep',
  ))
})
afterEach(async () => {
  await context.close()
  chromium.complaints.length = 0
  provider.normal()
})
afterAll(async () => {
  await chromium?.stop()
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const codeOf = (path: string) => page.evaluate<string>(`bff.fetch('${path}').catch((error) => error.code)`)
const end = () => app.auth.sessions.revokeAll(user)

test('a page with 30 requests at once on a session that is due sees no failure, and one renewal', async () => {
  await page.evaluate('window.mark = true')
  await ageSession(store, browser, 901)
  const held = provider.holdNext('token', { mode: 'after' })
  const all =
    "Promise.all(Array.from({ length: 30 }, (_, i) => bff.fetch('/private?' + i).then((r) => r.json())))"
  const answers = page.evaluate<{ sub: string; generation: number }[]>(all)
  await held.processed
  held.release()
  expect(await answers).toEqual(Array(30).fill(expect.objectContaining({ sub: user, generation: 2 })))
  expect(renewals()).toBe(1)
  expect(await page.evaluate('bff.me()')).toMatchObject({ session: { generation: 2 }, user: { sub: user } })
  expect([await page.evaluate('mark'), await who(page)]).toEqual([true, `${user}@example.com`])
  expect(await endsOf(page)).toEqual([])
  expect(chromium.complaints).toEqual([])
})

test('a session that has ended: the page is told first, then goes to log in once, and comes back to where it was', async () => {
  await end()
  const before = provider.authorizationRequests().length
  // Held, so that the page is still there to be asked.
  const held = provider.holdNext('authorization')
  const codes = "Promise.all([1, 2, 3].map(() => bff.fetch('/private').catch(({ code }) => code)))"
  expect(await page.evaluate(`${codes}.then((codes) => ({ codes, ends, who: who.textContent }))`)).toEqual({
    codes: Array(3).fill('login_required'),
    ends: ['login_required'],
    who: 'nobody',
  })
  held.release()
  await page.waitForURL(`${provider.issuer}/**`)
  await passProvider(page, { user })
  await ready(page)
  expect(page.url()).toBe(`${app.url}/page?tab=2#deep`)
  expect(await who(page)).toBe(`${user}@example.com`)
  expect(provider.authorizationRequests()).toHaveLength(before + 1)
})

test('a page with unsaved changes may stay; it is told once, and again when it was somebody’s meanwhile', async () => {
  await page.evaluate('window.stays = true')
  await end()
  expect([await codeOf('/private'), await codeOf('/private')]).toEqual(['login_required', 'login_required'])
  expect(await endsOf(page)).toEqual(['login_required'])
  await openAs(context, app, user)
  expect(await page.evaluate('bff.me().then((person) => person.user.sub)')).toBe(user)
  await end()
  expect(await codeOf('/private')).toBe('login_required')
  expect(await endsOf(page)).toHaveLength(2)
  expect(page.url()).toBe(`${app.url}/page?tab=2#deep`)
})

test('a page that comes back from the login without a session is not sent again at once', async () => {
  app.app.get('/never', (_req, res) => {
    const problem = { code: 'login_required', login_url: '/page?again' }
    res.status(401).type('application/problem+json').send(JSON.stringify(problem))
  })
  await page.evaluate("void bff.fetch('/never').catch(() => {})")
  const back = `${app.url}/page?again=&return_to=${encodeURIComponent('/page?tab=2#deep')}`
  await page.waitForURL(back)
  await ready(page)
  expect([await codeOf('/never'), await codeOf('/never')]).toEqual(['login_required', 'login_required'])
  await page.evaluate('bff.me()')
  expect(page.url()).toBe(back)
  await page.clock.setFixedTime(Date.now() + 11_000)
  await page.evaluate("void bff.fetch('/never').catch(() => {})")
  await page.waitForURL((url) => url.searchParams.get('return_to')?.startsWith('/page?again=') === true)
})

test('while nobody can say who is logged in, me() says so, and nobody is logged out', async () => {
  redis.freeze()
  const failure = page.evaluate('bff.me().catch(({ name, status, code }) => ({ name, status, code }))')
  try {
    expect(await failure).toEqual({ name: 'BffError', status: 503, code: 'store_unavailable' })
  } finally {
    redis.thaw()
  }
  expect(await endsOf(page)).toEqual([])
  expect(await page.evaluate('bff.me()')).toMatchObject({ user: { sub: user } })
})
