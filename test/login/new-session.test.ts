// What a login makes of the session that was there: a new id always, the old one gone, the right data kept (H26). And what
// it makes of a provider that sends no refresh token.
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { authKeys, createLog, idIn, setCookieLine } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'
import { storedRecord } from '../support/session/age-session.ts'

const { provider, app, redis, store } = useServers({ redis: true })
beforeEach(() => redis.flush())

const cookieOf = async (browser: Browser) =>
  (await browser.cookies(app.url)).find(({ key }) => key === 'bff')?.value ?? ''
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()
const cartOf = async (browser: Browser) => (await browser.request('GET', `${app.url}/cart`)).json().cart
const fillCart = (browser: Browser, cart: string) =>
  browser.request('POST', `${app.url}/cart`, { json: { cart } })

/** Logs in as somebody, whom the provider does not know yet in this browser. */
async function logInAs(browser: Browser, user: string): Promise<void> {
  await browser.clearCookies(provider.issuer)
  expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user })
}

test('H26: an anonymous visitor gets a new id at login and keeps what the app knows', async () => {
  const browser = new Browser()
  await fillCart(browser, 'apples')
  const before = await cookieOf(browser)
  await logInAs(browser, 'alice')
  expect(await cartOf(browser)).toBe('apples')
  expect(idIn(await cookieOf(browser))).not.toBe(idIn(before))
  expect(await store.keys(`*${idIn(before)}*`)).toEqual([])
})

test('an id that was planted before the login is never authenticated, and has no data any more', async () => {
  const attacker = new Browser()
  await fillCart(attacker, 'planted')
  const victim = attacker.clone()
  await logInAs(victim, 'victim')
  await fillCart(victim, 'private')
  expect(await whoIs(attacker)).toMatchObject({ authenticated: false })
  expect(await cartOf(attacker)).toBeNull()
  expect(await whoIs(victim)).toMatchObject({ sub: 'victim' })
})

/** What an attacker has at hand, and plants in the victim's browser before the login. */
const plants: [string, (attacker: Browser) => Promise<void>][] = [
  ['of a live session of their own', (attacker) => logInAs(attacker, 'attacker')],
  [
    'of a session that they ended',
    async (attacker) => {
      await logInAs(attacker, 'attacker')
      const copy = attacker.clone()
      await copy.request('POST', `${app.url}/logout`)
    },
  ],
  [
    'of a session that is in Redis no more',
    async (attacker) => {
      await logInAs(attacker, 'attacker')
      await redis.flush()
    },
  ],
  [
    'of a login that is on its way',
    async (attacker) => {
      await fillCart(attacker, 'planted')
      await attacker.navigate(`${app.url}/login`, { stopAt: () => true })
    },
  ],
]

test.each(plants)('an id %s is not the victim’s after the login', async (_what, prepare) => {
  const attacker = new Browser()
  await prepare(attacker)
  const planted = idIn(await cookieOf(attacker))
  const victim = attacker.clone()
  await logInAs(victim, 'victim')
  await fillCart(victim, 'private')
  expect(idIn(await cookieOf(victim))).not.toBe(planted)
  expect((await whoIs(attacker)).sub).not.toBe('victim')
  expect(await cartOf(attacker)).toBeNull()
  expect(await store.keys(`*${planted}*`)).toEqual([])
  expect(await whoIs(victim)).toMatchObject({ sub: 'victim' })
})

test('H26: logging in again as the same user gives a new id, keeps the data, and the old id is dead', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  await fillCart(browser, 'pears')
  const before = browser.clone()
  const { createdAt } = await whoIs(browser)
  await logInAs(browser, 'alice')
  expect(await cartOf(browser)).toBe('pears')
  expect(await whoIs(before)).toMatchObject({ authenticated: false })
  expect(await cartOf(before)).toBeNull()
  expect(await authKeys(store)).toEqual([`bff:{${idIn(await cookieOf(browser))}}:auth`])
  expect((await whoIs(browser)).createdAt).not.toBe(createdAt)
})

test.each(['alice', 'bob'])(
  'H26: the absolute lifetime starts anew when %s logs in over alice',
  async (user) => {
    const browser = new Browser()
    await logInAs(browser, 'alice')
    const before = await storedRecord(store, idIn(await cookieOf(browser)))
    await logInAs(browser, user)
    const after = await storedRecord(store, idIn(await cookieOf(browser)))
    expect(after?.endsAt).toBeGreaterThan(before?.endsAt ?? Number.POSITIVE_INFINITY)
    expect(after).toMatchObject({ generation: 1, claims: { sub: user } })
  },
)

test('H26: logging in as another user drops the data of the one before, in Redis too', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  await fillCart(browser, 'of alice')
  const before = browser.clone()
  await logInAs(browser, 'bob')
  expect(await cartOf(browser)).toBeNull()
  expect(await cartOf(before)).toBeNull()
  expect(await whoIs(before)).toMatchObject({ authenticated: false })
  expect(await store.keys('bff:{*}:app')).toEqual([])
  expect(await authKeys(store)).toHaveLength(1)
})

test('data of a session that has ended is not handed to whoever logs in next', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  await fillCart(browser, 'of alice')
  // The auth record is gone, its data is not yet.
  await store.del(await authKeys(store))
  await logInAs(browser, 'bob')
  expect(await cartOf(browser)).toBeNull()
})

test('a login that replaces a session says so, and the new session can be renewed', async () => {
  const browser = new Browser()
  await logInAs(browser, 'carol')
  // At the same provider session: both refresh tokens may belong to one grant.
  await browser.logIn(app.url, { user: 'carol' })
  expect(app.events).toContainEqual({
    name: 'session-ended',
    event: { subject: 'carol', reason: 'replaced_by_login' },
  })
  const renewed = await browser.request('POST', `${app.url}/renew`)
  expect(renewed.json()).toMatchObject({ sub: 'carol', generation: 2 })
})

test('the auth record is in Redis before the redirect is answered', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'early' })
  const hold = provider.holdNext('token', { grantType: 'authorization_code' })
  const answered = browser.navigate(callback, { stopAt: () => true })
  await hold.arrived
  // Every write waits; reading does not.
  await store.call('CLIENT', 'PAUSE', '700', 'WRITE')
  hold.release()
  const answer = await answered
  const id = idIn(setCookieLine(answer, 'bff')?.split(/[=;]/)[1] ?? '')
  expect(await authKeys(store)).toEqual([`bff:{${id}}:auth`])
  expect(await storedRecord(store, id)).toMatchObject({ generation: 1, claims: { sub: 'early' } })
})

async function contentOf(key: string): Promise<unknown> {
  switch (await store.type(key)) {
    case 'hash':
      return store.hgetall(key)
    case 'zset':
      return store.zrange(key, '0', '-1')
    default:
      return store.get(key)
  }
}

test('what Redis holds of a session shows no token, and every key expires', async () => {
  const browser = new Browser()
  await fillCart(browser, 'apples')
  await logInAs(browser, 'alice')
  await fillCart(browser, 'pears')
  const keys = await store.keys('*')
  expect(keys.length).toBeGreaterThanOrEqual(3)
  for (const key of keys) {
    expect(await store.pttl(key)).toBeGreaterThan(0)
    const value = await contentOf(key)
    for (const secret of provider.secretsSeen()) expect(JSON.stringify(value) + key).not.toContain(secret)
  }
})

describe('a provider that sends no refresh token', () => {
  const logs = { login: createLog(), openid: createLog(), complete: createLog(), content: createLog() }
  const apps = useParts(async (start) => {
    const startWith = (log: keyof typeof logs, options: AuthOptions) =>
      start(
        startApp({ provider, client: { clientId: log }, options: { ...options, logger: logs[log].logger } }),
      )
    return {
      login: await startWith('login', { authorizationParams: { prompt: 'login' } }),
      openid: await startWith('openid', { authorizationParams: { scope: 'openid' } }),
      complete: await startWith('complete', {}),
      content: await startWith('content', {
        authorizationParams: { scope: 'openid' },
        renewal: { required: false },
      }),
    }
  })

  test.each<[string, 'login' | 'openid', RegExp]>([
    ['prompt=consent was not asked for', 'login', /prompt.*consent/],
    ['offline_access was not asked for', 'openid', /offline_access/],
  ])('%s: logged in all the same, one warning, an event for each login', async (_name, which, hint) => {
    const asked = apps[which]
    for (const user of ['first', 'second']) {
      const page = await new Browser().logIn(asked.url, { user, returnTo: '/private' })
      expect(page.json()).toMatchObject({ sub: user })
    }
    expect(logs[which].lines).toEqual([expect.stringMatching(hint)])
    const told = asked.events.filter(({ name }) => name === 'refresh-token-missing')
    expect(told).toEqual(
      ['first', 'second'].map((subject) => ({
        name: 'refresh-token-missing',
        event: { subject, hint: expect.stringMatching(hint) },
      })),
    )
    expect(asked.events).toContainEqual({
      name: 'logged-in',
      event: { subject: 'first', hasRefreshToken: false },
    })
  })

  test.each<[what: string, 'complete' | 'content', hasRefreshToken: boolean]>([
    ['with a refresh token', 'complete', true],
    ['where nobody asked for one, and none is required,', 'content', false],
  ])('%s nobody is warned', async (_what, which, hasRefreshToken) => {
    await new Browser().logIn(apps[which].url, { user: which })
    expect(logs[which].lines).toEqual([])
    expect(apps[which].events).toEqual([{ name: 'logged-in', event: { subject: which, hasRefreshToken } }])
  })

  test('what needs a renewal asks for a new login, and everything else works', async () => {
    const { url } = apps.openid
    const browser = new Browser()
    await browser.logIn(url, { user: 'short' })
    const clientId = provider.authorizationRequests().at(-1)?.params.client_id ?? ''
    const renewals = provider.refreshCount()
    const fresh = await browser.request('POST', `${url}/fresh`)
    expect(fresh.status).toBe(401)
    expect(fresh.json()).toMatchObject({ code: 'renewal_impossible', login_url: '/login' })
    expect((await browser.request('GET', `${url}/private`)).json()).toMatchObject({ sub: 'short' })
    expect(provider.refreshCount()).toBe(renewals)
    expect((await browser.request('POST', `${url}/logout`)).status).toBe(303)
    expect(provider.requests({ endpoint: 'revocation', clientId })).toEqual([])
    expect(provider.tokenRequests().at(-1)).toMatchObject({ clientId })
  })
})
