// H24: processes whose clocks are ten minutes before and behind the store's and the provider's, which agree.
import { createSealer } from '../../src/lib/seal.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { type Balancer, startBalancer } from '../support/app/balancer.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const TEN_MINUTES = 600_000
/** as far as two moments of one test may lie apart on a busy machine */
const MOMENTS = 30_000
const client = { clientId: 'apart', clientSecret: 'known to all three of them' }

let provider: TestProvider
let redis: RedisServer
let site: Balancer
let ahead: AppProcess
let right: AppProcess
let behind: AppProcess
let all: AppProcess[]

beforeAll(async () => {
  ;[provider, redis, site] = await Promise.all([startProvider(), startRedis(), startBalancer()])
  await provider.registerClient({ ...client, baseURL: site.url })
  // Ten minutes either way, and they would be over, or not have begun.
  Object.assign(provider.lifetimes, { idToken: 60, accessToken: 60 })
  const clock = new URL('../support/app/shifted-clock.mjs', import.meta.url)
  const open = (off: number) =>
    startAppProcess({
      redisUrl: redis.url,
      options: {
        issuerBaseURL: provider.issuer,
        clientID: client.clientId,
        clientSecret: client.clientSecret,
        baseURL: site.url,
        renewal: { afterSeconds: 900, timeoutSeconds: 5 },
      },
      env: { NODE_OPTIONS: `--import=${clock}`, CLOCK_OFF_MS: String(off) },
    })
  ;[ahead, right, behind] = await Promise.all([open(TEN_MINUTES), open(0), open(-TEN_MINUTES)])
  all = [ahead, right, behind]
}, 60_000)

afterAll(async () => {
  await Promise.all((all ?? []).map((each) => each.stop()))
  await Promise.all([site, redis, provider].map((each) => each?.stop()))
})

beforeEach(() => {
  site.targets = all.map(({ url }) => url)
})

afterEach(() => {
  provider.normal()
  Object.assign(provider.lifetimes, { idToken: 60, accessToken: 60 })
})

const everywhere = ({ get }: LoggedIn, path: string) => Promise.all(all.map(({ url }) => get(url + path)))

test('H24: the clocks of these processes really are ten minutes apart', async () => {
  // `Expires` of a cookie that lasts ten minutes, by the clock of the process that set it.
  const ends = await Promise.all(
    all.map(async ({ url }) => {
      const login = await new Browser().request('GET', `${url}/login`)
      return Date.parse(login.headers['set-cookie']?.[0]?.match(/Expires=([^;]+)/)?.[1] ?? '')
    }),
  )
  const off = ends.map((end) => Math.round((end - Date.now()) / TEN_MINUTES) - 1)
  expect(off).toEqual([1, 0, -1])
})

test.each<[string, () => [AppProcess, AppProcess]]>([
  ['ahead', () => [ahead, ahead]],
  ['behind', () => [behind, behind]],
  ['ahead, and ends on the one behind', () => [ahead, behind]],
  ['behind, and ends on the one ahead', () => [behind, ahead]],
])(
  'H24: a login that begins on the process %s is completed, with times by the store’s clock',
  async (_what, which) => {
    const [first, last] = which()
    const browser = new Browser()
    site.targets = [first.url]
    const back = await browser.startLogin(site.url, { user: 'traveller', returnTo: '/private' })
    site.targets = [last.url]
    const page = await browser.navigate(back)
    expect([page.status, page.json().sub]).toEqual([200, 'traveller'])
    const record = await storedRecord(redis.connect(), await sessionIdOf(browser))
    for (const at of [record?.createdAt, record?.renewedAt, Number(record?.idTokenExpiresAt) - 60_000]) {
      expect(Math.abs(Number(at) - Date.now())).toBeLessThan(MOMENTS)
    }
    expect(Number(record?.endsAt) - Number(record?.createdAt)).toBe(604_800_000)
  },
)

test.each<[string, () => AppProcess]>([
  ['ahead', () => ahead],
  ['behind', () => behind],
])('H24: an ID token that has expired is refused at login by the process %s', async (_what, which) => {
  site.targets = [which().url]
  provider.rewriteNext('token', async (answer) => {
    const claims = claimsOfToken(String(answer.id_token))
    const expired = { ...claims, iat: Number(claims.iat) - 180, exp: Number(claims.iat) - 120 }
    return { ...answer, id_token: await provider.signIdToken(expired) }
  })
  const page = await new Browser().logIn(site.url, { user: 'late' })
  expect(page.status).toBe(400)
})

/** The login that this browser has on its way began so much earlier. */
async function ageLogIn(browser: Browser, seconds: number) {
  const sealer = createSealer([TEST_SECRET], 'login transaction')
  for (const { key, value } of await browser.cookies(site.url)) {
    const text = sealer.open(value, key)
    if (text === undefined) continue
    const { startedAt, ...transaction } = JSON.parse(text)
    const older = JSON.stringify({ ...transaction, startedAt: startedAt - seconds * 1000 })
    await browser.setCookie(`${key}=${sealer.seal(older, key)}; Path=/`, site.url)
  }
}

test.each([
  [9, 200],
  [11, 400],
])('H24: a login of %i minutes is answered %i by every process', async (minutes, status) => {
  for (const [first, last] of [
    [ahead, behind],
    [behind, ahead],
  ] as const) {
    const browser = new Browser()
    site.targets = [first.url]
    const back = await browser.startLogin(site.url)
    await ageLogIn(browser, minutes * 60)
    site.targets = [last.url]
    expect((await browser.navigate(back)).status).toBe(status)
  }
})

test('H24: whether a session is due is the same on every process', async () => {
  const session = await logIn(provider, site.url)
  provider.lifetimes.idToken = 3600
  await session.get(`${right.url}/fresh`)
  await ageSession(redis.connect(), session.browser, 600, { jitter: 1 })
  for (const page of await everywhere(session, '/private')) {
    expect(page.json()).toMatchObject({ generation: 2, sub: session.user })
  }
  expect(session.renewals()).toBe(1)
  await ageSession(redis.connect(), session.browser, 301)
  const pages = await Promise.all(Array.from({ length: 10 }, () => everywhere(session, '/private')))
  expect(new Set(pages.flat().map((page) => page.json().generation))).toEqual(new Set([3]))
  expect(new Set(pages.flat().map((page) => page.json().renewedAt)).size).toBe(1)
  expect(session.renewals()).toBe(2)
})

async function scriptsRun(): Promise<number> {
  const stats = await redis.connect().info('commandstats')
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count))
  return calls.reduce((sum, count) => sum + count, 0)
}

test.each<[string, () => AppProcess, () => AppProcess]>([
  ['ahead', () => ahead, () => behind],
  ['behind', () => behind, () => ahead],
])('H24: a lease of the process %s is respected by the others', async (_what, holder, other) => {
  const session = await logIn(provider, site.url)
  await ageSession(redis.connect(), session.browser, 901)
  const held = provider.holdNext('token', { mode: 'after' })
  const first = session.get(`${holder().url}/private`)
  await held.processed
  const second = session.get(`${other().url}/private`)
  const asked = await scriptsRun()
  await eventually(
    'it to have asked for the lease again and again',
    async () => (await scriptsRun()) > asked + 5,
  )
  held.release()
  expect((await first).json()).toMatchObject({ generation: 2, sub: session.user })
  expect((await second).json()).toMatchObject({ generation: 2, sub: session.user })
  expect(session.renewals()).toBe(1)
})

test('H24: renewed ID tokens of a minute are taken by every process, and expired ones by none', async () => {
  const session = await logIn(provider, site.url)
  const events = () => all.flatMap((each) => each.events).filter(({ name }) => name === 'renewed')
  const before = events().length
  for (const { url } of all) expect((await session.get(`${url}/fresh`)).status).toBe(200)
  expect(
    events()
      .slice(before)
      .map(({ event }) => event),
  ).toEqual(Array(3).fill(expect.objectContaining({ idToken: 'renewed' })))
  for (const { url } of all) {
    await redis.connect().hdel(`bff:{${await sessionIdOf(session.browser)}}:auth`, 'retryAt')
    provider.rewriteNext('token', async (answer) => {
      const claims = claimsOfToken(String(answer.id_token))
      const expired = { ...claims, iat: Number(claims.iat) - 180, exp: Number(claims.iat) - 120 }
      return { ...answer, id_token: await provider.signIdToken(expired) }
    })
    expect((await session.get(`${url}/fresh`)).status).toBe(503)
  }
})

test('H24: what is fresh on one process is fresh on the others, and each fresh request gets its own', async () => {
  const session = await logIn(provider, site.url)
  for (const [at, { url }] of all.entries()) {
    expect((await session.get(`${url}/fresh`)).json()).toMatchObject({ generation: at + 2 })
    for (const page of await everywhere(session, '/fresh-max-age?seconds=50')) {
      expect(page.json()).toMatchObject({ generation: at + 2 })
    }
  }
  expect(session.renewals()).toBe(3)
})

test('H24: an expired access token and an expired ID token are expired everywhere, once', async () => {
  const session = await logIn(provider, site.url)
  for (const page of await everywhere(session, '/token')) expect(page.json()).toMatchObject({ generation: 1 })
  await ageSession(redis.connect(), session.browser, 0, { accessToken: 61 })
  const pages = await everywhere(session, '/token')
  expect(pages.map((page) => page.json().generation)).toEqual([2, 2, 2])
  await ageSession(redis.connect(), session.browser, 0, { idToken: 61 })
  for (const page of await everywhere(session, '/private'))
    expect(page.json()).toMatchObject({ generation: 3 })
  expect(session.renewals()).toBe(2)
})

test.each<[string, () => AppProcess]>([
  ['ahead', () => ahead],
  ['behind', () => behind],
])(
  'H24: Retry-After given as a date is counted by the provider’s clock on the process %s',
  async (_what, which) => {
    const session = await logIn(provider, site.url)
    const until = new Date(Date.now() + 20_000).toUTCString()
    provider.answerNext('token', { status: 429, headers: { 'retry-after': until } })
    const refused = await session.get(`${which().url}/fresh`)
    expect(refused.status).toBe(503)
    const seconds = Number(refused.headers['retry-after'])
    expect(seconds).toBeGreaterThan(10)
    expect(seconds).toBeLessThanOrEqual(20)
  },
)
