// What must not become a session at the callback (HOSTILE-INPUTS, "The callback").
import type { Browser, Page } from '../support/browser.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { type KnownApp, startKnownApp } from '../support/known-app.ts'
import { startProvider, type TestProvider } from '../support/provider.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: KnownApp
const log = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  app = await startKnownApp({ provider, redisUrl: redis.url, options: { logger: log.logger } }, 'visitor')
})
beforeEach(() => {
  log.lines.length = 0
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const exchanges = () => provider.tokenRequests().length
const loginCookies = async (browser: Browser) =>
  (await browser.cookies(app.url)).filter(({ key }) => key.startsWith('bff-login-')).map(String)

/** Refused: 4xx with a way to begin again, nothing reflected, a log line without what was sent, nobody signed in. */
async function expectRefused(browser: Browser, page: Page, sent: string[]): Promise<void> {
  expect(page.status).toBe(400)
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  expect(page.body).toContain('href="/login"')
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(log.lines.length).toBeGreaterThanOrEqual(1)
  for (const secret of sent.filter((each) => each.length > 8)) {
    expect(page.body + JSON.stringify(page.headers) + log.lines.join()).not.toContain(secret)
  }
  expect(log.lines.join('')).not.toMatch(/[\r\n]/)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
}

type Change = (params: URLSearchParams) => void

const rename = (params: URLSearchParams, from: string, to: string) => {
  params.set(to, params.get(from) ?? '')
  params.delete(from)
}

const callbackWith = (callback: string, change: Change): string => {
  const url = new URL(callback)
  change(url.searchParams)
  return url.href
}

const shapes: [string, Change][] = [
  ['no query at all', (params) => [...params.keys()].map((name) => params.delete(name))],
  ['code without state', (params) => params.delete('state')],
  ['an empty state', (params) => params.set('state', '')],
  ['state without code', (params) => params.delete('code')],
  ['code and error', (params) => params.set('error', 'access_denied')],
  ['state twice', (params) => params.append('state', params.get('state') ?? '')],
  ['another state after it', (params) => params.append('state', 'other-state')],
  ['code twice', (params) => params.append('code', 'other-code')],
  ['the same code twice', (params) => params.append('code', params.get('code') ?? '')],
  ['iss twice', (params) => params.append('iss', 'https://evil.example')],
  ['state[]', (params) => params.append('state[]', 'other-state')],
  ['state[] alone', (params) => rename(params, 'state', 'state[]')],
  ['code[length]=9', (params) => params.append('code[length]', '9')],
  ['code[length]=9 alone', (params) => rename(params, 'code', 'code[length]')],
  ['__proto__[state]', (params) => rename(params, 'state', '__proto__[state]')],
  ['state with a null byte', (params) => params.set('state', '\u0000')],
  ['state + "1"', (params) => params.set('state', `${params.get('state')}1`)],
  ['state in another case', (params) => params.set('state', (params.get('state') ?? '').toUpperCase())],
]

test.each(shapes)(
  'a callback with %s is refused, and the log-in can still be completed',
  async (_name, change) => {
    const browser = app.visitor()
    const callback = await browser.startLogin(app.url)
    const cookies = await loginCookies(browser)
    const before = exchanges()
    const page = await browser.navigate(callbackWith(callback, change))
    await expectRefused(browser, page, [...new URL(callback).searchParams.values()])
    expect(setCookieLines(page)).toEqual([])
    expect(exchanges()).toBe(before)
    expect(await loginCookies(browser)).toEqual(cookies)
    expect((await browser.navigate(callback)).json()).toMatchObject({ home: true, sub: 'visitor' })
  },
)

const deny = (params: URLSearchParams) => {
  params.delete('code')
  params.set('error', 'access_denied')
}

const answers: [string, Change][] = [
  ['iss of somebody else', (params) => params.set('iss', 'https://evil.example')],
  ['iss + "1"', (params) => params.set('iss', `${provider.issuer}1`)],
  ['iss with a slash', (params) => params.set('iss', `${provider.issuer}/`)],
  ['no iss, which this provider advertises', (params) => params.delete('iss')],
  ['an empty iss', (params) => params.set('iss', '')],
  ['an ID token', (params) => params.set('id_token', 'eyJhbGciOiJub25lIn0.e30.')],
  ['a JARM response', (params) => params.set('response', 'eyJhbGciOiJub25lIn0.e30.')],
  ['an empty code', (params) => params.set('code', '')],
  ['access_denied', deny],
  [
    'access_denied of somebody else',
    (params) => {
      deny(params)
      params.set('iss', 'https://evil.example')
    },
  ],
]

test.each(answers)('a callback with %s is refused before any token request', async (_name, change) => {
  const browser = app.visitor()
  const callback = await browser.startLogin(app.url)
  const before = exchanges()
  const page = await browser.navigate(callbackWith(callback, change))
  await expectRefused(browser, page, [...new URL(callback).searchParams.values()])
  expect(exchanges()).toBe(before)
  expect(await loginCookies(browser)).toEqual([])
})

test.each([
  ['line breaks', 'x\r\nSet-Cookie: bff=planted'],
  ['10 kB', 'c0de'.repeat(2500)],
  ['markup', '<script>alert(1)</script>'],
  ['another code', 'another-code-altogether'],
])('a code with %s is refused by the provider and shown nowhere', async (_name, code) => {
  const browser = app.visitor()
  const callback = await browser.startLogin(app.url)
  const page = await browser.navigate(callbackWith(callback, (params) => params.set('code', code)))
  await expectRefused(browser, page, [code, 'planted', 'alert(1)'])
})

test('markup in error_description is not shown, and the log-in has ended', async () => {
  const browser = app.visitor()
  const callback = await browser.startLogin(app.url)
  const denied = callbackWith(callback, (params) => {
    params.delete('code')
    params.set('error', 'access_denied')
    params.set('error_description', '<img src=x onerror=alert(1)>\r\nX-Evil: 1')
    params.set('error_uri', 'javascript:alert(2)')
  })
  const before = exchanges()
  const page = await browser.navigate(denied)
  await expectRefused(browser, page, ['<img src=x', 'alert(1)', 'alert(2)', 'X-Evil'])
  expect((await browser.navigate(callback)).status).toBe(400)
  expect(exchanges()).toBe(before)
})

test("the provider's error leaves a live session as it is", async () => {
  const browser = app.visitor()
  await browser.logIn(app.url)
  const callback = await browser.startLogin(app.url)
  const denied = (state?: string) =>
    callbackWith(callback, (params) => {
      params.delete('code')
      params.set('error', 'access_denied')
      if (state) params.set('state', state)
    })
  for (const url of [denied('unknown'), denied()]) {
    expect((await browser.navigate(url)).status).toBe(400)
    expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ sub: 'visitor' })
  }
})

test.each(['iss', 'state', 'code'])('a refused callback is one log line, with the wrong %s', async (name) => {
  const browser = app.visitor()
  const callback = await browser.startLogin(app.url)
  await browser.navigate(callbackWith(callback, (params) => params.set(name, 'wrong')))
  expect(log.lines).toEqual([expect.stringContaining('refused')])
})
