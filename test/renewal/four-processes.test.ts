// Many requests over four processes on one session: one token request, whatever they need it for.
import { type AppCluster, startAppCluster } from '../support/app/app-cluster.ts'
import type { Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let cluster: AppCluster

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  const options = { renewal: { afterSeconds: 900, timeoutSeconds: 9 } }
  cluster = await startAppCluster(4, { provider, redisUrl: redis.url, options })
})

afterAll(async () => {
  await cluster?.stop()
  await redis?.stop()
  await provider?.stop()
})

afterEach(() => provider.normal())

/** `count` requests at each process, at once. */
function flood({ get }: LoggedIn, path: string, count: number): Promise<Page>[] {
  return cluster.processes.flatMap(({ url }) => Array.from({ length: count }, () => get(url + path)))
}

/** The same, all of them stopped behind auth() until the last one has come. */
async function floodAtOnce(session: LoggedIn, path: string, gate: string, count: number): Promise<Page[]> {
  const requests = flood(session, `${path}?gate=${gate}`, count)
  await Promise.all(cluster.processes.map((each) => each.gate(gate).arrived(count)))
  for (const each of cluster.processes) each.gate(gate).open()
  return Promise.all(requests)
}

const statuses = (pages: Page[]) => [...new Set(pages.map(({ status }) => status))]
const generations = (pages: Page[]) => [...new Set(pages.map((page) => page.json().generation))]
const processIds = (pages: Page[]) => new Set(pages.map((page) => page.json().pid))

function expectAllAnswered(pages: Page[], generation: number) {
  expect(statuses(pages)).toEqual([200])
  expect(generations(pages)).toEqual([generation])
  expect(processIds(pages)).toEqual(new Set(cluster.processes.map(({ pid }) => pid)))
}

test('H1: 50 requests at each of 4 processes on a session that is due make one token request', async () => {
  const session = await logIn(provider, cluster.url)
  await ageSession(redis.connect(), session.browser, 901)
  // Slow enough for all four to meet the same generation.
  provider.delayNext('token', 500, { mode: 'after' })
  expectAllAnswered(await Promise.all(flood(session, '/private', 50)), 2)
  expect(session.renewals()).toBe(1)
  expectAllAnswered(await Promise.all(flood(session, '/private', 1)), 2)
  expect(session.renewals()).toBe(1)
})

test('H1: 200 requests through one address on a session that is due make one token request, each time', async () => {
  const session = await logIn(provider, cluster.url)
  for (const generation of [2, 3]) {
    await ageSession(redis.connect(), session.browser, 901)
    const pages = Array.from({ length: 200 }, () => session.get(`${cluster.url}/private`))
    expectAllAnswered(await Promise.all(pages), generation)
    expect(session.renewals()).toBe(generation - 1)
  }
})

test('H22: 52 requireFresh() requests at once over 4 processes share one renewal that began after they came', async () => {
  const session = await logIn(provider, cluster.url)
  const requests = flood(session, '/fresh?gate=h22', 13)
  await Promise.all(cluster.processes.map((each) => each.gate('h22').arrived(13)))
  const allHere = Date.now()
  for (const each of cluster.processes) each.gate('h22').open()
  const pages = await Promise.all(requests)
  expectAllAnswered(pages, 2)
  for (const page of pages) expect(Date.parse(String(page.json().renewedAt))).toBeGreaterThanOrEqual(allHere)
  expect(session.renewals()).toBe(1)
})

test('H22: requests that come to other processes during a renewal are not served by it, and share the next', async () => {
  const session = await logIn(provider, cluster.url)
  const held = provider.holdNext('token', { mode: 'after' })
  const first = session.get(`${cluster.processes[0]?.url}/fresh`)
  await held.processed
  const later = floodAtOnce(session, '/fresh', 'h22-later', 10)
  await Promise.all(cluster.processes.map((each) => each.gate('h22-later').arrived(10)))
  held.release()
  expect((await first).json()).toMatchObject({ generation: 2 })
  expectAllAnswered(await later, 3)
  expect(session.renewals()).toBe(2)
})

test('an expired access token is renewed once for all callers in all processes', async () => {
  const session = await logIn(provider, cluster.url)
  await ageSession(redis.connect(), session.browser, 0, { accessToken: 3601 })
  const pages = await floodAtOnce(session, '/token', 'access-token', 10)
  expectAllAnswered(pages, 2)
  expect(new Set(pages.map((page) => page.json().sha256)).size).toBe(1)
  expect(session.renewals()).toBe(1)
})

test('a session that is soon due is renewed once beside the requests of all processes, which do not wait', async () => {
  const session = await logIn(provider, cluster.url)
  await ageSession(redis.connect(), session.browser, 850)
  const held = provider.holdNext('token', { mode: 'after' })
  expectAllAnswered(await Promise.all(flood(session, '/private', 5)), 1)
  await held.processed
  held.release()
  await eventually('generation 2 everywhere', async () => {
    const pages = await Promise.all(flood(session, '/private', 1))
    return generations(pages).join() === '2'
  })
  expect(session.renewals()).toBe(1)
})

test('H11: all processes together try once in a back-off window, and go on by themselves after it', async () => {
  const session = await logIn(provider, cluster.url)
  await ageSession(redis.connect(), session.browser, 901)
  provider.answerAll('token', { status: 500, headers: { 'retry-after': '2' } })
  expectAllAnswered(await Promise.all(flood(session, '/private', 5)), 1)
  const refused = await Promise.all(flood(session, '/fresh', 5))
  expect(statuses(refused)).toEqual([503])
  for (const page of refused) {
    expect(page.json()).toMatchObject({ code: 'provider_unavailable' })
    expect(page.headers['retry-after']).toMatch(/^[12]$/)
  }
  await eventually('a second attempt', async () => {
    await Promise.all(flood(session, '/private', 1))
    return session.renewals() > 1
  })
  const [first, second] = provider.tokenRequests('refresh_token').slice(-2)
  expect((second?.at ?? 0) - (first?.endedAt ?? 0)).toBeGreaterThanOrEqual(1950)
  expect(session.renewals()).toBe(2)
  provider.normal()
  await eventually('the renewed session', async () => {
    return generations(await Promise.all(flood(session, '/private', 1))).join() === '2'
  })
  expect(session.renewals()).toBe(3)
})

test('H13: a refused grant ends the session once, however many requests in however many processes notice', async () => {
  const session = await logIn(provider, cluster.url)
  await ageSession(redis.connect(), session.browser, 901)
  const stale = { ...session, get: getterOf(session.browser.clone()) }
  const ended = () =>
    cluster.processes.flatMap(({ events }) => events).filter(({ name }) => name === 'session-ended')
  const before = ended().length
  provider.blockAccount(session.user)
  const refused = await Promise.all(flood(stale, '/private', 10))
  expect(statuses(refused)).toEqual([401])
  const codes = refused.map((page) => page.json().code)
  expect(codes).toContain('session_ended')
  expect(codes.filter((code) => code !== 'session_ended' && code !== 'login_required')).toEqual([])
  await eventually('the event', () => ended().length > before)

  const older = { ...session, get: getterOf(session.browser) }
  for (const page of await Promise.all(flood(older, '/fresh', 2))) {
    expect([page.status, page.json().code]).toEqual([401, 'login_required'])
  }
  expect(ended().slice(before)).toEqual([
    { name: 'session-ended', event: { subject: session.user, reason: 'refresh_token_rejected' } },
  ])
  expect(session.renewals()).toBe(1)
})

function getterOf(browser: LoggedIn['browser']): LoggedIn['get'] {
  return (url) => browser.request('GET', url)
}
