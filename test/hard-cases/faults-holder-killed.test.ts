// H4: the process that renews a session is killed, at every moment of the renewal.
import { ageSession, keysOf, sessionIdOf } from '../support/age-session.ts'
import type { AppProcess } from '../support/app-process.ts'
import { Browser, type Page } from '../support/browser.ts'
import { eventually } from '../support/deadline.ts'
import { type FaultBench, overlaps, startFaultBench } from '../support/fault-bench.ts'
import { isScript } from '../support/redis-commands.ts'
import { sha256 } from '../support/seen-requests.ts'
import { type SignedIn, signIn } from '../support/signed-in.ts'

const MOMENTS = {
  'just before the refresh reaches the provider': holdAtProvider,
  'just after the provider rotated': holdAfterRotation,
  'just before the commit reaches Redis': holdCommit,
  'just after the commit': holdAnswerOfCommit,
}

type Moment = keyof typeof MOMENTS

interface Victim extends SignedIn {
  /** of its first refresh token */
  readonly hash: string
}

interface Run {
  readonly bench: FaultBench
  readonly victims: Map<Moment, Victim>
  readonly answers: Map<Moment, Page[]>
  readonly successor: AppProcess
  /** sessions that nobody renewed: another person's, and the same person's as the one whose token was spent */
  readonly bystanders: Browser[]
}

// Longer than two kills may take on a slow machine; the lease is two seconds more.
const renewal = { afterSeconds: 900, timeoutSeconds: 2 }
const runs = new Map<number, Run>()

beforeAll(async () => {
  const options = (reuse: number) => ({ renewal: { ...renewal, providerReuseSeconds: reuse } })
  const [strict, lenient] = await Promise.all([
    startFaultBench({ processes: 3, options: options(0) }),
    startFaultBench({ processes: 3, options: options(60), reuseSeconds: 60 }),
  ])
  await Promise.all(
    [strict, lenient].map(async (bench, at) => {
      runs.set(at === 0 ? 0 : 60, await killAndWatch(bench))
    }),
  )
}, 60_000)

afterAll(() => Promise.all([...runs.values()].map(({ bench }) => bench.stop())))

/** Kills two holders, one in the middle of three renewals, and asks their successor until it knows. */
async function killAndWatch(bench: FaultBench): Promise<Run> {
  const [one, two, successor] = bench.processes as [AppProcess, AppProcess, AppProcess]
  const names = Object.keys(MOMENTS) as Moment[]
  const victims = new Map<Moment, Victim>()
  for (const name of names) victims.set(name, await signInVictim(bench))
  const twin = new Browser()
  await twin.logIn(bench.cluster.url, { user: victimOf(victims, names[1]).user })
  const bystanders = [(await signIn(bench.provider, bench.cluster.url)).browser, twin]

  // What is held on the connection to Redis comes last: nothing passes it.
  for (const name of names) {
    const holder = name === 'just after the commit' ? two : one
    await MOMENTS[name](bench, victimOf(victims, name), holder)
  }
  await Promise.all([one.sigkill(), two.sigkill()])
  const answers = new Map<Moment, Page[]>()
  await Promise.all(
    names.map(async (name) => answers.set(name, await askUntilKnown(victimOf(victims, name), successor))),
  )
  return { bench, victims, answers, successor, bystanders }
}

function victimOf(victims: Map<Moment, Victim>, name: Moment | undefined): Victim {
  const victim = name && victims.get(name)
  if (!victim) throw new Error(`nobody is there for ${name}`)
  return victim
}

async function signInVictim({ provider, admin, cluster }: FaultBench): Promise<Victim> {
  const signedIn = await signIn(provider, cluster.url)
  await ageSession(admin, signedIn.browser, 901)
  const [token = ''] = provider.liveRefreshTokens(signedIn.user)
  return { ...signedIn, hash: sha256(token) }
}

// Nothing of this is let go: what was on its way when the holder died never arrives.
async function holdAtProvider({ provider }: FaultBench, { get, hash }: Victim, holder: AppProcess) {
  const held = provider.holdNext('token', { when: ({ refreshTokenHash }) => refreshTokenHash === hash })
  get(`${holder.url}/private`).catch(() => {})
  await held.arrived
}

async function holdAfterRotation({ provider }: FaultBench, { get, hash }: Victim, holder: AppProcess) {
  const when = ({ refreshTokenHash }: { refreshTokenHash?: string }) => refreshTokenHash === hash
  const held = provider.holdNext('token', { mode: 'after', when })
  get(`${holder.url}/private`).catch(() => {})
  await held.processed
}

async function holdCommit({ front }: FaultBench, { get }: Victim, holder: AppProcess) {
  const held = front.holdNext(isScript('commit'))
  get(`${holder.url}/private`).catch(() => {})
  await held.arrived
}

async function holdAnswerOfCommit({ front }: FaultBench, { get }: Victim, holder: AppProcess) {
  const held = front.holdAnswerOf(isScript('commit'))
  get(`${holder.url}/private`).catch(() => {})
  await held.arrived
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

const STRICT = 0
const LENIENT = 60
const SPENT: Moment[] = ['just after the provider rotated', 'just before the commit reaches Redis']

function outcome(reuse: number, moment: Moment) {
  const run = runs.get(reuse)
  if (!run) throw new Error('the processes did not start')
  const victim = victimOf(run.victims, moment)
  const presented = () =>
    run.bench.provider.requests(({ refreshTokenHash }) => refreshTokenHash === victim.hash)
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
  'H4: with a strict provider, a session whose holder was killed %s ends once, as "sign in again"',
  async (moment) => {
    const { bench, pages, presented, successor, victim } = outcome(STRICT, moment)
    const [ended, ...later] = pages.filter(({ status }) => status !== 200)
    expect([ended?.status, ended?.json().code]).toEqual([401, 'session_ended'])
    expect(later.map((page) => [page.status, page.json().code])).toEqual(
      Array(3).fill([401, 'login_required']),
    )
    expect(presented()).toHaveLength(2)
    expect(bench.told('session-ended', victim.user)).toEqual([
      { subject: victim.user, reason: 'refresh_token_rejected' },
    ])
    expect(await keysOf(bench.admin, await sessionIdOf(victim.browser))).toEqual([])
    expect((await victim.get(`${successor.url}/private`)).status).toBe(401)
    const page = await victim.browser.navigate(`${successor.url}/private`, { from: null, stopAt: () => true })
    expect([page.status, page.headers.location]).toEqual([302, '/login?return_to=%2Fprivate'])
  },
)

test.each([
  ['strict', STRICT],
  ['lenient', LENIENT],
])(
  'H4: other sessions at a %s provider do not notice, and no two requests had one token on its way',
  async (_what, reuse) => {
    const { bench, bystanders, successor } = outcome(reuse, 'just after the provider rotated')
    for (const browser of bystanders) {
      expect((await browser.request('GET', `${successor.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    }
    expect(overlaps(bench.provider.tokenRequests('refresh_token'))).toEqual([])
    expect(successor.output()).not.toMatch(/Error/)
  },
)
