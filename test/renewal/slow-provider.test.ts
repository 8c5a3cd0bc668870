// H29: a token endpoint that answers after everybody who waited is gone, and has rotated: its answer is not lost.
import { expectTryLater, overlaps, useFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import type { Moment } from '../support/provider/faults.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'
import { testAllAtOnce } from './real-waits.ts'

const { provider, admin, cluster, one, other, stored, told } = useFaultFixture({
  processes: 3,
  options: {
    // A lease is four seconds, and other requests to the provider have less than that.
    renewal: { afterSeconds: 900, timeoutSeconds: 1 },
    redisTimeoutSeconds: 1,
    httpTimeoutSeconds: 2,
  },
})

/** Somebody whose next request with the refresh token of now is slow. */
async function victim(mode: Moment) {
  const loggedIn = await logIn(provider, cluster.url)
  const { browser, user } = loggedIn
  const hash = sha256(provider.liveRefreshTokens(user)[0] ?? '')
  const held = provider.holdNext('token', { mode, when: ({ refreshTokenHash }) => refreshTokenHash === hash })
  const presented = () => provider.requests({ refreshTokenHash: hash })
  const id = await sessionIdOf(browser)
  const lease = async () => {
    const [owner, endsAt] = await admin.hmget(`bff:{${id}}:auth`, 'leaseOwner', 'leaseEndsAt')
    return { owner, endsAt: Number(endsAt) }
  }
  /** Until the lease that was granted would be over. */
  const outlast = async (granted: Awaited<ReturnType<typeof lease>>) => {
    await eventually('the time of the first lease', async () => {
      const [seconds] = await admin.time()
      return Number(seconds) * 1000 > granted.endsAt
    })
    const now = await lease()
    expect(now.owner).toBe(granted.owner)
    expect(now.endsAt).toBeGreaterThan(granted.endsAt)
  }
  return { ...loggedIn, held, presented, id, lease, outlast }
}

const cases: [string, () => Promise<void>][] = [
  [
    'H29: who waits is answered at the deadline, by the old token; the late answer is used from then on',
    async () => {
      const { browser, get, held, lease, outlast, presented, user } = await victim('after')
      await ageSession(admin, browser, 901)
      const waiting = Promise.all([one, other].map(({ url }) => get(`${url}/private`)))
      await held.processed
      const granted = await lease()
      for (const page of await waiting) expect(page.json()).toMatchObject({ sub: user, generation: 1 })
      for (const { url } of [one, other]) expectTryLater(await get(`${url}/fresh`), 'renewal_pending')
      await outlast(granted)
      expectTryLater(await get(`${other.url}/fresh`), 'renewal_pending')
      expect((await get(`${other.url}/private`)).json()).toMatchObject({ generation: 1 })

      held.release()
      await eventually('the commit', async () => (await stored(browser))?.generation === 2)
      for (const { url } of [one, other]) {
        expect((await get(`${url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
      }
      expect((await eventually('a renewal', () => get(`${other.url}/fresh`))).json()).toMatchObject({
        generation: 3,
      })
      expect(presented()).toHaveLength(1)
      expect(overlaps(provider.tokenRequests('refresh_token'))).toEqual([])
      expect([told('renewal-failed', user), told('session-ended', user)]).toEqual([[], []])
    },
  ],
  [
    'H29: a session whose tokens have expired is 503 until the late answer comes, and there after it',
    async () => {
      const { browser, get, held, outlast, lease, presented, user } = await victim('after')
      await ageSession(admin, browser, 3601, { idToken: 3601, accessToken: 3601 })
      const waiting = [one, other].map(({ url }) => get(`${url}/private`))
      await held.processed
      const granted = await lease()
      for (const page of await Promise.all(waiting)) expectTryLater(page, 'renewal_pending')
      await outlast(granted)
      held.release()
      await eventually('the commit', async () => (await stored(browser))?.generation === 2)
      expect((await get(`${other.url}/token`)).json()).toMatchObject({ sub: user, generation: 2 })
      expect(presented()).toHaveLength(1)
    },
  ],
  [
    'H29: a logout before the late answer stays one, and the token that comes is revoked',
    async () => {
      const { browser, get, held, id, user } = await victim('after')
      await ageSession(admin, browser, 901)
      const copy = browser.clone()
      expect((await get(`${one.url}/private`)).json()).toMatchObject({ generation: 1 })
      await browser.submit(`${other.url}/logout`, {}, { from: other.url, stopAt: () => true })
      held.release()
      await eventually('the revocation', () => provider.liveRefreshTokens(user).length === 0)
      expect(await keysOf(admin, id)).toEqual([])
      expect((await copy.request('GET', `${one.url}/private`)).status).toBe(401)
    },
  ],
  [
    'H4: a holder that is killed after it has extended its lease has a successor as soon as any other',
    async () => {
      const holder = cluster.processes[2]
      if (holder === undefined) throw new Error('there is no third process')
      const { browser, get, held, lease, outlast, presented, user } = await victim('before')
      await ageSession(admin, browser, 901)
      expect((await get(`${holder.url}/private`)).json()).toMatchObject({ generation: 1 })
      await held.arrived
      await outlast(await lease())
      const { endsAt } = await lease()
      const [seconds] = await admin.time()
      // Four seconds from the last time that it was extended, and the part of a second that was left out here.
      expect(endsAt).toBeLessThan(Number(seconds) * 1000 + 5000)
      await holder.sigkill()
      const successor = async () => (await get(`${other.url}/private`)).json().generation === 2
      await eventually('a successor', successor, 15_000)
      expect(presented()).toHaveLength(2)
      expect(overlaps(presented())).toEqual([])
      expect(told('session-ended', user)).toEqual([])
    },
  ],
]

testAllAtOnce(cases)('%s', (_name, run) => run())
