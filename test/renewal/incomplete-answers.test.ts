// Answers that lack a token: at login no refresh token, at a renewal no refresh token or no ID token.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, endBackOff, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let lenient: TestProvider
let redis: RedisServer
let app: TestApp
let lenientApp: TestApp
let unrenewable: TestApp

beforeAll(async () => {
  redis = await startRedis()
  provider = await startProvider()
  lenient = await startProvider({ configure: (same) => ({ ...same, rotateRefreshToken: false }) })
  app = await startApp({ provider, redisUrl: redis.url })
  lenientApp = await startApp({ provider: lenient, redisUrl: redis.url })
  const options = { authorizationParams: { scope: 'openid profile' }, logger: { warn() {} } }
  unrenewable = await startApp({ provider, redisUrl: redis.url, options })
})

afterAll(async () => {
  await Promise.all([app, lenientApp, unrenewable].map((each) => each?.stop()))
  await Promise.all([redis, provider, lenient].map((each) => each?.stop()))
})

test('H14: a refresh answer without a refresh token counts, and the next renewal presents the old one again', async () => {
  const { browser, get, renewals } = await logIn(lenient, lenientApp.url)
  const { renewedAt } = (await get(`${lenientApp.url}/private`)).json()
  lenient.rewriteNext('token', ({ refresh_token: _, ...rest }) => rest)
  const first = (await get(`${lenientApp.url}/fresh`)).json()
  expect(first).toMatchObject({ authenticated: true, generation: 2 })
  expect(Date.parse(String(first.renewedAt))).toBeGreaterThan(Date.parse(String(renewedAt)))

  await ageSession(redis.connect(), browser, 901)
  expect((await get(`${lenientApp.url}/private`)).json()).toMatchObject({ generation: 3 })
  expect(renewals()).toBe(2)
  const [one, other] = lenient.tokenRequests('refresh_token').slice(-2)
  expect(one?.refreshTokenHash).toBe(other?.refreshTokenHash)
})

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
  await ageSession(redis.connect(), browser, 600)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
  await ageSession(redis.connect(), browser, 301)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 3, sub: user })
  expect(renewals()).toBe(2)
  expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(sent))
  expect(app.events.filter(({ name }) => name === 'session-ended')).toEqual([])
})

test('H14: a refused ID token without a refresh token beside it leaves the old refresh token in use', async () => {
  const { browser, get, renewals } = await logIn(lenient, lenientApp.url)
  lenient.rewriteNext('token', ({ refresh_token: _, ...rest }) => ({
    ...rest,
    id_token: `${rest.id_token}x`,
  }))
  expect((await get(`${lenientApp.url}/fresh`)).status).toBe(503)
  expect((await get(`${lenientApp.url}/private`)).json()).toMatchObject({ authenticated: true })
  await endBackOff(redis.connect(), browser)
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
  await ageSession(redis.connect(), browser, 300, { idToken: 300 })
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
  await ageSession(redis.connect(), browser, 890, { jitter: 0 })
  expect((await get(`${unrenewable.url}/private`)).json()).toMatchObject({ generation: 1 })
  await ageSession(redis.connect(), browser, 11)
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
  await ageSession(redis.connect(), browser, 901)
  const page = await browser.navigate(`${unrenewable.url}/private?page=2`, { from: null })
  const redirected = page.hops[0]
  expect(redirected?.status).toBe(302)
  expect(redirected?.headers.location).toBe('/login?return_to=%2Fprivate%3Fpage%3D2')
  const landed = await browser.finish(page, { user })
  expect(landed.url).toBe(`${unrenewable.url}/private?page=2`)
  expect(landed.json()).toMatchObject({ sub: user, generation: 1 })
  expect(await sessionIdOf(browser)).not.toBe(before)
  expect(await storedRecord(redis.connect(), before)).toBeUndefined()
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
