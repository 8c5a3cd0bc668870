// H17: Redis is frozen, killed, slow, or refuses connections: "try later" in time, and everything as it was after it.
import { openRedisStore } from '../store/stores.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { expectTryLater, TIMES } from '../support/app/fault-fixture.ts'
import type { Browser, Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisFront, startRedisFront } from '../support/redis/front.ts'
import { type LastingRedis, startLastingRedis } from '../support/redis/lasting-redis.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: LastingRedis
let front: RedisFront
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  redis = await startLastingRedis()
  front = await startRedisFront(redis)
  app = await startApp({ provider, redisUrl: front.url, options: TIMES })
})

afterAll(async () => {
  await app?.stop()
  await front?.stop()
  await redis?.stop()
  await provider?.stop()
})

const outages: [string, () => unknown, () => unknown][] = [
  ['is frozen', () => redis.server.freeze(), () => redis.server.thaw()],
  ['is killed', () => redis.kill(), () => redis.restart()],
  ['takes two seconds', () => front.delayAll(2000), () => front.normal()],
  ['refuses connections', () => front.down(), () => front.up()],
]

// Half a second for Redis; the rest is for a slow machine. Without a deadline it is ten seconds and more.
const IN_TIME_MS = 3000

async function timed(page: Promise<Page>): Promise<Page> {
  const began = performance.now()
  const answer = await page
  expect([answer.url, performance.now() - began < IN_TIME_MS]).toEqual([answer.url, true])
  return answer
}

async function expectAway({ browser, get }: LoggedIn, visitor: Browser) {
  const url = (path: string) => `${app.url}${path}`
  const post = (path: string, json?: unknown) => browser.request('POST', url(path), { json })
  const guarded = ['/private', '/fresh', '/fresh-max-age?seconds=60', '/token', '/me'].map((path) =>
    get(url(path)),
  )
  const asked = [...guarded, get(url('/login')), post('/logout'), post('/renew')]
  for (const page of await Promise.all(asked.map(timed))) expectTryLater(page, 'store_unavailable')

  for (const page of await Promise.all(
    [get(url('/public')), visitor.request('GET', url('/public'))].map(timed),
  )) {
    expect([page.status, page.headers['set-cookie']]).toEqual([200, undefined])
    expect(page.json()).toMatchObject({ authenticated: false })
  }
  for (const page of await Promise.all([get(url('/cart')), post('/cart', { cart: 'lost' })].map(timed))) {
    expect([page.status, page.headers['retry-after'], page.headers['set-cookie']]).toEqual([
      503,
      '1',
      undefined,
    ])
  }
  const page = await timed(browser.navigate(url('/private'), { from: null, stopAt: () => true }))
  expect([page.status, page.headers['content-type'], page.headers['set-cookie']]).toEqual([
    503,
    'text/html; charset=utf-8',
    undefined,
  ])
  expect((await timed(visitor.request('GET', url('/me')))).json()).toEqual({ authenticated: false })
}

test.each(outages)(
  'H17: a Redis that %s signs nobody out, and every answer comes in time',
  async (_what, spoil, mend) => {
    const loggedIn = await logIn(provider, app.url)
    const { browser, get, renewals, user } = loggedIn
    const visitor = browser.clone()
    await visitor.clearCookies()
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
    const before = await browser.cookies(app.url)
    app.events.length = 0
    await spoil()
    await expectAway(loggedIn, visitor)
    // Again, when the connection was given up.
    await expectAway(loggedIn, visitor)
    expect(app.events.map(({ name }) => name)).toContain('store-unavailable')

    await mend()
    const page = await eventually('Redis to answer', async () => {
      const found = await get(`${app.url}/private`)
      return found.status === 503 ? undefined : found
    })
    // What was asked meanwhile may be done late; a logout that was answered 503 is not among it, nor a renewal.
    expect([page.status, page.json()]).toEqual([200, expect.objectContaining({ sub: user, generation: 1 })])
    expect((await get(`${app.url}/cart`)).json()).toEqual({ cart: 'mine' })
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(renewals()).toBe(1)
    expect(await browser.cookies(app.url)).toEqual(before)
    expect(app.events.map(({ name }) => name)).not.toContain('session-ended')
  },
)

test('H17: no more than ten thousand commands wait for a frozen Redis, and the others hear it at once', async () => {
  const { records, told } = openRedisStore(`redis://127.0.0.1:${redis.port}`, { redisTimeoutSeconds: 2 })
  try {
    await records.now()
    redis.server.freeze()
    const outcomes = Promise.allSettled(Array.from({ length: 10_050 }, () => records.now()))
    await eventually('the first refusals', () => told.length > 0)
    expect(told).toHaveLength(50)
    expect(told[0]?.detail).toMatch('10000 questions are on their way')
    const failed = (await outcomes).filter(({ status }) => status === 'rejected')
    expect(failed).toHaveLength(10_050)
    redis.server.thaw()
    await eventually('Redis to answer', () => records.now())
  } finally {
    redis.server.thaw()
    await records.close()
  }
})
