// H40: a process that is paused in the middle of a renewal, longer than its lease, and wakes.
import type { AppProcess } from '../support/app/app-process.ts'
import { useFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'
import { testAllAtOnce, timeOver } from './real-waits.ts'

const {
  provider,
  admin,
  cluster,
  one: successor,
  stored,
  told,
} = useFaultFixture({
  processes: 4,
  // A lease is six seconds, and another five pass before a successor takes over. Who asks afterwards waits three: on a busy
  // machine a renewal may take one.
  options: { renewal: { afterSeconds: 900, timeoutSeconds: 3 }, redisTimeoutSeconds: 1 },
})

let people: LoggedIn[]

// Before any process is paused: a login may come back to any of them.
beforeAll(async () => {
  people = await Promise.all(cluster.processes.map(() => logIn(provider, cluster.url)))
})

/** Somebody whose holder is paused while it waits for the answer of a provider that has rotated. */
async function pausedHolder(at: number) {
  const holder = cluster.processes[at] as AppProcess
  const loggedIn = people[at] as LoggedIn
  const { browser, get, user } = loggedIn
  await ageSession(admin, browser, 901)
  const hash = sha256(provider.liveRefreshTokens(user)[0] ?? '')
  const held = provider.holdNext('token', {
    mode: 'after',
    when: ({ refreshTokenHash }) => refreshTokenHash === hash,
  })
  const waiting = get(`${holder.url}/private`)
  await held.processed
  holder.freeze()
  const wake = () => {
    held.release()
    holder.thaw()
    return waiting
  }
  return { ...loggedIn, holder, wake, id: await sessionIdOf(browser) }
}

const cases: [string, () => Promise<void>][] = [
  [
    'H40: where another has renewed meanwhile, what it brings is refused, and both go on with the other’s',
    async () => {
      const { browser, get, holder, wake, user } = await pausedHolder(1)
      // As a provider does that takes a spent token again for a while; this one looks when it is presented.
      provider.store.reuseSeconds = 60
      const renewed = async () => (await get(`${successor.url}/private`)).json().generation === 2
      await eventually('a successor', renewed, 20_000)
      const after = await stored(browser)
      expect((await wake()).json()).toMatchObject({ sub: user, authenticated: true })
      await eventually('its word for it', async () => {
        const page = await get(`${holder.url}/private`)
        return page.json().generation === 2
      })
      expect(await stored(browser)).toEqual(after)
      // Its own attempt may go on for a moment, and whoever asks it for another is told to come again.
      const fresh = await eventually('its attempt to be over', async () => {
        const page = await get(`${holder.url}/fresh`)
        return page.status === 503 ? undefined : page
      })
      expect(fresh.json()).toMatchObject({ sub: user, generation: 3 })
      for (const [at, { url }] of [successor, holder].entries()) {
        expect((await get(`${url}/fresh`)).json()).toMatchObject({ sub: user, generation: 4 + at })
      }
      expect([told('session-ended', user), told('commit-lost', user)]).toEqual([[], []])
    },
  ],
  [
    'H40: where another has taken over and the session is over, it stays over',
    async () => {
      const { browser, get, holder, wake, id, user } = await pausedHolder(2)
      provider.revokeGrants(user)
      const over = async () => (await get(`${successor.url}/private`)).status === 401
      await eventually('the end', over, 20_000)
      const copy = browser.clone()
      expect((await wake()).status).toBe(200)
      await eventually('its word for it', async () => (await get(`${holder.url}/private`)).status === 401)
      expect(await keysOf(admin, id)).toEqual([])
      expect((await copy.request('GET', `${holder.url}/private`)).status).toBe(401)
      expect(told('session-ended', user)).toHaveLength(1)
    },
  ],
  [
    'H40: where nobody has taken over, what it brings is the newest, and is stored',
    async () => {
      const { browser, get, holder, wake, user } = await pausedHolder(3)
      await timeOver(admin, browser, 'leaseEndsAt')
      await wake()
      await eventually('the commit', async () => (await stored(browser))?.generation === 2)
      expect((await get(`${successor.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
      expect((await get(`${holder.url}/private`)).json()).toMatchObject({ generation: 3 })
      expect(told('session-ended', user)).toEqual([])
    },
  ],
]

testAllAtOnce(cases)('%s', (_name, run) => run())
