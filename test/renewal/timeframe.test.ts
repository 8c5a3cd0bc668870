// The timeframe: when a request waits for a renewal, when it goes on beside one, and when there is none.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  app = await startApp({ provider, redisUrl: redis.url, options: { renewal: { afterSeconds: 900 } } })
})

afterAll(async () => {
  await app?.stop()
  await redis?.stop()
  await provider?.stop()
})

afterEach(() => {
  provider.normal()
  Object.assign(provider.lifetimes, { idToken: 3600, accessToken: 3600 })
})

const age = (...[browser, seconds, more]: Tail<typeof ageSession>) =>
  ageSession(redis.connect(), browser, seconds, more)
type Tail<F> = F extends (first: never, ...rest: infer Rest) => unknown ? Rest : never

test.each([
  { age: 0, jitter: 0 },
  { age: 700, jitter: 0 },
  { age: 790, jitter: 1 },
])(
  'a session $age s old with jitter $jitter is used as it is: no token request, the same generation',
  async (given) => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await age(browser, given.age, { jitter: given.jitter })
    const first = await get(`${app.url}/private`)
    expect(first.json()).toMatchObject({ authenticated: true, generation: 1 })
    // A renewal beside the first request would be over, or be waited for, by the time a fresh one is answered.
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    expect(renewals()).toBe(1)
  },
)

test.each([
  { age: 725, jitter: 0 },
  { age: 815, jitter: 1 },
  { age: 890, jitter: 0.5 },
])(
  'a session $age s old with jitter $jitter is answered at once while it is renewed beside the request',
  async (given) => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await age(browser, given.age, { jitter: given.jitter })
    const held = provider.holdNext('token', { mode: 'after' })
    const during = await Promise.all([1, 2, 3, 4].map(() => get(`${app.url}/private`)))
    expect(during.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(during.map((page) => page.json().generation)).toEqual([1, 1, 1, 1])
    await held.processed
    held.release()
    await eventually(
      'the renewed session',
      async () => (await get(`${app.url}/private`)).json().generation === 2,
    )
    expect(renewals()).toBe(1)
  },
)

test('a session past its timeframe makes the request wait for the renewal', async () => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  await age(browser, 900)
  const held = provider.holdNext('token', { mode: 'after' })
  let answered = false
  const waiting = get(`${app.url}/public`).finally(() => {
    answered = true
  })
  await held.processed
  // A second request through the whole app takes longer than an answer that nobody holds back.
  await get(`${app.url}/ping`)
  expect(answered).toBe(false)
  held.release()
  expect((await waiting).json()).toMatchObject({ authenticated: true, generation: 2 })
  expect(renewals()).toBe(1)
})

test.each(['/private', '/public', '/fresh', '/fresh-max-age?seconds=5', '/token', '/me'])(
  'a due session is renewed once by GET %s, and not again by the next request',
  async (path) => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await age(browser, 901)
    expect((await get(app.url + path)).status).toBe(200)
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
    expect(renewals()).toBe(1)
  },
)

test('an ID token that expires sooner than the timeframe is due when it expires', async () => {
  provider.lifetimes.idToken = 60
  const { browser, get, renewals } = await logIn(provider, app.url)
  await age(browser, 30, { idToken: 30, jitter: 0 })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
  await age(browser, 31, { idToken: 31 })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
  expect(renewals()).toBe(1)
})

test('an ID token that expires soon is renewed beside the request in the last fifth of its life', async () => {
  provider.lifetimes.idToken = 60
  const { browser, get, renewals } = await logIn(provider, app.url)
  await age(browser, 50, { idToken: 50, jitter: 0 })
  const held = provider.holdNext('token', { mode: 'after' })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
  await held.processed
  held.release()
  await eventually(
    'the renewed session',
    async () => (await get(`${app.url}/private`)).json().generation === 2,
  )
  expect(renewals()).toBe(1)
})

test('an expired access token is renewed for whoever asks for it, and for nobody else', async () => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  const { sha256 } = (await get(`${app.url}/token`)).json()
  await age(browser, 0, { accessToken: 3601 })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
  expect(renewals()).toBe(0)

  const callers = Array.from({ length: 20 }, () => get(`${app.url}/token?gate=expired-access-token`))
  await app.gate('expired-access-token').arrived(20)
  app.gate('expired-access-token').open()
  const tokens = (await Promise.all(callers)).map((page) => page.json())
  expect(new Set(tokens.map((token) => token.generation))).toEqual(new Set([2]))
  expect(new Set(tokens.map((token) => token.sha256)).size).toBe(1)
  expect(tokens[0]?.sha256).not.toBe(sha256)
  expect(renewals()).toBe(1)
})

test('req.oidc.renew() makes exactly one renewal for each request that calls it after another', async () => {
  const { browser, renewals } = await logIn(provider, app.url)
  for (let call = 1; call <= 20; call += 1) {
    const page = await browser.request('POST', `${app.url}/renew`)
    expect({ ...page.json(), renewals: renewals() }).toMatchObject({ generation: call + 1, renewals: call })
  }
})
