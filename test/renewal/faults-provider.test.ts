// H3, H11: a token endpoint that answers no tokens, or nothing, costs nobody the session, in two processes together.
import { expectTryLater, overlaps, useFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import type { Answer } from '../support/provider/faults.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { ageSession, endBackOff, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'
import { testAllAtOnce } from './real-waits.ts'

const { provider, admin, cluster, one, other, stored, told } = useFaultFixture({
  processes: 2,
  // Some cases wait as long as the first two, and none for the third.
  options: {
    renewal: { afterSeconds: 900, timeoutSeconds: 2, requestTimeoutSeconds: 3 },
    redisTimeoutSeconds: 2,
  },
})

describe('everything that it can answer besides tokens', () => {
  // What was lost on its way after the provider rotated may be asked for again.
  beforeAll(() => {
    provider.store.reuseSeconds = 60
  })
  afterAll(() => {
    provider.store.reuseSeconds = 0
  })

  const HTML = { 'content-type': 'text/html' }
  const JSON_TYPE = { 'content-type': 'application/json' }
  const TOKENS = { access_token: 'a'.repeat(40), token_type: 'Bearer', expires_in: 3600 }

  const always = (answer: Answer) => () => provider.answerAll('token', answer)
  const ok = (body: Answer['body'], headers: Answer['headers'] = JSON_TYPE) =>
    always({ status: 200, headers: { ...headers }, ...(body !== undefined && { body }) })

  const faults: [string, outcome: string, () => void][] = [
    ['answers 500', 'server-error', always({ status: 500 })],
    [
      'answers 502 with a page',
      'server-error',
      always({ status: 502, headers: HTML, body: '<h1>Bad gateway' }),
    ],
    ['answers 503 with JSON', 'server-error', always({ status: 503, body: { error: 'server_error' } })],
    ['answers 429', 'rate-limited', always({ status: 429, headers: { 'retry-after': '7' } })],
    ['answers 429 with JSON', 'rate-limited', always({ status: 429, body: { error: 'slow_down' } })],
    ['resets the connection at once', 'unreachable', () => provider.cutAll('token', 'before')],
    ['resets the connection after rotating', 'unreachable', () => provider.cutAll('token', 'after')],
    ['resets the connection midway', 'unreachable', () => provider.cutAll('token', 'midway')],
    ['answers 200 with a page', 'unreadable', ok('<h1>Log in to the Wi-Fi', HTML)],
    ['answers 200 with a page that claims to be JSON', 'unreadable', ok('<h1>Log in to the Wi-Fi')],
    ['answers 200 with nothing', 'unreadable', ok('')],
    ['answers 204', 'unreadable', always({ status: 204 })],
    ['answers []', 'unreadable', ok('[]')],
    ['answers {}', 'unreadable', ok('{}')],
    ['answers null', 'unreadable', ok('null')],
    ['answers an access_token that is a number', 'unreadable', ok({ ...TOKENS, access_token: 12 })],
    ['answers token_type mac', 'unreadable', ok({ ...TOKENS, token_type: 'mac' })],
    ['answers a refresh_token that is a list', 'unreadable', ok({ ...TOKENS, refresh_token: ['r'] })],
    ['answers 10 MB', 'unreadable', ok(Buffer.alloc(10_000_000, ' '))],
    [
      'answers a byte a second',
      'timeout',
      always({ status: 200, headers: JSON_TYPE, body: TOKENS, dripMs: 1000 }),
    ],
    ['answers 302', 'unreadable', () => redirect(302)],
    ['answers 307', 'unreadable', () => redirect(307)],
    ['answers 401 invalid_client', 'refused', always({ status: 401, body: { error: 'invalid_client' } })],
    [
      'answers 400 unauthorized_client',
      'refused',
      always({ status: 400, body: { error: 'unauthorized_client' } }),
    ],
    ['answers 403 with a page', 'refused', always({ status: 403, headers: HTML, body: '<h1>Blocked' })],
  ]

  function redirect(status: number) {
    const location = `${provider.issuer}/elsewhere`
    provider.answerAll('token', { status, headers: { location } })
  }

  test.each(faults)(
    'H11: a provider that %s costs nobody the session: %s, once for all processes',
    async (_what, outcome, spoil) => {
      const { browser, get, renewals, user } = await logIn(provider, cluster.url)
      await ageSession(admin, browser, 901)
      spoil()
      const pages = await Promise.all([one, other, one, other].map(({ url }) => get(`${url}/private`)))
      for (const page of pages) {
        expect([page.status, page.headers['set-cookie']]).toEqual([200, undefined])
        expect(page.json()).toMatchObject({ sub: user, generation: 1 })
      }
      for (const { url } of [one, other]) {
        const refused = await get(`${url}/fresh`)
        expectTryLater(
          refused,
          refused.json().code === 'renewal_pending' ? 'renewal_pending' : 'provider_unavailable',
        )
      }
      const failed = await eventually('the failure to be told', () => told('renewal-failed', user)[0])
      expect(failed).toEqual({
        subject: user,
        generation: 1,
        outcome,
        detail: expect.stringMatching(/^.{1,1000}$/),
        retryAfterSeconds: expect.any(Number),
      })
      expect(renewals()).toBe(1)
      expect(await stored(browser)).toMatchObject({ generation: 1 })

      provider.normal()
      await endBackOff(admin, browser)
      expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
      expect(renewals()).toBe(2)
      expect([told('session-ended', user), told('renewal-failed', user).length]).toEqual([[], 1])
      expect(provider.requests({ path: '/elsewhere' })).toEqual([])
    },
  )
})

describe('how long it is left alone', () => {
  /** What the n-th failure of that user said, once it has. */
  async function failure(user: string, n: number): Promise<number> {
    const failed = await eventually('the failure to be told', () => told('renewal-failed', user)[n - 1])
    return (failed as { retryAfterSeconds: number }).retryAfterSeconds
  }

  test('H11: the back-off doubles with each failure up to a minute, and begins anew after a success', async () => {
    const { browser, get, renewals, user } = await logIn(provider, cluster.url)
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
      const { browser, get, renewals, user } = await logIn(provider, cluster.url)
      await ageSession(admin, browser, 901)
      provider.answerAll('token', { status, headers: { 'retry-after': retryAfter() } })
      const page = await get(`${one.url}/fresh`)
      expectTryLater(page, 'provider_unavailable')
      const wait = await failure(user, 1)
      expect(wait).toBeGreaterThanOrEqual(least)
      expect(wait).toBeLessThanOrEqual(most)
      // What is left of it when the page is answered.
      const left = Number(page.headers['retry-after'])
      expect(left).toBeLessThanOrEqual(Math.ceil(wait))
      expect(left).toBeGreaterThan(wait - 2)
      provider.normal()
      const told = Number((await get(`${other.url}/fresh`)).headers['retry-after'])
      expect(told).toBeLessThanOrEqual(Math.ceil(wait))
      expect(told).toBeGreaterThan(wait - 15)
      expect((await get(`${other.url}/private`)).json()).toMatchObject({ generation: 1 })
      expect(renewals()).toBe(1)
    },
  )

  test('H11: whoever asks all the time at every process gets one attempt per back-off window', async () => {
    const { browser, get, renewals, user } = await logIn(provider, cluster.url)
    await ageSession(admin, browser, 901)
    provider.answerNext('token', { status: 500, headers: { 'retry-after': '1' } })
    provider.answerAll('token', { status: 500, headers: { 'retry-after': '40' } })
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
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(wait * 1000)
    for (const { url } of [one, other, one, other]) expect((await get(`${url}/fresh`)).status).toBe(503)
    expect(renewals()).toBe(2)
  })
})

describe('it takes the refresh token and says nothing', () => {
  /** Somebody whose next request with the refresh token of now gets no answer, while others go on. */
  async function victim() {
    const loggedIn = await logIn(provider, cluster.url)
    const { browser, user } = loggedIn
    const hash = sha256(provider.liveRefreshTokens(user)[0] ?? '')
    const held = provider.holdNext('token', { when: ({ refreshTokenHash }) => refreshTokenHash === hash })
    const presented = () => provider.requests({ refreshTokenHash: hash })
    return { ...loggedIn, held, presented, key: `bff:{${await sessionIdOf(browser)}}:auth` }
  }

  /** The request that hangs is given up while its lease goes on. */
  async function expectGivenUp({ held, key, presented }: Awaited<ReturnType<typeof victim>>) {
    await held.arrived
    const leaseEndsAt = Number(await admin.hget(key, 'leaseEndsAt'))
    expect(leaseEndsAt).toBeGreaterThan(0)
    const endedAt = await eventually('the request to be given up', () => presented()[0]?.endedAt)
    expect(endedAt).toBeLessThan(leaseEndsAt)
    expect(presented()[0]?.status).toBeUndefined()
    held.release('cut')
  }

  async function expectRenewedOnce(
    { browser, get, key, presented, user }: Awaited<ReturnType<typeof victim>>,
    path = '/private',
  ) {
    // The provider sees the end of the request before Redis hears of it.
    await eventually('the lease to be given back', async () => {
      const [lease, retryAt] = await admin.hmget(key, 'leaseEndsAt', 'retryAt')
      return lease === null && retryAt !== null
    })
    await endBackOff(admin, browser)
    expect((await get(`${other.url}${path}`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(presented()).toHaveLength(2)
    expect(overlaps(presented())).toEqual([])
  }

  const hanging: [string, () => Promise<void>][] = [
    [
      'H3: a renewal that hangs is given up before its lease ends; the old token serves, and the next one succeeds',
      async () => {
        const session = await victim()
        const { browser, get, presented, user } = session
        await ageSession(admin, browser, 901)
        const waiting = Promise.all([one, other, one, other].map(({ url }) => get(`${url}/private`)))
        await expectGivenUp(session)
        for (const page of await waiting) {
          expect([page.status, page.json()]).toEqual([
            200,
            expect.objectContaining({ sub: user, generation: 1 }),
          ])
        }
        await eventually('the failure to be told', () => told('renewal-failed', user).length === 1)
        expect(told('renewal-failed', user)).toMatchObject([{ outcome: 'timeout', generation: 1 }])
        for (const { url } of [one, other]) {
          expectTryLater(await get(`${url}/fresh`), 'provider_unavailable')
          expect((await get(`${url}/private`)).json()).toMatchObject({ generation: 1 })
        }
        expect(presented()).toHaveLength(1)
        await expectRenewedOnce(session)
        expect((await get(`${one.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
      },
    ],
    [
      'H3: a session whose tokens have expired is 503 while the provider hangs, and there again after it',
      async () => {
        const session = await victim()
        const { browser, get, presented } = session
        await ageSession(admin, browser, 3601, { idToken: 3601, accessToken: 3601 })
        const paths = ['/private', '/fresh', '/token', '/me']
        const waiting = Promise.all(
          [one, other].flatMap(({ url }) => paths.map((path) => get(`${url}${path}`))),
        )
        await expectGivenUp(session)
        for (const page of await waiting) {
          // Whoever waited for the other process may have stopped waiting a moment before it gave up.
          expectTryLater(
            page,
            page.json().code === 'renewal_pending' ? 'renewal_pending' : 'provider_unavailable',
          )
        }
        expect((await get(`${other.url}/public`)).json()).toMatchObject({ authenticated: false })
        expect(presented()).toHaveLength(1)
        await expectRenewedOnce(session, '/token')
      },
    ],
    [
      'H3: requests that come all the time while the provider hangs send the refresh token once',
      async () => {
        const session = await victim()
        const { browser, get, held, presented } = session
        await ageSession(admin, browser, 901)
        const first = get(`${one.url}/fresh`)
        await held.arrived
        while (presented()[0]?.endedAt === undefined) {
          const pages = await Promise.all([one, other].map(({ url }) => get(`${url}/fresh?again`)))
          for (const page of pages) expect(page.status).toBe(503)
        }
        expectTryLater(await first, 'renewal_pending')
        expect(presented()).toHaveLength(1)
        held.release('cut')
        await expectRenewedOnce(session)
        expect(await stored(browser)).toMatchObject({ generation: 2 })
      },
    ],
    [
      'H11: a provider that does not answer in time is asked once by both processes, and again after the back-off',
      async () => {
        const session = await victim()
        const { browser, get, held, presented, user } = session
        await ageSession(admin, browser, 901)
        const pages = await Promise.all(
          Array.from({ length: 10 }, (_, at) => get(`${at % 2 ? one.url : other.url}/private`)),
        )
        expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200))
        expect(pages.map((page) => page.json().generation)).toEqual(Array(10).fill(1))
        await eventually('the failure to be told', () => told('renewal-failed', user)[0])
        for (const { url } of [one, other]) {
          const refused = await get(`${url}/fresh`)
          expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
        }
        expect(presented()).toHaveLength(1)
        held.release('cut')
        await endBackOff(admin, browser)
        expect((await get(`${one.url}/fresh`)).json()).toMatchObject({ generation: 2 })
      },
    ],
  ]

  testAllAtOnce(hanging)('%s', (_name, run) => run())
})
