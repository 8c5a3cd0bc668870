// H5: new tokens wait for Redis while the process ends, the person logs out, or Redis forgets its last second.
import { startApp } from '../support/app/app.ts'
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { type FaultFixture, startFaultFixture, TIMES } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { isScript } from '../support/redis/commands.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  fixture = await startFaultFixture({ processes: 2 })
  ;[one, other] = fixture.processes as [AppProcess, AppProcess]
})

afterAll(() => fixture?.stop())
afterEach(() => fixture.front.normal())

/** Renews a due session at `url`, whose commit Redis then refuses. */
async function renewUnstored(url: string, loggedIn: LoggedIn) {
  await ageSession(fixture.admin, loggedIn.browser, 901)
  fixture.front.refuseAll(isScript('commit'))
  expect((await loggedIn.get(`${url}/private`)).json()).toMatchObject({ generation: 2 })
  expect(await fixture.stored(loggedIn.browser)).toMatchObject({ generation: 1 })
}

test('H5: close() waits until the tokens that Redis did not take are stored', async () => {
  const { provider, front, stored } = fixture
  const app = await startApp({ provider, redisUrl: front.url, options: TIMES })
  try {
    const loggedIn = await logIn(provider, app.url)
    await renewUnstored(app.url, loggedIn)
    let closed = false
    const closing = app.auth.close().then(() => {
      closed = true
    })
    const tries = () => app.events.filter(({ name }) => name === 'store-unavailable').length
    const before = tries()
    await eventually('more attempts to store', () => tries() > before + 1)
    expect(closed).toBe(false)
    front.normal()
    await closing
    expect(await stored(loggedIn.browser)).toMatchObject({ generation: 2 })
    expect(app.events.map(({ name }) => name)).not.toContain('commit-lost')
    expect(loggedIn.renewals()).toBe(1)
  } finally {
    await app.stop()
  }
})

test('H5: SIGTERM while Redis is gone ends the process when the tokens are stored', async () => {
  const { provider, front, admin, stored } = fixture
  const app = await startAppProcess({ provider, redisUrl: front.url, options: TIMES })
  try {
    const loggedIn = await logIn(provider, app.url)
    await ageSession(admin, loggedIn.browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = loggedIn.get(`${app.url}/private`)
    await held.processed
    await front.down()
    held.release()
    expect((await waiting).json()).toMatchObject({ generation: 2 })
    const ended = app.sigterm()
    await eventually('the process to take no more requests', () =>
      loggedIn.get(`${app.url}/ping`).then(
        () => false,
        () => true,
      ),
    )
    expect(await stored(loggedIn.browser)).toMatchObject({ generation: 1 })
    await front.up()
    expect(await ended).toBe(0)
    expect(await stored(loggedIn.browser)).toMatchObject({ generation: 2 })
    expect(app.events.map(({ name }) => name)).not.toContain('commit-lost')
  } finally {
    await front.up()
    await app.stop()
  }
})

test.each([
  ['the same process', () => one],
  ['another process', () => other],
])('H5: a logout at %s wins over tokens that wait to be stored, which are revoked', async (_what, where) => {
  const { provider, admin, front, told } = fixture
  const loggedIn = await logIn(provider, fixture.cluster.url)
  const { browser, user } = loggedIn
  const id = await sessionIdOf(browser)
  const stale = browser.clone()
  await renewUnstored(one.url, loggedIn)
  const [late = ''] = provider.liveRefreshTokens(user)
  const page = await browser.request('POST', `${where().url}/logout`, { from: fixture.cluster.url })
  expect(page.status).toBe(303)
  front.normal()
  await eventually('the new token to be revoked', () =>
    provider.revocations().some(({ tokenHash, status }) => tokenHash === sha256(late) && status === 200),
  )
  expect(provider.liveRefreshTokens(user)).toEqual([])
  expect(await keysOf(admin, id)).toEqual([])
  for (const { url } of [one, other]) {
    expect((await stale.request('GET', `${url}/private`)).json()).toMatchObject({ code: 'login_required' })
  }
  expect(told('session-ended', user)).toEqual([{ subject: user, reason: 'logout' }])
  expect(told('commit-lost', user)).toEqual([])
  expect(loggedIn.renewals()).toBe(1)
})

// A Redis that saves every second comes back like that.
test('H5: a Redis that comes back without the lease still takes the tokens of its holder', async () => {
  const { provider, admin, stored, told } = fixture
  const { browser, get, renewals, user } = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, browser, 901)
  const key = `bff:{${await sessionIdOf(browser)}}:auth`
  const before = await admin.dumpBuffer(key)
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = get(`${one.url}/private`)
  await held.processed
  await admin.restore(key, 0, before, 'REPLACE')
  held.release()
  expect((await waiting).json()).toMatchObject({ sub: user, generation: 2 })
  expect(await stored(browser)).toMatchObject({ generation: 2 })
  expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  expect(renewals()).toBe(2)
  expect(told('session-ended', user)).toEqual([])
})
