// H33: ID tokens of renewals that never pass. What means the same is taken; what cannot be taken ends in "log in again", told
// with the claim's name, and not in 503 for days.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { type Forge, flipped, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, endBackOff, keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const MOST_REFUSALS = 5
const log = createLog()

const { provider, store, app, peer, keyless } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = () =>
    start(
      startApp({
        provider,
        redisUrl: redis.url,
        options: {
          // Makes the provider put auth_time into its ID tokens.
          authorizationParams: { max_age: '86400' },
          logger: log.logger,
        },
      }),
    )
  const app = await open()
  // The last one has never seen the provider's keys.
  return { provider, store: redis.connect(), app, peer: await open(), keyless: await open() }
})
afterEach(() => {
  provider.normal()
  log.lines.length = 0
  for (const { events } of [app, peer, keyless]) events.length = 0
})

const grown = signed(({ aud }) => ({ aud: [aud, 'another-api'], azp: aud }))
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

/** One renewal after another, each with an ID token like that, as soon as it may be tried. */
async function renewTimes(times: number, session: LoggedIn, forge: Forge, at: TestApp = app) {
  const pages = []
  let rotated = ''
  for (let count = 0; count < times; count += 1) {
    const sent = forgeNext(provider, forge, { grantType: 'refresh_token' })
    const page = await session.get(`${at.url}/fresh`)
    pages.push(page)
    rotated = await sent
    if (page.status === 503) await endBackOff(store, session.browser)
  }
  return { rotated, codes: pages.map((page) => page.json().code ?? page.status), pages }
}

test('H33: an auth_time that moves keeps the first one, and never counts for a step-up', async () => {
  const authTime = inSeconds(-1000)
  nextIdToken(provider, { auth_time: authTime })
  const session = await logIn(provider, app.url)
  const { codes } = await renewTimes(
    7,
    session,
    signed(() => ({ auth_time: inSeconds(0), acr: 'mfa' })),
  )
  expect(codes).toEqual(Array(7).fill(200))
  const me = (await session.get(`${app.url}/me`)).json<{ session: { authTime: string } }>()
  expect(new Date(me.session.authTime).getTime() / 1000).toBe(authTime)
  for (const query of ['seconds=300', 'acr=mfa'])
    expect((await session.get(`${app.url}/step-up?${query}`)).json()).toMatchObject({
      code: 'step_up_required',
    })
  // At the same person's own ID token nothing is refused, so nothing is said.
  expect(log.lines).toEqual([])
})

test('H33: an aud that grew ends after five refusals as "log in again", told once with the claim’s name', async () => {
  const session = await logIn(provider, app.url)
  const id = await sessionIdOf(session.browser)
  const { codes, pages, rotated } = await renewTimes(MOST_REFUSALS, session, grown)
  expect(codes).toEqual([...Array(MOST_REFUSALS - 1).fill('provider_unavailable'), 'session_ended'])
  // Each waits longer than the one before.
  const waits = pages.slice(0, -1).map(({ headers }) => Number(headers['retry-after']))
  expect(waits).toEqual([...waits].sort((a, b) => a - b))
  expect(new Set(waits).size).toBe(waits.length)

  expect(await keysOf(store, id)).toEqual([])
  expect(app.events.at(-1)).toEqual({
    name: 'session-ended',
    event: { subject: session.user, reason: 'id_token_rejected', detail: 'its aud differs' },
  })
  await eventually('the revocation of what came last', () =>
    provider.revocations().some(({ tokenHash }) => tokenHash === sha256(rotated)),
  )
  expect(log.lines.filter((line) => line.includes('aud'))).toHaveLength(1)

  // And it is over: the provider is not asked again.
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ code: 'login_required' })
  expect(session.renewals()).toBe(MOST_REFUSALS)
  await renewTimes(MOST_REFUSALS, await logIn(provider, app.url), grown)
  expect(log.lines.filter((line) => line.includes('aud'))).toHaveLength(1)
})

const REFUSED: [claim: string, forge: Forge][] = [
  ['aud', signed(() => ({ aud: 'another-api' }))],
  ['azp', signed(({ aud }) => ({ azp: aud }))],
  ['iss', signed(() => ({ iss: 'https://evil.example/' }))],
  ['nonce', signed(() => ({ nonce: 'another' }))],
  ['auth_time', signed(() => ({ auth_time: 'yesterday' }))],
  ['at_hash', signed(() => ({ at_hash: 'another' }))],
]

/** What keys and clocks make wrong is put right, mostly before anybody misses it. */
const IN_TIME: [what: string, forge: Forge][] = [
  ['exp', signed(() => ({ exp: inSeconds(-600) }))],
  ['iat', signed(() => ({ iat: inSeconds(600) }))],
  [
    'signature',
    ({ idToken }) => {
      const [header, payload, signature = ''] = idToken.split('.')
      return [header, payload, flipped(signature)].join('.')
    },
  ],
]

test.each(IN_TIME)(
  'H33: a wrong %s ends nothing while the old ID token serves, and what it says after that',
  async (what, forge) => {
    const session = await logIn(provider, app.url)
    const { codes } = await renewTimes(MOST_REFUSALS + 2, session, forge)
    expect(codes).toEqual(Array(MOST_REFUSALS + 2).fill('provider_unavailable'))
    expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ sub: session.user })
    await ageSession(store, session.browser, 3601, { idToken: 3601 })
    const after = await renewTimes(MOST_REFUSALS, session, forge)
    expect(after.codes).toEqual([...Array(MOST_REFUSALS - 1).fill('provider_unavailable'), 'session_ended'])
    expect(log.lines.join()).toMatch(new RegExp(`were refused every time: .*\\b${what}\\b`))
  },
)

test.each(REFUSED)('H33: the log names the claim: %s', async (claim, forge) => {
  const { codes } = await renewTimes(MOST_REFUSALS, await logIn(provider, app.url), forge)
  expect(codes.at(-1)).toBe('session_ended')
  expect(log.lines.filter((line) => line.includes('a session ended'))).toEqual([
    expect.stringMatching(new RegExp(`were refused every time: .*\\b${claim}\\b`)),
  ])
})

describe('at a provider that keeps its refresh tokens, and sends none with a renewal', () => {
  const { keeping, kept, there } = useParts(async (start) => {
    const redis = await start(startRedis())
    const keeping = await start(
      startProvider({ configure: (given) => ({ ...given, rotateRefreshToken: false }) }),
    )
    const options = { logger: log.logger, authorizationParams: { max_age: '86400' } }
    return {
      keeping,
      kept: redis.connect(),
      there: await start(startApp({ provider: keeping, redisUrl: redis.url, options })),
    }
  })

  /** As soon as each may be tried. */
  async function renewTimesThere({ browser, get }: LoggedIn, forge: Forge): Promise<unknown[]> {
    const codes: unknown[] = []
    for (let count = 0; count < MOST_REFUSALS; count += 1) {
      keeping.rewriteNext(
        'token',
        async ({ id_token, refresh_token: _, ...json }) => {
          const genuine = { idToken: String(id_token), accessToken: String(json.access_token) }
          return { ...json, id_token: await forge({ ...genuine, provider: keeping }) }
        },
        { grantType: 'refresh_token' },
      )
      const page = await get(`${there.url}/fresh`)
      codes.push(page.json().code)
      if (page.status === 503) await endBackOff(kept, browser)
    }
    return codes
  }

  test.each(REFUSED)('H33: it ends as well, with the name: %s', async (what, forge) => {
    const codes = await renewTimesThere(await logIn(keeping, there.url), forge)
    expect(codes.at(-1)).toBe('session_ended')
    expect(log.lines.join()).toMatch(new RegExp(`were refused every time: .*\\b${what}\\b`))
  })

  test.each(IN_TIME)(
    'H33: it ends as well once the old ID token serves no longer: %s',
    async (what, forge) => {
      const session = await logIn(keeping, there.url)
      expect(await renewTimesThere(session, forge)).toEqual(Array(MOST_REFUSALS).fill('provider_unavailable'))
      await ageSession(kept, session.browser, 3601, { idToken: 3601 })
      expect((await renewTimesThere(session, forge)).at(-1)).toBe('session_ended')
      expect(log.lines.join()).toMatch(new RegExp(`were refused every time: .*\\b${what}\\b`))
    },
  )
})

test('H33: a person whose ID token has expired is sent to log in after that, and not told to wait for days', async () => {
  const { browser, get, user, renewals } = await logIn(provider, app.url)
  await ageSession(store, browser, 3601, { idToken: 3601 })
  for (let count = 1; count < MOST_REFUSALS; count += 1) {
    void forgeNext(provider, grown)
    expect((await get(`${app.url}/private`)).status).toBe(503)
    await endBackOff(store, browser)
  }
  void forgeNext(provider, grown)
  const page = await browser.navigate(`${app.url}/private`, {
    stopAt: ({ pathname }) => pathname === '/login',
  })
  expect(page).toMatchObject({ status: 302, headers: { location: '/login?return_to=%2Fprivate' } })
  expect(renewals()).toBe(MOST_REFUSALS)
  expect((await browser.logIn(app.url, { user, path: '/private' })).json()).toMatchObject({ sub: user })
})

test('H33: only refusals in a row count, over all processes', async () => {
  const session = await logIn(provider, app.url)
  for (const at of [app, peer]) {
    const { codes } = await renewTimes(MOST_REFUSALS - 1, session, grown, at)
    expect(codes).toEqual(Array(MOST_REFUSALS - 1).fill('provider_unavailable'))
    expect((await session.get(`${at.url}/fresh`)).status).toBe(200)
    expect((await storedRecord(store, await sessionIdOf(session.browser)))?.refusals).toBeUndefined()
  }
  await renewTimes(MOST_REFUSALS - 1, session, grown)
  expect((await renewTimes(1, session, grown, peer)).codes).toEqual(['session_ended'])
})

test('H33: keys that are out of reach never count', async () => {
  const session = await logIn(provider, app.url)
  provider.answerAll('jwks', { status: 500 })
  for (let count = 0; count < MOST_REFUSALS + 2; count += 1) {
    expect((await session.get(`${keyless.url}/fresh`)).json()).toMatchObject({ code: 'provider_unavailable' })
    await endBackOff(store, session.browser)
  }
  expect(session.renewals()).toBe(MOST_REFUSALS + 2)
  expect(log.lines.filter((line) => line.includes('the keys of the provider'))).toEqual([
    expect.stringContaining('the ID token of a renewal could not be checked'),
  ])
  provider.normal()
  expect((await session.get(`${keyless.url}/fresh`)).json()).toMatchObject({ sub: session.user })
})

test('H33: a login whose at_hash and nonce are null: the one is absent, the other is missing', async () => {
  const browser = new Browser()
  nextIdToken(provider, { at_hash: null })
  expect((await browser.logIn(app.url, { user: 'authentik' })).json()).toMatchObject({ sub: 'authentik' })
  nextIdToken(provider, { nonce: null })
  expect((await new Browser().logIn(app.url, { user: 'authentik' })).status).toBe(400)
})

const LEFT_OUT = ['azp', 'acr', 'sid']

test.each(LEFT_OUT)('H33: a renewal whose %s is null is one without it', async (claim) => {
  const session = await logIn(provider, app.url)
  const { codes } = await renewTimes(
    1,
    session,
    signed(() => ({ [claim]: null })),
  )
  expect(codes).toEqual([200])
})

test.each(LEFT_OUT)('H33: a login whose %s is null is one without it', async (claim) => {
  nextIdToken(provider, { [claim]: null })
  expect((await new Browser().logIn(app.url, { user: 'authentik' })).status).toBe(200)
})
