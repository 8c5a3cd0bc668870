// H11, H13: the provider cannot renew just now, or will not ever again; only the second ends a session.
import { startApp, type TestApp } from '../support/app/app.ts'
import type { Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, endBackOff, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  const options = { renewal: { afterSeconds: 900, timeoutSeconds: 0.5 } }
  app = await startApp({ provider, redisUrl: redis.url, options })
})

afterAll(async () => {
  await app?.stop()
  await redis?.stop()
  await provider?.stop()
})

afterEach(() => provider.normal())

function expectTryLater(page: Page) {
  expect([page.status, page.json().code]).toEqual([503, 'provider_unavailable'])
  expect(page.headers['content-type']).toMatch('application/problem+json')
  expect(page.headers['retry-after']).toMatch(/^[1-9]\d*$/)
  expect(page.headers['set-cookie']).toBeUndefined()
}

const faults: [string, () => void][] = [
  ['answers 500', () => provider.answerAll('token', { status: 500, body: 'out of order' })],
  [
    'answers 503 as JSON',
    () => provider.answerAll('token', { status: 503, body: { error: 'server_error' } }),
  ],
  ['answers 400 temporarily_unavailable', () => answerError(400, 'temporarily_unavailable')],
  ['answers 500 invalid_grant', () => answerError(500, 'invalid_grant')],
  ['answers 401 invalid_client', () => answerError(401, 'invalid_client')],
  ['resets the connection', () => provider.cutAll('token')],
  ['does not answer in time', () => provider.delayAll('token', 60_000)],
]

function answerError(status: number, error: string) {
  provider.answerAll('token', { status, body: { error } })
}

describe.each(faults)('H11: a provider that %s', (_what, breakProvider) => {
  test('leaves a due session to its old token, and keeps out who needs a fresh one; one attempt for all', async () => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await ageSession(redis.connect(), browser, 901)
    breakProvider()
    const first = await Promise.all([1, 2, 3].map(() => get(`${app.url}/private`)))
    for (const page of [...first, await get(`${app.url}/private`)]) {
      expect(page.status).toBe(200)
      expect(page.json()).toMatchObject({ authenticated: true, generation: 1 })
    }
    expectTryLater(await get(`${app.url}/fresh`))
    expectTryLater(await get(`${app.url}/fresh-max-age?seconds=60`))
    expect(renewals()).toBe(1)

    provider.normal()
    await endBackOff(redis.connect(), browser)
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  })

  test('keeps a session whose tokens have expired, and answers 503 until it is back', async () => {
    const { browser, get, renewals, user } = await logIn(provider, app.url)
    await ageSession(redis.connect(), browser, 3601, { idToken: 3601, accessToken: 3601 })
    breakProvider()
    for (const path of ['/private', '/fresh', '/token', '/me']) expectTryLater(await get(app.url + path))
    expect((await get(`${app.url}/public`)).json()).toMatchObject({ authenticated: false })
    const page = await browser.navigate(`${app.url}/private`)
    expect([page.status, page.headers['retry-after'], page.headers['set-cookie']]).toEqual([
      503,
      expect.stringMatching(/^[1-9]/),
      undefined,
    ])
    expect(renewals()).toBe(1)

    provider.normal()
    await endBackOff(redis.connect(), browser)
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
  })
})

test('H11: an expired access token is 503 while the provider fails, and the rest of the session goes on', async () => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  await ageSession(redis.connect(), browser, 0, { accessToken: 3601 })
  provider.answerAll('token', { status: 500 })
  expect((await get(`${app.url}/token`)).status).toBe(503)
  expect((await get(`${app.url}/token`)).headers['retry-after']).toMatch(/^[1-9]\d*$/)
  expect((await get(`${app.url}/private`)).status).toBe(200)
  expect(renewals()).toBe(1)
})

test.each([
  ['of the provider’s own choice', { 'retry-after': '2' }, 2],
  ['of its own', {}, 2.5],
])(
  'H11: the back-off is a time %s, told to the caller, and ends by itself',
  async (_what, headers, atLeast) => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await ageSession(redis.connect(), browser, 901)
    provider.answerNext('token', { status: 500, headers })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
    expect(Number((await get(`${app.url}/fresh`)).headers['retry-after'])).toBeGreaterThanOrEqual(atLeast - 1)
    await eventually(
      'the next attempt',
      async () => (await get(`${app.url}/private`)).json().generation === 2,
    )
    expect(renewals()).toBe(2)
    const [failed, succeeded] = provider.tokenRequests('refresh_token').slice(-2)
    expect((succeeded?.at ?? 0) - (failed?.endedAt ?? 0)).toBeGreaterThanOrEqual(atLeast * 1000 - 50)
    expect(succeeded?.refreshTokenHash).toBe(failed?.refreshTokenHash)
  },
)

test.each([
  ['grant is revoked', (user: string) => provider.revokeGrants(user)],
  ['account is blocked', (user: string) => provider.blockAccount(user)],
])('H13: a script whose %s is told so once, and then that it has to log in', async (_what, refuse) => {
  const { browser, get, renewals, user } = await logIn(provider, app.url)
  const stale = browser.clone()
  const id = await sessionIdOf(browser)
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
  await ageSession(redis.connect(), browser, 901)
  app.events.length = 0
  refuse(user)
  const told = await get(`${app.url}/private`)
  expect(told.status).toBe(401)
  expect(told.json()).toMatchObject({ code: 'session_ended', login_url: '/login' })
  expect(await browser.cookies(app.url)).toEqual([])
  expect(app.events).toEqual([
    { name: 'session-ended', event: { subject: user, reason: 'refresh_token_rejected' } },
  ])
  expect(await keysOf(redis.connect(), id)).toEqual([])
  for (const path of ['/private', '/fresh', '/token']) {
    const later = await stale.request('GET', app.url + path)
    expect([later.status, later.json().code]).toEqual([401, 'login_required'])
  }
  expect((await stale.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  expect(renewals()).toBe(1)
})

test('H13: a navigation whose grant is revoked is sent to log in once, and lands where it was', async () => {
  const { browser, renewals, user } = await logIn(provider, app.url)
  await ageSession(redis.connect(), browser, 901)
  provider.revokeGrants(user)
  const page = await browser.navigate(`${app.url}/private?page=2`, { from: null })
  expect(page.hops[0]?.status).toBe(302)
  expect(page.hops[0]?.headers.location).toBe('/login?return_to=%2Fprivate%3Fpage%3D2')
  expect(page.hops[0]?.headers['set-cookie']?.join()).toMatch(/bff=;.*Expires=Thu, 01 Jan 1970/)
  const landed = await browser.finish(page, { user })
  expect(landed.url).toBe(`${app.url}/private?page=2`)
  expect(landed.json()).toMatchObject({ sub: user, generation: 1 })
  expect(renewals()).toBe(1)
})

test('H13: a renewal beside a request that is refused ends the session, and that request is still answered', async () => {
  const { browser, get, renewals, user } = await logIn(provider, app.url)
  await ageSession(redis.connect(), browser, 899)
  app.events.length = 0
  provider.blockAccount(user)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ authenticated: true, generation: 1 })
  await eventually('the end of the session', () => app.events.length > 0)
  expect(app.events).toMatchObject([{ name: 'session-ended', event: { reason: 'refresh_token_rejected' } }])
  expect((await get(`${app.url}/private`)).status).toBe(401)
  expect(renewals()).toBe(1)
})
