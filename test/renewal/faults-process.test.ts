// H4, H7: the process that renews a session is killed, at every moment of the renewal, or asked to end.
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import {
  type FaultFixture,
  overlaps,
  PATIENT,
  startFaultFixture,
  useFaultFixture,
} from '../support/app/fault-fixture.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import type { Match } from '../support/redis/commands.ts'
import { isScript } from '../support/redis/commands.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

describe('killed', () => {
  const { strict, lenient } = useParts(async (start) => {
    // Longer than it takes on a slow machine to hold four renewals; the lease is three seconds more.
    const renewal = { afterSeconds: 900, timeoutSeconds: 4 }
    const open = (reuseSeconds: number) =>
      start(
        startFaultFixture({
          processes: 3,
          reuseSeconds,
          options: { renewal: { ...renewal, providerReuseSeconds: reuseSeconds }, redisTimeoutSeconds: 1 },
        }),
      )
    const [strict, lenient] = await Promise.all([open(0), open(60)])
    return { strict, lenient }
  })

  const MOMENTS = {
    'just before the refresh reaches the provider': holdAtProvider,
    'just after the provider rotated': holdAfterRotation,
    'just before the commit reaches Redis': holdCommit,
    'just after the commit': holdAnswerOfCommit,
  }

  type Moment = keyof typeof MOMENTS

  interface Victim extends LoggedIn {
    /** of its first refresh token */
    readonly hash: string
  }

  interface Run {
    readonly fixture: FaultFixture
    readonly victims: Map<Moment, Victim>
    readonly answers: Map<Moment, Page[]>
    readonly successor: AppProcess
    /** sessions that nobody renewed: another person's, and the same person's as the one whose token was spent */
    readonly bystanders: Browser[]
  }

  const STRICT = 0
  const LENIENT = 60
  const runs = new Map<number, Run>()

  beforeAll(async () => {
    await Promise.all(
      (
        [
          [STRICT, strict],
          [LENIENT, lenient],
        ] as const
      ).map(async ([reuse, fixture]) => {
        runs.set(reuse, await killAndWatch(fixture))
      }),
    )
  }, 60_000)

  /** Kills two holders, one in the middle of three renewals, and asks their successor until it knows. */
  async function killAndWatch(fixture: FaultFixture): Promise<Run> {
    const [one, two, successor] = fixture.processes as [AppProcess, AppProcess, AppProcess]
    const names = Object.keys(MOMENTS) as Moment[]
    const victims = new Map<Moment, Victim>()
    for (const name of names) victims.set(name, await logInVictim(fixture))
    const twin = new Browser()
    await twin.logIn(fixture.cluster.url, { user: victimOf(victims, names[1]).user })
    const bystanders = [(await logIn(fixture.provider, fixture.cluster.url)).browser, twin]

    const hold = (name: Moment, holder: AppProcess) => MOMENTS[name](fixture, victimOf(victims, name), holder)
    await Promise.all([
      hold('just before the refresh reaches the provider', one),
      hold('just after the provider rotated', one),
    ])
    // What is held on the connection to Redis comes last: nothing passes it.
    await Promise.all([hold('just before the commit reaches Redis', one), hold('just after the commit', two)])
    await Promise.all([one.sigkill(), two.sigkill()])
    const answers = new Map<Moment, Page[]>()
    await Promise.all(
      names.map(async (name) => answers.set(name, await askUntilKnown(victimOf(victims, name), successor))),
    )
    return { fixture, victims, answers, successor, bystanders }
  }

  function victimOf(victims: Map<Moment, Victim>, name: Moment | undefined): Victim {
    const victim = name && victims.get(name)
    if (!victim) throw new Error(`nobody is there for ${name}`)
    return victim
  }

  async function logInVictim({ provider, admin, cluster }: FaultFixture): Promise<Victim> {
    const loggedIn = await logIn(provider, cluster.url)
    await ageSession(admin, loggedIn.browser, 901)
    const [token = ''] = provider.liveRefreshTokens(loggedIn.user)
    return { ...loggedIn, hash: sha256(token) }
  }

  // Nothing of this is let go: what was on its way when the holder died never arrives.
  async function holdAtProvider({ provider }: FaultFixture, { get, hash }: Victim, holder: AppProcess) {
    const held = provider.holdNext('token', { when: ({ refreshTokenHash }) => refreshTokenHash === hash })
    get(`${holder.url}/private`).catch(() => {})
    await held.arrived
  }

  async function holdAfterRotation({ provider }: FaultFixture, { get, hash }: Victim, holder: AppProcess) {
    const when = ({ refreshTokenHash }: { refreshTokenHash?: string }) => refreshTokenHash === hash
    const held = provider.holdNext('token', { mode: 'after', when })
    get(`${holder.url}/private`).catch(() => {})
    await held.processed
  }

  async function holdCommit({ front }: FaultFixture, victim: Victim, holder: AppProcess) {
    const held = front.holdNext(await commitOf(victim))
    victim.get(`${holder.url}/private`).catch(() => {})
    await held.arrived
  }

  async function holdAnswerOfCommit({ front }: FaultFixture, victim: Victim, holder: AppProcess) {
    const held = front.holdAnswerOf(await commitOf(victim))
    victim.get(`${holder.url}/private`).catch(() => {})
    await held.arrived
  }

  async function commitOf({ browser }: Victim): Promise<Match> {
    const id = await sessionIdOf(browser)
    return (args) => isScript('commit')(args) && args.some((word) => word.includes(id))
  }

  /** Until it is not "try later" any more, and three times after that. */
  async function askUntilKnown({ browser }: Victim, { url }: AppProcess): Promise<Page[]> {
    const pages: Page[] = []
    const stale = browser.clone()
    const ask = async () => {
      const page = await stale.request('GET', `${url}/private`)
      pages.push(page)
      return page
    }
    const known = ({ status, json }: Page) => status !== 200 || json().generation !== 1
    await eventually('the session to be renewed, or over', async () => known(await ask()), 25_000)
    for (let more = 0; more < 3; more += 1) await ask()
    return pages
  }

  const SPENT: Moment[] = ['just after the provider rotated', 'just before the commit reaches Redis']

  function outcome(reuse: number, moment: Moment) {
    const run = runs.get(reuse)
    if (!run) throw new Error('the processes did not start')
    const victim = victimOf(run.victims, moment)
    const presented = () =>
      run.fixture.provider.requests(({ refreshTokenHash }) => refreshTokenHash === victim.hash)
    return { ...run, victim, presented, pages: run.answers.get(moment) ?? [] }
  }

  test.each([
    ['a strict provider', 'just before the refresh reaches the provider', STRICT, 2],
    ['a strict provider', 'just after the commit', STRICT, 1],
    ['a provider that allows reuse', 'just before the refresh reaches the provider', LENIENT, 2],
    ['a provider that allows reuse', 'just after the provider rotated', LENIENT, 2],
    ['a provider that allows reuse', 'just before the commit reaches Redis', LENIENT, 2],
    ['a provider that allows reuse', 'just after the commit', LENIENT, 1],
  ] as [string, Moment, number, number][])(
    'H4: with %s, a session whose holder was killed %s lives on',
    async (_provider, moment, reuse, times) => {
      const { pages, presented, successor, victim } = outcome(reuse, moment)
      expect(pages.map(({ status }) => status)).toEqual(pages.map(() => 200))
      expect(pages.at(-1)?.json()).toMatchObject({ sub: victim.user, generation: 2, pid: successor.pid })
      expect(presented()).toHaveLength(times)
      expect((await victim.get(`${successor.url}/fresh`)).json()).toMatchObject({ generation: 3 })
      expect(presented()).toHaveLength(times)
    },
  )

  test.each(SPENT)(
    'H4: with a strict provider, a session whose holder was killed %s ends once, as "log in again"',
    async (moment) => {
      const { fixture, pages, presented, successor, victim } = outcome(STRICT, moment)
      const [ended, ...later] = pages.filter(({ status }) => status !== 200)
      expect([ended?.status, ended?.json().code]).toEqual([401, 'session_ended'])
      expect(later.map((page) => [page.status, page.json().code])).toEqual(
        Array(3).fill([401, 'login_required']),
      )
      expect(presented()).toHaveLength(2)
      expect(fixture.told('session-ended', victim.user)).toEqual([
        { subject: victim.user, reason: 'refresh_token_rejected' },
      ])
      expect(await keysOf(fixture.admin, await sessionIdOf(victim.browser))).toEqual([])
      expect((await victim.get(`${successor.url}/private`)).status).toBe(401)
      const page = await victim.browser.navigate(`${successor.url}/private`, {
        from: null,
        stopAt: () => true,
      })
      expect([page.status, page.headers.location]).toEqual([302, '/login?return_to=%2Fprivate'])
    },
  )

  test.each([
    ['strict', STRICT],
    ['lenient', LENIENT],
  ])(
    'H4: other sessions at a %s provider do not notice, and no two requests had one token on its way',
    async (_what, reuse) => {
      const { fixture, bystanders, successor } = outcome(reuse, 'just after the provider rotated')
      for (const browser of bystanders) {
        expect((await browser.request('GET', `${successor.url}/fresh`)).json()).toMatchObject({
          generation: 2,
        })
      }
      expect(overlaps(fixture.provider.tokenRequests('refresh_token'))).toEqual([])
      expect(successor.output()).not.toMatch(/Error/)
    },
  )
})

describe('asked to end', () => {
  const {
    provider,
    front,
    admin,
    cluster,
    one: beside,
    other: answering,
    stored,
  } = useFaultFixture({ processes: 3, options: PATIENT })
  const { hasty } = useParts(async (start) => {
    const renewal = { afterSeconds: 900, timeoutSeconds: 1, requestTimeoutSeconds: 1 }
    const hasty = startAppProcess({ provider, redisUrl: front.url, options: { ...PATIENT, renewal } })
    return { hasty: await start(hasty) }
  })

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

  /** What a process told arrives by a channel of its own, perhaps after the news of its end. */
  async function expectOnlyRenewed({ events }: AppProcess) {
    const others = () => events.map(({ name }) => name).filter((name) => name !== 'logged-in')
    await eventually('the renewal to be told', () => others().length > 0)
    expect(others()).toEqual(['renewed'])
  }

  test('H7: a process that renews for nobody who waits ends after the commit', async () => {
    const app = beside
    const { browser, get, renewals } = await logIn(provider, cluster.url)
    await ageSession(admin, browser, 850)
    const held = provider.holdNext('token', { mode: 'after' })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1, pid: app.pid })
    await held.processed
    const { code } = await askToEnd(app, () => get(`${app.url}/ping`))
    expect(await stored(browser)).toMatchObject({ generation: 1 })
    held.release()
    expect(await code).toBe(0)
    await expectOnlyRenewed(app)
    expect(await stored(browser)).toMatchObject({ generation: 2 })
    expect((await get(`${cluster.processes[2]?.url}/private`)).json()).toMatchObject({ generation: 2 })
    expect(renewals()).toBe(1)
  })

  test('H7: a process that renews for a request answers it and ends after the commit', async () => {
    const app = answering
    const { browser, get, renewals } = await logIn(provider, cluster.url)
    await ageSession(admin, browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = get(`${app.url}/private`)
    await held.processed
    const { code } = await askToEnd(app, () => get(`${app.url}/ping`))
    held.release()
    expect((await waiting).json()).toMatchObject({ generation: 2, pid: app.pid })
    expect(await code).toBe(0)
    await expectOnlyRenewed(app)
    expect(await stored(browser)).toMatchObject({ generation: 2 })
    expect(renewals()).toBe(1)
  })

  test('H7: a process whose provider hangs ends when the renewal has had its time, and the session lives on', async () => {
    const { browser, get, renewals, user } = await logIn(provider, hasty.url)
    await ageSession(admin, browser, 850)
    const held = provider.holdNext('token')
    expect((await get(`${hasty.url}/private`)).json()).toMatchObject({ generation: 1 })
    await held.arrived
    const { code } = await askToEnd(hasty, () => get(`${hasty.url}/ping`))
    // Nobody has let go of the request: the process ends by its own deadline.
    expect(await code).toBe(0)
    held.release('cut')
    expect(await stored(browser)).toMatchObject({ generation: 1 })
    expect(provider.liveRefreshTokens(user)).toHaveLength(1)
    // It gave the lease back before it ended: nobody has to wait for that.
    const key = `bff:{${await sessionIdOf(browser)}}:auth`
    expect(await admin.hmget(key, 'leaseOwner', 'leaseEndsAt', 'sentAt')).toEqual([null, null, null])
    expect(renewals()).toBe(1)
    expect(overlaps(provider.tokenRequests('refresh_token'))).toEqual([])
  })
})
