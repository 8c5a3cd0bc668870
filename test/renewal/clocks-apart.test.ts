// H24: processes whose clocks are ten minutes before and behind the store's and the provider's, which agree.
import { generateKeyPairSync } from 'node:crypto'
import type { AuthOptions } from '../../src/index.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { startBalancer } from '../support/app/balancer.ts'
import { PATIENT } from '../support/app/fault-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const TEN_MINUTES = 600_000
/** as far as two moments of one test may lie apart on a busy machine */
const MOMENTS = 60_000
const client = { clientId: 'apart', clientSecret: 'known to all three of them' }
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const { provider, redis, store, site } = useParts(async (start) => {
  const [provider, redis, site] = await Promise.all([
    start(
      startProvider({
        configure: (configuration) => ({
          ...configuration,
          clientAuthMethods: ['client_secret_basic', 'private_key_jwt'],
          features: { ...configuration.features, requestObjects: { enabled: true } },
          // No provider allows for less.
          clockTolerance: 0,
        }),
      }),
    ),
    start(startRedis()),
    start(startBalancer()),
  ])
  return { provider, redis, store: redis.connect(), site }
})

/** The same site, by a clock that is off by so much. */
function openAt(offSeconds: number, { url }: { url: string }, options: AuthOptions): Promise<AppProcess> {
  const clock = new URL('../support/app/shifted-clock.mjs', import.meta.url)
  return startAppProcess({
    redisUrl: redis.url,
    options: { issuerBaseURL: provider.issuer, baseURL: url, ...options },
    env: { NODE_OPTIONS: `--import=${clock}`, CLOCK_OFF_MS: String(offSeconds * 1000) },
  })
}

afterEach(() => provider.normal())

describe('when a session is due, fresh, or over', () => {
  const { ahead, right, behind } = useParts(async (start) => {
    await provider.registerClient({ ...client, baseURL: site.url })
    const open = (offSeconds: number) =>
      start(
        openAt(offSeconds, site, {
          clientID: client.clientId,
          clientSecret: client.clientSecret,
          ...PATIENT,
        }),
      )
    const [ahead, right, behind] = await Promise.all([open(600), open(0), open(-600)])
    return { ahead, right, behind }
  })
  const all = [ahead, right, behind]

  beforeEach(() => {
    site.targets = all.map(({ url }) => url)
    // Ten minutes either way, and they would be over, or not have begun.
    Object.assign(provider.lifetimes, { idToken: 60, accessToken: 60 })
  })
  afterAll(() => void Object.assign(provider.lifetimes, { idToken: 3600, accessToken: 3600 }))

  const everywhere = ({ get }: LoggedIn, path: string) => Promise.all(all.map(({ url }) => get(url + path)))

  test('H24: the clocks of these processes really are ten minutes apart', async () => {
    // `Expires` of a cookie that lasts ten minutes, by the clock of the process that set it.
    const ends = await Promise.all(
      all.map(async ({ url }) => {
        const login = await new Browser({ secFetch: false }).request('GET', `${url}/login`)
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
      const record = await storedRecord(store, await sessionIdOf(browser))
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
    await ageSession(store, session.browser, 600, { jitter: 1 })
    for (const page of await everywhere(session, '/private')) {
      expect(page.json()).toMatchObject({ generation: 2, sub: session.user })
    }
    expect(session.renewals()).toBe(1)
    await ageSession(store, session.browser, 301)
    const pages = await Promise.all(Array.from({ length: 10 }, () => everywhere(session, '/private')))
    expect(new Set(pages.flat().map((page) => page.json().generation))).toEqual(new Set([3]))
    expect(new Set(pages.flat().map((page) => page.json().renewedAt)).size).toBe(1)
    expect(session.renewals()).toBe(2)
  })

  async function scriptsRun(): Promise<number> {
    const stats = await store.info('commandstats')
    const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count))
    return calls.reduce((sum, count) => sum + count, 0)
  }

  test.each<[string, () => AppProcess, () => AppProcess]>([
    ['ahead', () => ahead, () => behind],
    ['behind', () => behind, () => ahead],
  ])('H24: a lease of the process %s is respected by the others', async (_what, holder, other) => {
    const session = await logIn(provider, site.url)
    await ageSession(store, session.browser, 901)
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
    const renewals = () =>
      all
        .flatMap((each) => each.events)
        .filter(({ name }) => name === 'renewed')
        .map(({ event }) => event as { subject: string })
        .filter(({ subject }) => subject === session.user)
    for (const { url } of all) expect((await session.get(`${url}/fresh`)).status).toBe(200)
    await eventually('the renewals to be told', () => renewals().length >= 3)
    expect(renewals()).toEqual(Array(3).fill(expect.objectContaining({ idToken: 'renewed' })))
    for (const { url } of all) {
      await store.hdel(`bff:{${await sessionIdOf(session.browser)}}:auth`, 'retryAt')
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
    for (const page of await everywhere(session, '/token'))
      expect(page.json()).toMatchObject({ generation: 1 })
    await ageSession(store, session.browser, 0, { accessToken: 61 })
    const pages = await everywhere(session, '/token')
    expect(pages.map((page) => page.json().generation)).toEqual([2, 2, 2])
    await ageSession(store, session.browser, 0, { idToken: 61 })
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
})

// What a client signs is dated by the store's clock: processes that are off are not refused by the provider.
describe('what a client signs', () => {
  const { signedSite, off, silent } = useParts(async (start) => {
    const signedSite = await start(startBalancer())
    await provider.registerClient({
      baseURL: signedSite.url,
      clientId: 'clocks',
      authMethod: 'private_key_jwt',
      metadata: { jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }) }] } },
    })
    const options: AuthOptions = {
      clientID: 'clocks',
      clientAssertionSigningKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      pushedAuthorizationRequests: true,
      signedAuthorizationRequests: true,
      ...PATIENT,
    }
    const open = async (offs: number[]) => {
      const apps = await Promise.all(offs.map((seconds) => start(openAt(seconds, signedSite, options))))
      return { at: (seconds: number) => apps[offs.indexOf(seconds)] as AppProcess }
    }
    return { signedSite, off: await open([600, -600, 4, -4]), silent: await open([600, -600]) }
  })

  const signed = (from: number) =>
    provider
      .requests()
      .slice(from)
      .filter(({ assertion }) => assertion !== undefined)
      .map(({ endpoint, status }) => [endpoint, status])

  const isAnswered = (seen: ReturnType<typeof signed>) => seen.every(([, status]) => status !== undefined)

  test.each([
    ['ten minutes ahead', 600],
    ['ten minutes behind', -600],
    ['some seconds ahead', 4],
    ['some seconds behind', -4],
  ])('H24: a process %s logs in, renews and revokes', async (what, offSeconds) => {
    signedSite.targets = [off.at(offSeconds).url]
    const from = provider.requests().length
    const browser = new Browser()
    expect((await browser.logIn(signedSite.url, { user: what })).json()).toMatchObject({ sub: what })
    expect((await browser.request('POST', `${signedSite.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    await browser.request('POST', `${signedSite.url}/logout`)
    await eventually('the revocation', () => signed(from).length === 4 && isAnswered(signed(from)))
    expect(provider.liveRefreshTokens(what)).toEqual([])
    expect(signed(from)).toEqual([
      ['pushed_request', 201],
      ['token', 200],
      ['token', 200],
      ['revocation', 200],
    ])
  })

  test.each([600, -600])(
    'H24: a logout is the first thing that a process %i seconds off says to the provider, and is heard',
    async (offSeconds) => {
      const user = `user ${offSeconds}`
      signedSite.targets = [off.at(4).url]
      const browser = new Browser()
      await browser.logIn(signedSite.url, { user })
      signedSite.targets = [silent.at(offSeconds).url]
      const from = provider.requests().length
      await browser.request('POST', `${signedSite.url}/logout`)
      await eventually('the revocation', () => signed(from).length === 1 && isAnswered(signed(from)))
      expect(provider.liveRefreshTokens(user)).toEqual([])
      expect(signed(from)).toEqual([['revocation', 200]])
    },
  )
})
