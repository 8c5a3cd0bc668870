// H11: how long a provider that fails is left alone, by all processes together.
import type { AppProcess } from '../support/app/app-process.ts'
import { expectTryLater, type FaultFixture, startFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { ageSession, endBackOff } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  fixture = await startFaultFixture({ processes: 2 })
  ;[one, other] = fixture.processes as [AppProcess, AppProcess]
})

afterAll(() => fixture?.stop())
afterEach(() => fixture.provider.normal())

/** What the n-th failure of that user said, once it has. */
async function failure(user: string, n: number): Promise<number> {
  const failed = await eventually('the failure to be told', () => fixture.told('renewal-failed', user)[n - 1])
  return (failed as { retryAfterSeconds: number }).retryAfterSeconds
}

test('H11: the back-off doubles with each failure up to a minute, and begins anew after a success', async () => {
  const { provider, admin } = fixture
  const { browser, get, renewals, user } = await logIn(provider, fixture.cluster.url)
  provider.answerAll('token', { status: 500 })
  const waits: number[] = []
  // One process alone, so that its failures come in order.
  for (let n = 1; n <= 7; n += 1) {
    expectTryLater(await get(`${one.url}/fresh`), 'provider_unavailable')
    const wait = await failure(user, n)
    const told = Number((await get(`${other.url}/fresh`)).headers['retry-after'])
    expect(told).toBeLessThanOrEqual(Math.ceil(wait))
    expect(told).toBeGreaterThan(wait - 15)
    waits.push(wait)
    expect(renewals()).toBe(n)
    await endBackOff(admin, browser)
  }
  for (const [at, wait] of waits.entries()) {
    const longest = Math.min(5 * 2 ** at, 60)
    expect(wait).toBeLessThanOrEqual(longest)
    expect(wait).toBeGreaterThanOrEqual(longest / 2)
  }
  expect(new Set(waits.map((wait, at) => wait / Math.min(5 * 2 ** at, 60))).size).toBeGreaterThan(1)

  provider.normal()
  expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  provider.answerAll('token', { status: 500 })
  expectTryLater(await get(`${one.url}/fresh`), 'provider_unavailable')
  expect(await failure(user, 8)).toBeLessThanOrEqual(5)
})

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString()

test.each([
  ['429', 'a number of seconds', 429, () => '40', 40, 40],
  ['503', 'a number of seconds', 503, () => '40', 40, 40],
  ['429', 'a date', 429, () => inSeconds(40), 30, 40],
  ['429', 'a day', 429, () => '86400', 60, 60],
  ['429', 'a date next year', 429, () => inSeconds(31_536_000), 60, 60],
  ['429', 'a date in the past', 429, () => inSeconds(-100), 2.5, 5],
  ['429', 'zero', 429, () => '0', 2.5, 5],
  ['429', 'nonsense', 429, () => 'tomorrow, perhaps', 2.5, 5],
] as [string, string, number, () => string, number, number][])(
  'H11: Retry-After of a %s as %s is honoured by all processes, within bounds',
  async (_code, _what, status, retryAfter, least, most) => {
    const { provider, admin } = fixture
    const { browser, get, renewals, user } = await logIn(provider, fixture.cluster.url)
    await ageSession(admin, browser, 901)
    provider.answerAll('token', { status, headers: { 'retry-after': retryAfter() } })
    const page = await get(`${one.url}/fresh`)
    expectTryLater(page, 'provider_unavailable')
    const wait = await failure(user, 1)
    expect(wait).toBeGreaterThanOrEqual(least)
    expect(wait).toBeLessThanOrEqual(most)
    expect(Number(page.headers['retry-after'])).toBe(Math.ceil(wait))
    provider.normal()
    const told = Number((await get(`${other.url}/fresh`)).headers['retry-after'])
    expect(told).toBeLessThanOrEqual(Math.ceil(wait))
    expect(told).toBeGreaterThan(wait - 15)
    expect((await get(`${other.url}/private`)).json()).toMatchObject({ generation: 1 })
    expect(renewals()).toBe(1)
  },
)

test('H11: whoever asks all the time at every process gets one attempt per back-off window', async () => {
  const { provider, admin } = fixture
  const { browser, get, renewals, user } = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, browser, 901)
  provider.answerAll('token', { status: 500 })
  expect((await get(`${one.url}/private`)).json()).toMatchObject({ generation: 1 })
  const wait = await failure(user, 1)
  const pages = await eventually('the second attempt', async () => {
    const asked = await Promise.all(
      [one, other, one, other].map(({ url }, at) => get(url + (at < 2 ? '/private' : '/fresh'))),
    )
    return renewals() > 1 ? asked : undefined
  })
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 503, 503])
  const [first, second] = provider.tokenRequests('refresh_token').slice(-2)
  expect((second?.at ?? 0) - (first?.endedAt ?? 0)).toBeGreaterThanOrEqual(wait * 1000 - 50)
  for (const { url } of [one, other, one, other]) expect((await get(`${url}/fresh`)).status).toBe(503)
  expect(renewals()).toBe(2)
})
