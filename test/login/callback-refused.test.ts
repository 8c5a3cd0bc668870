// What must not become a session at the callback: no answer to a login of ours (HOSTILE-INPUTS, "The callback"), answers
// that the provider did not give, or that say no.
import { refusalsIn } from '../support/app/app-events.ts'
import { startKnownApp } from '../support/app/known-app.ts'
import type { Browser, Page } from '../support/browser/browser.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const log = createLog()
const { provider, app } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const setup = { provider, redisUrl: redis.url, options: { logger: log.logger } }
  return { provider, app: await start(startKnownApp(setup, 'visitor')) }
})
beforeEach(() => {
  log.lines.length = 0
  app.events.length = 0
})

type Change = (params: URLSearchParams, url: URL) => void

function callbackWith(callback: string, change: Change): string {
  const url = new URL(callback)
  change(url.searchParams, url)
  return url.href
}

const valuesOf = (...urls: string[]) => urls.flatMap((url) => [...new URL(url).searchParams.values()])

const loginCookies = async (browser: Browser, appUrl: string) =>
  (await browser.cookies(appUrl)).filter(({ key }) => key.startsWith('bff-login-')).map(String)

/** Refused: 4xx with a way to begin again, nothing reflected, a log line without what was sent, nobody logged in. */
async function expectRefused(
  browser: Browser,
  page: Page,
  { sent, logged }: { sent: string[]; logged: string[] },
): Promise<void> {
  expect(page.status).toBe(400)
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  expect(page.body).toContain('href="/login"')
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(logged.length).toBeGreaterThanOrEqual(1)
  for (const secret of sent.filter((each) => each.length >= 7)) {
    expect(page.body + JSON.stringify(page.headers) + logged.join()).not.toContain(secret)
  }
  expect(logged.join('')).not.toMatch(/[\r\n]/)
  const { origin } = new URL(page.url)
  expect((await browser.request('GET', `${origin}/public`)).json()).toMatchObject({ authenticated: false })
}

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
      logged: refusalsIn(app.events),
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
  expect(refusalsIn(app.events)).toHaveLength(1)
})

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
  await expectRefused(browser, page, {
    sent: [...sent, 'planted', 'alert(1)'],
    logged: refusalsIn(app.events),
  })
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
  await expectRefused(browser, page, { sent: [code, 'planted', 'alert(1)'], logged: refusalsIn(app.events) })
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
  const said = 'refused (login_denied): the provider answered access_denied; in the words that came through'
  const [line = '', words] = (refusalsIn(app.events).at(-1) ?? '').split(' the browser: ')
  // To the log they are one line, marked as whose they may be.
  expect([line, words]).toEqual([said, '"<img src=x onerror=alert(1)> X-Evil: 1"'])
  await expectRefused(browser, page, {
    sent: ['<img src=x', 'alert(1)', 'alert(2)', 'X-Evil'],
    logged: [line],
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
  for (const [url, status] of [
    [denied('unknown'), 303],
    [denied(), 400],
  ] as const) {
    const page = await browser.navigate(url, { stopAt: () => true })
    expect([page.status, setCookieLine(page, 'bff')]).toEqual([status, undefined])
    expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ sub: 'visitor' })
  }
})
