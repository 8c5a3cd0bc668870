// Damaged values under a browser's own keys, seen at the front door: the app answers, and stays alive.
import type { Redis } from 'ioredis'
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let server: RedisServer
let redis: Redis
let app: AppProcess | undefined

beforeAll(async () => {
  provider = await startProvider()
  server = await startRedis()
  redis = server.connect()
})
beforeEach(async () => {
  await redis.flushall()
  // One that a test before this one has brought down is no reason for this one to fail.
  const alive = app && (await new Browser().request('GET', `${app.url}/ping`).catch(() => undefined))
  if (!alive) app = await startAppProcess({ provider, redisUrl: server.url })
})
afterAll(async () => {
  await app?.stop()
  await server?.stop()
  await provider?.stop()
})

const theKey = async (pattern: string) => (await redis.keys(pattern))[0] ?? ''

const at = (path: string) => `${app?.url}${path}`

async function expectAlive() {
  const { status } = await new Browser().request('GET', at('/public'))
  expect([status, app?.output()]).toEqual([
    200,
    expect.not.stringMatching(/unhandled|SyntaxError|TypeError/i),
  ])
}

test.each(['garbage', '"', 'null', '[]', '7', ''])(
  'app data of a visitor that is %j starts anew',
  async (document) => {
    const browser = new Browser()
    await browser.request('POST', at('/cart'), { json: { cart: 1 } })
    await redis.set(await theKey('bff:{a-*:app'), document, 'KEEPTTL')
    const page = await browser.request('GET', at('/cart'))
    await expectAlive()
    expect([page.status, page.body]).toEqual([200, '{"cart":null}'])
    expect((await browser.request('POST', at('/cart'), { json: { cart: 2 } })).status).toBe(200)
    expect((await browser.request('GET', at('/cart'))).body).toBe('{"cart":2}')
  },
)

test('app data of somebody logged in that is garbage starts anew, and the session goes on', async () => {
  const browser = new Browser()
  await browser.logIn(at(''))
  await browser.request('POST', at('/cart'), { json: { cart: 1 } })
  await redis.set(await theKey('bff:{s-*:app'), 'garbage', 'KEEPTTL')
  const page = await browser.request('GET', at('/cart'))
  await expectAlive()
  expect([page.status, page.body]).toEqual([200, '{"cart":null}'])
  expect((await browser.request('GET', at('/private'))).json()).toMatchObject({ authenticated: true })
})

test('an older sealed record put back under a newer generation is answered, not turned over for ever', async () => {
  const browser = new Browser()
  await browser.logIn(at(''))
  const key = await theKey('bff:{s-*:auth')
  const old = await redis.hget(key, 'sealed')
  expect((await browser.request('POST', at('/fresh'))).status).toBe(200)
  await redis.hset(key, 'sealed', old ?? '')
  // Whoever turns a request over for ever is not waited for.
  const { status } = await browser.request('POST', at('/fresh'), { signal: AbortSignal.timeout(8000) })
  expect([401, 503]).toContain(status)
  await expectAlive()
})
