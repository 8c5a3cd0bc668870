// ID tokens that must not make a session, named after the relying-party modules of the OpenID Foundation.

import { startApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { startKnownApp } from '../support/app/known-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { FORGED_CLAIMS, FORGED_SIGNATURES, UNUSUAL } from '../support/provider/id-token-forgeries.ts'
import { startProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { endBackOff } from '../support/session/age-session.ts'

const log = createLog()
const { provider, store, app, slashApp } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const setup = { provider, redisUrl: redis.url, options: { logger: log.logger } }
  const app = await start(startKnownApp(setup, 'alice'))
  const issuerBaseURL = `${provider.issuer}/`
  provider.rewriteNext('discovery', (json) => ({ ...json, issuer: issuerBaseURL }))
  const slashApp = await start(startApp({ ...setup, options: { ...setup.options, issuerBaseURL } }))
  await slashApp.auth.ready()
  return { provider, store: redis.connect(), app, slashApp }
})
afterEach(() => provider.normal())

/** Logs in while the provider's ID token is replaced; the callback's answer. */
async function logInWith(forge: Forge, browser: Browser = app.visitor()) {
  const callback = await browser.startLogin(app.url, { returnTo: '/private' })
  void forgeNext(provider, forge)
  log.lines.length = 0
  app.events.length = 0
  const answer = await browser.navigate(callback, { stopAt: () => true })
  return { browser, answer }
}

async function expectNoSession(forge: Forge, status = 400): Promise<void> {
  const keys = await authKeys(store)
  const { browser, answer } = await logInWith(forge)
  expect(answer.status).toBe(status)
  expect(setCookieLine(answer, 'bff')).toBeUndefined()
  expect(await authKeys(store)).toEqual(keys)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  const said = answer.body + log.lines.join() + JSON.stringify(app.events)
  for (const secret of provider.secretsSeen()) expect(said).not.toContain(secret)
}

test.each<[string, Forge]>([
  ...FORGED_CLAIMS,
  ...FORGED_SIGNATURES,
  ['missing-nonce', signed(() => ({ nonce: undefined }))],
  ['missing-nonce: null', signed(() => ({ nonce: null }))],
  ['no ID token', () => undefined],
])('%s makes no session', async (_name, forge) => {
  await expectNoSession(forge)
  expect(refusalsIn(app.events)).toEqual([expect.stringMatching(/^refused \(login_failed\): .{10,200}$/)])
})

test('an ID token that is none is an answer that was not understood', async () => {
  await expectNoSession(() => 'not.a.token', 503)
})

test.each<[string, Forge]>([
  ...UNUSUAL,
  ['aud of several with our azp', signed(({ aud }) => ({ aud: [aud, 'other'], azp: aud }))],
])('%s is accepted', async (_name, forge) => {
  const { browser, answer } = await logInWith(forge)
  expect(answer).toMatchObject({ status: 303, headers: { location: '/private' } })
  expect((await browser.request('GET', `${app.url}/me`)).json()).toMatchObject({
    authenticated: true,
    user: { sub: 'alice' },
  })
})

test('after a refused ID token the same browser can log in', async () => {
  const { browser } = await logInWith(signed(undefined, { alg: 'none' }))
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
})

test('a refused ID token leaves the session that was there as it is', async () => {
  const { browser } = await logInWith(signed())
  const before = (await browser.request('GET', `${app.url}/private`)).json()
  const { answer } = await logInWith(
    signed(() => ({ sub: 'mallory', aud: 'other' })),
    browser,
  )
  expect([answer.status, setCookieLine(answer, 'bff')]).toEqual([400, undefined])
  expect((await browser.request('GET', `${app.url}/private`)).json()).toEqual(before)
})

describe('of a provider whose issuer ends with a slash', () => {
  /** As Auth0's does: an iss without the slash is somebody else's. */
  const issuer = () => `${provider.issuer}/`

  /** The next ID token is of `iss`; resolves with the refresh token beside it. */
  const issueNextAs = (iss: string) =>
    forgeNext(
      provider,
      signed(() => ({ iss })),
    )

  /** The callback's answer to a code, with an ID token of `iss`. */
  async function comeBack(browser: Browser, iss: string, issOfCallback = issuer()) {
    const callback = new URL(await browser.startLogin(slashApp.url, { user: 'alice' }))
    callback.searchParams.set('iss', issOfCallback)
    void issueNextAs(iss)
    return browser.navigate(callback.href)
  }

  test('an ID token of the issuer with its slash makes a session, and renews it', async () => {
    const browser = new Browser()
    expect((await comeBack(browser, issuer())).json()).toMatchObject({ sub: 'alice', generation: 1 })
    void issueNextAs(issuer())
    expect((await browser.request('POST', `${slashApp.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  })

  test('invalid-iss: without its trailing slash, at login, makes no session', async () => {
    const browser = new Browser()
    const page = await comeBack(browser, provider.issuer)
    expect([page.status, setCookieLine(page, 'bff')]).toEqual([400, undefined])
    expect((await browser.request('GET', `${slashApp.url}/public`)).json()).toMatchObject({
      authenticated: false,
    })
  })

  test('iss of the callback without its trailing slash is refused before the token request', async () => {
    const before = provider.tokenRequests().length
    const page = await comeBack(new Browser(), issuer(), provider.issuer)
    expect([page.status, setCookieLine(page, 'bff')]).toEqual([400, undefined])
    expect(provider.tokenRequests()).toHaveLength(before)
  })

  test('invalid-iss: without its trailing slash, at renewal, does not count, and loses no refresh token', async () => {
    const browser = new Browser()
    const before = (await comeBack(browser, issuer())).json()
    const rotated = issueNextAs(provider.issuer)
    const refused = await browser.request('POST', `${slashApp.url}/fresh`)
    expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
    const during = (await browser.request('GET', `${slashApp.url}/private`)).json()
    expect(during).toMatchObject({ sub: 'alice', generation: 2, renewedAt: before.renewedAt })
    await endBackOff(store, browser)
    void issueNextAs(issuer())
    expect((await browser.request('POST', `${slashApp.url}/fresh`)).json()).toMatchObject({ generation: 3 })
    expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(await rotated))
  })
})
