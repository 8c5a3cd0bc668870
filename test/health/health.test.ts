// bff.health(): what it says of the store and the provider, what it costs to ask, and that it learns without traffic.
import { type AuthOptions, auth, type Health } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { freePort } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { isCommand, isScript } from '../support/redis/commands.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { createStarted, useParts } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const { provider, redis, front, app } = useParts(async (start) => {
  const provider = await start(startProvider())
  const redis = await start(startRedis())
  const front = await start(startRedisFront(redis))
  return { provider, redis, front, app: await start(startApp({ provider, redisUrl: front.url })) }
})
const started = createStarted()
afterEach(async () => {
  provider.normal()
  front.normal()
  await started.stop()
})

const another = (options: AuthOptions = {}) =>
  started.start(startApp({ provider, redisUrl: front.url, options }))
const questions = () => front.seen(isCommand('time')).length
const [up, since] = [{ status: 'up', since: expect.any(Date) }, expect.any(Date)]

/** Nothing but health() is asked. */
const until = ({ auth: { health } }: TestApp, isSo: (health: Health) => boolean) =>
  eventually('health() to say so', async () => {
    const known = await health()
    return isSo(known) ? known : undefined
  })

/** Somebody whose session is due, and who asks for it. */
async function due({ url }: TestApp) {
  const { browser, get } = await logIn(provider, url)
  await ageSession(redis.connect(), browser, 901)
  return () => get(`${url}/private`)
}

test('a process that nobody asked anything learns of both, by one question to each, however often it is asked', async () => {
  const { auth: bff } = await another()
  const [toStore, toProvider] = [questions(), provider.requests().length]
  const answers = await Promise.all(Array.from({ length: 20 }, () => bff.health()))
  for (const health of [...answers, await bff.health()])
    expect(health).toEqual({
      ok: true,
      store: up,
      provider: up,
      renewals: { inFlight: 0, waitingForStore: 0 },
      closing: false,
    })
  expect([questions() - toStore, provider.requests().length - toProvider]).toEqual([1, 1])
})

describe('the store', () => {
  test.each<[what: string, end: (server: RedisServer) => unknown, begin: (server: RedisServer) => unknown]>([
    ['is killed', (server) => server.kill(), (server) => server.restart()],
    ['is frozen', (server) => server.freeze(), (server) => server.thaw()],
  ])(
    'that %s is told as soon as a request met it, then with the cure, and is found again without traffic',
    async (_what, end, begin) => {
      const server = await started.start(startRedis())
      const site = await started.start(
        startApp({ provider, redisUrl: server.url, options: { redisTimeoutSeconds: 1 } }),
      )
      const { get } = await logIn(provider, site.url)
      expect(await site.auth.health()).toMatchObject({ ok: true })
      await end(server)
      expect((await get(`${site.url}/private`)).status).toBe(503)
      const { ok, store, provider: other } = await site.auth.health()
      expect({ ok, store, other }).toEqual({
        ok: false,
        store: { status: 'down', since, detail: expect.any(String) },
        other: up,
      })
      const cure = /^Redis at 127\.0\.0\.1:\d+ cannot be used: .+: /
      await until(site, (health) => cure.test(health.store.detail ?? ''))
      await begin(server)
      const found = await until(site, (health) => health.ok)
      expect(found.store).toEqual(up)
      expect(Number(found.store.since)).toBeGreaterThan(Number(store.since))
    },
  )

  test('that has not answered yet is unknown, and that is not ok: the question is waited for less than the store may take', async () => {
    const held = front.holdNext(isCommand('time'))
    const site = await another()
    expect(await site.auth.health()).toMatchObject({ ok: false, store: { status: 'unknown' }, provider: up })
    held.release()
    await until(site, (health) => health.ok)
  })

  test('that refuses one command is asked, and is there for all others', async () => {
    const { get } = await logIn(provider, app.url)
    front.refuseAll(isScript('find'), 'ERR that key is broken')
    expect((await get(`${app.url}/private`)).status).toBe(503)
    expect(await app.auth.health()).toMatchObject({ ok: true, store: up })
  })
})

describe('the provider', () => {
  const AWAY = { status: 503, headers: { 'retry-after': '2' } }
  const byHand = () => ({
    discoveryURL: false as const,
    metadata: {
      authorization_endpoint: `${provider.issuer}/auth`,
      token_endpoint: `${provider.issuer}/token`,
      jwks_uri: `${provider.issuer}/jwks`,
    },
  })

  test.each<[how: string, options: () => AuthOptions, path: RegExp]>([
    ['for its document', () => ({}), /openid-configuration$/],
    ['for its keys, where there is no document', () => ({ provider: byHand() }), /jwks$/],
  ])(
    'that is away takes nobody out, and is asked %s when its back-off is over',
    async (_how, options, path) => {
      const site = await another(options())
      const ask = await due(site)
      provider.answerAll('token', AWAY)
      expect((await ask()).status).toBe(200)
      const away = await until(site, (health) => health.provider.status === 'down')
      expect(away.ok).toBe(true)
      expect(away.provider).toEqual({
        status: 'down',
        since,
        detail: expect.stringMatching(/status|503/),
        retryAfterSeconds: 2,
      })
      const requests = () => provider.requests(({ path: seen }) => path.test(seen)).length
      const before = requests()
      for (let times = 0; times < 10; times += 1) await site.auth.health()
      expect(requests()).toBe(before)
      const back = await until(site, (health) => health.provider.status === 'up')
      expect([back.provider, requests() - before]).toEqual([up, 1])
    },
  )

  test('that does not complete a login is away, until somebody else logs in', async () => {
    provider.answerAll('token', AWAY)
    expect((await new Browser().logIn(app.url)).status).toBe(503)
    expect((await app.auth.health()).provider).toMatchObject({ status: 'down', retryAfterSeconds: 5 })
    provider.normal()
    await logIn(provider, app.url)
    expect((await app.auth.health()).provider).toEqual(up)
  })

  test('that refuses one renewal has answered', async () => {
    const [first, second] = [await due(app), await due(app)]
    provider.answerAll('token', AWAY)
    await first()
    expect((await app.auth.health()).provider.status).toBe('down')
    provider.normal()
    provider.answerAll('token', { status: 400, body: { error: 'invalid_request' } })
    await second()
    expect((await app.auth.health()).provider).toEqual(up)
  })
})

test('whom nobody finds is told with what to change, without a password, and asked once in its back-off', async () => {
  const password = 'the-password-of-nobody'
  const lines: string[] = []
  const bff = auth({
    issuerBaseURL: `http://127.0.0.1:${await freePort()}`,
    baseURL: 'http://localhost:3000',
    clientID: 'client',
    secret: 'the-secret-of-the-cookies-which-is-long',
    redis: `redis://app:${password}@127.0.0.1:${await freePort()}`,
    logger: { warn: (line) => void lines.push(line) },
  })
  let failures = 0
  bff.on('provider-unavailable', () => {
    failures += 1
  })
  for (let times = 0; times < 10; times += 1) await bff.health()
  const health = await bff.health()
  expect(health).toMatchObject({
    ok: false,
    store: { status: 'down', detail: expect.stringMatching(/ECONNREFUSED.*REDIS_URL/) },
    provider: { status: 'down', detail: expect.stringMatching(/ECONNREFUSED/), retryAfterSeconds: 5 },
  })
  expect(failures).toBe(1)
  expect(JSON.stringify([health, lines])).not.toContain(password)
  await bff.close()
})

describe('renewals', () => {
  test('that wait for the provider are counted, and while close() waits for them nobody is asked any more', async () => {
    const site = await another()
    const ask = await due(site)
    const held = provider.holdNext('token', { mode: 'after' })
    const answer = ask()
    await held.processed
    expect(await site.auth.health()).toMatchObject({ ok: true, renewals: { inFlight: 1 }, closing: false })
    const closed = site.auth.close()
    const before = questions()
    expect(await site.auth.health()).toMatchObject({
      ok: false,
      store: up,
      renewals: { inFlight: 1 },
      closing: true,
    })
    held.release()
    await closed
    expect((await answer).json()).toMatchObject({ generation: 2 })
    expect(await site.auth.health()).toMatchObject({ ok: false, renewals: { inFlight: 0 }, closing: true })
    expect(questions()).toBe(before)
  })

  test('of a process that has ended are none, and it asks nobody', async () => {
    const { auth: bff } = await another()
    await bff.close()
    const before = [questions(), provider.requests().length]
    expect(await bff.health()).toEqual({
      ok: false,
      store: { status: 'unknown' },
      provider: { status: 'unknown' },
      renewals: { inFlight: 0, waitingForStore: 0 },
      closing: true,
    })
    expect([questions(), provider.requests().length]).toEqual(before)
  })

  test('that the store did not take are counted: they are nowhere else', async () => {
    const ask = await due(app)
    front.refuseAll(isScript('commit'))
    expect((await ask()).json()).toMatchObject({ generation: 2 })
    expect((await app.auth.health()).renewals).toEqual({ inFlight: 0, waitingForStore: 1 })
    front.normal()
    await eventually(
      'them to be stored',
      async () => (await app.auth.health()).renewals.waitingForStore === 0,
    )
  })
})
