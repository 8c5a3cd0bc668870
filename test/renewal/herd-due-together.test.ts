// H28: hundreds of sessions that are due together: spread where that is possible, a few at a time where it is not.
import type { RenewalOptions } from '../../src/options/auth-options.ts'
import { type AuthRecord, newRecord, renewed } from '../../src/record/auth-record.ts'
import { isDue } from '../../src/record/due.ts'
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import type { SeenRequest } from '../support/provider/seen-requests.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'
import { grantRefreshTokens, type SeededSession, storeSessions } from '../support/session/many-sessions.ts'

const AFTER = 900
const TIMEFRAME = { afterSeconds: AFTER, aheadSeconds: AFTER / 5 }
const client = { clientId: 'herd', clientSecret: 'known to every app of this file' }

const { provider, redis, template, plain, narrow, hasty } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = (renewal: RenewalOptions) =>
    start(
      startAppProcess({
        redisUrl: redis.url,
        options: {
          issuerBaseURL: provider.issuer,
          clientID: client.clientId,
          clientSecret: client.clientSecret,
          // Not what these tests are about, on a machine that is busy with the herd itself.
          redisTimeoutSeconds: 10,
          renewal: { afterSeconds: AFTER, ...renewal },
        },
      }),
    )
  const [plain, narrow, hasty] = await Promise.all([
    open({ timeoutSeconds: 20 }),
    open({ maxConcurrent: 5, timeoutSeconds: 3 }),
    open({ timeoutSeconds: 3, requestTimeoutSeconds: 3 }),
  ])
  await provider.registerClient({ ...client, baseURL: plain.url })
  const { browser } = await logIn(provider, plain.url)
  const template = await storedRecord(redis.connect(), await sessionIdOf(browser))
  if (template === undefined) throw new Error('nobody is logged in')
  return { provider, redis, template, plain, narrow, hasty }
})

afterEach(() => provider.normal())

let batches = 0
function seed(count: number, change: (record: AuthRecord, now: number) => Partial<AuthRecord>) {
  batches += 1
  const users = Array.from({ length: count }, (_, at) => `herd-${batches}-${at}`)
  const refreshTokens = grantRefreshTokens(provider.store, template.claims.sub, users)
  return storeSessions({ redisUrl: redis.url, template, refreshTokens, change })
}

const aged = (seconds: number) => (_record: AuthRecord, now: number) => ({
  renewedAt: now - seconds * 1000,
  jitter: Math.random(),
})

async function ask({ url }: AppProcess, { cookie }: SeededSession) {
  const { status, headers, body } = await exchange({
    method: 'GET',
    url: `${url}/private`,
    headers: { cookie },
  })
  return { status, retryAfter: headers['retry-after'], ...JSON.parse(body) }
}

/** The most token requests that were on their way at one moment, by the provider's ledger. */
function mostAtOnce(requests: SeenRequest[]): number {
  const edges = requests.flatMap(({ at, endedAt = Number.POSITIVE_INFINITY }) => [
    { time: at, step: 1 },
    { time: endedAt, step: -1 },
  ])
  // An answer and the request that it makes room for may bear the same millisecond.
  edges.sort((a, b) => a.time - b.time || a.step - b.step)
  let now = 0
  return Math.max(
    ...edges.map(({ step }) => {
      now += step
      return now
    }),
  )
}

const refreshes = (since: number) => provider.tokenRequests('refresh_token').slice(since)

describe('H28: sessions made at the same moment', () => {
  const now = 1_800_000_000_000
  const tokens = {
    accessToken: 'a',
    accessTokenLifetimeSeconds: 3600,
    refreshToken: 'r',
    idToken: 'i',
    scope: undefined,
  }
  const claims = { iss: 'i', sub: 's', aud: 'c', iat: 0, exp: 3600 }
  const FACTS = {
    owner: 'nobody',
    logins: [],
    device: { address: undefined, userAgent: undefined },
    enrichment: undefined,
    absoluteTimeoutSeconds: 86_400,
  }
  const fresh = () => newRecord({ tokens, claims }, now, FACTS)
  const kinds: [string, () => AuthRecord, number][] = [
    ['login', fresh, AFTER],
    ['renewal', () => renewed(fresh(), { tokens, claims }, now), AFTER],
    [
      'login with an ID token of a minute',
      () => newRecord({ tokens, claims: { ...claims, exp: 60 } }, now, FACTS),
      60,
    ],
  ]

  test.each(kinds)(
    'H28: a %s spreads the next renewals evenly over a tenth of the time',
    (_what, make, life) => {
      const count = 1000
      const buckets = Array<number>(10).fill(0)
      // From a fifth to a tenth of the time before it is due, in ten steps.
      const step = (life * 1000) / 10 / buckets.length
      const edges = new Set<string>()
      for (let at = 0; at < count; at += 1) {
        const record = make()
        const begins = buckets.findIndex(
          (_, bucket) => isDue(record, now + life * 800 + (bucket + 1) * step, TIMEFRAME) === 'soon',
        )
        const moments = [life * 800 - 1, life * 1000 - 1, life * 1000]
        edges.add(moments.map((after) => isDue(record, now + after, TIMEFRAME)).join())
        buckets[begins] = (buckets[begins] ?? 0) + 1
      }
      expect([...edges]).toEqual(['no,soon,now'])
      for (const bucket of buckets) {
        expect(bucket).toBeGreaterThan(count / 10 / 2)
        expect(bucket).toBeLessThan((count / 10) * 2)
      }
    },
  )
})

test('H28: of 300 sessions of the same age only those whose moment has come are renewed beside their requests', async () => {
  const app = plain
  // Three quarters through the time in which a renewal may begin: about half of them.
  const sessions = await seed(300, aged(AFTER - 135))
  const soon = sessions.filter(
    ({ record }) => isDue(record, record.renewedAt + (AFTER - 135) * 1000, TIMEFRAME) === 'soon',
  )
  expect(soon.length).toBeGreaterThan(75)
  expect(soon.length).toBeLessThan(225)
  const since = provider.refreshCount()
  const pages = await Promise.all(sessions.map((session) => ask(app, session)))
  expect(pages.map(({ status, generation }) => `${status} ${generation}`)).toEqual(Array(300).fill('200 1'))
  await eventually(
    'those renewals',
    () => refreshes(since).filter(({ status }) => status === 200).length >= soon.length,
    20_000,
  )
  for (const session of soon.slice(0, 5)) {
    await eventually('its commit', async () => (await ask(app, session)).generation === 2)
  }
  // Those few whose moment came while the test ran.
  const byNow = sessions.filter(({ record }) => isDue(record, Date.now(), TIMEFRAME) !== 'no')
  expect(refreshes(since).length).toBeLessThanOrEqual(byNow.length)
})

test('H28: 300 sessions that are due at once are renewed by one process at most five at a time, and all answered', async () => {
  const app = narrow
  const sessions = await seed(300, aged(AFTER + 1))
  const since = provider.refreshCount()
  const pages = await Promise.all(sessions.map((session) => ask(app, session)))
  // Who could not wait so long is served by the old tokens, which are valid.
  expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
  expect(pages.map(({ sub }) => sub)).toEqual(sessions.map(({ user }) => user))
  const answered = ({ status }: SeenRequest) => status === 200
  await eventually('the last renewal', () => refreshes(since).filter(answered).length === 300, 20_000)
  for (const session of [sessions[0], sessions[150], sessions[299]]) {
    await eventually('its commit', async () => session && (await ask(app, session)).generation === 2)
  }
  expect(refreshes(since)).toHaveLength(300)
  expect(mostAtOnce(refreshes(since))).toBe(5)
})

test('H28: with the cap of 20 a provider that hangs has 20 requests of a process, and everybody an answer in time', async () => {
  const app = hasty
  const sessions = await seed(60, (record, now) => ({
    ...aged(AFTER + 1)(record, now),
    idTokenExpiresAt: now - 1,
    accessTokenExpiresAt: now - 1,
  }))
  const since = provider.refreshCount()
  provider.delayAll('token', 60_000)
  const pages = await Promise.all(sessions.map((session) => ask(app, session)))
  for (const { status, code } of pages) {
    expect(`${status} ${code}`).toMatch(/^503 (provider_unavailable|renewal_pending)$/)
  }
  for (const { retryAfter } of pages) expect(Number(retryAfter)).toBeGreaterThanOrEqual(1)
  const over = () => refreshes(since).filter(({ endedAt }) => endedAt !== undefined)
  await eventually('the last attempt', () => over().length === 60, 20_000)
  expect(refreshes(since)).toHaveLength(60)
  // Until a moment before the first of them gave up: then, who gives up and who comes next meet on their way here.
  const firstEnd = Math.min(...over().map(({ endedAt = 0 }) => endedAt))
  expect(refreshes(since).filter(({ at }) => at < firstEnd - 500)).toHaveLength(20)
  expect(app.events.filter(({ name }) => name === 'session-ended')).toEqual([])
})
