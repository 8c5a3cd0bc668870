// Requests that were edited in the browser, renewals and the passing of time: none of them satisfies requireStepUp().
import { createSealer } from '../../src/lib/seal.ts'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { setCookieLines } from '../support/evidence.ts'
import { type Claims, nextIdToken } from '../support/provider/next-id-token.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { useServers } from '../support/servers.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const { provider, redis, store, app } = useServers({ redis: true })

const BOTH = '/step-up?seconds=300&acr=mfa'
const RETURN = `return_to=${encodeURIComponent(BOTH)}`
const asked = () => provider.authorizationRequests().length
const guarded = (browser: Browser, path = BOTH) => browser.request('GET', app.url + path)

/** Not passed, and the browser is not sent round: it is at the provider's form, or on a page that says no. */
async function expectNotPassed(browser: Browser, page: Page): Promise<void> {
  expect(page.body).not.toContain('"passed":true')
  expect((await guarded(browser)).json()).toMatchObject({ status: 401, code: 'step_up_required' })
}

test.each([
  ['without acr_values', `/login?max_age=300&${RETURN}`],
  ['without max_age', `/login?acr_values=mfa&${RETURN}`],
  ['without both', `/login?${RETURN}`],
  ['with another acr', `/login?max_age=300&acr_values=pwd&${RETURN}`],
  ['with a max_age of years', `/login?max_age=999999999&acr_values=pwd&${RETURN}`],
])('/login %s leads back to the guard, which asks again', async (_name, path) => {
  const { browser, user } = await logIn(provider, app.url)
  nextIdToken(provider, (claims) => ({ ...claims, auth_time: Number(claims.iat), acr: 'pwd' }))
  const callback = await browser.startLogin(app.url, { path, user })
  const before = asked()
  const page = await browser.navigate(callback)
  // One way to the provider, and there it waits for the person.
  expect(asked()).toBeLessThanOrEqual(before + 1)
  await expectNotPassed(browser, page)
})

type Edit = (params: URLSearchParams) => void
const remove =
  (...names: string[]): Edit =>
  (params) => {
    for (const name of names) params.delete(name)
  }

test.each<[string, Edit, Claims]>([
  ['without prompt', remove('prompt'), {}],
  ['without prompt and max_age', remove('prompt', 'max_age'), {}],
  ['without acr_values', remove('acr_values'), { acr: 'pwd' }],
  ['without all of them', remove('prompt', 'max_age', 'acr_values'), { acr: 'pwd' }],
  ['with prompt=none', (params) => params.set('prompt', 'none'), {}],
  ['with a larger max_age', (params) => params.set('max_age', '999999999'), {}],
  ['with another acr', (params) => params.set('acr_values', 'pwd'), { acr: 'pwd' }],
])('an authorization request %s brings 403, and no more', async (_name, edit, says) => {
  const { browser, user } = await logIn(provider, app.url)
  const id = await sessionIdOf(browser)
  const sent = await browser.navigate(app.url + BOTH, { stopAt: (url) => url.origin === provider.issuer })
  const url = new URL(sent.headers.location ?? '')
  edit(url.searchParams)
  const before = asked()
  // The person's last authentication is a minute old, as an honest provider would say where nothing was asked of them.
  nextIdToken(provider, (claims) => ({
    ...claims,
    acr: 'mfa',
    auth_time: 'acr' in says ? claims.auth_time : Number(claims.iat) - 60,
    ...says,
  }))
  const page = await browser.finish(await browser.navigate(url.href), { user })
  expect([page.status, new URL(page.url).pathname]).toEqual([403, '/callback'])
  expect(asked()).toBe(before + 1)
  await expectNotPassed(browser, page)
  expect(await sessionIdOf(browser)).toBe(id)
})

test.each([
  'max_age=0',
  'max_age=-1',
  'max_age=abc',
  'max_age=1e9999',
  'max_age=1e2',
  'max_age=0x10',
  'max_age=1.5',
  'max_age=',
  'max_age=%2B300',
  'max_age=300%20',
  'max_age=NaN',
  'max_age=Infinity',
  `max_age=${'9'.repeat(10)}`,
  'max_age=300&max_age=300',
  'max_age=300&max_age=9999',
  'acr_values=',
  'acr_values=%22',
  'acr_values=mfa%22,max_age=%229',
  'acr_values=mfa%0d%0aSet-Cookie:%20bff=planted',
  'acr_values=mfa%0a',
  'acr_values=mfa%09hwk',
  'acr_values=mfa%00',
  'acr_values=%20mfa',
  'acr_values=mfa%20%20hwk',
  'acr_values=m%C3%A9fa',
  'acr_values=mfa%5C',
  'acr_values=mfa&acr_values=pwd',
])('/login?%s is refused, and nothing begins', async (query) => {
  app.events.length = 0
  const before = asked()
  const page = await new Browser().navigate(`${app.url}/login?${query}&${RETURN}`)
  expect(page).toMatchObject({ status: 400, hops: { length: 1 } })
  expect(setCookieLines(page)).toEqual([])
  expect(asked()).toBe(before)
  expect(refusalsIn(app.events)).toEqual([expect.stringMatching(/^refused \(login_malformed\): [^\r\n]*$/)])
  expect(page.body + JSON.stringify(app.events) + JSON.stringify(page.headers)).not.toContain('planted')
})

test.each([
  ['an acr of 256 characters', 'a'.repeat(256)],
  ['more of them than a cookie holds', `${'a%20'.repeat(1900)}a`],
])('/login with %s is refused as what it is, and nothing begins', async (_name, values) => {
  const page = await new Browser().navigate(`${app.url}/login?acr_values=${values}`)
  expect([400, 413]).toContain(page.status)
  expect(setCookieLines(page)).toEqual([])
  expect(page.body).not.toContain('answer of the provider')
})

/** Somebody who has stepped up. */
async function steppedUp(path = BOTH): Promise<LoggedIn> {
  const session = await logIn(provider, app.url)
  nextIdToken(provider, { acr: 'mfa' })
  const page = await session.browser.logIn(app.url, { path, user: session.user })
  expect(page.json()).toMatchObject({ passed: true })
  return session
}

async function rewriteRecord({ browser }: LoggedIn, change: (record: AuthRecord) => Partial<AuthRecord>) {
  const id = await sessionIdOf(browser)
  const record = await storedRecord(store, id)
  if (!record) throw new Error('no session')
  const sealer = createSealer([TEST_SECRET], 'auth record')
  const text = encodeRecord({ ...record, ...change(record) })
  await store.hset(`bff:{${id}}:auth`, 'sealed', sealer.seal(text, id))
}

test.each([
  ['299 seconds ago, passes', 299, 200],
  ['301 seconds ago, is asked again', 301, 401],
  ['in the future by more than the tolerance, is asked again', -60, 401],
])('who authenticated %s', async (_name, seconds, status) => {
  const session = await steppedUp()
  // An answer that took longer than a second says nothing of the limit.
  const answered = await eventually('an answer within the second', async () => {
    const now = Date.now()
    await rewriteRecord(session, () => ({ authenticatedAt: now - seconds * 1000 }))
    const page = await guarded(session.browser)
    return Date.now() - now < 1000 ? page.status : undefined
  })
  expect(answered).toBe(status)
})

test('a record that does not say when the person authenticated is asked again', async () => {
  const session = await steppedUp()
  await rewriteRecord(session, () => ({ authenticatedAt: undefined }))
  expect((await guarded(session.browser)).status).toBe(401)
})

test.each<[string, Claims]>([
  ['auth_time of now', { auth_time: Math.floor(Date.now() / 1000) }],
  ['the acr that is wanted', { acr: 'mfa' }],
  ['both', { acr: 'mfa', auth_time: Math.floor(Date.now() / 1000), amr: ['mfa'] }],
])('a renewed ID token with %s satisfies no step-up', async (_name, claims) => {
  const { browser } = await logIn(provider, app.url)
  provider.rewriteNext('token', async (json) => ({
    ...json,
    id_token: await provider.signIdToken({ ...claimsOfToken(String(json.id_token)), ...claims }),
  }))
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
  for (const path of [BOTH, '/step-up?seconds=300', '/step-up?acr=mfa'])
    expect((await guarded(browser, path)).json()).toMatchObject({ status: 401, code: 'step_up_required' })
})

test.each<[string, Claims]>([
  ['without acr and auth_time', { acr: undefined, auth_time: undefined }],
  ['with another acr', { acr: 'pwd' }],
])(
  'a renewed ID token %s takes nothing away from a step-up, and does not prolong it',
  async (_name, claims) => {
    const session = await steppedUp()
    const before = await storedRecord(store, await sessionIdOf(session.browser))
    provider.rewriteNext('token', async (json) => ({
      ...json,
      id_token: await provider.signIdToken({ ...claimsOfToken(String(json.id_token)), ...claims }),
    }))
    const { browser } = session
    expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
    expect((await guarded(browser)).status).toBe(200)
    const after = await storedRecord(store, await sessionIdOf(browser))
    expect(after).toMatchObject({ authenticatedAt: before?.authenticatedAt, claims: { acr: 'mfa' } })
  },
)

test.each([-600, 600])('a process whose clock is off by %i seconds agrees on all of it', async (seconds) => {
  const clock = new URL('../support/app/shifted-clock.mjs', import.meta.url)
  const env = { NODE_OPTIONS: `--import=${clock}`, CLOCK_OFF_MS: String(seconds * 1000) }
  const other = await startAppProcess({ provider, redisUrl: redis.url, env })
  try {
    const { browser, user } = await logIn(provider, other.url)
    nextIdToken(provider, { acr: 'mfa' })
    const page = await browser.logIn(other.url, { path: '/step-up?seconds=60&acr=mfa', user })
    expect(page.json()).toMatchObject({ passed: true })
  } finally {
    await other.stop()
  }
})

test('a provider whose clock is ten minutes behind is understood', async () => {
  const { browser, user } = await logIn(provider, app.url)
  const back = (time: unknown) => Number(time) - 600
  nextIdToken(provider, (claims) => ({
    ...claims,
    acr: 'mfa',
    iat: back(claims.iat),
    auth_time: back(claims.auth_time),
  }))
  const page = await browser.logIn(app.url, { path: '/step-up?seconds=60&acr=mfa', user })
  expect(page.json()).toMatchObject({ passed: true })
})
