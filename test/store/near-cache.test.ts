// The near cache: no question to Redis for what is known, and nobody served on what has changed elsewhere.
import { Redis } from 'ioredis'
import type { AuthOptions } from '../../src/index.ts'
import { createClientTracking } from '../../src/store/redis/client-tracking.ts'
import { openRedis } from '../../src/store/redis/connection.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { startRedisWires } from '../support/redis/wires.ts'
import { useParts } from '../support/servers.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }
const HEARING = 'subscribe'
const READING = 'tracking'

/**
 * `near` has the cache, over the wires; so has `prefixed`, and `patient`, which waits long for Redis. `far` has none, and
 * changes what the others know.
 */
const { provider, redis, wires, near, far, prefixed, patient } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const wires = await start(startRedisWires(redis.port))
  const app = (options: AuthOptions) =>
    start(
      startApp({
        provider,
        options: { clientID: client.clientId, clientSecret: client.clientSecret, ...options },
      }),
    )
  const near = await app({ redis: { url: wires.url, nearCache: true } })
  const far = await app({ redis: redis.url })
  const prefixed = await app({ redis: { url: `${wires.url}?keyPrefix=app:`, nearCache: true } })
  const patient = await app({ redis: { url: wires.url, nearCache: true }, redisTimeoutSeconds: 20 })
  await provider.registerClient({
    ...client,
    redirectUris: [near, far, prefixed].map(({ url }) => `${url}/callback`),
  })
  return { provider, redis, wires, near, far, prefixed, patient }
})

afterEach(() => wires.restore())

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
  const session = await logIn(provider, (app === prefixed ? app : near).url)
  await eventually('the session to be known', async () => {
    const before = await reads()
    const status = await whoIs(session, app)
    return status === 200 && (await reads()) === before
  })
  return session
}

/** Asks until it is not let in any more; resolves with the moment in which it asked for the last time and was. */
async function lastLetIn(session: LoggedIn, app: TestApp): Promise<number> {
  let last = 0
  await eventually('nobody to be let in', async () => {
    const asked = performance.now()
    const isIn = (await whoIs(session, app)) === 200
    if (isIn) last = asked
    return !isIn
  })
  return last
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
  // The cookie is gone from this browser: another one still has it. Nothing else would tell, however long one asked.
  await eventually('the logout to be heard of', async () => (await whoIs(session)) === 401)
})

test('logout everywhere elsewhere is seen at once, by whoever still has the cookie', async () => {
  const session = await known()
  await far.auth.sessions.revokeAll(session.user)
  await eventually('it to be heard of', async () => (await whoIs(session)) === 401)
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
  const session = await known(prefixed)
  const keys = await redis.connect().keys('app:bff:*:auth')
  expect(keys).toHaveLength(1)
  await redis.connect().del(...keys)
  await eventually('its end to be heard of', async () => (await whoIs(session, prefixed)) !== 200)
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
    const silentSince = performance.now()
    await far.auth.sessions.revokeAll(session.user)
    expect((await lastLetIn(session, near)) - silentSince).toBeLessThan(3500)
    wires.restore()
    await eventually('everything to be as before', async () => (await whoIs(session)) === 401)
  },
)

test('two seconds of silence are enough, however long an answer of Redis may take', async () => {
  const session = await known(patient)
  wires.silence(HEARING)
  const silentSince = performance.now()
  await far.auth.sessions.revokeAll(session.user)
  expect((await lastLetIn(session, patient)) - silentSince).toBeLessThan(3500)
  expect(await whoIs(session, patient)).toBe(401)
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

// Redis's word is trusted only where it is sure to come: both connections are with the same server.
describe('the two connections', () => {
  const clients: Redis[] = []
  const { other } = useParts(async (start) => {
    const other = await start(startRedis())
    await start({
      stop() {
        for (const client of clients) client.disconnect()
      },
    })
    return { other }
  })

  function listen(reading: RedisServer, hearing: RedisServer) {
    const [reads, hears] = [new Redis(reading.url), new Redis(hearing.url, { protocol: 2 })]
    clients.push(reads, hears)
    const changed: string[] = []
    let missed = 0
    const invalidations = createClientTracking(reads, hears, {
      changed: (key) => changed.push(key),
      missed: () => {
        missed += 1
      },
      refused: () => undefined,
    })
    return { ...invalidations, reads, changed, missed: () => missed }
  }

  test('a change of what was read is heard of, and FLUSHALL is a change of everything', async () => {
    const { isHeard, reads, changed, missed, close } = listen(redis, redis)
    try {
      await eventually('the connections to be armed', isHeard)
      await reads.get('key')
      await redis.connect().set('key', 'value')
      await eventually('the change', () => changed.includes('key'))
      const before = missed()
      await redis.flush()
      await eventually('the flush', () => missed() > before)
    } finally {
      close()
    }
  })

  test('two connections that are with different servers, as in a failover, are never trusted', async () => {
    const asked = async (server: RedisServer) =>
      Number(/cmdstat_client\|id:calls=(\d+)/.exec(await server.connect().info('commandstats'))?.[1] ?? 0)
    const before = await asked(other)
    const { isHeard, close } = listen(redis, other)
    try {
      let trusted = false
      await eventually('three tries', async () => {
        trusted ||= isHeard()
        return (await asked(other)) - before >= 3
      })
      expect(trusted).toBe(false)
    } finally {
      close()
    }
  })

  test('whatever protocol is configured, the connection that hears speaks the one in which ioredis hands on', () => {
    const sentinels = [{ host: '127.0.0.1', port: 1 }]
    const given = {
      sentinels,
      name: 'master',
      protocol: 3 as const,
      autoResubscribe: true,
      lazyConnect: true,
    }
    const { redis, close } = openRedis(given, 1, { tell: String, over() {} }, { hears: true })
    expect((redis as Redis).options).toMatchObject({ protocol: 2, autoResubscribe: false })
    close()
  })
})
