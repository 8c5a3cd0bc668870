// What meets a renewal that is on its way in the same process: other requests, a logout, a browser that leaves.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  app = await startApp({ provider, redisUrl: redis.url })
})

afterAll(async () => {
  await app?.stop()
  await redis?.stop()
  await provider?.stop()
})

afterEach(() => provider.normal())

test.each(['/fresh', '/fresh-max-age?seconds=60', '/token'])(
  'H2: a request to %s that read generation 1 before generation 2 was stored uses it without a token request',
  async (path) => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await ageSession(redis.connect(), browser, 100, { accessToken: 3601 })
    const gate = `h2 ${path}`
    const early = get(`${app.url}${path}${path.includes('?') ? '&' : '?'}gate=${encodeURIComponent(gate)}`)
    await app.gate(gate).arrived()
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    app.gate(gate).open()
    expect((await early).json()).toMatchObject({ authenticated: true, generation: 2 })
    expect(renewals()).toBe(1)
  },
)

test('H2: req.oidc.renew() of a request that read generation 1 asks the provider for itself', async () => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  const early = browser.request('POST', `${app.url}/renew?gate=h2-renew`)
  await app.gate('h2-renew').arrived()
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  app.gate('h2-renew').open()
  expect((await early).json()).toMatchObject({ generation: 3 })
  expect(renewals()).toBe(2)
})

test.each([
  ['waits for it', '/private', 901],
  ['asked for it', '/fresh', 0],
])('H6: a renewal is completed when the browser that %s disconnects', async (_what, path, seconds) => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  await ageSession(redis.connect(), browser, seconds)
  const held = provider.holdNext('token', { mode: 'after' })
  const leaving = new AbortController()
  const connections = () =>
    new Promise<number>((done) => app.server.getConnections((_e, count) => done(count)))
  const before = await connections()
  const request = browser.request('GET', app.url + path, { signal: leaving.signal })
  await held.processed
  leaving.abort()
  await expect(request).rejects.toThrow(/abort/i)
  await eventually('the app to see the connection go', async () => (await connections()) <= before)
  held.release()
  await eventually('generation 2', async () => (await get(`${app.url}/private`)).json().generation === 2)
  expect(renewals()).toBe(1)
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })
})

test('H8: a logout during a renewal wins, and the refresh token that comes too late is revoked', async () => {
  const { browser, get, renewals, user } = await logIn(provider, app.url)
  const id = await sessionIdOf(browser)
  const stale = browser.clone()
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
  expect(await keysOf(redis.connect(), id)).toHaveLength(2)
  await ageSession(redis.connect(), browser, 901)
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = stale.request('GET', `${app.url}/private`)
  await held.processed
  const [late = ''] = provider.liveRefreshTokens(user)
  const loggedOut = await browser.request('POST', `${app.url}/logout`)
  expect(loggedOut.status).toBe(303)
  expect(await keysOf(redis.connect(), id)).toEqual([])

  held.release()
  const refused = await waiting
  expect([refused.status, refused.json().code]).toEqual([401, 'session_ended'])
  await eventually('the late token to be revoked', () =>
    provider.revocations().some(({ tokenHash, status }) => tokenHash === sha256(late) && status === 200),
  )
  expect(await keysOf(redis.connect(), id)).toEqual([])
  expect(provider.liveRefreshTokens(user)).toEqual([])
  expect((await stale.request('GET', `${app.url}/private`)).json()).toMatchObject({ code: 'login_required' })
  expect((await get(`${app.url}/me`)).json()).toEqual({ authenticated: false })
  expect(renewals()).toBe(1)
})

test('H8: a late refresh token is revoked although the logout itself revokes nothing', async () => {
  const quiet = await startApp({ provider, redisUrl: redis.url, options: { revokeOnLogout: false } })
  try {
    const { browser, user } = await logIn(provider, quiet.url)
    const stale = browser.clone()
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = stale.request('GET', `${quiet.url}/fresh`)
    await held.processed
    const [late = ''] = provider.liveRefreshTokens(user)
    await browser.request('POST', `${quiet.url}/logout`)
    held.release()
    expect((await waiting).status).toBe(401)
    await eventually('the late token to be revoked', () => provider.liveRefreshTokens(user).length === 0)
    expect(provider.revocations().at(-1)?.tokenHash).toBe(sha256(late))
  } finally {
    await quiet.stop()
  }
})

test('H8: a renewal that the provider refuses after a logout ends nothing a second time', async () => {
  const { browser, get } = await logIn(provider, app.url)
  const stale = browser.clone()
  const held = provider.holdNext('token')
  const waiting = stale.request('GET', `${app.url}/fresh`)
  await held.arrived
  app.events.length = 0
  await browser.request('POST', `${app.url}/logout`)
  held.release({ status: 400, body: { error: 'invalid_grant' } })
  expect((await waiting).status).toBe(401)
  expect((await get(`${app.url}/private`)).status).toBe(401)
  const ended = app.events.filter(({ name }) => name === 'session-ended')
  expect(ended).toMatchObject([{ event: { reason: 'logout' } }])
})

test('H8: the late answer of a logged-out session does not take the cookie of a new login', async () => {
  const { browser, get, user } = await logIn(provider, app.url)
  const tab = browser.tab()
  const held = provider.holdNext('token', { mode: 'after', grantType: 'refresh_token' })
  const waiting = tab.request('GET', `${app.url}/fresh`)
  await held.processed
  await browser.request('POST', `${app.url}/logout`)
  await browser.logIn(app.url, { user })
  const id = await sessionIdOf(browser)
  held.release()
  expect((await waiting).status).toBe(401)
  expect(await sessionIdOf(browser)).toBe(id)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 1 })
})

test('H9: a slow handler that writes req.session across a renewal keeps its data and the rotated token', async () => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'old' } })
  const slow = browser.request('POST', `${app.url}/cart?gate=h9`, { json: { cart: 'new' } })
  await app.gate('h9').arrived()
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect((await get(`${app.url}/cart`)).json()).toEqual({ cart: 'old' })
  app.gate('h9').open()
  expect((await slow).json()).toEqual({ before: 'old', cart: 'new' })
  expect((await get(`${app.url}/cart`)).json()).toEqual({ cart: 'new' })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  expect(renewals()).toBe(2)
})

test('H22: requests that come during a renewal are not served by it, and share the one that follows', async () => {
  const { get, renewals } = await logIn(provider, app.url)
  const held = provider.holdNext('token', { mode: 'after' })
  const first = get(`${app.url}/fresh`)
  await held.processed
  const later = Array.from({ length: 20 }, () => get(`${app.url}/fresh?gate=h22-later`))
  await app.gate('h22-later').arrived(20)
  app.gate('h22-later').open()
  held.release()
  expect((await first).json()).toMatchObject({ generation: 2 })
  const answers = await Promise.all(later)
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(new Set(answers.map((page) => page.json().generation))).toEqual(new Set([3]))
  expect(renewals()).toBe(2)
})
