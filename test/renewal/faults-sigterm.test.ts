// H7: a process is asked to end while it renews.
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { type FaultFixture, overlaps, startFaultFixture, TIMES } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture
let mortals: AppProcess[]
let survivor: AppProcess

beforeAll(async () => {
  // No stall of the machine is to end a renewal that is held.
  const renewal = { afterSeconds: 900, timeoutSeconds: 15 }
  fixture = await startFaultFixture({ processes: 3, options: { renewal } })
  const [last, ...others] = fixture.processes as [AppProcess, ...AppProcess[]]
  survivor = last
  mortals = others
})

afterAll(() => fixture?.stop())

function nextMortal(): AppProcess {
  const mortal = mortals.pop()
  if (!mortal) throw new Error('all processes were ended')
  return mortal
}

/** Resolves once the process has heard of its end, with what will be its exit code. */
async function askToEnd(
  app: AppProcess,
  ping: () => Promise<unknown>,
): Promise<{ code: Promise<number | null> }> {
  const code = app.sigterm()
  await eventually('the process to take no more requests', () => ping().then(refusedNot, () => true))
  return { code }
}

const refusedNot = () => false

test('H7: a process that renews for nobody who waits ends after the commit', async () => {
  const { provider, admin, stored } = fixture
  const app = nextMortal()
  const { browser, get, renewals } = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, browser, 899)
  const held = provider.holdNext('token', { mode: 'after' })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1, pid: app.pid })
  await held.processed
  const { code } = await askToEnd(app, () => get(`${app.url}/ping`))
  expect(await stored(browser)).toMatchObject({ generation: 1 })
  held.release()
  expect(await code).toBe(0)
  expect(app.events.map(({ name }) => name).filter((name) => name !== 'logged-in')).toEqual(['renewed'])
  expect(await stored(browser)).toMatchObject({ generation: 2 })
  expect((await get(`${survivor.url}/private`)).json()).toMatchObject({ generation: 2 })
  expect(renewals()).toBe(1)
})

test('H7: a process that renews for a request answers it and ends after the commit', async () => {
  const { provider, admin, stored } = fixture
  const app = nextMortal()
  const { browser, get, renewals } = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, browser, 901)
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = get(`${app.url}/private`)
  await held.processed
  const { code } = await askToEnd(app, () => get(`${app.url}/ping`))
  held.release()
  expect((await waiting).json()).toMatchObject({ generation: 2, pid: app.pid })
  expect(await code).toBe(0)
  expect(app.events.map(({ name }) => name).filter((name) => name !== 'logged-in')).toEqual(['renewed'])
  expect(await stored(browser)).toMatchObject({ generation: 2 })
  expect(renewals()).toBe(1)
})

test('H7: a process whose provider hangs ends when the renewal has had its time, and the session lives on', async () => {
  const { provider, admin, front, stored } = fixture
  const app = await startAppProcess({ provider, redisUrl: front.url, options: TIMES })
  try {
    const { browser, get, renewals, user } = await logIn(provider, app.url)
    await ageSession(admin, browser, 899)
    const held = provider.holdNext('token')
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
    await held.arrived
    const began = performance.now()
    const { code } = await askToEnd(app, () => get(`${app.url}/ping`))
    expect(await code).toBe(0)
    expect(performance.now() - began).toBeLessThan(8000)
    held.release('cut')
    expect(await stored(browser)).toMatchObject({ generation: 1 })
    expect(provider.liveRefreshTokens(user)).toHaveLength(1)
    // It gave the lease back before it ended: nobody has to wait for that.
    const key = `bff:{${await sessionIdOf(browser)}}:auth`
    expect(await admin.hmget(key, 'leaseOwner', 'leaseEndsAt', 'sentAt')).toEqual([null, null, null])
    expect(renewals()).toBe(1)
    expect(overlaps(provider.tokenRequests('refresh_token'))).toEqual([])
  } finally {
    await app.stop()
  }
})
