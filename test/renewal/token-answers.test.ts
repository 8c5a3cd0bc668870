// H11, H13, H14: what a token endpoint answers: nothing of use, a refusal, or tokens of which one is missing.
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { PATIENT } from '../support/app/fault-fixture.ts'
import type { Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { useParts, useServers } from '../support/servers.ts'
import { ageSession, endBackOff, keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'
import { testAllAtOnce, timeOver } from './real-waits.ts'

const client = { clientID: 'two-apps', clientSecret: 'known to both of them' }
const { provider, redis, store, app } = useServers({ redis: true, options: { ...client, ...PATIENT } })
const { lenient, lenientApp, hasty, unrenewable, lasting } = useParts(async (start) => {
  const open = (options: AuthOptions) => start(startApp({ provider, redisUrl: redis.url, options }))
  await provider.registerClient({
    clientId: client.clientID,
    clientSecret: client.clientSecret,
    baseURL: app.url,
  })
  const lenient = await start(
    startProvider({ configure: (same) => ({ ...same, rotateRefreshToken: false }) }),
  )
  return {
    lenient,
    lenientApp: await start(startApp({ provider: lenient, redisUrl: redis.url, options: PATIENT })),
    /** the same, where a provider that hangs costs less time */
    hasty: await open({ ...client, renewal: { timeoutSeconds: 0.5, requestTimeoutSeconds: 0.5 } }),
    unrenewable: await open({
      ...PATIENT,
      authorizationParams: { scope: 'openid profile' },
      logger: { warn() {} },
    }),
    lasting: await open({
      renewal: { ...PATIENT.renewal, required: false },
      authorizationParams: { scope: 'openid profile' },
    }),
  }
})

function expectTryLater(page: Page) {
  // Whoever waits for a provider that hangs may be answered a moment before its request is given up.
  expect([page.status, page.json().code]).toEqual([
    503,
    expect.stringMatching(/^(?:provider_unavailable|renewal_pending)$/),
  ])
  expect(page.headers['content-type']).toMatch('application/problem+json')
  expect(page.headers['retry-after']).toMatch(/^[1-9]\d*$/)
  expect(page.headers['set-cookie']).toBeUndefined()
}

const faults: [string, () => void][] = [
  ['answers 500', () => provider.answerAll('token', { status: 500, body: 'out of order' })],
  [
    'answers 503 as JSON',
    () => provider.answerAll('token', { status: 503, body: { error: 'server_error' } }),
  ],
  ['answers 400 temporarily_unavailable', () => answerError(400, 'temporarily_unavailable')],
  ['answers 500 invalid_grant', () => answerError(500, 'invalid_grant')],
  ['answers 401 invalid_client', () => answerError(401, 'invalid_client')],
  ['resets the connection', () => provider.cutAll('token')],
  ['does not answer in time', () => provider.delayAll('token', 60_000)],
]

function answerError(status: number, error: string) {
  provider.answerAll('token', { status, body: { error } })
}

describe.each(faults)('H11: a provider that %s', (what, breakProvider) => {
  const at = what === 'does not answer in time' ? hasty : app

  test('leaves a due session to its old token, and keeps out who needs a fresh one; one attempt for all', async () => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await ageSession(store, browser, 901)
    breakProvider()
    const first = await Promise.all([1, 2, 3].map(() => get(`${at.url}/private`)))
    for (const page of [...first, await get(`${at.url}/private`)]) {
      expect(page.status).toBe(200)
      expect(page.json()).toMatchObject({ authenticated: true, generation: 1 })
    }
    expectTryLater(await get(`${at.url}/fresh`))
    expectTryLater(await get(`${at.url}/fresh-max-age?seconds=60`))
    expect(renewals()).toBe(1)

    // A request that hung may be given up only now, and backs off then.
    const key = `bff:{${await sessionIdOf(browser)}}:auth`
    await eventually('the attempt to be over', async () => (await store.hget(key, 'retryAt')) !== null)
    provider.normal()
    await endBackOff(store, browser)
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  })

  test('keeps a session whose tokens have expired, and answers 503 until it is back', async () => {
    const { browser, get, renewals, user } = await logIn(provider, app.url)
    await ageSession(store, browser, 3601, { idToken: 3601, accessToken: 3601 })
    breakProvider()
    for (const path of ['/private', '/fresh', '/token', '/me']) expectTryLater(await get(at.url + path))
    expect((await get(`${at.url}/public`)).json()).toMatchObject({ authenticated: false })
    const page = await browser.navigate(`${at.url}/private`)
    expect([page.status, page.headers['retry-after'], page.headers['set-cookie']]).toEqual([
      503,
      expect.stringMatching(/^[1-9]/),
      undefined,
    ])
    expect(renewals()).toBe(1)

    provider.normal()
    await endBackOff(store, browser)
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
  })
})

test('H11: an expired access token is 503 while the provider fails, and the rest of the session goes on', async () => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  await ageSession(store, browser, 0, { accessToken: 3601 })
  provider.answerAll('token', { status: 500 })
  expect((await get(`${app.url}/token`)).status).toBe(503)
  expect((await get(`${app.url}/token`)).headers['retry-after']).toMatch(/^[1-9]\d*$/)
  expect((await get(`${app.url}/private`)).status).toBe(200)
  expect(renewals()).toBe(1)
})

const backOffs: [string, Record<string, string>, number][] = [
  ['of the provider’s own choice', { 'retry-after': '2' }, 2],
  ['of its own', {}, 2.5],
]

testAllAtOnce(backOffs)(
  'H11: the back-off is a time %s, told to the caller, and ends by itself',
  async (_what, headers, atLeast) => {
    const { browser, get, user } = await logIn(provider, app.url)
    await ageSession(store, browser, 901)
    const refreshTokenHash = sha256(provider.liveRefreshTokens(user)[0] ?? '')
    const presented = () => provider.requests({ refreshTokenHash })
    provider.answerNext(
      'token',
      { status: 500, headers },
      { when: (seen) => seen.refreshTokenHash === refreshTokenHash },
    )
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
    expect(Number((await get(`${app.url}/fresh`)).headers['retry-after'])).toBeGreaterThanOrEqual(atLeast - 1)
    await timeOver(store, browser, 'retryAt')
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
    const [failed, succeeded] = presented()
    expect((succeeded?.at ?? 0) - (failed?.at ?? 0)).toBeGreaterThanOrEqual(atLeast * 1000)
    expect(presented()).toHaveLength(2)
  },
)

test.each([
  ['grant is revoked', (user: string) => provider.revokeGrants(user)],
  ['account is blocked', (user: string) => provider.blockAccount(user)],
])('H13: a script whose %s is told so once, and then that it has to log in', async (_what, refuse) => {
  const { browser, get, renewals, user } = await logIn(provider, app.url)
  const stale = browser.clone()
  const id = await sessionIdOf(browser)
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
  await ageSession(store, browser, 901)
  app.events.length = 0
  refuse(user)
  const told = await get(`${app.url}/private`)
  expect(told.status).toBe(401)
  expect(told.json()).toMatchObject({ code: 'session_ended', login_url: '/login' })
  expect(await browser.cookies(app.url)).toEqual([])
  expect(app.events).toEqual([
    { name: 'session-ended', event: { subject: user, reason: 'refresh_token_rejected' } },
  ])
  expect(await keysOf(store, id)).toEqual([])
  for (const path of ['/private', '/fresh', '/token']) {
    const later = await stale.request('GET', app.url + path)
    expect([later.status, later.json().code]).toEqual([401, 'login_required'])
  }
  expect((await stale.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  expect(renewals()).toBe(1)
})

test('H13: a navigation whose grant is revoked is sent to log in once, and lands where it was', async () => {
  const { browser, renewals, user } = await logIn(provider, app.url)
  await ageSession(store, browser, 901)
  provider.revokeGrants(user)
  const page = await browser.navigate(`${app.url}/private?page=2`, { from: null })
  expect(page.hops[0]?.status).toBe(302)
  expect(page.hops[0]?.headers.location).toBe('/login?return_to=%2Fprivate%3Fpage%3D2')
  expect(page.hops[0]?.headers['set-cookie']?.join()).toMatch(/bff=;.*Expires=Thu, 01 Jan 1970/)
  const landed = await browser.finish(page, { user })
  expect(landed.url).toBe(`${app.url}/private?page=2`)
  expect(landed.json()).toMatchObject({ sub: user, generation: 1 })
  expect(renewals()).toBe(1)
})

test('H13: a renewal beside a request that is refused ends the session, and that request is still answered', async () => {
  const { browser, get, renewals, user } = await logIn(provider, app.url)
  await ageSession(store, browser, 850)
  app.events.length = 0
  provider.blockAccount(user)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ authenticated: true, generation: 1 })
  await eventually('the end of the session', () => app.events.length > 0)
  expect(app.events).toMatchObject([{ name: 'session-ended', event: { reason: 'refresh_token_rejected' } }])
  expect((await get(`${app.url}/private`)).status).toBe(401)
  expect(renewals()).toBe(1)
})

test.each([
  ['an access_token that is a number', { access_token: 12 }],
  ['no access_token', { access_token: undefined }],
  ['token_type mac', { token_type: 'mac' }],
  ['no token_type', { token_type: undefined }],
  ['an expires_in that is a text', { expires_in: 'an hour' }],
  ['an id_token that is a number', { id_token: 12 }],
])(
  'H11: the refresh token that comes with %s is kept, and the session renewed by it',
  async (_what, change) => {
    const { browser, get, renewals, user } = await logIn(provider, app.url)
    await ageSession(store, browser, 901)
    provider.rewriteNext('token', (json) => ({ ...json, ...change }))
    const page = await get(`${app.url}/private`)
    expect([page.status, page.json().sub]).toEqual([200, user])
    expect(renewals()).toBe(1)
    await endBackOff(store, browser)
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user })
    expect(renewals()).toBe(2)
  },
)

// RFC 6749 §7.1: an access token of a type that is not understood must not be used.
test('H11: an access token of type mac is handed to nobody', async () => {
  const { browser, get, user } = await logIn(provider, app.url)
  const before = (await get(`${app.url}/token`)).json().sha256
  await ageSession(store, browser, 901)
  provider.rewriteNext('token', (json) => ({ ...json, token_type: 'mac' }))
  const page = await get(`${app.url}/token`)
  expect([page.status, page.json().sub]).toEqual([200, user])
  expect(page.json().sha256).toBe(before)
})

test.each<[string, object]>([
  ['without a refresh token', {}],
  ['whose refresh token is null', { refresh_token: null }],
])(
  'H14: a refresh answer %s counts, and the next renewal presents the old one again',
  async (_what, instead) => {
    const { browser, get, renewals } = await logIn(lenient, lenientApp.url)
    const { renewedAt } = (await get(`${lenientApp.url}/private`)).json()
    lenient.rewriteNext('token', ({ refresh_token: _, ...rest }) => ({ ...rest, ...instead }))
    const first = (await get(`${lenientApp.url}/fresh`)).json()
    expect(first).toMatchObject({ authenticated: true, generation: 2 })
    expect(Date.parse(String(first.renewedAt))).toBeGreaterThan(Date.parse(String(renewedAt)))

    await ageSession(store, browser, 901)
    expect((await get(`${lenientApp.url}/private`)).json()).toMatchObject({ generation: 3 })
    expect(renewals()).toBe(2)
    const [one, other] = lenient.tokenRequests('refresh_token').slice(-2)
    expect(one?.refreshTokenHash).toBe(other?.refreshTokenHash)
  },
)

test('H14: a refresh answer without an ID token counts: the claims stay, and the new refresh token is used', async () => {
  const { browser, get, renewals, user } = await logIn(provider, app.url)
  const before = (await get(`${app.url}/private`)).json()
  let sent = ''
  provider.rewriteNext('token', ({ id_token: _, ...rest }) => {
    sent = String(rest.refresh_token)
    return rest
  })
  const first = (await get(`${app.url}/fresh`)).json()
  expect(first).toMatchObject({ generation: 2, sub: user, name: before.name, createdAt: before.createdAt })
  expect(Date.parse(String(first.renewedAt))).toBeGreaterThan(Date.parse(String(before.renewedAt)))

  // The renewal counts, so the session is not due although the first ID token would have expired by now.
  await ageSession(store, browser, 600)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
  await ageSession(store, browser, 301)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 3, sub: user })
  expect(renewals()).toBe(2)
  expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(sent))
  const ended = app.events.filter(({ name }) => name === 'session-ended')
  expect(ended.filter(({ event }) => (event as { subject: string }).subject === user)).toEqual([])
})

test('H14: a refused ID token without a refresh token beside it leaves the old refresh token in use', async () => {
  const { browser, get, renewals } = await logIn(lenient, lenientApp.url)
  lenient.rewriteNext('token', ({ refresh_token: _, ...rest }) => ({
    ...rest,
    id_token: `${rest.id_token}x`,
  }))
  expect((await get(`${lenientApp.url}/fresh`)).status).toBe(503)
  expect((await get(`${lenientApp.url}/private`)).json()).toMatchObject({ authenticated: true })
  await endBackOff(store, browser)
  expect((await get(`${lenientApp.url}/fresh`)).status).toBe(200)
  expect(renewals()).toBe(2)
})

test('another sub in an answer without a refresh token ends the session, and the old token is revoked', async () => {
  const { get, user } = await logIn(lenient, lenientApp.url)
  expect(lenient.liveRefreshTokens(user)).toHaveLength(1)
  lenient.rewriteNext('token', async ({ refresh_token: _, ...rest }) => ({
    ...rest,
    id_token: await lenient.signIdToken({ ...claimsOfToken(String(rest.id_token)), sub: 'mallory' }),
  }))
  expect((await get(`${lenientApp.url}/fresh`)).json()).toMatchObject({ code: 'session_ended' })
  await eventually('the revocation', () => lenient.liveRefreshTokens(user).length === 0, 2000)
})

test('H14: the end of the first ID token says nothing about a session whose last answer had none', async () => {
  Object.assign(provider.lifetimes, { idToken: 60 })
  const { browser, get, renewals } = await logIn(provider, app.url)
  Object.assign(provider.lifetimes, { idToken: 3600 })
  provider.rewriteNext('token', ({ id_token: _, ...rest }) => rest)
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  await ageSession(store, browser, 300, { idToken: 300 })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ authenticated: true, generation: 2 })
  expect(renewals()).toBe(1)
})

test('an access token of an answer without expires_in is not renewed for whoever asks for it', async () => {
  const { get, renewals } = await logIn(provider, app.url)
  provider.rewriteNext('token', ({ expires_in: _, ...rest }) => rest)
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect((await get(`${app.url}/token`)).json()).toMatchObject({ generation: 2 })
  expect(renewals()).toBe(1)
})

test('a session without a refresh token works until it is due, then a script is told renewal_impossible', async () => {
  const { browser, get, renewals } = await logIn(provider, unrenewable.url)
  await ageSession(store, browser, 850, { jitter: 0 })
  expect((await get(`${unrenewable.url}/private`)).json()).toMatchObject({ generation: 1 })
  await ageSession(store, browser, 51)
  for (const path of ['/private', '/fresh', '/token', '/fresh-max-age?seconds=3600']) {
    const refused = await get(unrenewable.url + path)
    expect(refused.status).toBe(401)
    expect(refused.headers['content-type']).toMatch('application/problem+json')
    expect(refused.json()).toMatchObject({ code: 'renewal_impossible', login_url: '/login' })
  }
  expect((await get(`${unrenewable.url}/public`)).json()).toMatchObject({ authenticated: false })
  expect((await get(`${unrenewable.url}/me`)).json()).toMatchObject({ authenticated: false })
  expect(renewals()).toBe(0)
})

test('a session without a refresh token that is due is redirected to log in, and lands where it was', async () => {
  const { browser, user } = await logIn(provider, unrenewable.url)
  const before = await sessionIdOf(browser)
  await ageSession(store, browser, 901)
  const page = await browser.navigate(`${unrenewable.url}/private?page=2`, { from: null })
  const redirected = page.hops[0]
  expect(redirected?.status).toBe(302)
  expect(redirected?.headers.location).toBe('/login?return_to=%2Fprivate%3Fpage%3D2')
  const landed = await browser.finish(page, { user })
  expect(landed.url).toBe(`${unrenewable.url}/private?page=2`)
  expect(landed.json()).toMatchObject({ sub: user, generation: 1 })
  expect(await sessionIdOf(browser)).not.toBe(before)
  expect(await storedRecord(store, before)).toBeUndefined()
})

test('requireFresh() refuses a session without a refresh token, whose other routes go on', async () => {
  const { get, renewals } = await logIn(provider, unrenewable.url)
  const refused = await get(`${unrenewable.url}/fresh`)
  expect([refused.status, refused.json().code]).toEqual([401, 'renewal_impossible'])
  expect(refused.headers['set-cookie']).toBeUndefined()
  expect((await get(`${unrenewable.url}/fresh-max-age?seconds=60`)).status).toBe(200)
  expect((await get(`${unrenewable.url}/private`)).status).toBe(200)
  expect(renewals()).toBe(0)
})

test('with renewal.required: false it goes on to its own end, and only what asks for a renewal is refused', async () => {
  const { browser, get, renewals } = await logIn(provider, lasting.url)
  await ageSession(store, browser, 5000, { idToken: 5000, accessToken: 5000 })
  expect((await get(`${lasting.url}/private`)).json()).toMatchObject({ authenticated: true, generation: 1 })
  const { session } = (await get(`${lasting.url}/me`)).json() as unknown as {
    session: Record<string, string>
  }
  expect(Date.parse(session.dueAt ?? '')).toBeGreaterThan(Date.now() + 6 * 86_400_000)
  expect((await get(`${lasting.url}/fresh`)).json()).toMatchObject({ code: 'renewal_impossible' })
  expect((await get(`${lasting.url}/token`)).status).toBe(401)
  expect(renewals()).toBe(0)
})
