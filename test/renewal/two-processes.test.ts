// What one process does to a session while another has it in its hands.
import { type AppCluster, startAppCluster } from '../support/app/app-cluster.ts'
import type { AppProcess } from '../support/app/app-process.ts'
import type { Browser, RequestOptions } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, endBackOff, endLease, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let cluster: AppCluster
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  const options = { renewal: { afterSeconds: 900, timeoutSeconds: 2 } }
  cluster = await startAppCluster(2, { provider, redisUrl: redis.url, options })
  ;[one, other] = cluster.processes as [AppProcess, AppProcess]
})

afterAll(async () => {
  await cluster?.stop()
  await redis?.stop()
  await provider?.stop()
})

afterEach(() => provider.normal())

/** A request of a script on the app's page, as the balancer would hand it to that process. */
const send = (browser: Browser, method: string, url: string, options: RequestOptions = {}) =>
  browser.request(method, url, { ...options, from: cluster.url })

test.each(['/fresh', '/fresh-max-age?seconds=60', '/token'])(
  'H2: a request to %s that read generation 1 uses generation 2 of another process without a token request',
  async (path) => {
    const { browser, get, renewals } = await logIn(provider, cluster.url)
    await ageSession(redis.connect(), browser, 100, { accessToken: 3601 })
    const gate = `h2 ${path}`
    const early = get(`${one.url}${path}${path.includes('?') ? '&' : '?'}gate=${encodeURIComponent(gate)}`)
    await one.gate(gate).arrived()
    expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2, pid: other.pid })
    one.gate(gate).open()
    expect((await early).json()).toMatchObject({ authenticated: true, generation: 2, pid: one.pid })
    expect(renewals()).toBe(1)
  },
)

test('a due session makes a request at another process wait for the renewal that is in flight', async () => {
  const { browser, get, renewals } = await logIn(provider, cluster.url)
  await ageSession(redis.connect(), browser, 901)
  const held = provider.holdNext('token', { mode: 'after' })
  const first = get(`${one.url}/private`)
  await held.processed
  const second = get(`${other.url}/private`)
  await expect(Promise.race([second, get(`${other.url}/ping`)])).resolves.toMatchObject({
    url: `${other.url}/ping`,
  })
  held.release()
  expect((await first).json()).toMatchObject({ generation: 2, pid: one.pid })
  expect((await second).json()).toMatchObject({ generation: 2, pid: other.pid })
  expect(renewals()).toBe(1)
})

test('H8: a logout at another process wins over a renewal, whose late refresh token is revoked', async () => {
  const { browser, renewals, user } = await logIn(provider, cluster.url)
  const id = await sessionIdOf(browser)
  await send(browser, 'POST', `${other.url}/cart`, { json: { cart: 'mine' } })
  await ageSession(redis.connect(), browser, 901)
  const stale = browser.clone()
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = stale.request('GET', `${one.url}/private`)
  await held.processed
  const [late = ''] = provider.liveRefreshTokens(user)
  expect((await send(browser, 'POST', `${other.url}/logout`)).status).toBe(303)
  expect(await keysOf(redis.connect(), id)).toEqual([])
  held.release()
  expect((await waiting).status).toBe(401)
  await eventually('the late token to be revoked', () =>
    provider.revocations().some(({ tokenHash, status }) => tokenHash === sha256(late) && status === 200),
  )
  expect(await keysOf(redis.connect(), id)).toEqual([])
  expect(provider.liveRefreshTokens(user)).toEqual([])
  for (const { url } of cluster.processes) {
    expect((await send(stale, 'GET', `${url}/private`)).json()).toMatchObject({ code: 'login_required' })
  }
  expect(renewals()).toBe(1)
})

test('H9: a slow handler that writes req.session across a renewal of another process keeps both', async () => {
  const { browser, get, renewals } = await logIn(provider, cluster.url)
  await send(browser, 'POST', `${one.url}/cart`, { json: { cart: 'old' } })
  const slow = send(browser, 'POST', `${one.url}/cart?gate=h9`, { json: { cart: 'new' } })
  await one.gate('h9').arrived()
  expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  one.gate('h9').open()
  expect((await slow).json()).toEqual({ before: 'old', cart: 'new' })
  for (const { url } of cluster.processes) {
    expect((await get(`${url}/cart`)).json()).toEqual({ cart: 'new' })
    expect((await get(`${url}/private`)).json()).toMatchObject({ generation: 2 })
  }
  expect((await get(`${one.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  expect(renewals()).toBe(2)
})

test.each([
  ['wrote before', { cart: 'old' }],
  ['never wrote', undefined],
])(
  'H10: a slow handler that %s cannot bring a session back that another process logged out',
  async (what, json) => {
    const { browser } = await logIn(provider, cluster.url)
    const id = await sessionIdOf(browser)
    const stale = browser.clone()
    if (json) await send(browser, 'POST', `${one.url}/cart`, { json })
    const slow = send(stale, 'POST', `${one.url}/cart?gate=${encodeURIComponent(what)}`, {
      json: { cart: 'x' },
    })
    await one.gate(what).arrived()
    expect((await send(browser, 'POST', `${other.url}/logout`)).status).toBe(303)
    one.gate(what).open()
    const answer = await slow
    expect(answer.json()).toMatchObject({ before: json?.cart ?? null })
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(await keysOf(redis.connect(), id)).toEqual([])
    for (const { url } of cluster.processes) {
      expect((await send(stale, 'GET', `${url}/cart`)).json()).toEqual({ cart: null })
      expect((await send(stale, 'GET', `${url}/private`)).json()).toMatchObject({ code: 'login_required' })
    }
  },
)

test('H11: a provider that does not answer in time is asked once by both processes, and again after the back-off', async () => {
  const { browser, get, renewals } = await logIn(provider, cluster.url)
  await ageSession(redis.connect(), browser, 901)
  provider.delayAll('token', 60_000)
  const pages = await Promise.all(
    Array.from({ length: 10 }, (_, at) => get(`${at % 2 ? one.url : other.url}/private`)),
  )
  expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200))
  expect(pages.map((page) => page.json().generation)).toEqual(Array(10).fill(1))
  for (const { url } of cluster.processes) {
    const refused = await get(`${url}/fresh`)
    expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
  }
  expect(renewals()).toBe(1)
  provider.normal()
  await endBackOff(redis.connect(), browser)
  expect((await get(`${one.url}/fresh`)).json()).toMatchObject({ generation: 2 })
})

test('H12: invalid_grant for a token that another process has renewed already signs nobody out', async () => {
  const { browser, get, renewals } = await logIn(provider, cluster.url)
  const held = provider.holdNext('token')
  const first = get(`${one.url}/fresh`)
  await held.arrived
  await endLease(redis.connect(), browser)
  expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  held.release({ status: 400, body: { error: 'invalid_grant' } })
  // What the other renewed began later than this request came: it serves it too.
  expect((await first).json()).toMatchObject({ authenticated: true, generation: 2, pid: one.pid })
  expect((await get(`${one.url}/private`)).json()).toMatchObject({ generation: 2 })
  expect(renewals()).toBe(2)
  const ended = cluster.processes.flatMap(({ events }) => events).map(({ event }) => JSON.stringify(event))
  expect(ended.filter((event) => event.includes('refresh_token_rejected'))).toEqual([])
})
