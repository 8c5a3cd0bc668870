// H17: Redis is frozen, killed, slow, or refuses connections: "try later" in time, and everything as it was after it.
import { openRedisStore } from '../store/stores.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { expectTryLater, PATIENT } from '../support/app/fault-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { type RedisFront, startRedisFront } from '../support/redis/front.ts'
import { type LastingRedis, startLastingRedis } from '../support/redis/lasting-redis.ts'
import { type Start, useParts } from '../support/servers.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'
import { testAllAtOnce } from './real-waits.ts'

interface Site {
  readonly redis: LastingRedis
  readonly front: RedisFront
  readonly app: TestApp
}

/** Less than the two seconds that a slow Redis takes, and by no more than that: machines are slow as well. */
const redisTimeoutSeconds = 1.5

const outages: [string, (site: Site) => unknown, (site: Site) => unknown][] = [
  ['is frozen', ({ redis }) => redis.server.freeze(), ({ redis }) => redis.server.thaw()],
  ['is killed', ({ redis }) => redis.kill(), ({ redis }) => redis.restart()],
  ['takes two seconds', ({ front }) => front.delayAll(2000), ({ front }) => front.normal()],
  ['refuses connections', ({ front }) => front.down(), ({ front }) => front.up()],
]

const { provider, sites, spare, opened } = useParts(async (start) => {
  const provider = await start(startProvider())
  async function open(begin: Start): Promise<Site> {
    const redis = await begin(startLastingRedis())
    const front = await begin(startRedisFront(redis))
    const options = { ...PATIENT, redisTimeoutSeconds }
    return { redis, front, app: await begin(startApp({ provider, redisUrl: front.url, options })) }
  }
  const spare = await start(startLastingRedis())
  const { records, told } = openRedisStore(`redis://127.0.0.1:${spare.port}`, { redisTimeoutSeconds: 1 })
  const opened = await start({ records, told, stop: () => records.close() })
  return { provider, sites: await Promise.all(outages.map(() => open(start))), spare, opened }
})

/** A 503, or the answer to nobody in particular: it did not wait for Redis, which comes back only after this. */
async function expectAway({ app }: Site, { browser, get }: LoggedIn, visitor: Browser) {
  const url = (path: string) => `${app.url}${path}`
  const post = (path: string, json?: unknown) => browser.request('POST', url(path), { json })
  const paths = ['/private', '/fresh', '/fresh-max-age?seconds=60', '/token', '/me']
  const login = new Browser({ secFetch: false }).request('GET', url('/login'))
  const asked = paths.map((path) => get(url(path)))
  const guarded = Promise.all([...asked, login, post('/logout'), post('/renew')])
  const open = Promise.all([get(url('/public')), visitor.request('GET', url('/public'))])
  const carts = Promise.all([get(url('/cart')), post('/cart', { cart: 'lost' })])
  const navigation = browser.tab().navigate(url('/private'), { from: null, stopAt: () => true })
  const stranger = visitor.request('GET', url('/me'))

  for (const page of await guarded) expectTryLater(page, 'store_unavailable')
  for (const page of await open) {
    expect([page.status, page.headers['set-cookie']]).toEqual([200, undefined])
    expect(page.json()).toMatchObject({ authenticated: false })
  }
  for (const page of await carts) {
    expect([page.status, page.headers['retry-after'], page.headers['set-cookie']]).toEqual([
      503,
      '1',
      undefined,
    ])
  }
  const page = await navigation
  expect([page.status, page.headers['content-type'], page.headers['set-cookie']]).toEqual([
    503,
    'text/html; charset=utf-8',
    undefined,
  ])
  expect((await stranger).json()).toEqual({ authenticated: false })
}

testAllAtOnce(outages)(
  'H17: a Redis that %s logs nobody out, and every answer comes in time',
  async (what, spoil, mend) => {
    const site = sites[outages.findIndex(([name]) => name === what)] as Site
    const { app } = site
    const loggedIn = await logIn(provider, app.url)
    const { browser, get, user } = loggedIn
    const hash = sha256(provider.liveRefreshTokens(user)[0] ?? '')
    const visitor = browser.clone()
    await visitor.clearCookies()
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
    const before = await browser.cookies(app.url)
    app.events.length = 0
    await spoil(site)
    await expectAway(site, loggedIn, visitor)
    // Again, when the connection was given up.
    await expectAway(site, loggedIn, visitor)
    expect(app.events.map(({ name }) => name)).toContain('store-unavailable')

    await mend(site)
    const page = await eventually('Redis to answer', async () => {
      const found = await get(`${app.url}/private`)
      return found.status === 503 ? undefined : found
    })
    // What was asked meanwhile may be done late; a logout that was answered 503 is not among it, nor a renewal.
    expect([page.status, page.json()]).toEqual([200, expect.objectContaining({ sub: user, generation: 1 })])
    expect((await get(`${app.url}/cart`)).json()).toEqual({ cart: 'mine' })
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(provider.requests({ refreshTokenHash: hash })).toHaveLength(1)
    expect(await browser.cookies(app.url)).toEqual(before)
    expect(app.events.map(({ name }) => name)).not.toContain('session-ended')
  },
)

test('H17: no more than ten thousand commands wait for a frozen Redis, and the others hear it at once', async () => {
  const { records, told } = opened
  await eventually('Redis to answer', () => records.now())
  told.length = 0
  spare.server.freeze()
  const outcomes = Promise.allSettled(Array.from({ length: 10_050 }, () => records.now()))
  expect(told).toHaveLength(50)
  expect(told[0]?.detail).toMatch('10000 questions are on their way')
  const failed = (await outcomes).filter(({ status }) => status === 'rejected')
  expect(failed).toHaveLength(10_050)
  spare.server.thaw()
  await eventually('Redis to answer', () => records.now())
})
