// What must not become a session at the callback: answers that the provider did not give, or that say no.
import { type KnownApp, startKnownApp } from '../support/app/known-app.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { type Change, callbackWith, expectRefused, loginCookies, valuesOf } from './refused-callback.ts'

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
const denyWith = (error: string) => (params: URLSearchParams) => {
  params.delete('code')
  params.set('error', error)
}
const deny = denyWith('access_denied')

const answers: [string, Change][] = [
  ['iss of somebody else', (params) => params.set('iss', 'https://evil.example')],
  ['iss + "1"', (params) => params.set('iss', `${provider.issuer}1`)],
  ['iss with a slash', (params) => params.set('iss', `${provider.issuer}/`)],
  ['no iss, which this provider advertises', (params) => params.delete('iss')],
  ['an empty iss', (params) => params.set('iss', '')],
  ['iss null', (params) => params.set('iss', 'null')],
  ['iss in capitals', (params) => params.set('iss', provider.issuer.toUpperCase())],
  ['iss and a blank', (params) => params.set('iss', `${provider.issuer} `)],
  ['iss and a null byte', (params) => params.set('iss', `${provider.issuer}\u0000`)],
  ['an ID token', (params) => params.set('id_token', 'eyJhbGciOiJub25lIn0.e30.')],
  ['a JARM response', (params) => params.set('response', 'eyJhbGciOiJub25lIn0.e30.')],
  ['an empty code', (params) => params.set('code', '')],
  ['access_denied', deny],
  ['an empty error', denyWith('')],
  ['an error of line breaks', denyWith('x\r\nSet-Cookie: bff=planted')],
  ['an error of markup', denyWith('<script>alert(1)</script>')],
  ['an error of 8 kB', denyWith('err0r'.repeat(1600))],
  ['an error that is __proto__', denyWith('__proto__')],
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
  const changed = callbackWith(callback, change)
  const page = await browser.navigate(changed)
  const harmless = ['access_denied', '__proto__']
  const sent = valuesOf(callback, changed).filter((value) => !harmless.includes(value))
  await expectRefused(browser, page, { sent: [...sent, 'planted', 'alert(1)'], logged: log.lines })
  expect(exchanges()).toBe(before)
  expect(await loginCookies(browser, app.url)).toEqual([])
})

test.each([
  ['line breaks', 'x\r\nSet-Cookie: bff=planted'],
  ['10 kB', 'c0de'.repeat(2500)],
  ['a null byte', 'a-code-and\u0000'],
  ['every kind of letter', 'é漢𝔘\u2028-and-more'],
  ['markup', '<script>alert(1)</script>'],
  ['another code', 'another-code-altogether'],
])('a code with %s is refused by the provider and shown nowhere', async (_name, code) => {
  const browser = app.visitor()
  const callback = await browser.startLogin(app.url)
  const page = await browser.navigate(callbackWith(callback, (params) => params.set('code', code)))
  await expectRefused(browser, page, { sent: [code, 'planted', 'alert(1)'], logged: log.lines })
})

test('markup in error_description is not shown, and the login has ended', async () => {
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
  await expectRefused(browser, page, {
    sent: ['<img src=x', 'alert(1)', 'alert(2)', 'X-Evil'],
    logged: log.lines,
  })
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
