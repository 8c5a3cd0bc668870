// requireStepUp(): the way to the provider and back, and what everybody sees who may not pass yet.
import type { Redis } from 'ioredis'
import { requireStepUp } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: TestApp
const log = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  const options = { logger: log.logger, redisTimeoutSeconds: 0.3 }
  app = await startApp({ provider, redisUrl: redis.url, options })
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const BOTH = '/step-up?seconds=300&acr=mfa,hwk'
const RECENT = '/step-up?seconds=300'
const STRONG = '/step-up?acr=mfa'
const asked = () => provider.authorizationRequests().length
const locationOf = ({ headers }: Pick<Page, 'headers'>) => new URL(headers.location ?? '', app.url)

test('a page is sent to log in with what it needs, and the provider is asked for it', async () => {
  const { browser } = await logIn(provider, app.url)
  const refused = await browser.navigate(app.url + BOTH, { stopAt: () => true })
  expect(refused).toMatchObject({ status: 302, body: '', headers: { 'cache-control': 'no-store' } })
  expect(locationOf(refused).pathname).toBe('/login')
  expect(Object.fromEntries(locationOf(refused).searchParams)).toEqual({
    max_age: '300',
    acr_values: 'mfa hwk',
    return_to: BOTH,
  })
  const login = await browser.navigate(locationOf(refused).href, { stopAt: () => true })
  const { prompt, ...params } = Object.fromEntries(locationOf(login).searchParams)
  expect(params).toMatchObject({ max_age: '300', acr_values: 'mfa hwk' })
  expect(prompt?.split(' ').sort()).toEqual(['consent', 'login'])
})

test('the person authenticates again and is back on the page, with a new id, the old one dead', async () => {
  const { browser, user } = await logIn(provider, app.url)
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'apples' } })
  const [old, id, before] = [browser.clone(), await sessionIdOf(browser), asked()]
  nextIdToken(provider, { acr: 'hwk' })
  const page = await browser.logIn(app.url, { path: BOTH, user })
  expect(page).toMatchObject({ status: 200, url: app.url + BOTH })
  expect(page.json()).toMatchObject({ passed: true, sub: user, generation: 1 })
  expect(asked()).toBe(before + 1)
  expect(await sessionIdOf(browser)).not.toBe(id)
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'apples' })
  expect((await old.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  expect((await old.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  expect(await keysOf(store, id)).toEqual([])
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
  expect((await browser.request('POST', app.url + BOTH)).json()).toMatchObject({ passed: true })
})

test.each([
  [BOTH, ', acr_values="mfa hwk", max_age="300"', '/login?max_age=300&acr_values=mfa+hwk'],
  [RECENT, ', max_age="300"', '/login?max_age=300'],
  [STRONG, ', acr_values="mfa"', '/login?max_age=300&acr_values=mfa'],
])('a script gets 401 with the challenge of RFC 9470 at %s', async (path, parameters, loginURL) => {
  const { browser } = await logIn(provider, app.url)
  const before = asked()
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const page = await browser.request(method, app.url + path)
    expect(page.status).toBe(401)
    expect(page.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(page.headers['www-authenticate']).toBe(
      `Bearer error="insufficient_user_authentication", error_description="A more recent or stronger authentication is needed"${parameters}`,
    )
    expect(page.headers).not.toHaveProperty('location')
    expect(page.headers['set-cookie']).toBeUndefined()
    expect(page.json()).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      code: 'step_up_required',
      detail: expect.any(String),
      login_url: loginURL,
    })
  }
  expect(asked()).toBe(before)
})

test("the login_url of a script's 401 leads to a login that satisfies the guard", async () => {
  const { browser, user } = await logIn(provider, app.url)
  const { login_url } = (await browser.request('POST', app.url + BOTH)).json()
  nextIdToken(provider, { acr: 'mfa' })
  const home = await browser.logIn(app.url, { path: String(login_url), user })
  expect(home).toMatchObject({ status: 200, url: `${app.url}/` })
  expect((await browser.request('POST', app.url + BOTH)).json()).toMatchObject({ passed: true })
})

test.each(['somebody', 'nobody'])('a form posted by %s is answered 401 and never sent again', async (who) => {
  const browser = who === 'nobody' ? new Browser() : (await logIn(provider, app.url)).browser
  const before = asked()
  const page = await browser.submit(`${app.url}${BOTH}&to=x`, { amount: '4711' }, { from: app.url })
  expect(page).toMatchObject({ status: 401, hops: { length: 1 } })
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(page.body + JSON.stringify(page.headers)).not.toMatch(/4711|to=x/)
  expect(asked()).toBe(before)
})

test('HEAD gets the challenge without a body', async () => {
  const { browser } = await logIn(provider, app.url)
  const page = await browser.request('HEAD', app.url + BOTH)
  expect(page).toMatchObject({ status: 401, body: '' })
  expect(page.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_user_authentication"/)
})

test('who is not logged in is asked for all of it at once: one trip opens the page', async () => {
  const browser = new Browser()
  const before = asked()
  nextIdToken(provider, { acr: 'mfa' })
  const page = await browser.logIn(app.url, { path: BOTH, user: 'newcomer' })
  expect(page).toMatchObject({ status: 200, url: app.url + BOTH })
  expect(page.json()).toMatchObject({ passed: true, sub: 'newcomer' })
  expect(asked()).toBe(before + 1)
  expect(provider.authorizationRequests().at(-1)?.params).toMatchObject({
    max_age: '300',
    acr_values: 'mfa hwk',
  })
})

test('a script of nobody gets 401 login_required, with all of it in login_url', async () => {
  const page = await new Browser().request('GET', app.url + BOTH)
  expect(page.json()).toMatchObject({
    status: 401,
    code: 'login_required',
    login_url: '/login?max_age=300&acr_values=mfa+hwk',
  })
})

test('while the session cannot be known, everybody gets 503 and keeps their cookie', async () => {
  const { browser } = await logIn(provider, app.url)
  const before = asked()
  redis.freeze()
  try {
    const [page, script] = await Promise.all([
      browser.navigate(app.url + BOTH),
      browser.request('POST', app.url + BOTH),
    ])
    for (const answer of [page, script]) {
      expect(answer).toMatchObject({ status: 503, hops: { length: 1 } })
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(answer.headers['www-authenticate']).toBeUndefined()
    }
  } finally {
    redis.thaw()
  }
  expect(asked()).toBe(before)
})

test.each(['none', 'none login', 'select_account', 'login'])(
  'prompt %s of the configuration stands beside login, and none does not',
  async (prompt) => {
    const other = await startApp({ provider, options: { authorizationParams: { prompt } } })
    try {
      const page = await new Browser().navigate(`${other.url}/login?max_age=60`, { stopAt: () => true })
      const prompts = locationOf(page).searchParams.get('prompt')?.split(' ') ?? []
      expect(prompts).toEqual(prompt === 'select_account' ? ['login', 'select_account'] : ['login'])
    } finally {
      await other.stop()
    }
  },
)

test('an ordinary login asks for no step-up', async () => {
  const page = await new Browser().navigate(`${app.url}/login?return_to=/public`, { stopAt: () => true })
  const { searchParams } = locationOf(page)
  expect([searchParams.get('max_age'), searchParams.get('acr_values')]).toEqual([null, null])
  expect(searchParams.get('prompt')).toBe('consent')
})

test('the record knows when the person authenticated, by the store’s clock', async () => {
  const { browser, user } = await logIn(provider, app.url)
  const before = Date.now()
  await browser.logIn(app.url, { path: RECENT, user })
  const record = await storedRecord(store, await sessionIdOf(browser))
  expect(record?.authenticatedAt).toBeGreaterThan(before - 2000)
  expect(record?.authenticatedAt).toBeLessThanOrEqual(Date.now())
})

test.each<[string, Parameters<typeof requireStepUp>]>([
  ['nothing', []],
  ['an empty object', [{}]],
  ['maxAgeSeconds 0', [{ maxAgeSeconds: 0 }]],
  ['maxAgeSeconds -1', [{ maxAgeSeconds: -1 }]],
  ['maxAgeSeconds 1.5', [{ maxAgeSeconds: 1.5 }]],
  ['maxAgeSeconds NaN', [{ maxAgeSeconds: Number.NaN }]],
  ['maxAgeSeconds Infinity', [{ maxAgeSeconds: Number.POSITIVE_INFINITY }]],
  ['maxAgeSeconds 1e300', [{ maxAgeSeconds: 1e300 }]],
  ['maxAgeSeconds a string', [{ maxAgeSeconds: '300' as unknown as number }]],
  ['maxAgeSeconds null', [{ maxAgeSeconds: null as unknown as number }]],
  ['maxAgeSeconds 0 beside an acr', [{ maxAgeSeconds: 0, acr: 'mfa' }]],
  ['no acr', [{ acr: [] }]],
  ['an empty acr', [{ acr: '' }]],
  ['an empty acr among others', [{ maxAgeSeconds: 300, acr: ['mfa', ''] }]],
  ['an acr with a space', [{ acr: 'a b' }]],
  ['an acr with a quote', [{ acr: 'a"b' }]],
  ['an acr with a backslash', [{ acr: 'a\\b' }]],
  ['an acr with a line break', [{ acr: 'a\r\nb' }]],
  ['an acr that is none', [{ acr: [1] as unknown as string[] }]],
  ['acr null', [{ acr: null as unknown as string }]],
  ['a list in a list', [{ acr: [['mfa']] as unknown as string[] }]],
])('requireStepUp() with %s is refused at start-up', (_name, options) => {
  expect(() => requireStepUp(...options)).toThrow(
    expect.objectContaining({ name: 'ConfigurationError', code: 'invalid_option' }),
  )
})
