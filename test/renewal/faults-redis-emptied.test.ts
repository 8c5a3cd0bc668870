// H18: Redis lost everything, or its scripts.
import type { AppProcess } from '../support/app/app-process.ts'
import { type FaultFixture, startFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  fixture = await startFaultFixture({ processes: 2 })
  ;[one, other] = fixture.processes as [AppProcess, AppProcess]
})

afterAll(() => fixture?.stop())

const empties: [string, () => Promise<void>][] = [
  ['flushed', () => fixture.redis.flush()],
  ['killed and comes back empty', () => fixture.redis.restart()],
]

test.each(empties)(
  'H18: when Redis is %s, everybody is logged out cleanly and can log in again',
  async (_what, empty) => {
    const { provider, cluster } = fixture
    const people = [await logIn(provider, cluster.url), await logIn(provider, cluster.url)]
    const old = await Promise.all(people.map(({ browser }) => sessionIdOf(browser)))
    for (const { browser } of people) {
      await browser.request('POST', `${one.url}/cart`, { json: { cart: 'mine' }, from: cluster.url })
    }
    const before = provider.refreshCount()
    await empty()
    await eventually('both processes to reach Redis', async () => {
      const pages = await Promise.all([one, other].map(({ url }) => people[0]?.get(`${url}/me`)))
      return pages.every((page) => page?.status === 200)
    })
    for (const { browser, get } of people) {
      for (const { url } of [one, other]) {
        for (const path of ['/private', '/fresh', '/token']) {
          const page = await get(url + path)
          expect([page.status, page.json().code]).toEqual([401, 'login_required'])
        }
        expect((await get(`${url}/me`)).json()).toEqual({ authenticated: false })
        expect((await get(`${url}/public`)).json()).toMatchObject({ authenticated: false })
        expect((await get(`${url}/cart`)).json()).toEqual({ cart: null })
      }
      const page = await browser.navigate(`${cluster.url}/private`, { from: null, stopAt: () => true })
      expect([page.status, page.headers.location]).toEqual([302, '/login?return_to=%2Fprivate'])
    }
    const [first, second] = people
    const left = await second?.browser.request('POST', `${cluster.url}/logout`)
    expect(left?.status).toBe(303)
    const written = await first?.browser.request('POST', `${cluster.url}/cart`, { json: { cart: 'new' } })
    expect([written?.status, written?.json()]).toEqual([200, { before: null, cart: 'new' }])
    for (const { browser, user } of people) {
      expect((await browser.logIn(cluster.url, { user })).json()).toMatchObject({ sub: user, generation: 1 })
      const page = await browser.request('GET', `${other.url}/fresh`)
      expect(page.json()).toMatchObject({ sub: user, generation: 2 })
    }
    expect((await first?.get(`${cluster.url}/cart`))?.json()).toEqual({ cart: 'new' })
    // Nothing of what was lost came back, whatever was still in somebody's hands.
    for (const id of old) expect(await keysOf(fixture.admin, id)).toEqual([])
    expect(provider.refreshCount() - before).toBe(2)
    expect([one.output(), other.output()].join('')).not.toMatch(/TypeError|ReplyError/)
  },
)

test('H18: a Redis that is flushed while a session is renewed ends it, and the late token is revoked', async () => {
  const { provider, admin, cluster, redis, told } = fixture
  const { browser, get, renewals, user } = await logIn(provider, cluster.url)
  const id = await sessionIdOf(browser)
  await ageSession(admin, browser, 901)
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = [one, other].map(({ url }) => get(`${url}/private`))
  await held.processed
  await redis.flush()
  held.release()
  for (const page of await Promise.all(waiting)) expect(page.status).toBe(401)
  await eventually('the late token to be revoked', () => provider.liveRefreshTokens(user).length === 0)
  expect(await keysOf(admin, id)).toEqual([])
  expect([renewals(), told('commit-delayed', user)]).toEqual([1, []])
})

test('H18: a Redis that forgot its scripts does no harm to anybody, in the middle of a renewal either', async () => {
  const { provider, admin, cluster, told } = fixture
  const { browser, get, renewals, user } = await logIn(provider, cluster.url)
  const id = await sessionIdOf(browser)
  await ageSession(admin, browser, 901)
  await admin.script('FLUSH')
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = [one, other, one, other].map(({ url }) => get(`${url}/private`))
  await held.processed
  await admin.script('FLUSH')
  held.release()
  for (const page of await Promise.all(waiting)) {
    expect(page.json()).toMatchObject({ sub: user, generation: 2 })
  }
  await admin.script('FLUSH')
  expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
  await admin.script('FLUSH')
  expect((await browser.request('POST', `${cluster.url}/logout`)).status).toBe(303)
  expect(await keysOf(admin, id)).toEqual([])
  expect([renewals(), told('commit-delayed', user)]).toEqual([2, []])
})
