// Damaged values under a browser's own keys, seen at the front door: the app answers, and stays alive.
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const { app, redis } = useParts(async (start) => {
  const [provider, server] = await Promise.all([start(startProvider()), start(startRedis())])
  const app = await start(startAppProcess({ provider, redisUrl: server.url }))
  return { app, redis: server.connect() }
})

beforeEach(() => redis.flushall())

const theKey = async (pattern: string) => (await redis.keys(pattern))[0] ?? ''

const at = (path: string) => `${app.url}${path}`

async function expectAlive() {
  const { status } = await new Browser().request('GET', at('/public'))
  expect([status, app.output()]).toEqual([200, expect.not.stringMatching(/unhandled|SyntaxError|TypeError/i)])
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
  const { status } = await browser.request('POST', at('/fresh'), { signal: AbortSignal.timeout(20_000) })
  expect([401, 503]).toContain(status)
  await expectAlive()
})
