// How long a session lives: idle, absolute, and never longer in one key than in the other. Without Redis it lives in
// memory: for trying things out, and in production only when it is asked for by name.
import type { Request } from 'express'
import { relay } from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { useParts, useServers } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

const { provider, redis, store, app, log } = useServers({ redis: true })
const { logger } = log
const { brief, short } = useParts(async (start) => {
  const setup = { provider, redisUrl: redis.url }
  return {
    brief: await start(startApp({ ...setup, options: { session: { absoluteTimeoutSeconds: 600 }, logger } })),
    short: await start(startApp({ ...setup, options: { session: { idleTimeoutSeconds: 30 }, logger } })),
  }
})

const DAY = 86_400_000

async function logIn(at: TestApp = app, user = 'alice') {
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

const get = (browser: Browser, path: string, at: TestApp = app) => browser.request('GET', `${at.url}${path}`)

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

describe('session.touches', () => {
  const polled: string[] = []
  const { polling } = useParts(async (start) => {
    const touches = (req: Request) => {
      polled.push(req.path)
      if (req.path === '/broken') throw new Error('no such table')
      if (req.path === '/later') return Promise.resolve(true) as unknown as boolean
      return !req.path.startsWith('/api/poll')
    }
    const options = { session: { touches }, logger }
    const polling = await start(startApp({ provider, redisUrl: redis.url, options }))
    polling.app.get('/api/poll', (_req, res) => void res.json({}))
    const api = await start(startApiServer())
    polling.app.use('/api', relay({ target: api.url }))
    return { polling }
  })

  /** A session that was not used for a while, after that request. */
  async function used(path: string) {
    const session = await logIn(polling)
    await session.leave(DAY / 2)
    polled.length = 0
    await get(session.browser, path, polling)
    expect(polled).toEqual([path])
    return session
  }

  test.each(['/api/poll', '/api/poll/relayed', '/later'])('GET %s is no use of the session', async (path) => {
    const { browser, ttls } = await used(path)
    // Requests in turn over one connection to Redis: had the first written, this one would come after it.
    await get(browser, '/me', polling)
    expect(Math.max(...(await ttls()))).toBeLessThanOrEqual(DAY / 2)
  })

  test.each(['/public', '/api/relayed'])('GET %s is', async (path) => {
    const { ttls } = await used(path)
    await eventually('it to live a day again', async () => (await ttls()).every((ttl) => ttl > DAY / 2))
  })

  test('what it throws goes to the error handling of the app', async () => {
    const { browser, leave } = await logIn(polling)
    await leave(DAY / 2)
    expect((await get(browser, '/broken', polling)).status).toBe(500)
    expect(polling.errors).toMatchObject([{ message: 'no such table' }])
  })
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
  const { browser, ttls, leave } = await logIn(brief)
  await leave(60_000)
  await get(browser, '/private', brief)
  await eventually('the session to be extended', async () => ((await ttls())[0] ?? 0) > 60_000)
  expect(Math.max(...(await ttls()))).toBeLessThanOrEqual(600_000)
})

test('an idle time of half a minute is extended too', async () => {
  const { browser, ttls, leave } = await logIn(short)
  await leave(10_000)
  await get(browser, '/private', short)
  await eventually('the session to live on', async () => ((await ttls())[0] ?? 0) > 20_000)
})

describe.each(['redis', 'memory'])('in %s', (where) => {
  const ends = {
    idle: { idleTimeoutSeconds: 1 },
    absolute: { absoluteTimeoutSeconds: 1 },
  }
  const small = useParts(async (start) => {
    const setup = { provider, ...(where === 'redis' && { redisUrl: redis.url }) }
    return {
      idle: await start(startApp({ ...setup, options: { session: ends.idle, logger } })),
      absolute: await start(startApp({ ...setup, options: { session: ends.absolute, logger } })),
    }
  })

  test.each([
    ['that nobody uses ends after its idle time, though /me is asked', 'idle', '/me'],
    ['that is used all the time ends after its absolute time', 'absolute', '/public'],
  ] as const)('a session %s', async (_name, kind, path) => {
    const at = small[kind]
    const browser = new Browser()
    await browser.navigate(await browser.startLogin(at.url), { stopAt: () => true })
    const promised: number[] = []
    await eventually('the session to end', async () => {
      const { status, body } = await get(browser, path, at)
      const { authenticated, session, expiresAt } = JSON.parse(body)
      if (authenticated) promised.push(Date.parse(session?.expiresAt ?? expiresAt))
      return status === 200 && authenticated === false
    })
    // However often it is asked, the end does not move.
    expect(Math.max(...promised) - Math.min(...promised)).toBeLessThan(500)
  })
})

describe('without Redis', () => {
  const { one, other } = useParts(async (start) => ({
    one: await start(startApp({ provider, options: { logger } })),
    other: await start(startApp({ provider, options: { logger } })),
  }))

  test('an app without redis refuses to start in production, and says what to do', async () => {
    const started = startAppProcess({ provider, env: { NODE_ENV: 'production', REDIS_URL: '' } })
    await expect(started.then((app) => app.stop())).rejects.toThrow(
      /redis \(REDIS_URL\) is required in production.*allowInMemoryStore/s,
    )
  })

  test('with allowInMemoryStore it starts, and people log in', async () => {
    const env = { NODE_ENV: 'production', REDIS_URL: '' }
    const app = await startAppProcess({ provider, env, options: { allowInMemoryStore: true } })
    try {
      const page = await new Browser().logIn(app.url, { user: 'asked' })
      expect(page.json()).toMatchObject({ sub: 'asked' })
    } finally {
      await app.stop()
    }
  })

  test('log in, renew, log out', async () => {
    const browser = new Browser()
    await browser.logIn(one.url, { user: 'memory' })
    expect((await browser.request('POST', `${one.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    const before = browser.clone()
    await browser.request('POST', `${one.url}/logout`)
    for (const each of [browser, before]) {
      expect((await each.request('GET', `${one.url}/public`)).json()).toMatchObject({ authenticated: false })
    }
  })

  test('two apps in one process know nothing of each other', async () => {
    const browser = new Browser()
    // Cookies do not know of ports, so the browser shows one app the cookie of the other.
    await browser.logIn(one.url, { user: 'one' })
    expect((await browser.request('GET', `${other.url}/public`)).json()).toMatchObject({
      authenticated: false,
    })
    expect((await browser.request('GET', `${one.url}/public`)).json()).toMatchObject({ sub: 'one' })
  })
})
