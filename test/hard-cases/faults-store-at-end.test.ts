// H5: new tokens wait for Redis while the process ends, the person logs out, or Redis forgets its last second.
import { ageSession, keysOf, sessionIdOf } from '../support/age-session.ts'
import { startApp } from '../support/app.ts'
import { type AppProcess, startAppProcess } from '../support/app-process.ts'
import { eventually } from '../support/deadline.ts'
import { type FaultBench, startFaultBench, TIMES } from '../support/fault-bench.ts'
import { isScript } from '../support/redis-commands.ts'
import { sha256 } from '../support/seen-requests.ts'
import { type SignedIn, signIn } from '../support/signed-in.ts'

let bench: FaultBench
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  bench = await startFaultBench({ processes: 2 })
  ;[one, other] = bench.processes as [AppProcess, AppProcess]
})

afterAll(() => bench?.stop())
afterEach(() => bench.front.normal())

/** Renews a due session at `url`, whose commit Redis then refuses. */
async function renewUnstored(url: string, signedIn: SignedIn) {
  await ageSession(bench.admin, signedIn.browser, 901)
  bench.front.refuseAll(isScript('commit'))
  expect((await signedIn.get(`${url}/private`)).json()).toMatchObject({ generation: 2 })
  expect(await bench.stored(signedIn.browser)).toMatchObject({ generation: 1 })
}

test('H5: close() waits until the tokens that Redis did not take are stored', async () => {
  const { provider, front, stored } = bench
  const app = await startApp({ provider, redisUrl: front.url, options: TIMES })
  try {
    const signedIn = await signIn(provider, app.url)
    await renewUnstored(app.url, signedIn)
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
    expect(await stored(signedIn.browser)).toMatchObject({ generation: 2 })
    expect(app.events.map(({ name }) => name)).not.toContain('commit-lost')
    expect(signedIn.renewals()).toBe(1)
  } finally {
    await app.stop()
  }
})

test('H5: SIGTERM while Redis is gone ends the process when the tokens are stored', async () => {
  const { provider, front, admin, stored } = bench
  const app = await startAppProcess({ provider, redisUrl: front.url, options: TIMES })
  try {
    const signedIn = await signIn(provider, app.url)
    await ageSession(admin, signedIn.browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = signedIn.get(`${app.url}/private`)
    await held.processed
    await front.down()
    held.release()
    expect((await waiting).json()).toMatchObject({ generation: 2 })
    const ended = app.sigterm()
    await eventually('the process to take no more requests', () =>
      signedIn.get(`${app.url}/ping`).then(
        () => false,
        () => true,
      ),
    )
    expect(await stored(signedIn.browser)).toMatchObject({ generation: 1 })
    await front.up()
    expect(await ended).toBe(0)
    expect(await stored(signedIn.browser)).toMatchObject({ generation: 2 })
    expect(app.events.map(({ name }) => name)).not.toContain('commit-lost')
  } finally {
    await front.up()
    await app.stop()
  }
})

test.each([
  ['the same process', () => one],
  ['another process', () => other],
])('H5: a log-out at %s wins over tokens that wait to be stored, which are revoked', async (_what, where) => {
  const { provider, admin, front, told } = bench
  const signedIn = await signIn(provider, bench.cluster.url)
  const { browser, user } = signedIn
  const id = await sessionIdOf(browser)
  const stale = browser.clone()
  await renewUnstored(one.url, signedIn)
  const [late = ''] = provider.liveRefreshTokens(user)
  const page = await browser.request('POST', `${where().url}/logout`, { from: bench.cluster.url })
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
  expect(signedIn.renewals()).toBe(1)
})

// A Redis that saves every second comes back like that.
test('H5: a Redis that comes back without the lease still takes the tokens of its holder', async () => {
  const { provider, admin, stored, told } = bench
  const { browser, get, renewals, user } = await signIn(provider, bench.cluster.url)
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
