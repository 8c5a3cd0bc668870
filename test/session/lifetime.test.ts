// How long a session lives: idle, absolute, and never longer in one key than in the other.
import type { Redis } from 'ioredis'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: TestApp

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  app = await startApp({ provider, redisUrl: redis.url })
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const DAY = 86_400_000

async function logIn(at = app, user = 'alice') {
  const browser = new Browser()
  await browser.logIn(at.url, { user })
  await browser.request('POST', `${at.url}/cart`, { json: { cart: 'own' } })
  const id = await sessionIdOf(browser)
  const keys = [`bff:{${id}}:auth`, `bff:{${id}}:app`] as const
  const ttls = () => Promise.all(keys.map((key) => store.pttl(key)))
  /** As if the session had not been used for a while. */
  const leave = (ms: number) => Promise.all(keys.map((key) => store.pexpire(key, ms)))
  return { browser, keys, ttls, leave }
}

const get = (browser: Browser, path: string, at = app) => browser.request('GET', `${at.url}${path}`)

test('a session lives for its idle time, and its data as long', async () => {
  const { ttls } = await logIn()
  const [auth = 0, data = 0] = await ttls()
  expect(auth).toBeGreaterThan(DAY - 60_000)
  expect(auth).toBeLessThanOrEqual(DAY)
  expect(data).toBeLessThanOrEqual(auth + 5)
  expect(data).toBeGreaterThan(auth - 5000)
})

test.each(['/public', '/private', '/cart', '/nothing-here'])('GET %s extends the idle time', async (path) => {
  const { browser, ttls, leave } = await logIn()
  await leave(DAY / 2)
  await get(browser, path)
  await eventually('both keys to live a day again', async () =>
    (await ttls()).every((ttl) => ttl > DAY - 60_000),
  )
})

test('GET /me never does', async () => {
  const { browser, ttls, leave } = await logIn()
  await leave(DAY / 2)
  for (let again = 0; again < 5; again += 1) await get(browser, '/me')
  // Requests in turn over one connection to Redis: had /me written, this one would come after it.
  await store.ping()
  expect(Math.max(...(await ttls()))).toBeLessThanOrEqual(DAY / 2)
})

test('it is extended at most once a minute', async () => {
  const { browser, ttls, leave } = await logIn()
  await leave(DAY - 50_000)
  await get(browser, '/private')
  await get(browser, '/private')
  expect(Math.max(...(await ttls()))).toBeLessThanOrEqual(DAY - 50_000)
  await leave(DAY - 61_000)
  await get(browser, '/private')
  await eventually('the session to live a day again', async () => ((await ttls())[0] ?? 0) > DAY - 50_000)
})

test('writing req.session does not let the data outlive the auth record', async () => {
  const { browser, ttls, leave } = await logIn()
  await leave(DAY / 2)
  await browser.request('POST', `${app.url}/cart?`, { json: { cart: 'more' } })
  await eventually('both keys to live equally long', async () => {
    const [auth = 0, data = 0] = await ttls()
    return auth > DAY / 2 && Math.abs(auth - data) < 1000
  })
})

test('without the auth record the data is nobody’s', async () => {
  const { browser, keys } = await logIn()
  await store.del(keys[0])
  expect((await get(browser, '/public')).json()).toMatchObject({ authenticated: false })
  expect((await get(browser, '/cart')).json()).toEqual({ cart: null })
})

test('no use extends it past the absolute time', async () => {
  const session = { absoluteTimeoutSeconds: 600 }
  const brief = await startApp({ provider, redisUrl: redis.url, options: { session } })
  try {
    const { browser, ttls, leave } = await logIn(brief)
    await leave(60_000)
    await get(browser, '/private', brief)
    await eventually('the session to be extended', async () => ((await ttls())[0] ?? 0) > 60_000)
    expect(Math.max(...(await ttls()))).toBeLessThanOrEqual(600_000)
  } finally {
    await brief.stop()
  }
})

test('an idle time of half a minute is extended too', async () => {
  const short = await startApp({
    provider,
    redisUrl: redis.url,
    options: { session: { idleTimeoutSeconds: 30 } },
  })
  try {
    const { browser, ttls, leave } = await logIn(short)
    await leave(5000)
    await get(browser, '/private', short)
    await eventually('the session to live on', async () => ((await ttls())[0] ?? 0) > 20_000, 3000)
  } finally {
    await short.stop()
  }
})

describe.each(['redis', 'memory'])('in %s', (where) => {
  test.each([
    ['that nobody uses ends after its idle time, though /me is asked', { idleTimeoutSeconds: 1 }, '/me'],
    ['that is used all the time ends after its absolute time', { absoluteTimeoutSeconds: 1 }, '/public'],
  ])('a session %s', async (_name, session, path) => {
    const redisUrl = where === 'redis' ? { redisUrl: redis.url } : {}
    const small = await startApp({ provider, ...redisUrl, options: { session } })
    const browser = new Browser()
    try {
      await browser.navigate(await browser.startLogin(small.url), { stopAt: () => true })
      const began = Date.now()
      await eventually('the session to end', async () => {
        const { status, body } = await get(browser, path, small)
        return status === 200 && JSON.parse(body).authenticated === false
      })
      expect(Date.now() - began).toBeLessThan(5000)
    } finally {
      await small.stop()
    }
  })
})
