// The rows of HARD-CASES that one process can meet, without Redis: the sessions in memory keep the same rules.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({ provider })
})

afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

afterEach(() => provider.normal())

test('H22: 50 requireFresh() requests at once share one renewal', async () => {
  const { get, renewals } = await logIn(provider, app.url)
  const requests = Array.from({ length: 50 }, () => get(`${app.url}/fresh?gate=h22`))
  await app.gate('h22').arrived(50)
  app.gate('h22').open()
  const pages = await Promise.all(requests)
  expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(pages.map((page) => page.json().generation))).toEqual(new Set([2]))
  expect(renewals()).toBe(1)
})

test('H2: a request that read generation 1 uses generation 2 without a token request', async () => {
  const { get, renewals } = await logIn(provider, app.url)
  const early = get(`${app.url}/fresh?gate=h2`)
  await app.gate('h2').arrived()
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  app.gate('h2').open()
  expect((await early).json()).toMatchObject({ generation: 2 })
  expect(renewals()).toBe(1)
})

test('req.oidc.renew() makes exactly one renewal for each request that calls it after another', async () => {
  const { browser, renewals } = await logIn(provider, app.url)
  for (let call = 1; call <= 20; call += 1) {
    const page = await browser.request('POST', `${app.url}/renew`)
    expect({ ...page.json(), renewals: renewals() }).toMatchObject({ generation: call + 1, renewals: call })
  }
})

test('H8: a logout during a renewal wins, and the refresh token that comes too late is revoked', async () => {
  const { browser, get, user } = await logIn(provider, app.url)
  const stale = browser.clone()
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = stale.request('GET', `${app.url}/fresh`)
  await held.processed
  const [late = ''] = provider.liveRefreshTokens(user)
  await browser.request('POST', `${app.url}/logout`)
  held.release()
  expect((await waiting).status).toBe(401)
  await eventually('the late token to be revoked', () =>
    provider.revocations().some(({ tokenHash }) => tokenHash === sha256(late)),
  )
  expect((await stale.request('GET', `${app.url}/private`)).json()).toMatchObject({ code: 'login_required' })
  expect((await get(`${app.url}/me`)).json()).toEqual({ authenticated: false })
})

test('H9, H10: a slow handler keeps its data across a renewal, and brings nothing back after a logout', async () => {
  const { browser, get } = await logIn(provider, app.url)
  const stale = browser.clone()
  const slow = browser.request('POST', `${app.url}/cart?gate=h9`, { json: { cart: 'new' } })
  await app.gate('h9').arrived()
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  app.gate('h9').open()
  expect((await slow).status).toBe(200)
  expect((await get(`${app.url}/cart`)).json()).toEqual({ cart: 'new' })
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })

  const slower = stale.request('POST', `${app.url}/cart?gate=h10`, { json: { cart: 'newer' } })
  await app.gate('h10').arrived()
  await browser.request('POST', `${app.url}/logout`)
  app.gate('h10').open()
  expect((await slower).headers['set-cookie']).toBeUndefined()
  expect((await stale.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  expect((await stale.request('GET', `${app.url}/private`)).status).toBe(401)
})

test('H11: a failed renewal is tried once in a back-off window, and the session is kept', async () => {
  const { get, renewals } = await logIn(provider, app.url)
  provider.answerNext('token', { status: 500, headers: { 'retry-after': '1' } })
  for (let asked = 0; asked < 3; asked += 1) {
    const refused = await get(`${app.url}/fresh`)
    expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
  }
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
  expect(renewals()).toBe(1)
  await eventually('the renewed session', async () => (await get(`${app.url}/fresh`)).status === 200)
  expect(renewals()).toBe(2)
})

test('H13: a refused grant ends the session once', async () => {
  const { browser, get, renewals, user } = await logIn(provider, app.url)
  const stale = browser.clone()
  provider.revokeGrants(user)
  app.events.length = 0
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ code: 'session_ended' })
  expect((await stale.request('GET', `${app.url}/fresh`)).json()).toMatchObject({ code: 'login_required' })
  expect(app.events.map(({ name }) => name)).toEqual(['session-ended'])
  expect(renewals()).toBe(1)
})
