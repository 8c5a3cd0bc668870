// The near cache: no question to Redis for what is known, and nobody served on what has changed elsewhere.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { type RedisWires, startRedisWires } from '../support/redis/wires.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }
const options = { clientID: client.clientId, clientSecret: client.clientSecret }
const HEARING = 'subscribe'
const READING = 'tracking'

let provider: TestProvider
let redis: RedisServer
let wires: RedisWires
/** has the cache, over the wires */
let near: TestApp
/** has none, and changes what the other knows */
let far: TestApp

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  wires = await startRedisWires(redis.port)
  near = await startApp({ provider, options: { ...options, redis: { url: wires.url, nearCache: true } } })
  far = await startApp({ provider, redisUrl: redis.url, options })
  await provider.registerClient({
    ...client,
    redirectUris: [`${near.url}/callback`, `${far.url}/callback`],
  })
})
afterEach(() => wires?.restore())
afterAll(async () => {
  await Promise.all([near, far].map((app) => app?.stop()))
  await wires?.stop()
  await Promise.all([provider, redis].map((each) => each?.stop()))
})

const whoIs = async ({ get }: LoggedIn, app = near) => (await get(`${app.url}/private`)).status
const generation = async ({ get }: LoggedIn) => (await get(`${near.url}/public`)).json().generation

/** Reads of sessions that Redis was asked for, by anybody. */
async function reads(): Promise<number> {
  const info = await redis.connect().info('commandstats')
  return ['eval', 'evalsha'].reduce(
    (sum, name) => sum + Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0),
    0,
  )
}

/** Logged in, and known to the app with the cache, which answers without asking. */
async function known(app = near): Promise<LoggedIn> {
  const session = await logIn(provider, near.url)
  await eventually('the session to be known', async () => {
    const before = await reads()
    await whoIs(session, app)
    return (await reads()) === before
  })
  return session
}

test('what was read is not asked for again', async () => {
  const session = await known()
  const before = await reads()
  for (let count = 0; count < 50; count += 1) expect(await whoIs(session)).toBe(200)
  expect((await reads()) - before).toBe(0)
})

test('a logout elsewhere is seen at once', async () => {
  const session = await known()
  await session.browser.request('POST', `${far.url}/logout`)
  const began = performance.now()
  // The cookie is gone from this browser: another one still has it.
  await eventually('the logout to be heard of', async () => (await whoIs(session)) === 401)
  expect(performance.now() - began).toBeLessThan(500)
})

test('logout everywhere elsewhere is seen at once, by whoever still has the cookie', async () => {
  const session = await known()
  const began = performance.now()
  await far.auth.sessions.revokeAll(session.user)
  await eventually('it to be heard of', async () => (await whoIs(session)) === 401)
  expect(performance.now() - began).toBeLessThan(500)
})

test('a renewal elsewhere is seen at once, and one of its own with the very answer', async () => {
  const session = await known()
  expect((await session.get(`${far.url}/fresh`)).status).toBe(200)
  await eventually('the renewal to be heard of', async () => (await generation(session)) === 2)
  for (const expected of [3, 4, 5]) {
    expect((await session.get(`${near.url}/fresh`)).json()).toMatchObject({ generation: expected })
    expect(await generation(session)).toBe(expected)
  }
})

test('a prefix of ioredis’s before its keys makes nobody deaf', async () => {
  const prefixed = await startApp({
    provider,
    options: { ...options, redis: { url: `${wires.url}?keyPrefix=app:`, nearCache: true } },
  })
  try {
    await provider.registerClient({ ...client, redirectUris: [`${prefixed.url}/callback`] })
    const session = await logIn(provider, prefixed.url)
    const isIn = async () => (await whoIs(session, prefixed)) === 200
    await eventually('the session to be known', async () => {
      const before = await reads()
      return (await isIn()) && (await reads()) === before
    })
    const keys = await redis.connect().keys('app:bff:*:auth')
    await redis.connect().del(...keys)
    const began = performance.now()
    await eventually('its end to be heard of', async () => !(await isIn()))
    expect([keys.length, performance.now() - began < 1500]).toEqual([1, true])
  } finally {
    await prefixed.stop()
    await provider.registerClient({
      ...client,
      redirectUris: [near, far].map(({ url }) => `${url}/callback`),
    })
  }
})

test('a session for which the app keeps data is read every time', async () => {
  const session = await known()
  await session.browser.request('POST', `${near.url}/cart`, { json: { cart: 'a' } })
  await whoIs(session)
  const before = await reads()
  await whoIs(session)
  expect((await reads()) - before).toBe(1)
})

test('what the app writes to req.session is there with the next request', async () => {
  const session = await known()
  for (const cart of ['a', 'b', 'c']) {
    await session.browser.request('POST', `${near.url}/cart`, { json: { cart } })
    expect((await session.get(`${near.url}/cart`)).json()).toEqual({ cart })
  }
  await session.browser.request('POST', `${far.url}/cart`, { json: { cart: 'far' } })
  await eventually('what another process wrote', async () => {
    return (await session.get(`${near.url}/cart`)).json().cart === 'far'
  })
})

test.each([
  ['hears', HEARING],
  ['reads', READING],
])(
  'a connection that %s and falls silent lets nobody in for longer than two seconds',
  async (_what, word) => {
    const session = await known()
    wires.silence(word)
    const began = performance.now()
    await far.auth.sessions.revokeAll(session.user)
    await eventually('nobody to be let in', async () => (await whoIs(session)) !== 200)
    expect(performance.now() - began).toBeLessThan(3500)
    wires.restore()
    await eventually('everything to be as before', async () => (await whoIs(session)) === 401)
  },
)

test('two seconds of silence are enough, however long an answer of Redis may take', async () => {
  const patient = await startApp({
    provider,
    options: { ...options, redis: { url: wires.url, nearCache: true }, redisTimeoutSeconds: 20 },
  })
  try {
    const session = await known(patient)
    wires.silence(HEARING)
    await far.auth.sessions.revokeAll(session.user)
    const began = performance.now()
    await eventually('nobody to be let in', async () => (await whoIs(session, patient)) === 401)
    expect(performance.now() - began).toBeLessThan(3500)
  } finally {
    wires.restore()
    await patient.stop()
  }
})

test.each(['/fresh', '/step-up?seconds=3600'])(
  '%s never trusts what is near: not even while nothing is heard',
  async (path) => {
    const session = await known()
    wires.silence(HEARING)
    await far.auth.sessions.revokeAll(session.user)
    expect((await session.get(near.url + path)).json()).toMatchObject({ status: 401, code: 'login_required' })
  },
)

test.each([
  ['hears', HEARING],
  ['reads', READING],
])(
  'after the connection that %s was lost, nothing old is used, and the cache works again',
  async (_what, word) => {
    const [gone, here] = [await known(), await known()]
    wires.cut(word)
    await far.auth.sessions.revokeAll(gone.user)
    await eventually('the logout', async () => (await whoIs(gone)) === 401)
    await eventually('the cache to work again', async () => {
      const before = await reads()
      const status = await whoIs(here)
      return status === 200 && (await reads()) === before
    })
    await far.auth.sessions.revokeAll(here.user)
    await eventually('its logout to be heard of', async () => (await whoIs(here)) === 401)
  },
)
