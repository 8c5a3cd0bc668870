// What must not become a session at the callback: no answer to a login of ours (HOSTILE-INPUTS, "The callback").
import { type KnownApp, startKnownApp } from '../support/app/known-app.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
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
const rename = (params: URLSearchParams, from: string, to: string) => {
  params.set(to, params.get(from) ?? '')
  params.delete(from)
}

/** Changes the query as text: what URLSearchParams would write otherwise. */
const rewrite =
  (change: (query: string) => string): Change =>
  (_params, url) => {
    url.search = change(url.search)
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
  ['state, then a null byte', (params) => params.set('state', `${params.get('state')}\u0000`)],
  ['state between blanks', (params) => params.set('state', ` ${params.get('state')} `)],
  [
    'state and a header',
    (params) => params.set('state', `${params.get('state')}\r\nSet-Cookie: bff=planted`),
  ],
  ['__proto__ as state', (params) => params.set('state', '__proto__')],
  ['constructor as state', (params) => params.set('state', 'constructor')],
  ['8 kB of state', (params) => params.set('state', 'st4te'.repeat(1600))],
  ['markup as state', (params) => params.set('state', '"><script>alert(1)</script>')],
  ['State for state', (params) => rename(params, 'state', 'State')],
  ['iss[]', (params) => params.append('iss[]', 'https://evil.example')],
  ['error twice', (params) => ['a', 'b'].map((error) => params.append('error', error))],
  ['an empty error beside the code', (params) => params.set('error', '')],
  ['state twice, once by an escaped name', rewrite((query) => `${query}&st%61te=other-state`)],
  ['state again without a value', rewrite((query) => `${query}&state`)],
  ['code again without a value', rewrite((query) => `${query}&code`)],
  ['semicolons for ampersands', rewrite((query) => query.replaceAll('&', ';'))],
  ['a broken escape in state', rewrite((query) => query.replace(/state=[^&]*/, 'state=%E0%A4%A'))],
  ['state[]= by escapes', rewrite((query) => query.replace('state=', 'state%5B%5D='))],
  ['code.length', rewrite((query) => `${query}&code.length=9`)],
  ['code and a null byte in its name', rewrite((query) => `${query}&code%00=9`)],
  ['state + "1"', (params) => params.set('state', `${params.get('state')}1`)],
  ['state in another case', (params) => params.set('state', (params.get('state') ?? '').toUpperCase())],
]

test.each(shapes)(
  'a callback with %s is refused, and the login can still be completed',
  async (_name, change) => {
    const browser = app.visitor()
    const callback = await browser.startLogin(app.url)
    const cookies = await loginCookies(browser, app.url)
    const before = exchanges()
    const changed = callbackWith(callback, change)
    const page = await browser.navigate(changed)
    await expectRefused(browser, page, {
      sent: [...valuesOf(callback, changed), 'planted', 'alert(1)'],
      logged: log.lines,
    })
    expect(setCookieLines(page)).toEqual([])
    expect(exchanges()).toBe(before)
    expect(await loginCookies(browser, app.url)).toEqual(cookies)
    expect((await browser.navigate(callback)).json()).toMatchObject({ home: true, sub: 'visitor' })
  },
)

test.each(['iss', 'state', 'code'])('a refused callback is one log line, with the wrong %s', async (name) => {
  const browser = app.visitor()
  const callback = await browser.startLogin(app.url)
  await browser.navigate(callbackWith(callback, (params) => params.set(name, 'wrong')))
  expect(log.lines).toEqual([expect.stringContaining('refused')])
})
