// What comes back from a step-up is what counts: it is compared with what was asked, and a no changes nothing.
import type { Redis } from 'ioredis'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import { type Claims, nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: TestApp
const log = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  app = await startApp({ provider, redisUrl: redis.url, options: { logger: log.logger } })
})
beforeEach(() => forgetEvents())
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const BOTH = '/step-up?seconds=300&acr=mfa,hwk'
const STRONG = '/step-up?acr=mfa'
const WITHOUT_MAX_AGE = `/login?acr_values=mfa&return_to=${encodeURIComponent(STRONG)}`
const PASSES = { acr: 'mfa' }
const later = (seconds: number) => (claims: Claims) => ({
  ...claims,
  ...PASSES,
  auth_time: Number(claims.iat) + seconds,
})
const asked = () => provider.authorizationRequests().length

function forgetEvents() {
  log.lines.length = 0
  app.events.length = 0
}

async function stateOf(browser: Browser) {
  const id = await sessionIdOf(browser)
  return { id, record: await storedRecord(store, id), cart: await cartOf(browser) }
}
const cartOf = async (browser: Browser) => (await browser.request('GET', `${app.url}/cart`)).json().cart

async function someone() {
  const { browser, user } = await logIn(provider, app.url)
  await browser.request('POST', `${app.url}/cart`, { json: { cart: user } })
  return { browser, user, before: await stateOf(browser) }
}

/** Refused with a page, once; nothing of the session changed, and nothing but codes is in the log. */
async function expectFailed(page: Page, browser: Browser, before: Awaited<ReturnType<typeof stateOf>>) {
  expect([page.status, new URL(page.url).pathname]).toEqual([403, '/callback'])
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(app.events.filter(({ name }) => name !== 'logged-in')).toEqual([
    { name: 'refused', event: { code: 'step_up_failed', detail: expect.any(String) } },
  ])
  expect(log.lines).toEqual([expect.stringMatching(/^express-bff-session: refused \(step_up_failed\): /)])
  const said = log.lines.join() + page.body
  const { claims } = before.record ?? { claims: { sub: 'somebody' } }
  for (const secret of [...provider.secretsSeen(), claims.sub, before.id]) expect(said).not.toContain(secret)
  expect(await stateOf(browser)).toEqual(before)
  const renewed = await browser.request('POST', `${app.url}/renew`)
  expect(renewed.json()).toMatchObject({ sub: claims.sub, generation: 2 })
}

/** Beside the answer, so it may come after it. */
const expectRevoked = (user: string) =>
  eventually(`no refresh token of ${user} works`, () => provider.liveRefreshTokens(user).length === 0)

const answers: [string, Claims | ((claims: Claims) => Claims), string?][] = [
  ['auth_time missing', { ...PASSES, auth_time: undefined }],
  ['auth_time 0', { ...PASSES, auth_time: 0 }],
  ['auth_time an hour ago', later(-3600)],
  ['auth_time before the request, though recent enough', later(-60)],
  ['auth_time before the request, where only an acr is asked for', later(-60), STRONG],
  ['auth_time missing, where only an acr is asked for', { ...PASSES, auth_time: undefined }, STRONG],
  ['auth_time in an hour', later(3600)],
  ['auth_time in an hour, where only an acr is asked for', later(3600), STRONG],
  ['auth_time in an hour, where max_age was taken out of /login', later(3600), WITHOUT_MAX_AGE],
  ['acr missing', { acr: undefined }],
  ['acr empty', { acr: '' }],
  ['acr another', { acr: 'pwd' }],
  ['acr the beginning of one', { acr: 'mf' }],
  ['acr one and more', { acr: 'mfa2' }],
  ['acr in other case', { acr: 'MFA' }],
  ['acr with a space', { acr: 'mfa ' }],
  ['acr all that was asked for', { acr: 'mfa hwk' }],
  ['acr a list', { acr: ['mfa'] }],
  ['acr an object', { acr: { toString: 'mfa' } }],
  ['acr true', { acr: true }],
  ['amr in its place', { acr: undefined, amr: ['mfa'] }],
]

test.each(answers)('%s: 403, the session stays as it was, asked once', async (_name, change, path = BOTH) => {
  const { browser, user, before } = await someone()
  const requests = asked()
  nextIdToken(provider, change)
  const page = await browser.logIn(app.url, { path, user })
  await expectFailed(page, browser, before)
  expect(asked()).toBe(requests + 1)
})

test('whoever failed may try again, and pass', async () => {
  const { browser, user } = await someone()
  nextIdToken(provider, { acr: 'pwd' })
  expect((await browser.logIn(app.url, { path: BOTH, user })).status).toBe(403)
  nextIdToken(provider, PASSES)
  expect((await browser.logIn(app.url, { path: BOTH, user })).json()).toMatchObject({ passed: true })
})

test.each([
  ['a string', String],
  ['a date', (time: unknown) => new Date(Number(time) * 1000).toISOString()],
  ['true', () => true],
  ['null', () => null],
  ['a list', (time: unknown) => [time]],
  ['negative', () => -1],
])('auth_time %s is no time: no step-up, the session stays as it was', async (_name, make) => {
  const { browser, user, before } = await someone()
  nextIdToken(provider, (claims) => ({ ...claims, ...PASSES, auth_time: make(claims.auth_time) }))
  const page = await browser.logIn(app.url, { path: BOTH, user })
  expect([400, 403]).toContain(page.status)
  expect(log.lines).toHaveLength(1)
  expect(await stateOf(browser)).toEqual(before)
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
})

test('somebody else logs in at the provider: 403, and their refresh token is revoked', async () => {
  const { browser, before } = await someone()
  const revocations = provider.revocations().length
  nextIdToken(provider, PASSES)
  const page = await browser.logIn(app.url, { path: BOTH, user: 'mallory' })
  await expectFailed(page, browser, before)
  expect(page.body + log.lines.join()).not.toContain('mallory')
  await expectRevoked('mallory')
  expect(provider.revocations().length).toBe(revocations + 1)
})

test('a sub that only begins like that of the session is somebody else', async () => {
  const { browser, user, before } = await someone()
  nextIdToken(provider, PASSES)
  await expectFailed(await browser.logIn(app.url, { path: BOTH, user: `${user}1` }), browser, before)
})

test('the session became somebody else’s in another tab: 403, and that one stays', async () => {
  const { browser, user } = await someone()
  const callback = await browser.startLogin(app.url, { path: BOTH, user })
  await browser.clearCookies(provider.issuer)
  const page = await browser.tab().logIn(app.url, { user: 'tab-bob' })
  expect(page.json()).toMatchObject({ sub: 'tab-bob' })
  forgetEvents()
  const before = await stateOf(browser)
  nextIdToken(provider, PASSES)
  await expectFailed(await browser.navigate(callback), browser, before)
})

test('begun by nobody, while somebody else logged in in another tab: 403, and that session stays', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { path: BOTH, user: 'early' })
  await browser.clearCookies(provider.issuer)
  await browser.tab().logIn(app.url, { user: 'quick' })
  forgetEvents()
  const before = await stateOf(browser)
  nextIdToken(provider, PASSES)
  await expectFailed(await browser.navigate(callback), browser, before)
})

test('the session is gone meanwhile, and somebody else comes back: 403, nobody is logged in', async () => {
  const { browser, user } = await someone()
  // Whose name begins like hers.
  const mallory = `${user}1`
  const callback = await browser.startLogin(app.url, { path: BOTH, user: mallory })
  await browser.request('POST', `${app.url}/logout`)
  const keys = await authKeys(store)
  nextIdToken(provider, PASSES)
  const page = await browser.navigate(callback)
  expect(page.status).toBe(403)
  expect(await authKeys(store)).toEqual(keys)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  await expectRevoked(mallory)
})

test('the session is gone meanwhile, and the same person comes back: logged in anew, without the old data', async () => {
  const { browser, user } = await someone()
  const callback = await browser.startLogin(app.url, { path: BOTH, user })
  // Not by a logout: at this provider the revocation of the refresh token would end the login under way too.
  await store.del(`bff:{${await sessionIdOf(browser)}}:auth`)
  nextIdToken(provider, PASSES)
  expect((await browser.navigate(callback)).json()).toMatchObject({ passed: true, sub: user })
  expect(await cartOf(browser)).toBeNull()
})

test('nobody was logged in, and the answer is not enough: nobody is, and the refresh token is revoked', async () => {
  const browser = new Browser()
  const keys = await authKeys(store)
  nextIdToken(provider, { acr: 'pwd' })
  const page = await browser.logIn(app.url, { path: BOTH, user: 'weak' })
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([403, undefined])
  expect(await authKeys(store)).toEqual(keys)
  await expectRevoked('weak')
})

test('the provider says no, or hangs up: the session stays as it was', async () => {
  const { browser, user, before } = await someone()
  const denied = new URL(await browser.startLogin(app.url, { path: BOTH, user }))
  denied.searchParams.delete('code')
  denied.searchParams.set('error', 'unmet_authentication_requirements')
  expect((await browser.navigate(denied.href)).status).toBe(400)
  const callback = await browser.startLogin(app.url, { path: BOTH, user })
  provider.cutNext('token')
  expect((await browser.navigate(callback)).status).toBe(503)
  expect(await stateOf(browser)).toEqual(before)
})
