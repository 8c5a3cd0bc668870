// H5: Redis takes no writes, or is gone, between the provider's answer and the commit.
import type { AppProcess } from '../support/app/app-process.ts'
import { expectTryLater, type FaultFixture, startFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { isScript } from '../support/redis/commands.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  fixture = await startFaultFixture({ processes: 2 })
  ;[one, other] = fixture.processes as [AppProcess, AppProcess]
})

afterAll(() => fixture?.stop())

// Redis as it was, also for the test after one that failed; nothing of it harms a Redis that is well.
afterEach(async () => {
  fixture.provider.normal()
  fixture.front.normal()
  await fixture.front.up()
  fixture.redis.thaw()
  await fixture.admin.replicaof('NO', 'ONE')
  await fixture.admin.config('SET', 'maxmemory', '0')
})

/** A due session whose renewal at `one` has come as far as the provider's answer when `spoil` happens. */
async function renewWhile(spoil: () => unknown): Promise<LoggedIn> {
  const { provider, admin } = fixture
  const loggedIn = await logIn(provider, fixture.cluster.url)
  await ageSession(admin, loggedIn.browser, 901)
  const held = provider.holdNext('token', { mode: 'after' })
  const waiting = loggedIn.get(`${one.url}/private`)
  await held.processed
  await spoil()
  held.release()
  const page = await waiting
  expect([page.status, page.json()]).toEqual([200, expect.objectContaining({ generation: 2, pid: one.pid })])
  await expectDelayed(loggedIn)
  return loggedIn
}

async function expectDelayed({ user }: LoggedIn) {
  const { told } = fixture
  const delayed = [{ subject: user, generation: 2 }]
  await eventually('the delay to be told', () => told('commit-delayed', user).length > 0)
  expect(told('commit-delayed', user)).toEqual(delayed)
}

async function expectLanded({ browser, get, renewals, user }: LoggedIn) {
  const { stored, told } = fixture
  await eventually('the commit to land', async () => (await stored(browser))?.generation === 2, 15_000)
  for (const { url } of [other, one]) {
    const page = await eventually('Redis to answer', async () => {
      const found = await get(`${url}/private`)
      return found.status === 200 ? found : undefined
    })
    expect(page.json()).toMatchObject({ sub: user, generation: 2 })
  }
  expect(renewals()).toBe(1)
  // The token that was kept in memory is the one that counts.
  expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
  expect(renewals()).toBe(2)
  expect([told('commit-lost', user), told('session-ended', user)]).toEqual([[], []])
  expect(told('renewed', user)).toHaveLength(2)
}

const outages: [string, () => unknown, () => unknown][] = [
  ['refuses connections', () => fixture.front.down(), () => fixture.front.up()],
  ['is frozen', () => fixture.redis.freeze(), () => fixture.redis.thaw()],
]

test.each(outages)(
  'H5: a renewal whose commit meets a Redis that %s is served, kept and stored when Redis is back',
  async (_what, spoil, mend) => {
    const loggedIn = await renewWhile(spoil)
    for (const { url } of [one, other]) {
      expectTryLater(await loggedIn.get(`${url}/private`), 'store_unavailable')
    }
    await mend()
    await expectLanded(loggedIn)
  },
)

const refusals: [string, () => unknown, () => unknown][] = [
  [
    'became a read-only replica',
    () => fixture.admin.replicaof('127.0.0.1', 1),
    () => fixture.admin.replicaof('NO', 'ONE'),
  ],
  [
    'is out of memory',
    () => fixture.admin.config('SET', 'maxmemory', '1'),
    () => fixture.admin.config('SET', 'maxmemory', '0'),
  ],
]

test.each(refusals)(
  'H5: while Redis %s, the holder serves with the new tokens and the others with the old ones',
  async (_what, spoil, mend) => {
    const loggedIn = await renewWhile(spoil)
    const { get, renewals, user } = loggedIn
    expect((await get(`${one.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect((await get(`${other.url}/private`)).json()).toMatchObject({ sub: user, generation: 1 })
    for (const { url } of [one, other]) {
      const refused = await get(`${url}/fresh`)
      expectTryLater(
        refused,
        refused.json().code === 'renewal_pending' ? 'renewal_pending' : 'store_unavailable',
      )
    }
    expect(renewals()).toBe(1)
    await mend()
    await expectLanded(loggedIn)
  },
)

test('H5: the lease of a holder that cannot commit ends, and nobody else presents the spent token', async () => {
  const { front, admin, stored } = fixture
  const loggedIn = await renewWhile(() => front.refuseAll(isScript('commit')))
  const { browser, get, renewals } = loggedIn
  const key = `bff:{${await sessionIdOf(browser)}}:auth`
  await eventually('the lease to end', async () => {
    const [seconds] = await admin.time()
    return Number(await admin.hget(key, 'leaseEndsAt')) < Number(seconds) * 1000
  })
  expect((await get(`${one.url}/private`)).json()).toMatchObject({ generation: 2 })
  expect((await get(`${other.url}/private`)).json()).toMatchObject({ generation: 1 })
  expect(await admin.hget(key, 'takeOverAt')).not.toBeNull()
  expect(await stored(browser)).toMatchObject({ generation: 1 })
  expect(renewals()).toBe(1)
  front.normal()
  await expectLanded(loggedIn)
})

test('H5: a commit whose answer was lost counts once', async () => {
  const { front, stored, told } = fixture
  let dropped: { arrived: Promise<void>; drop(): void } | undefined
  const loggedIn = renewWhile(() => {
    dropped = front.holdAnswerOf(isScript('commit'))
  })
  await eventually('the commit to be armed', () => dropped)
  await dropped?.arrived
  dropped?.drop()
  const { browser, user } = await loggedIn
  expect(await stored(browser)).toMatchObject({ generation: 2 })
  await expectLanded(await loggedIn)
  expect(told('commit-delayed', user)).toHaveLength(1)
})
