// Several log-ins of one browser at once, given up or finished in any order (H25).
import { startApp, type TestApp } from '../support/app.ts'
import { Browser } from '../support/browser.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
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

async function cookieHeaderOf(browser: Browser): Promise<string> {
  return (await browser.cookies(app.url)).map((cookie) => cookie.cookieString()).join('; ')
}

test.each([
  ['the first first', [0, 1, 2]],
  ['the last first', [2, 1, 0]],
  ['the middle one first', [1, 2, 0]],
  ['the first given up', [2, 1]],
  ['the last given up', [1, 0]],
])('H25: tabs that log in at once all land where they wanted: %s', async (_name, order) => {
  const browser = new Browser()
  const tabs = [browser, browser.tab(), browser.tab()]
  const callbacks: string[] = []
  for (const [index, tab] of tabs.entries()) {
    callbacks.push(await tab.startLogin(app.url, { user: 'tabs', returnTo: `/public?tab=${index}` }))
  }
  for (const index of order) {
    const page = await (tabs[index] as Browser).navigate(callbacks[index] ?? '')
    expect(page).toMatchObject({ status: 200, url: `${app.url}/public?tab=${index}` })
    expect(page.json()).toMatchObject({ authenticated: true, sub: 'tabs', generation: 1 })
  }
  const left = (await browser.cookies(app.url)).filter(({ key }) => key !== 'bff')
  expect(left).toHaveLength(3 - order.length)
})

test('200 log-ins started and given up keep the Cookie header small, and the next one works', async () => {
  const browser = new Browser()
  for (let index = 0; index < 200; index += 1) {
    await browser.navigate(`${app.url}/login?return_to=/public?${'x'.repeat(index * 7)}`, {
      stopAt: () => true,
    })
  }
  expect((await cookieHeaderOf(browser)).length).toBeLessThan(5000)
  const page = await browser.logIn(app.url, { user: 'patient', returnTo: '/private' })
  expect(page.json()).toMatchObject({ sub: 'patient' })
})

test('20 log-ins started at the same moment do not stay in the browser', async () => {
  const browser = new Browser()
  const start = () => browser.tab().navigate(`${app.url}/login`, { stopAt: () => true })
  await Promise.all(Array.from({ length: 20 }, start))
  const page = await browser.logIn(app.url, { user: 'hasty', returnTo: '/private' })
  expect(page.json()).toMatchObject({ sub: 'hasty' })
  expect((await browser.cookies(app.url)).length).toBeLessThanOrEqual(5)
})

test('the newest log-in is never the one that makes room', async () => {
  const browser = new Browser()
  const callbacks: string[] = []
  const tab = browser.tab()
  callbacks.push(await tab.startLogin(app.url, { user: 'newest', returnTo: '/public?old' }))
  for (let index = 0; index < 5; index += 1)
    await browser.navigate(`${app.url}/login`, { stopAt: () => true })
  const page = await browser.logIn(app.url, { user: 'newest', returnTo: '/public?new' })
  expect(page.url).toBe(`${app.url}/public?new`)
  const old = await tab.navigate(callbacks[0] ?? '')
  expect(old.status).toBe(400)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ sub: 'newest' })
})

test('cookies that look like a log-in and are none make room first', async () => {
  const browser = new Browser()
  for (let index = 0; index < 30; index += 1) {
    await browser.setCookie(`bff-login-${index}=${'noise'.repeat(20)}; Path=/`, app.url)
  }
  const page = await browser.logIn(app.url, { user: 'noisy', returnTo: '/private' })
  expect(page.json()).toMatchObject({ sub: 'noisy' })
  expect(await browser.cookies(app.url)).toHaveLength(1)
})

test.each([
  ['an ordinary page', '/private'],
  ['the longest that is taken', `/${'a'.repeat(2047)}`],
  ['characters that grow when they are encoded', `/${'€'.repeat(400)}`],
  ['quotes and ampersands', `/?${'"&<'.repeat(600)}`],
])(
  'the cookie of a log-in is one that browsers keep (4096 bytes), returning to %s',
  async (_name, returnTo) => {
    const url = `${app.url}/login?return_to=${encodeURIComponent(returnTo)}`
    const page = await new Browser().navigate(url, { stopAt: () => true })
    const [line = ''] = setCookieLines(page)
    expect(line.split(';')[0]?.length).toBeLessThanOrEqual(4096)
  },
)

test("a log-in's cookie is bound to the browser like the session's, and lives ten minutes", async () => {
  const page = await new Browser().navigate(`${app.url}/login`, { stopAt: () => true })
  const [name = ''] = setCookieLines(page)[0]?.split('=') ?? []
  expect(setCookieLines(page)).toHaveLength(1)
  expect(setCookieLine(page, name)?.replace(/Expires=[^;]+; /, '')).toMatch(
    /^bff-login-[\w-]{16}=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
  )
})
