// RP-Initiated Logout 1.0: however the provider sends the browser back, it lands as it should and stays logged out.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { authKeys, createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  app = await startApp({ provider, redisUrl: redis.url, options: { logger: createLog().logger } })
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()

/** Logs out; the provider sends the browser back to the page for it with that query. */
async function logOutBy(browser: Browser, query: string) {
  const location = `${app.url}/${query}`
  provider.answerNext('end_session', { status: 303, headers: { location } })
  const page = await browser.logOut(app.url)
  expect([page.status, page.url]).toEqual([200, location])
  expect(page.json()).toMatchObject({ home: true, authenticated: false })
  // The last hop is that page: it sets nothing, and the one before took the session's cookie.
  expect(page.hops.flatMap(setCookieLines)).toEqual([expect.stringMatching(/^bff=;/)])
}

async function expectStaysLoggedOut(browser: Browser, copy: Browser) {
  for (const each of [browser, copy]) expect(await whoIs(each)).toMatchObject({ authenticated: false })
  expect(await authKeys(redis.connect())).toEqual([])
}

test('rp-init-logout: the provider is asked with hint and address, and its own session ends too', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const copy = browser.clone()
  const before = provider.requests({ endpoint: 'end_session' }).length
  const page = await browser.logOut(app.url)
  expect([page.status, page.url]).toEqual([200, `${app.url}/`])
  const [asked] = provider.requests({ endpoint: 'end_session' }).slice(before)
  expect(asked?.params).toMatchObject({ post_logout_redirect_uri: `${app.url}/` })
  await expectStaysLoggedOut(browser, copy)
  expect((await browser.navigate(`${app.url}/login`)).body).toContain('name="login"')
})

test.each([
  ['rp-init-logout-no-state: none', ''],
  ['rp-init-logout-other-state: other', '?state=other'],
  ['rp-init-logout-other-state: empty', '?state='],
  ['rp-init-logout-other-state: twice', '?state=one&state=other'],
  ['rp-init-logout-other-state: markup', '?state=%3Cscript%3Ealert(1)%3C/script%3E'],
  ['rp-init-logout-other-state: a code beside it', '?state=other&code=planted&iss=https://evil.example'],
])('%s: the browser lands normally, and stays logged out', async (_what, query) => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const copy = browser.clone()
  await logOutBy(browser, query)
  await expectStaysLoggedOut(browser, copy)
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
  await browser.logOut(app.url)
})

test('rp-init-logout-other-state: that of a login on its way leaves that login as it is', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  const copy = browser.clone()
  const callback = await browser.tab().startLogin(app.url, { user: 'alice' })
  // oidc-provider would revoke the whole grant, the new code's too.
  provider.answerNext('revocation', { status: 200 })
  await logOutBy(browser, `?state=${new URL(callback).searchParams.get('state')}`)
  await expectStaysLoggedOut(browser, copy)
  expect((await browser.navigate(callback)).json()).toMatchObject({ sub: 'alice' })
})
