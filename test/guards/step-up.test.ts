// requireStepUp(): the way to the provider and back, and what everybody sees who may not pass yet. What comes back is what
// counts: it is compared with what was asked, and a no changes nothing.
import { requireStepUp } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, setCookieLine } from '../support/evidence.ts'
import { type Claims, nextIdToken } from '../support/provider/next-id-token.ts'
import { useParts, useServers } from '../support/servers.ts'
import { keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const { provider, redis, store, app, log } = useServers({ redis: true })

beforeEach(() => forgetEvents())

function forgetEvents() {
  log.lines.length = 0
  app.events.length = 0
}

const BOTH = '/step-up?seconds=300&acr=mfa,hwk'
const RECENT = '/step-up?seconds=300'
const STRONG = '/step-up?acr=mfa'
const asked = () => provider.authorizationRequests().length
const locationOf = ({ headers }: Pick<Page, 'headers'>) => new URL(headers.location ?? '', app.url)

test('a page is sent to log in with what it needs, and the provider is asked for it', async () => {
  const { browser } = await logIn(provider, app.url)
  const refused = await browser.navigate(app.url + BOTH, { stopAt: () => true })
  expect(refused).toMatchObject({ status: 302, body: '', headers: { 'cache-control': 'no-store' } })
  expect(locationOf(refused).pathname).toBe('/login')
  expect(Object.fromEntries(locationOf(refused).searchParams)).toEqual({
    max_age: '300',
    acr_values: 'mfa hwk',
    return_to: BOTH,
  })
  const login = await browser.navigate(locationOf(refused).href, { stopAt: () => true })
  const { prompt, ...params } = Object.fromEntries(locationOf(login).searchParams)
  expect(params).toMatchObject({ max_age: '300', acr_values: 'mfa hwk' })
  expect(prompt?.split(' ').sort()).toEqual(['consent', 'login'])
})

test('the person authenticates again and is back on the page, with a new id, the old one dead', async () => {
  const { browser, user } = await logIn(provider, app.url)
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'apples' } })
  const [old, id, before] = [browser.clone(), await sessionIdOf(browser), asked()]
  nextIdToken(provider, { acr: 'hwk' })
  const page = await browser.logIn(app.url, { path: BOTH, user })
  expect(page).toMatchObject({ status: 200, url: app.url + BOTH })
  expect(page.json()).toMatchObject({ passed: true, sub: user, generation: 1 })
  expect(asked()).toBe(before + 1)
  expect(await sessionIdOf(browser)).not.toBe(id)
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'apples' })
  expect((await old.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  expect((await old.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  expect(await keysOf(store, id)).toEqual([])
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
  expect((await browser.request('POST', app.url + BOTH)).json()).toMatchObject({ passed: true })
})

test.each([
  [BOTH, ', acr_values="mfa hwk", max_age="300"', '/login?max_age=300&acr_values=mfa+hwk'],
  [RECENT, ', max_age="300"', '/login?max_age=300'],
  [STRONG, ', acr_values="mfa"', '/login?max_age=300&acr_values=mfa'],
])('a script gets 401 with the challenge of RFC 9470 at %s', async (path, parameters, loginURL) => {
  const { browser } = await logIn(provider, app.url)
  const before = asked()
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const page = await browser.request(method, app.url + path)
    expect(page.status).toBe(401)
    expect(page.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(page.headers['www-authenticate']).toBe(
      `Bearer error="insufficient_user_authentication", error_description="A more recent or stronger authentication is needed"${parameters}`,
    )
    expect(page.headers).not.toHaveProperty('location')
    expect(page.headers['set-cookie']).toBeUndefined()
    expect(page.json()).toEqual({
      type: 'urn:express-bff-session:docs/errors.md#step_up_required',
      title: 'Your identity has to be confirmed',
      status: 401,
      code: 'step_up_required',
      detail: expect.any(String),
      login_url: loginURL,
    })
  }
  expect(asked()).toBe(before)
})

test("the login_url of a script's 401 leads to a login that satisfies the guard", async () => {
  const { browser, user } = await logIn(provider, app.url)
  const { login_url } = (await browser.request('POST', app.url + BOTH)).json()
  nextIdToken(provider, { acr: 'mfa' })
  const home = await browser.logIn(app.url, { path: String(login_url), user })
  expect(home).toMatchObject({ status: 200, url: `${app.url}/` })
  expect((await browser.request('POST', app.url + BOTH)).json()).toMatchObject({ passed: true })
})

test.each(['somebody', 'nobody'])('a form posted by %s is answered 401 and never sent again', async (who) => {
  const browser = who === 'nobody' ? new Browser() : (await logIn(provider, app.url)).browser
  const before = asked()
  const page = await browser.submit(`${app.url}${BOTH}&to=x`, { amount: '4711' }, { from: app.url })
  expect(page).toMatchObject({ status: 401, hops: { length: 1 } })
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(page.body + JSON.stringify(page.headers)).not.toMatch(/4711|to=x/)
  expect(asked()).toBe(before)
})

test('HEAD gets the challenge without a body', async () => {
  const { browser } = await logIn(provider, app.url)
  const page = await browser.request('HEAD', app.url + BOTH)
  expect(page).toMatchObject({ status: 401, body: '' })
  expect(page.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_user_authentication"/)
})

test('who is not logged in is asked for all of it at once: one trip opens the page', async () => {
  const browser = new Browser()
  const before = asked()
  nextIdToken(provider, { acr: 'mfa' })
  const page = await browser.logIn(app.url, { path: BOTH, user: 'newcomer' })
  expect(page).toMatchObject({ status: 200, url: app.url + BOTH })
  expect(page.json()).toMatchObject({ passed: true, sub: 'newcomer' })
  expect(asked()).toBe(before + 1)
  expect(provider.authorizationRequests().at(-1)?.params).toMatchObject({
    max_age: '300',
    acr_values: 'mfa hwk',
  })
})

test('a script of nobody gets 401 login_required, with all of it in login_url', async () => {
  const page = await new Browser().request('GET', app.url + BOTH)
  expect(page.json()).toMatchObject({
    status: 401,
    code: 'login_required',
    login_url: '/login?max_age=300&acr_values=mfa+hwk',
  })
})

test('while the session cannot be known, everybody gets 503 and keeps their cookie', async () => {
  const { browser } = await logIn(provider, app.url)
  const before = asked()
  redis.freeze()
  try {
    const [page, script] = await Promise.all([
      browser.navigate(app.url + BOTH),
      browser.request('POST', app.url + BOTH),
    ])
    for (const answer of [page, script]) {
      expect(answer).toMatchObject({ status: 503, hops: { length: 1 } })
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(answer.headers['www-authenticate']).toBeUndefined()
    }
  } finally {
    redis.thaw()
  }
  expect(asked()).toBe(before)
})

describe('the configured prompt', () => {
  const configured = ['none', 'none login', 'select_account', 'login']
  const others = useParts(async (start) => {
    const apps = configured.map(async (prompt) => {
      const options = { authorizationParams: { prompt } }
      return [prompt, await start(startApp({ provider, options }))] as const
    })
    return Object.fromEntries(await Promise.all(apps))
  })

  test.each(configured)(
    'prompt %s of the configuration stands beside login, and none does not',
    async (prompt) => {
      const login = `${others[prompt]?.url}/login?max_age=60`
      const page = await new Browser().navigate(login, { stopAt: () => true })
      const prompts = locationOf(page).searchParams.get('prompt')?.split(' ') ?? []
      expect(prompts).toEqual(prompt === 'select_account' ? ['login', 'select_account'] : ['login'])
    },
  )
})

test('an ordinary login asks for no step-up', async () => {
  const page = await new Browser().navigate(`${app.url}/login?return_to=/public`, { stopAt: () => true })
  const { searchParams } = locationOf(page)
  expect([searchParams.get('max_age'), searchParams.get('acr_values')]).toEqual([null, null])
  expect(searchParams.get('prompt')).toBe('consent')
})

test('the record knows when the person authenticated, by the store’s clock', async () => {
  const { browser, user } = await logIn(provider, app.url)
  const before = Date.now()
  await browser.logIn(app.url, { path: RECENT, user })
  const record = await storedRecord(store, await sessionIdOf(browser))
  expect(record?.authenticatedAt).toBeGreaterThan(before - 2000)
  expect(record?.authenticatedAt).toBeLessThanOrEqual(Date.now())
})

test.each<[string, Parameters<typeof requireStepUp>]>([
  ['nothing', []],
  ['an empty object', [{}]],
  ['maxAgeSeconds 0', [{ maxAgeSeconds: 0 }]],
  ['maxAgeSeconds -1', [{ maxAgeSeconds: -1 }]],
  ['maxAgeSeconds 1.5', [{ maxAgeSeconds: 1.5 }]],
  ['maxAgeSeconds NaN', [{ maxAgeSeconds: Number.NaN }]],
  ['maxAgeSeconds Infinity', [{ maxAgeSeconds: Number.POSITIVE_INFINITY }]],
  ['maxAgeSeconds 1e300', [{ maxAgeSeconds: 1e300 }]],
  ['maxAgeSeconds a string', [{ maxAgeSeconds: '300' as unknown as number }]],
  ['maxAgeSeconds null', [{ maxAgeSeconds: null as unknown as number }]],
  ['maxAgeSeconds 0 beside an acr', [{ maxAgeSeconds: 0, acr: 'mfa' }]],
  ['no acr', [{ acr: [] }]],
  ['an empty acr', [{ acr: '' }]],
  ['an empty acr among others', [{ maxAgeSeconds: 300, acr: ['mfa', ''] }]],
  ['an acr with a space', [{ acr: 'a b' }]],
  ['an acr with a quote', [{ acr: 'a"b' }]],
  ['an acr with a backslash', [{ acr: 'a\\b' }]],
  ['an acr with a line break', [{ acr: 'a\r\nb' }]],
  ['an acr that is none', [{ acr: [1] as unknown as string[] }]],
  ['acr null', [{ acr: null as unknown as string }]],
  ['a list in a list', [{ acr: [['mfa']] as unknown as string[] }]],
])('requireStepUp() with %s is refused at start-up', (_name, options) => {
  expect(() => requireStepUp(...options)).toThrow(
    expect.objectContaining({ name: 'ConfigurationError', code: 'invalid_option' }),
  )
})

const WITHOUT_MAX_AGE = `/login?acr_values=mfa&return_to=${encodeURIComponent(STRONG)}`
const PASSES = { acr: 'mfa' }
const later = (seconds: number) => (claims: Claims) => ({
  ...claims,
  ...PASSES,
  auth_time: Number(claims.iat) + seconds,
})

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
  expect(refusalsIn(app.events)).toEqual([expect.stringMatching(/^refused \(step_up_failed\): /)])
  const said = log.lines.join() + refusalsIn(app.events).join() + page.body
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
  expect(refusalsIn(app.events)).toHaveLength(1)
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
  // Not by a logout, which ends the logins under way too.
  await store.del(`bff:{${await sessionIdOf(browser)}}:auth`)
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
