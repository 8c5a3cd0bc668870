// A callback that comes again: by reload, by the back button, by a second click, from another browser, too late.
import { createSealer } from '../../src/lib/seal.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp
const { logger } = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  app = await startApp({ provider, redisUrl: redis.url, options: { logger } })
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const exchanges = () => provider.tokenRequests('authorization_code').length
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()

test('the same callback URL again lands on the page, with the session as it was', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'reload', returnTo: '/private?page=2' })
  await browser.navigate(callback)
  const [before, count] = [await whoIs(browser), exchanges()]
  for (let again = 0; again < 3; again += 1) {
    const page = await browser.navigate(callback)
    expect(page).toMatchObject({ status: 200, url: `${app.url}/private?page=2` })
    expect(setCookieLine(page.hops[0] ?? page, 'bff')).toBeUndefined()
  }
  expect(exchanges()).toBe(count)
  expect(await whoIs(browser)).toMatchObject({ sub: 'reload', createdAt: before.createdAt, generation: 1 })
})

test('the back button lands on the page after the session was renewed, too', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'back', returnTo: '/private' })
  await browser.navigate(callback)
  await browser.request('POST', `${app.url}/renew`)
  const page = await browser.navigate(callback)
  expect(page.json()).toMatchObject({ sub: 'back', generation: 2 })
})

test('the back button in the tab that logged in first lands on its page', async () => {
  const browser = new Browser()
  const first = await browser.startLogin(app.url, { user: 'tabs', returnTo: '/public?tab=1' })
  const other = browser.tab()
  const second = await other.startLogin(app.url, { user: 'tabs', returnTo: '/public?tab=2' })
  await browser.navigate(first)
  await other.navigate(second)
  const count = exchanges()
  expect(await browser.navigate(first)).toMatchObject({ status: 200, url: `${app.url}/public?tab=1` })
  expect(exchanges()).toBe(count)
  expect(await whoIs(browser)).toMatchObject({ sub: 'tabs' })
})

test('a callback that was used logs nobody in after the logout', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'left' })
  await browser.navigate(callback)
  await browser.request('POST', `${app.url}/logout`)
  const count = exchanges()
  expect((await browser.navigate(callback)).status).toBe(400)
  expect(exchanges()).toBe(count)
  expect(await whoIs(browser)).toMatchObject({ authenticated: false })
})

test('two identical callbacks at once make one token request and one session', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'double', returnTo: '/private' })
  const count = exchanges()
  const hold = provider.holdNext('token', { grantType: 'authorization_code' })
  const first = browser.navigate(callback)
  await hold.arrived
  const second = await browser.clone().navigate(callback, { stopAt: () => true })
  expect(second.status).toBeLessThan(500)
  expect(setCookieLine(second, 'bff')).toBeUndefined()
  hold.release()
  expect((await first).json()).toMatchObject({ sub: 'double' })
  expect(exchanges()).toBe(count + 1)
  expect(await whoIs(browser)).toMatchObject({ sub: 'double' })
})

test('ten identical callbacks at the same moment make one token request', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'impatient', returnTo: '/private' })
  const count = exchanges()
  const pages = await Promise.all(
    Array.from({ length: 10 }, () => browser.clone().navigate(callback, { stopAt: () => true })),
  )
  expect(exchanges()).toBe(count + 1)
  expect(pages.filter((page) => setCookieLine(page, 'bff') !== undefined)).toHaveLength(1)
})

test('a stolen callback URL with a stolen login cookie is used up', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'robbed' })
  const thief = browser.clone()
  await browser.navigate(callback)
  const count = exchanges()
  expect((await thief.navigate(callback)).status).toBe(400)
  expect(exchanges()).toBe(count)
  expect(await whoIs(thief)).toMatchObject({ authenticated: false })
})

const sealer = createSealer([TEST_SECRET], 'login transaction')

/** A login on its way, changed as if it had begun otherwise, and its callback. */
async function loginBegun(change: (transaction: { startedAt: number; issuer: string }) => object) {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'slow' })
  const [cookie] = (await browser.cookies(app.url)).filter(({ key }) => key.startsWith('bff-login-'))
  const transaction = JSON.parse(sealer.open(cookie?.value ?? '', cookie?.key ?? '') ?? '{}')
  const changed = JSON.stringify({ ...transaction, ...change(transaction) })
  const value = sealer.seal(changed, cookie?.key ?? '')
  await browser.setCookie(`${cookie?.key}=${value}; Path=/; HttpOnly`, app.url)
  return { browser, callback }
}

const minutesAgo = (minutes: number) =>
  loginBegun(({ startedAt }) => ({ startedAt: startedAt - minutes * 60_000 }))

test('a login that took eleven minutes is refused, with a way to begin again', async () => {
  const { browser, callback } = await minutesAgo(11)
  const count = exchanges()
  const page = await browser.navigate(callback)
  expect(page.status).toBe(400)
  expect(page.body).toContain('ten minutes')
  expect(page.body).toContain('href="/login"')
  expect(exchanges()).toBe(count)
  expect(await browser.cookies(app.url)).toEqual([])
})

test('a login that took nine minutes is completed', async () => {
  const { browser, callback } = await minutesAgo(9)
  expect((await browser.navigate(callback)).json()).toMatchObject({ sub: 'slow' })
})

test('a login that was begun at another provider is refused before any token request', async () => {
  const { browser, callback } = await loginBegun(() => ({ issuer: 'https://evil.example/' }))
  const count = exchanges()
  expect((await browser.navigate(callback)).status).toBe(400)
  expect(exchanges()).toBe(count)
})

test("a login's cookie under the name of another login does not open", async () => {
  const browser = new Browser()
  const one = await browser.startLogin(app.url)
  const [cookie] = await browser.cookies(app.url)
  const other = await browser.startLogin(app.url)
  for (const { key } of await browser.cookies(app.url)) {
    await browser.setCookie(`${key}=${cookie?.value}; Path=/; HttpOnly`, app.url)
  }
  const count = exchanges()
  expect((await browser.navigate(other)).status).toBe(400)
  expect(exchanges()).toBe(count)
  expect((await browser.navigate(one)).status).toBe(200)
})
