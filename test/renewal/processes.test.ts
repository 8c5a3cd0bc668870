// One session, or several, in the hands of four processes: one token request, whatever they need it for.
import { startAppCluster } from '../support/app/app-cluster.ts'
import type { AppProcess } from '../support/app/app-process.ts'
import { PATIENT } from '../support/app/fault-fixture.ts'
import { Browser, type Page, type RequestOptions } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { type SeenRequest, sha256 } from '../support/provider/seen-requests.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, endLease, keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const { provider, store, cluster, one, other } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const cluster = await start(startAppCluster(4, { provider, redisUrl: redis.url, options: PATIENT }))
  const [one, other] = cluster.processes as [AppProcess, AppProcess]
  return { provider, store: redis.connect(), cluster, one, other }
})
afterEach(() => provider.normal())

describe('many requests at all of them', () => {
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
    await ageSession(store, session.browser, 901)
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
      await ageSession(store, session.browser, 901)
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
    for (const page of pages)
      expect(Date.parse(String(page.json().renewedAt))).toBeGreaterThanOrEqual(allHere)
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
    await ageSession(store, session.browser, 0, { accessToken: 3601 })
    const pages = await floodAtOnce(session, '/token', 'access-token', 10)
    expectAllAnswered(pages, 2)
    expect(new Set(pages.map((page) => page.json().sha256)).size).toBe(1)
    expect(session.renewals()).toBe(1)
  })

  test('a session that is soon due is renewed once beside the requests of all processes, which do not wait', async () => {
    const session = await logIn(provider, cluster.url)
    await ageSession(store, session.browser, 850)
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
    await ageSession(store, session.browser, 901)
    provider.answerNext('token', { status: 500, headers: { 'retry-after': '2' } }, 2)
    expectAllAnswered(await Promise.all(flood(session, '/private', 5)), 1)
    const refused = await Promise.all(flood(session, '/fresh', 5))
    expect(statuses(refused)).toEqual([503])
    for (const page of refused) {
      expect(page.json()).toMatchObject({ code: 'provider_unavailable' })
      expect(page.headers['retry-after']).toMatch(/^[12]$/)
    }
    await eventually('the renewed session', async () => {
      return generations(await Promise.all(flood(session, '/private', 1))).join() === '2'
    })
    expect(session.renewals()).toBe(3)
    const [first = 0, second = 0, third = 0] = provider
      .tokenRequests('refresh_token')
      .slice(-3)
      .map(({ at }) => at)
    expect(second - first).toBeGreaterThanOrEqual(2000)
    expect(third - second).toBeGreaterThanOrEqual(2000)
  })

  test('H13: a refused grant ends the session once, however many requests in however many processes notice', async () => {
    const session = await logIn(provider, cluster.url)
    await ageSession(store, session.browser, 901)
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
})

describe('what one does while another has the session', () => {
  /** A request of a script on the app's page, as the balancer would hand it to that process. */
  const send = (browser: Browser, method: string, url: string, options: RequestOptions = {}) =>
    browser.request(method, url, { ...options, from: cluster.url })

  test.each(['/fresh', '/fresh-max-age?seconds=60', '/token'])(
    'H2: a request to %s that read generation 1 uses generation 2 of another process without a token request',
    async (path) => {
      const { browser, get, renewals } = await logIn(provider, cluster.url)
      await ageSession(store, browser, 100, { accessToken: 3601 })
      const gate = `h2 ${path}`
      const early = get(`${one.url}${path}${path.includes('?') ? '&' : '?'}gate=${encodeURIComponent(gate)}`)
      await one.gate(gate).arrived()
      expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2, pid: other.pid })
      one.gate(gate).open()
      expect((await early).json()).toMatchObject({ authenticated: true, generation: 2, pid: one.pid })
      expect(renewals()).toBe(1)
    },
  )

  test('a due session makes a request at another process wait for the renewal that is in flight', async () => {
    const { browser, get, renewals } = await logIn(provider, cluster.url)
    await ageSession(store, browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const first = get(`${one.url}/private`)
    await held.processed
    const second = get(`${other.url}/private`)
    await expect(Promise.race([second, get(`${other.url}/ping`)])).resolves.toMatchObject({
      url: `${other.url}/ping`,
    })
    held.release()
    expect((await first).json()).toMatchObject({ generation: 2, pid: one.pid })
    expect((await second).json()).toMatchObject({ generation: 2, pid: other.pid })
    expect(renewals()).toBe(1)
  })

  test('H8: a logout at another process wins over a renewal, whose late refresh token is revoked', async () => {
    const { browser, renewals, user } = await logIn(provider, cluster.url)
    const id = await sessionIdOf(browser)
    await send(browser, 'POST', `${other.url}/cart`, { json: { cart: 'mine' } })
    await ageSession(store, browser, 901)
    const stale = browser.clone()
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = stale.request('GET', `${one.url}/private`)
    await held.processed
    const [late = ''] = provider.liveRefreshTokens(user)
    expect((await send(browser, 'POST', `${other.url}/logout`)).status).toBe(303)
    expect(await keysOf(store, id)).toEqual([])
    held.release()
    expect((await waiting).status).toBe(401)
    await eventually('the late token to be revoked', () =>
      provider.revocations().some(({ tokenHash, status }) => tokenHash === sha256(late) && status === 200),
    )
    expect(await keysOf(store, id)).toEqual([])
    expect(provider.liveRefreshTokens(user)).toEqual([])
    for (const { url } of cluster.processes) {
      expect((await send(stale, 'GET', `${url}/private`)).json()).toMatchObject({ code: 'login_required' })
    }
    expect(renewals()).toBe(1)
  })

  test('H9: a slow handler that writes req.session across a renewal of another process keeps both', async () => {
    const { browser, get, renewals } = await logIn(provider, cluster.url)
    await send(browser, 'POST', `${one.url}/cart`, { json: { cart: 'old' } })
    const slow = send(browser, 'POST', `${one.url}/cart?gate=h9`, { json: { cart: 'new' } })
    await one.gate('h9').arrived()
    expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    one.gate('h9').open()
    expect((await slow).json()).toEqual({ before: 'old', cart: 'new' })
    for (const { url } of cluster.processes) {
      expect((await get(`${url}/cart`)).json()).toEqual({ cart: 'new' })
      expect((await get(`${url}/private`)).json()).toMatchObject({ generation: 2 })
    }
    expect((await get(`${one.url}/fresh`)).json()).toMatchObject({ generation: 3 })
    expect(renewals()).toBe(2)
  })

  test.each([
    ['wrote before', { cart: 'old' }],
    ['never wrote', undefined],
  ])(
    'H10: a slow handler that %s cannot bring a session back that another process logged out',
    async (what, json) => {
      const { browser } = await logIn(provider, cluster.url)
      const id = await sessionIdOf(browser)
      const stale = browser.clone()
      if (json) await send(browser, 'POST', `${one.url}/cart`, { json })
      const slow = send(stale, 'POST', `${one.url}/cart?gate=${encodeURIComponent(what)}`, {
        json: { cart: 'x' },
      })
      await one.gate(what).arrived()
      expect((await send(browser, 'POST', `${other.url}/logout`)).status).toBe(303)
      one.gate(what).open()
      const answer = await slow
      expect(answer.json()).toMatchObject({ before: json?.cart ?? null })
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(await keysOf(store, id)).toEqual([])
      for (const { url } of cluster.processes) {
        expect((await send(stale, 'GET', `${url}/cart`)).json()).toEqual({ cart: null })
        expect((await send(stale, 'GET', `${url}/private`)).json()).toMatchObject({ code: 'login_required' })
      }
    },
  )

  test('H12: invalid_grant for a token that another process has renewed already logs nobody out', async () => {
    const { browser, get, renewals, user } = await logIn(provider, cluster.url)
    const held = provider.holdNext('token')
    const first = get(`${one.url}/fresh`)
    await held.arrived
    await endLease(store, browser)
    expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    held.release({ status: 400, body: { error: 'invalid_grant' } })
    // What the other renewed began later than this request came: it serves it too.
    expect((await first).json()).toMatchObject({ authenticated: true, generation: 2, pid: one.pid })
    expect((await get(`${one.url}/private`)).json()).toMatchObject({ generation: 2 })
    expect(renewals()).toBe(2)
    const told = cluster.processes.flatMap(({ events }) => events).map(({ event }) => JSON.stringify(event))
    const ended = told.filter((event) => event.includes('refresh_token_rejected'))
    expect(ended.filter((event) => event.includes(user))).toEqual([])
  })
})

// H23: renewed at the same moment, in the same places, with nothing to do with each other.
describe('strangers', () => {
  interface Holder {
    browser: Browser
    user: string
    /** of the refresh token it has */
    hash: string
  }

  let turn = 0
  async function fourSessions(): Promise<Holder[]> {
    turn += 1
    const holders: Holder[] = []
    for (const user of ['ann', 'ben', 'ann', 'cat'].map((name) => `${name} ${turn}`)) {
      const before = provider.liveRefreshTokens(user)
      const browser = new Browser()
      await browser.logIn(cluster.url, { user })
      const [token = ''] = provider.liveRefreshTokens(user).filter((each) => !before.includes(each))
      holders.push({ browser, user, hash: sha256(token) })
    }
    return holders
  }

  test.each<[string, () => AppProcess[]]>([
    ['in one process', () => [one]],
    ['across two processes', () => [one, other]],
  ])(
    'H23: two sessions of one person and two of others, renewed at once %s, never share a result',
    async (_what, where) => {
      const holders = await fourSessions()
      for (const { browser } of holders) await ageSession(store, browser, 901)
      const since = provider.refreshCount()
      const holds = holders.map(({ hash }) =>
        provider.holdNext('token', {
          mode: 'after',
          when: ({ refreshTokenHash }: SeenRequest) => refreshTokenHash === hash,
        }),
      )
      const asked = holders.map(({ browser }) =>
        Promise.all(
          where().flatMap(({ url }) =>
            ['/private', '/token', '/me'].map((path) => browser.request('GET', url + path)),
          ),
        ),
      )
      await Promise.all(holds.map(({ processed }) => processed))
      // The last one asked is answered first.
      for (const held of holds.toReversed()) held.release()
      const tokens = new Set<string>()
      for (const [at, pages] of (await Promise.all(asked)).entries()) {
        const { browser, user } = holders[at] as Holder
        const seen = new Set<string>()
        for (const page of pages) {
          const {
            sub,
            user: me,
            sha256: token,
          } = page.json<{ sub?: string; user?: { sub: string }; sha256?: string }>()
          expect([page.status, sub ?? me?.sub]).toEqual([200, user])
          if (token) seen.add(token)
        }
        expect(seen.size).toBe(1)
        for (const token of seen) tokens.add(token)
        expect(await storedRecord(store, await sessionIdOf(browser))).toMatchObject({
          generation: 2,
          claims: { sub: user },
        })
      }
      expect(tokens.size).toBe(holders.length)
      expect(provider.refreshCount() - since).toBe(holders.length)
    },
  )

  test('H23: of two sessions of one person, one that ends while both are renewed does not take the other with it', async () => {
    const user = 'dan'
    const { browser: staying, user: another } = await logIn(provider, cluster.url)
    const leaving = new Browser()
    await leaving.logIn(cluster.url, { user })
    const twin = new Browser()
    await twin.logIn(cluster.url, { user })
    const sessions = [staying, twin, leaving]
    for (const browser of sessions) await ageSession(store, browser, 901)
    const holds = sessions.map(() => provider.holdNext('token', { mode: 'after' }))
    const stale = leaving.clone()
    const asked = [staying, twin, stale].map((browser) =>
      Promise.all([one, other].map(({ url }) => browser.request('GET', `${url}/private`))),
    )
    await Promise.all(holds.map(({ processed }) => processed))
    expect((await leaving.request('POST', `${cluster.url}/logout`)).status).toBe(303)
    for (const held of holds) held.release()
    const statuses = (await Promise.all(asked)).map((pages) => pages.map(({ status }) => status))
    expect(statuses).toEqual([
      [200, 200],
      [200, 200],
      [401, 401],
    ])
    for (const [browser, sub] of [
      [staying, another],
      [twin, user],
    ] as const) {
      expect((await browser.request('GET', `${cluster.url}/fresh`)).json()).toMatchObject({
        sub,
        generation: 3,
      })
    }
  })
})
