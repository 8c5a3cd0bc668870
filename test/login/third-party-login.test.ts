// Logins that the provider or another site begins (OpenID Connect Core §4), and what nobody may begin with them.
import type { Redis } from 'ioredis'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { authKeys, createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: TestApp
const log = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  app = await startApp({ provider, redisUrl: redis.url, options: { logger: log.logger } })
})
beforeEach(() => {
  log.lines.length = 0
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

type Fields = Record<string, string>
const ELSEWHERE = 'https://portal.example/'
const METHODS = ['GET', 'POST'] as const
type Method = (typeof METHODS)[number]
const stopAt = (url: URL) => url.origin === provider.issuer

/** As a link or a form of that site, or as the person's own address bar. */
function begin(browser: Browser, method: Method, fields: Fields, from = ELSEWHERE): Promise<Page> {
  if (method === 'POST') return browser.submit(`${app.url}/login`, fields, { from, stopAt })
  return browser.navigate(`${app.url}/login?${new URLSearchParams(fields)}`, { from, stopAt })
}

const request = ({ headers }: Page) => new URL(headers.location ?? '').searchParams

async function expectRefused(page: Page, status: number, code: string): Promise<void> {
  expect(page).toMatchObject({ status, hops: { length: 1 } })
  expect(setCookieLines(page)).toEqual([])
  expect(page.headers.location).toBeUndefined()
  expect(log.lines).toEqual([
    expect.stringMatching(`^express-bff-session: refused \\(${code}\\): [^\\r\\n]*$`),
  ])
}

test.each(METHODS)(
  '3rd-party-init-login: a %s with the known iss logs in, on the page it names',
  async (method) => {
    const browser = new Browser()
    const iss = provider.issuer
    const fields = {
      iss,
      login_hint: 'invited@example.com',
      target_link_uri: `${app.url}/public?from=portal`,
    }
    const asked = await begin(browser, method, fields)
    expect(asked).toMatchObject({ status: 302, body: '' })
    expect(request(asked).get('login_hint')).toBe('invited@example.com')
    expect(request(asked).get('redirect_uri')).toBe(`${app.url}/callback`)
    expect([...request(asked).keys()]).not.toEqual(expect.arrayContaining(['iss', 'target_link_uri']))
    const page = await browser.finish(await browser.navigate(asked.headers.location ?? ''), {
      user: 'invited',
    })
    expect(page).toMatchObject({ status: 200, url: `${app.url}/public?from=portal` })
    expect(page.json()).toMatchObject({ sub: 'invited' })
  },
)

test.each(METHODS)('3rd-party-init-login: a %s with iss alone lands on the default page', async (method) => {
  const asked = await begin(new Browser(), method, { iss: provider.issuer })
  expect(asked.status).toBeGreaterThanOrEqual(302)
  expect(request(asked).has('login_hint')).toBe(false)
})

test('3rd-party-init-login: the state, nonce and challenge are ours, whatever is sent', async () => {
  const planted = {
    state: 'planted',
    nonce: 'planted',
    code_challenge: 'planted',
    prompt: 'planted',
    redirect_uri: ELSEWHERE,
  }
  for (const method of METHODS) {
    const asked = await begin(new Browser(), method, { iss: provider.issuer, ...planted })
    expect(request(asked).get('redirect_uri')).toBe(`${app.url}/callback`)
    expect(String(asked.headers.location)).not.toMatch(/planted|portal/)
  }
})

const issuers: [string, () => string][] = [
  ['of somebody else', () => 'https://evil.example'],
  ['+ "1"', () => `${provider.issuer}1`],
  ['with a slash at its end', () => `${provider.issuer}/`],
  ['in other case', () => provider.issuer.toUpperCase()],
  ['by another name of the host', () => provider.issuer.replace('127.0.0.1', 'localhost')],
  ['with a user name', () => provider.issuer.replace('//', '//us@')],
  ['with a space before it', () => ` ${provider.issuer}`],
  ['with a null byte', () => `${provider.issuer}\u0000`],
  ['that is empty', () => ''],
  ['with line breaks', () => `${provider.issuer}\r\nSet-Cookie: bff=planted`],
]

describe.each(METHODS)('%s', (method) => {
  test.each(issuers)('3rd-party-init-login: an iss %s is refused', async (_name, iss) => {
    await expectRefused(await begin(new Browser(), method, { iss: iss() }, app.url), 400, 'login_malformed')
  })
})

test.each(issuers)(
  '3rd-party-init-login: another site that posts an iss %s is refused as one',
  async (_name, iss) => {
    await expectRefused(await begin(new Browser(), 'POST', { iss: iss() }), 403, 'cross_site')
  },
)

test('3rd-party-init-login: a form without iss is refused, and a link without it is an ordinary login', async () => {
  await expectRefused(
    await begin(new Browser(), 'POST', { target_link_uri: '/' }, app.url),
    400,
    'login_malformed',
  )
  log.lines.length = 0
  await expectRefused(await begin(new Browser(), 'POST', { target_link_uri: '/' }), 403, 'cross_site')
  const asked = await begin(new Browser(), 'GET', { target_link_uri: `${app.url}/public`, login_hint: 'x' })
  expect(request(asked).has('login_hint')).toBe(false)
})

const FORM = 'application/x-www-form-urlencoded'

test.each(['iss', 'target_link_uri', 'login_hint'])(
  '3rd-party-init-login: %s twice is refused',
  async (name) => {
    const iss = encodeURIComponent(provider.issuer)
    const query = `iss=${iss}&${name}=x&${name}=${name === 'iss' ? iss : 'x'}`
    await expectRefused(await new Browser().navigate(`${app.url}/login?${query}`), 400, 'login_malformed')
    for (const [from, status] of [
      [app.url, 400],
      [ELSEWHERE, 403],
    ] as const) {
      log.lines.length = 0
      const headers = { 'content-type': FORM }
      const page = await new Browser().request('POST', `${app.url}/login`, { headers, body: query, from })
      await expectRefused(page, status, status === 400 ? 'login_malformed' : 'cross_site')
    }
  },
)

test.each([
  ['text/plain', 'text/plain', 415, 'unsupported_media_type'],
  ['JSON', 'application/json', 415, 'unsupported_media_type'],
  ['multipart', 'multipart/form-data; boundary=x', 415, 'unsupported_media_type'],
  ['no type', undefined, 415, 'unsupported_media_type'],
  ['an unknown charset', `${FORM}; charset=utf-7`, 400, 'login_malformed'],
  ['a form of 100 kB', FORM, 413, 'content_too_large'],
])(
  '3rd-party-init-login: a body as %s is refused, to another site as one',
  async (_name, type, status, code) => {
    const known = `iss=${encodeURIComponent(provider.issuer)}`
    const body = status === 413 ? `${known}&x=${'x'.repeat(100_000)}` : known
    const post = (from: string) =>
      new Browser().request('POST', `${app.url}/login`, { headers: { 'content-type': type }, body, from })
    await expectRefused(await post(app.url), status, code)
    log.lines.length = 0
    await expectRefused(await post(ELSEWHERE), 403, 'cross_site')
  },
)

test.each([
  ['//evil.example'],
  ['https://evil.example/'],
  ['/\\evil.example'],
  ['/%09/evil.example'],
  ['/.//evil.example'],
  ['javascript:alert(1)'],
  ['/login?iss=x'],
  ['/logout'],
  ['/callback?code=x'],
  [`/${'a'.repeat(2048)}`],
  ['OURS.evil.example/'],
  ['OURS@evil.example/'],
])('3rd-party-init-login: target_link_uri %s lands on the default page', async (wanted) => {
  const browser = new Browser()
  const target = wanted.replace('OURS', app.url)
  const asked = await begin(browser, 'POST', { iss: provider.issuer, target_link_uri: target })
  const page = await browser.finish(await browser.navigate(asked.headers.location ?? ''), { user: 'linked' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/` })
})

test.each(METHODS)(
  '3rd-party-init-login: a login_hint sent by %s is passed on as it is, up to a length',
  async (method) => {
    const iss = provider.issuer
    for (const hint of ['a@b.example', 'é"&=#<', 'x\r\nSet-Cookie: bff=planted', 'h'.repeat(512)]) {
      const asked = await begin(new Browser(), method, { iss, login_hint: hint })
      expect(request(asked).get('login_hint')).toBe(hint)
      expect(setCookieLines(asked).join()).not.toContain('planted')
    }
    await expectRefused(
      await begin(new Browser(), method, { iss, login_hint: 'h'.repeat(513) }, app.url),
      400,
      'login_malformed',
    )
  },
)

test.each(METHODS)(
  '3rd-party-init-login: by %s, a live session stays as it is until the login is complete',
  async (method) => {
    const { browser, user } = await logIn(provider, app.url)
    const [id, keys] = [await sessionIdOf(browser), await authKeys(store)]
    const asked = await begin(browser, method, { iss: provider.issuer })
    expect(setCookieLines(asked)).toEqual([expect.stringMatching(/^bff-login-/)])
    await begin(browser, 'POST', { iss: 'https://evil.example' })
    expect([await sessionIdOf(browser), await authKeys(store)]).toEqual([id, keys])
    expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({
      sub: user,
      generation: 1,
    })
  },
)

test('3rd-party-init-login: while the provider cannot be asked who it is, 503, and nothing begins', async () => {
  const issuerBaseURL = 'http://127.0.0.1:9'
  const options = { issuerBaseURL, clientID: 'x', clientSecret: 'x', logger: log.logger }
  const other = await startApp({ options })
  try {
    for (const from of [other.url, ELSEWHERE]) {
      const headers = { accept: 'text/html' }
      const form = { iss: issuerBaseURL }
      const posted = await new Browser().request('POST', `${other.url}/login`, { form, headers, from })
      const linked = await new Browser().navigate(`${other.url}/login?iss=${issuerBaseURL}`, { from })
      for (const page of [posted, linked]) {
        expect([page.status, page.headers['retry-after'], setCookieLines(page)]).toEqual([503, '5', []])
      }
    }
  } finally {
    await other.stop()
  }
})
