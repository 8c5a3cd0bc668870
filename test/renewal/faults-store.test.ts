// H5, H18: Redis takes no writes, or is gone, between the provider's answer and the commit; or it lost what it had.
import { startApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { expectTryLater, useFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { isScript } from '../support/redis/commands.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'
import { timeOver } from './real-waits.ts'

const options = { renewal: { afterSeconds: 900, timeoutSeconds: 3 }, redisTimeoutSeconds: 1 }
const { provider, redis, front, admin, cluster, one, other, stored, told } = useFaultFixture({
  processes: 2,
  options,
})

// Redis as it was, also for the test after one that failed; nothing of it harms a Redis that is well.
afterEach(async () => {
  front.normal()
  await front.up()
  redis.thaw()
  await admin.replicaof('NO', 'ONE')
  await admin.config('SET', 'maxmemory', '0')
})

describe('at the commit', () => {
  /** A due session whose renewal at `one` has come as far as the provider's answer when `spoil` happens. */
  async function renewWhile(spoil: () => unknown): Promise<LoggedIn> {
    const loggedIn = await logIn(provider, cluster.url)
    await ageSession(admin, loggedIn.browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = loggedIn.get(`${one.url}/private`)
    await held.processed
    await spoil()
    held.release()
    const page = await waiting
    expect([page.status, page.json()]).toEqual([
      200,
      expect.objectContaining({ generation: 2, pid: one.pid }),
    ])
    await expectDelayed(loggedIn)
    return loggedIn
  }

  async function expectDelayed({ user }: LoggedIn) {
    const delayed = [{ subject: user, generation: 2 }]
    await eventually('the delay to be told', () => told('commit-delayed', user).length > 0)
    expect(told('commit-delayed', user)).toEqual(delayed)
  }

  async function expectLanded({ browser, get, renewals, user }: LoggedIn) {
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
    await eventually('both renewals to be told', () => told('renewed', user).length > 1)
    expect(told('renewed', user)).toHaveLength(2)
  }

  const outages: [string, () => unknown, () => unknown][] = [
    ['refuses connections', () => front.down(), () => front.up()],
    ['is frozen', () => redis.freeze(), () => redis.thaw()],
  ]

  test.each(outages)(
    'H5: a renewal whose commit meets a Redis that %s is served, kept and stored when Redis is back',
    async (_what, spoil, mend) => {
      const loggedIn = await renewWhile(spoil)
      const pages = await Promise.all([one, other].map(({ url }) => loggedIn.get(`${url}/private`)))
      for (const page of pages) expectTryLater(page, 'store_unavailable')
      await mend()
      await expectLanded(loggedIn)
    },
  )

  const refusals: [string, () => unknown, () => unknown][] = [
    ['became a read-only replica', () => admin.replicaof('127.0.0.1', 1), () => admin.replicaof('NO', 'ONE')],
    [
      'is out of memory',
      () => admin.config('SET', 'maxmemory', '1'),
      () => admin.config('SET', 'maxmemory', '0'),
    ],
  ]

  test.each(refusals)(
    'H5: while Redis %s, the holder serves with the new tokens and the others with the old ones',
    async (_what, spoil, mend) => {
      const loggedIn = await renewWhile(spoil)
      const { get, renewals, user } = loggedIn
      expect((await get(`${one.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
      expect((await get(`${other.url}/private`)).json()).toMatchObject({ sub: user, generation: 1 })
      for (const refused of await Promise.all([one, other].map(({ url }) => get(`${url}/fresh`)))) {
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
    const loggedIn = await renewWhile(() => front.refuseAll(isScript('commit')))
    const { browser, get, renewals } = loggedIn
    const key = `bff:{${await sessionIdOf(browser)}}:auth`
    await timeOver(admin, browser, 'leaseEndsAt')
    expect((await get(`${one.url}/private`)).json()).toMatchObject({ generation: 2 })
    expect((await get(`${other.url}/private`)).json()).toMatchObject({ generation: 1 })
    expect(await admin.hget(key, 'takeOverAt')).not.toBeNull()
    expect(await stored(browser)).toMatchObject({ generation: 1 })
    expect(renewals()).toBe(1)
    front.normal()
    await expectLanded(loggedIn)
  })

  test('H5: a commit whose answer was lost counts once', async () => {
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
})

// New tokens wait for Redis while the process ends, the person logs out, or Redis forgets its last second.
describe('at the end', () => {
  const { closing, mortal } = useParts(async (start) => ({
    closing: await start(startApp({ provider, redisUrl: front.url, options })),
    mortal: await start(startAppProcess({ provider, redisUrl: front.url, options })),
  }))

  /** Renews a due session at `url`, whose commit Redis then refuses. */
  async function renewUnstored(url: string, loggedIn: LoggedIn) {
    await ageSession(admin, loggedIn.browser, 901)
    front.refuseAll(isScript('commit'))
    expect((await loggedIn.get(`${url}/private`)).json()).toMatchObject({ generation: 2 })
    expect(await stored(loggedIn.browser)).toMatchObject({ generation: 1 })
  }

  test('H5: close() waits until the tokens that Redis did not take are stored', async () => {
    const loggedIn = await logIn(provider, closing.url)
    await renewUnstored(closing.url, loggedIn)
    let closed = false
    const over = closing.auth.close().then(() => {
      closed = true
    })
    const tries = () => closing.events.filter(({ name }) => name === 'store-unavailable').length
    const before = tries()
    await eventually('more attempts to store', () => tries() > before + 1)
    expect(closed).toBe(false)
    front.normal()
    await over
    expect(await stored(loggedIn.browser)).toMatchObject({ generation: 2 })
    expect(closing.events.map(({ name }) => name)).not.toContain('commit-lost')
    expect(loggedIn.renewals()).toBe(1)
  })

  test('H5: SIGTERM while Redis is gone ends the process when the tokens are stored', async () => {
    const loggedIn = await logIn(provider, mortal.url)
    await ageSession(admin, loggedIn.browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = loggedIn.get(`${mortal.url}/private`)
    await held.processed
    await front.down()
    held.release()
    expect((await waiting).json()).toMatchObject({ generation: 2 })
    const ended = mortal.sigterm()
    await eventually('the process to take no more requests', () =>
      loggedIn.get(`${mortal.url}/ping`).then(
        () => false,
        () => true,
      ),
    )
    expect(await stored(loggedIn.browser)).toMatchObject({ generation: 1 })
    await front.up()
    expect(await ended).toBe(0)
    expect(await stored(loggedIn.browser)).toMatchObject({ generation: 2 })
    expect(mortal.events.map(({ name }) => name)).not.toContain('commit-lost')
  })

  test.each([
    ['the same process', () => one],
    ['another process', () => other],
  ])(
    'H5: a logout at %s wins over tokens that wait to be stored, which are revoked',
    async (_what, where) => {
      const loggedIn = await logIn(provider, cluster.url)
      const { browser, user } = loggedIn
      const id = await sessionIdOf(browser)
      const stale = browser.clone()
      await renewUnstored(one.url, loggedIn)
      const [late = ''] = provider.liveRefreshTokens(user)
      const page = await browser.request('POST', `${where().url}/logout`, { from: cluster.url })
      expect(page.status).toBe(303)
      front.normal()
      await eventually('the new token to be revoked', () =>
        provider.revocations().some(({ tokenHash, status }) => tokenHash === sha256(late) && status === 200),
      )
      expect(provider.liveRefreshTokens(user)).toEqual([])
      expect(await keysOf(admin, id)).toEqual([])
      for (const { url } of [one, other]) {
        expect((await stale.request('GET', `${url}/private`)).json()).toMatchObject({
          code: 'login_required',
        })
      }
      await eventually('the end to be told', () => told('session-ended', user).length > 0)
      expect(told('session-ended', user)).toEqual([{ subject: user, reason: 'logout' }])
      expect(told('commit-lost', user)).toEqual([])
      expect(loggedIn.renewals()).toBe(1)
    },
  )

  // A Redis that saves every second comes back like that.
  test('H5: a Redis that comes back without the lease still takes the tokens of its holder', async () => {
    const { browser, get, renewals, user } = await logIn(provider, cluster.url)
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
})

describe('emptied', () => {
  const empties: [string, () => Promise<void>][] = [
    ['flushed', () => redis.flush()],
    ['killed and comes back empty', () => redis.restart()],
  ]

  test.each(empties)(
    'H18: when Redis is %s, everybody is logged out cleanly and can log in again',
    async (_what, empty) => {
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
        expect((await browser.logIn(cluster.url, { user })).json()).toMatchObject({
          sub: user,
          generation: 1,
        })
        const page = await browser.request('GET', `${other.url}/fresh`)
        expect(page.json()).toMatchObject({ sub: user, generation: 2 })
      }
      expect((await first?.get(`${cluster.url}/cart`))?.json()).toEqual({ cart: 'new' })
      // Nothing of what was lost came back, whatever was still in somebody's hands.
      for (const id of old) expect(await keysOf(admin, id)).toEqual([])
      expect(provider.refreshCount() - before).toBe(2)
      expect([one.output(), other.output()].join('')).not.toMatch(/TypeError|ReplyError/)
    },
  )

  test('H18: a Redis that is flushed while a session is renewed ends it, and the late token is revoked', async () => {
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
})
