// H3: the token endpoint takes the refresh token and says nothing.
import type { AppProcess } from '../support/app/app-process.ts'
import {
  expectTryLater,
  type FaultFixture,
  overlaps,
  startFaultFixture,
} from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { ageSession, endBackOff, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  fixture = await startFaultFixture({ processes: 2 })
  ;[one, other] = fixture.processes as [AppProcess, AppProcess]
})

afterAll(() => fixture?.stop())

/** The hanging request, and when the lease ends under which it was sent. */
async function hungRequest(leaseOf: string) {
  const { admin, provider } = fixture
  const leaseEndsAt = Number(await admin.hget(`bff:{${leaseOf}}:auth`, 'leaseEndsAt'))
  const hung = provider.tokenRequests('refresh_token').at(-1)
  if (!hung || !leaseEndsAt) throw new Error('no renewal is on its way')
  return { hung, leaseEndsAt }
}

test('H3: a renewal that hangs is given up before its lease ends; the old token serves, and the next one succeeds', async () => {
  const { provider, admin, told } = fixture
  const { browser, get, renewals, user } = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, browser, 901)
  const held = provider.holdNext('token')
  const waiting = Promise.all([one, other, one, other].map(({ url }) => get(`${url}/private`)))
  await held.arrived
  const { hung, leaseEndsAt } = await hungRequest(await sessionIdOf(browser))
  for (const page of await waiting) {
    expect([page.status, page.json()]).toEqual([200, expect.objectContaining({ sub: user, generation: 1 })])
  }
  const endedAt = await eventually('the request to be given up', () => hung.endedAt)
  expect(endedAt).toBeLessThan(leaseEndsAt)
  expect(hung.status).toBeUndefined()
  held.release('cut')
  await eventually('the failure to be told', () => told('renewal-failed', user).length === 1)
  expect(told('renewal-failed', user)).toMatchObject([{ outcome: 'timeout', generation: 1 }])
  for (const { url } of [one, other]) {
    expectTryLater(await get(`${url}/fresh`), 'provider_unavailable')
    expect((await get(`${url}/private`)).json()).toMatchObject({ generation: 1 })
  }
  expect(renewals()).toBe(1)

  await endBackOff(admin, browser)
  expect((await get(`${other.url}/private`)).json()).toMatchObject({ generation: 2 })
  expect((await get(`${one.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
  expect(renewals()).toBe(2)
  expect(overlaps(provider.tokenRequests('refresh_token'))).toEqual([])
})

test('H3: a session whose tokens have expired is 503 while the provider hangs, and there again after it', async () => {
  const { provider, admin } = fixture
  const { browser, get, renewals, user } = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, browser, 3601, { idToken: 3601, accessToken: 3601 })
  const held = provider.holdNext('token')
  const paths = ['/private', '/fresh', '/token', '/me']
  const waiting = Promise.all([one, other].flatMap(({ url }) => paths.map((path) => get(`${url}${path}`))))
  await held.arrived
  const { hung, leaseEndsAt } = await hungRequest(await sessionIdOf(browser))
  for (const page of await waiting) {
    // Whoever waited for the other process may have stopped waiting a moment before it gave up.
    expectTryLater(page, page.json().code === 'renewal_pending' ? 'renewal_pending' : 'provider_unavailable')
  }
  expect(await eventually('the request to be given up', () => hung.endedAt)).toBeLessThan(leaseEndsAt)
  held.release('cut')
  expect((await get(`${other.url}/public`)).json()).toMatchObject({ authenticated: false })
  expect(renewals()).toBe(1)

  await eventually('the lease to be given back', async () => {
    const [lease, retryAt] = await admin.hmget(
      `bff:{${await sessionIdOf(browser)}}:auth`,
      'leaseEndsAt',
      'retryAt',
    )
    return lease === null && retryAt !== null
  })
  await endBackOff(admin, browser)
  expect((await get(`${other.url}/token`)).json()).toMatchObject({ sub: user, generation: 2 })
  expect(renewals()).toBe(2)
  expect(overlaps(provider.tokenRequests('refresh_token'))).toEqual([])
})

test('H3: requests that come all the time while the provider hangs send the refresh token once', async () => {
  const { provider, admin, stored } = fixture
  const { browser, get, renewals } = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, browser, 901)
  provider.delayAll('token', 60_000)
  const first = get(`${one.url}/fresh`)
  await eventually('the first attempt', () => renewals() === 1)
  let over = false
  const settled = first.finally(() => {
    over = true
  })
  while (!over) {
    const pages = await Promise.all([one, other].map(({ url }) => get(`${url}/fresh?again`)))
    for (const page of pages) expect(page.status).toBe(503)
  }
  expectTryLater(await settled, 'provider_unavailable')
  expect(renewals()).toBe(1)
  provider.normal()
  await endBackOff(admin, browser)
  expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect(await stored(browser)).toMatchObject({ generation: 2 })
  expect(overlaps(provider.tokenRequests('refresh_token'))).toEqual([])
})
