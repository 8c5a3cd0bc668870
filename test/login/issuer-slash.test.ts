// A provider whose issuer ends with a slash, as Auth0's does: an iss without it is somebody else's.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { endBackOff } from '../support/session/age-session.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp
let issuer: string

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  issuer = `${provider.issuer}/`
  provider.rewriteNext('discovery', (json) => ({ ...json, issuer }))
  const options = { issuerBaseURL: issuer, logger: createLog().logger }
  app = await startApp({ provider, redisUrl: redis.url, options })
  await app.auth.ready()
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

/** The next ID token is of `iss`; resolves with the refresh token beside it. */
const issueNextAs = (iss: string) =>
  forgeNext(
    provider,
    signed(() => ({ iss })),
  )

/** The callback's answer to a code, with an ID token of `iss`. */
async function comeBack(browser: Browser, iss: string, issOfCallback = issuer) {
  const callback = new URL(await browser.startLogin(app.url, { user: 'alice' }))
  callback.searchParams.set('iss', issOfCallback)
  void issueNextAs(iss)
  return browser.navigate(callback.href)
}

test('an ID token of the issuer with its slash makes a session, and renews it', async () => {
  const browser = new Browser()
  expect((await comeBack(browser, issuer)).json()).toMatchObject({ sub: 'alice', generation: 1 })
  void issueNextAs(issuer)
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
})

test('invalid-iss: without its trailing slash, at login, makes no session', async () => {
  const browser = new Browser()
  const page = await comeBack(browser, provider.issuer)
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([400, undefined])
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
})

test('iss of the callback without its trailing slash is refused before the token request', async () => {
  const before = provider.tokenRequests().length
  const page = await comeBack(new Browser(), issuer, provider.issuer)
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([400, undefined])
  expect(provider.tokenRequests()).toHaveLength(before)
})

test('invalid-iss: without its trailing slash, at renewal, does not count, and loses no refresh token', async () => {
  const browser = new Browser()
  const before = (await comeBack(browser, issuer)).json()
  const rotated = issueNextAs(provider.issuer)
  const refused = await browser.request('POST', `${app.url}/fresh`)
  expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
  const during = (await browser.request('GET', `${app.url}/private`)).json()
  expect(during).toMatchObject({ sub: 'alice', generation: 2, renewedAt: before.renewedAt })
  await endBackOff(redis.connect(), browser)
  void issueNextAs(issuer)
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(await rotated))
})
