// auth().sessions.revoke() and revokeAll(): what they end is over everywhere, whatever was in flight.
import { TryLaterError } from '../../src/index.ts'
import type { TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { setCookieLine } from '../support/evidence.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { isCommand, isScript } from '../support/redis/commands.ts'
import { type RedisFront, startRedisFront } from '../support/redis/front.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

let fixture: LogoutFixture
let front: RedisFront
let app: TestApp
/** the same app in another process, behind the front */
let other: TestApp
let person = 0
let user: string

beforeAll(async () => {
  fixture = await startLogoutFixture()
  front = await startRedisFront(fixture.redis)
  app = await fixture.start()
  other = await fixture.start({ redisTimeoutSeconds: 0.5 }, front.url)
})
beforeEach(() => {
  person += 1
  user = `person-${person}`
  for (const { events } of [app, other]) events.length = 0
})
afterEach(async () => {
  fixture.provider.normal()
  front.normal()
  await front.up()
})
afterAll(async () => {
  await fixture?.stop()
  await front?.stop()
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
