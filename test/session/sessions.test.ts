// auth().sessions: where somebody is logged in, as they may see it, and logout everywhere: what is revoked is over
// everywhere, whatever was in flight, where replicas are missing, or two apps are on one store.
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { TryLaterError } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { useLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { setCookieLine } from '../support/evidence.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { isCommand, isScript } from '../support/redis/commands.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

const { fixture, front, app, other } = useLogoutFixture(async (fixture) => {
  const front = await fixture.startFront()
  return {
    front,
    app: await fixture.start(),
    /** the same app in another process, behind the front */
    other: await fixture.start({}, front.url),
  }
})
let person = 0
let user: string

beforeAll(() => {
  app.app.get('/id', (req, res) => void res.json({ id: req.oidc.session?.id ?? null }))
})
beforeEach(() => {
  person += 1
  user = `person-${person}`
  for (const { events } of [app, other]) events.length = 0
})
afterEach(() => front.up())

const idsOf = async (sub: string, at: TestApp = app) => (await at.auth.sessions.list(sub)).map(({ id }) => id)

/** Comes back from the provider with these headers. */
async function logInWith(headers: Record<string, string>): Promise<Browser> {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user })
  await browser.navigate(callback, { headers })
  return browser
}

test('a session is listed as what it is, where it came from and when, with nothing that is secret', async () => {
  const began = Date.now() - 1000
  const browser = await logInWith({ 'user-agent': 'A browser/1.0 (of some kind)' })
  const [entry, ...rest] = await app.auth.sessions.list(user)
  expect(rest).toEqual([])
  expect(entry).toEqual({
    id: await sessionIdOf(browser),
    createdAt: expect.any(Date),
    renewedAt: expect.any(Date),
    expiresAt: expect.any(Date),
    address: expect.stringMatching(/^(?:::1|(?:::ffff:)?127\.0\.0\.1)$/),
    userAgent: 'A browser/1.0 (of some kind)',
  })
  expect((await browser.request('GET', `${app.url}/id`)).json()).toEqual({ id: entry?.id })
  const after = (date?: Date) => (date?.getTime() ?? 0) - began
  expect(after(entry?.createdAt)).toBeGreaterThan(0)
  expect(entry?.createdAt.getTime()).toBeLessThanOrEqual(Date.now())
  expect(entry?.renewedAt).toEqual(entry?.createdAt)
  expect(Math.round((after(entry?.expiresAt) - after(entry?.createdAt)) / 60_000)).toBe(24 * 60)

  await browser.request('GET', `${app.url}/fresh`)
  const [renewed] = await app.auth.sessions.list(user)
  expect(renewed).toMatchObject({ id: entry?.id, createdAt: entry?.createdAt, userAgent: entry?.userAgent })
  expect(renewed?.renewedAt.getTime()).toBeGreaterThan(entry?.renewedAt.getTime() ?? Number.NaN)
  const shown = inspect([entry, renewed], { depth: 9, showHidden: true })
  for (const secret of fixture.provider.secretsSeen()) expect(shown).not.toContain(secret)
})

test('GET /me does not say the id, nor does any page of ours', async () => {
  const browser = await fixture.logIn(user)
  const id = await sessionIdOf(browser)
  const me = await browser.request('GET', `${app.url}/me`)
  expect(me.json()).toMatchObject({ authenticated: true, session: { generation: 1 } })
  expect(me.body).not.toContain(id)
})

test.each([
  ['a browser that calls itself much', { 'user-agent': 'x'.repeat(5000) }, 'x'.repeat(256)],
  ['a browser that says nothing', {}, undefined],
])('%s is listed with 256 characters at most', async (_name, headers, expected) => {
  await logInWith(headers)
  expect(await app.auth.sessions.list(user)).toMatchObject([{ userAgent: expected }])
})

test.each([
  ['is not believed', false, /127\.0\.0\.1$|^::1$/],
  ['is believed where the app trusts its proxy', true, /^203\.0\.113\.9$/],
])('the address that a proxy tells %s', async (_name, trust, expected) => {
  app.app.set('trust proxy', trust)
  try {
    await logInWith({ 'x-forwarded-for': '203.0.113.9' })
  } finally {
    app.app.set('trust proxy', false)
  }
  expect(await app.auth.sessions.list(user)).toMatchObject([{ address: expect.stringMatching(expected) }])
})

test('the newest is first, and only that person’s are there, the same at every process', async () => {
  const ids: string[] = []
  for (let count = 0; count < 4; count += 1) ids.unshift(await sessionIdOf(await fixture.logIn(user)))
  await fixture.seedLogin(`${user}0`)
  for (const at of [app, other]) expect(await idsOf(user, at)).toEqual(ids)
})

test('what has ended is not listed, however it ended', async () => {
  const browsers = await Promise.all(Array.from({ length: 5 }, () => fixture.logIn(user)))
  const [kept, loggedOut, revokedOne, toldOf, again] = browsers as [
    Browser,
    Browser,
    Browser,
    Browser,
    Browser,
  ]
  await loggedOut.request('POST', `${app.url}/logout`)
  await app.auth.sessions.revoke(await sessionIdOf(revokedOne))
  await sendLogout(app.url, await fixture.client.token({ sid: await fixture.sidOf(toldOf) }))
  const before = await sessionIdOf(again)
  await again.logIn(app.url, { user })
  expect(await sessionIdOf(again)).not.toBe(before)
  expect(new Set(await idsOf(user))).toEqual(new Set([await sessionIdOf(kept), await sessionIdOf(again)]))
})

test('a session of somebody else is not listed, whatever the index says', async () => {
  const [browser, somebody] = [await fixture.seedLogin(user), await fixture.seedLogin(`${user}0`)]
  const ids = [await sessionIdOf(browser), await sessionIdOf(somebody)]
  for (const key of await fixture.store.keys('bff:sessions:sub:*')) {
    if ((await fixture.store.zscore(key, ids[0] ?? '')) === null) continue
    await fixture.store.zadd(key, Date.now() + 1e9, ids[1] ?? '')
  }
  expect(await idsOf(user)).toEqual(ids.slice(0, 1))
})

test.each<[string, (id: string) => unknown]>([
  ['an id of nobody', (id) => `${id}1`],
  ['nothing', () => ''],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 7],
  ['a list', (id) => [id]],
  ['an object', (id) => ({ toString: () => id })],
  ['a pattern', () => '*'],
  ['braces', (id) => `${id}}:auth{`],
  ['a null byte', (id) => `${id}\u0000`],
  ['a key', (id) => `bff:{${id}}:auth`],
  ['an id in other case', (id) => id.toUpperCase()],
  ['100 kB', () => 'x'.repeat(100_000)],
])('revoking %s is false, and a list of it is empty', async (_name, make) => {
  const browser = await fixture.seedLogin(user)
  const id = make(await sessionIdOf(browser)) as string
  expect(await app.auth.sessions.revoke(id)).toBe(false)
  expect(await app.auth.sessions.list(id)).toEqual([])
  expect(await app.auth.sessions.revokeAll(id)).toBe(0)
  expect(await fixture.isIn(browser)).toBe(true)
})

test('an app is given these three methods, and cannot change them', () => {
  expect(Object.keys(app.auth.sessions)).toEqual(['list', 'revoke', 'revokeAll'])
  expect(Object.isFrozen(app.auth.sessions)).toBe(true)
})

const endings = (at: TestApp) =>
  at.events.flatMap(({ name, event }) => (name === 'session-ended' ? [event] : []))
const revoked = (token: string) => () =>
  fixture.provider
    .revocations()
    .some(({ tokenHash, status }) => tokenHash === sha256(token) && status === 200)
const stopped = { stopAt: () => true }

test('a session is revoked once, at every process at once, with its refresh token, and no other is', async () => {
  const [browser, kept] = [await fixture.logIn(user), await fixture.logIn(user)]
  const tokens = fixture.provider.liveRefreshTokens(user)
  await browser.request('POST', `${other.url}/cart`, { json: { cart: 'mine' } })
  const id = await sessionIdOf(browser)
  expect(await app.auth.sessions.revoke(id)).toBe(true)
  for (const at of [app, other]) expect(await fixture.isIn(browser, at)).toBe(false)
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  expect((await browser.request('GET', `${other.url}/private`)).status).toBe(401)
  expect(await app.auth.sessions.revoke(id)).toBe(false)
  expect(endings(app)).toEqual([{ subject: user, reason: 'revoked' }])
  expect(await fixture.isIn(kept)).toBe(true)
  await eventually('its refresh token to be revoked', revoked(tokens[0] ?? ''))
  expect(fixture.provider.liveRefreshTokens(user)).toEqual(tokens.slice(1))
})

test('all of a person’s sessions are revoked, and nobody else’s', async () => {
  const mine = await Promise.all(Array.from({ length: 3 }, () => fixture.logIn(user)))
  const somebody = await fixture.logIn(`${user}0`)
  expect(await app.auth.sessions.revokeAll(user)).toBe(3)
  for (const browser of mine) expect(await fixture.isIn(browser, other)).toBe(false)
  expect(await fixture.isIn(somebody)).toBe(true)
  expect(endings(app)).toEqual(Array(3).fill({ subject: user, reason: 'revoked' }))
  await eventually('the refresh tokens', () => fixture.provider.liveRefreshTokens(user).length === 0)
  expect(await app.auth.sessions.revokeAll(user)).toBe(0)
  expect(await fixture.isIn(await fixture.logIn(user))).toBe(true)
})

test('with revokeOnLogout: false the refresh tokens are left to the provider', async () => {
  const quiet = await fixture.start({ revokeOnLogout: false })
  const [browser] = [await fixture.logIn(user), await fixture.logIn(user)]
  const before = fixture.provider.revocations().length
  expect(await quiet.auth.sessions.revoke(await sessionIdOf(browser))).toBe(true)
  expect(await quiet.auth.sessions.revokeAll(user)).toBe(1)
  // It waits for what is still on its way to the provider.
  await quiet.auth.close()
  expect(fixture.provider.revocations()).toHaveLength(before)
  expect(fixture.provider.liveRefreshTokens(user)).toHaveLength(2)
})

const ways: [string, (id: string) => Promise<unknown>][] = [
  ['revoke()', (id) => app.auth.sessions.revoke(id)],
  ['revokeAll()', () => app.auth.sessions.revokeAll(user)],
]

test.each(ways)('%s wins over a renewal in flight, whose token is revoked too', async (_name, end) => {
  const browser = await fixture.logIn(user)
  const held = fixture.provider.holdNext('token', { mode: 'after' })
  const waiting = browser.request('GET', `${other.url}/fresh`)
  await held.processed
  const [late = ''] = fixture.provider.liveRefreshTokens(user)
  await end(await sessionIdOf(browser))
  held.release()
  expect((await waiting).status).toBe(401)
  await eventually('the late token to be revoked', revoked(late))
  for (const at of [app, other]) expect(await fixture.isIn(browser, at)).toBe(false)
})

test('of a session whose renewed tokens could not be stored yet, the newest refresh token is revoked', async () => {
  const browser = await fixture.logIn(user)
  front.refuseAll(isScript('commit'))
  expect((await browser.request('GET', `${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  const [newest = ''] = fixture.provider.liveRefreshTokens(user)
  expect(await other.auth.sessions.revoke(await sessionIdOf(browser))).toBe(true)
  await eventually('the newest token to be revoked', revoked(newest))
  front.normal()
  for (const at of [app, other]) expect(await fixture.isIn(browser, at)).toBe(false)
})

test('revokeAll() ends a login of that person that is under way', async () => {
  const [browser, another] = [new Browser(), new Browser()]
  const callback = await browser.startLogin(app.url, { user })
  const callbackOfAnother = await another.startLogin(app.url, { user: `${user}0` })
  const held = [1, 2].map(() => fixture.provider.holdNext('token', { mode: 'after' }))
  const page = browser.navigate(callback, stopped)
  await held[0]?.processed
  const pageOfAnother = another.navigate(callbackOfAnother, stopped)
  await held[1]?.processed
  expect(await other.auth.sessions.revokeAll(user)).toBe(0)
  for (const each of held) each.release()
  expect([(await page).status, (await pageOfAnother).status]).toEqual([400, 303])
  expect(setCookieLine(await page, 'bff')).toBeUndefined()
  expect([await fixture.isIn(browser), await fixture.isIn(another)]).toEqual([false, true])
})

test.each([
  ['is away', () => front.down()],
  ['refuses to end sessions', () => front.refuseAll(isScript('finish'))],
  ['refuses its index', () => front.refuseAll((args) => /^bff:(?:sessions|ended):/.test(args[1] ?? ''))],
])('while the store %s it is "try later", and nothing is claimed to have ended', async (_name, arm) => {
  const browser = await fixture.logIn(user)
  const id = await sessionIdOf(browser)
  await arm()
  const { sessions } = other.auth
  const asked = await Promise.allSettled([sessions.revokeAll(user), sessions.list(user)])
  const failed = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  expect(asked[0]?.status).toBe('rejected')
  for (const reason of failed) {
    expect(reason).toBeInstanceOf(TryLaterError)
    expect(reason).toMatchObject({ code: 'store_unavailable', status: 503 })
  }
  expect(endings(other)).toEqual([])
  expect(await fixture.isIn(browser)).toBe(true)
  front.normal()
  await front.up()
  await eventually('the store to answer', () => sessions.revoke(id))
  expect(await fixture.isIn(browser)).toBe(false)
})

test('a session is over although the index could not be told', async () => {
  const browser = await fixture.logIn(user)
  front.refuseAll(isCommand('zrem'))
  expect(await other.auth.sessions.revoke(await sessionIdOf(browser))).toBe(true)
  expect(await fixture.isIn(browser)).toBe(false)
  expect(await app.auth.sessions.list(user)).toEqual([])
})

test('a login that began before the logout ends in no session; one that begins after it does', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'waiting' })
  await app.auth.sessions.revokeAll('waiting')
  expect(await browser.navigate(callback)).toMatchObject({ status: 400 })
  expect(await fixture.isIn(browser)).toBe(false)
  expect(await app.auth.sessions.list('waiting')).toEqual([])
  await eventually(
    'its token to be revoked',
    () => fixture.provider.liveRefreshTokens('waiting').length === 0,
  )
  expect(await fixture.isIn(await fixture.logIn('waiting'))).toBe(true)
})

test('replicas that are missing hold nobody up', async () => {
  const waiting = await fixture.start({ waitReplicas: 1 })
  const browsers = []
  for (let count = 0; count < 12; count += 1) browsers.push(await fixture.seedLogin('many'))
  expect(await waiting.auth.sessions.revokeAll('many')).toBe(12)
  for (const browser of browsers) expect(await fixture.isIn(browser)).toBe(false)
})

test('a login takes the place of the one before: nothing is left of that', async () => {
  await fixture.redis.flush()
  const browser = new Browser()
  for (let count = 0; count < 3; count += 1) await browser.logIn(app.url, { user: 'again' })
  expect(await app.auth.sessions.list('again')).toHaveLength(1)
  const [key = ''] = await fixture.store.keys('bff:sessions:sub:*')
  const sizes = await Promise.all(
    (await fixture.store.keys('bff:sessions:sub:*')).map((one) => fixture.store.zcard(one)),
  )
  expect([typeof key, Math.max(...sizes)]).toEqual(['string', 1])
})

describe('another app of the same provider', () => {
  const { stranger } = useParts(async (start) => ({
    stranger: await start(
      startApp({ provider: fixture.provider, redisUrl: fixture.redis.url, client: { clientId: 'another' } }),
    ),
  }))

  test('another app of the same provider on the same Redis keeps its sessions', async () => {
    const [here, there] = [await fixture.logIn('both'), new Browser()]
    await there.logIn(stranger.url, { user: 'both' })
    expect(await app.auth.sessions.revokeAll('both')).toBe(1)
    const again = await fixture.logIn('both')
    expect(await sendLogout(app.url, await fixture.client.token({ sub: 'both' }))).toMatchObject({
      status: 200,
    })
    expect([await fixture.isIn(here), await fixture.isIn(again)]).toEqual([false, false])
    expect(await fixture.isIn(there, stranger)).toBe(true)
    expect(stranger.events.map(({ name }) => name)).not.toContain('record-unreadable')
  })
})

test('an app’s own client that speaks RESP3 ends them too', async () => {
  const client = new Redis(fixture.redis.url, { protocol: 3, replyMapping: 'resp3' })
  const own = await fixture.start({ redis: client })
  const browsers = [await fixture.logIn('resp3'), await fixture.logIn('resp3')]
  expect(await own.auth.sessions.revokeAll('resp3')).toBe(2)
  for (const browser of browsers) expect(await fixture.isIn(browser)).toBe(false)
  client.disconnect()
})

test.each([undefined, null, '', 1, {}, ['waiting']])('the sessions of %p are none', async (sub) => {
  expect(await app.auth.sessions.list(sub as string)).toEqual([])
  expect(await app.auth.sessions.revokeAll(sub as string)).toBe(0)
})

test('a list of ids is revoked by map(), which says more than the id', async () => {
  const browsers = [await fixture.seedLogin('mapped'), await fixture.seedLogin('mapped')]
  const ids = await Promise.all(browsers.map((browser) => sessionIdOf(browser)))
  const revoke = app.auth.sessions.revoke as (id: string) => Promise<boolean>
  expect(await Promise.all(ids.map(revoke))).toEqual([true, true])
})
