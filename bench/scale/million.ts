// What a session costs where there are very many: bytes, and the time of what is done with one of them.
import type { CleanUp } from '../clean-up.ts'
import { verdict } from '../goals.ts'
import { quantile } from '../statistics.ts'
import { markdown } from '../table.ts'
import { BUSY, type Crowd, storeCrowd } from './crowd.ts'
import { closeLines, type Line, openLines, postForm } from './line.ts'
import { prepareLogIns, type TimeLogIn } from './login-time.ts'
import type { ScalePlan } from './plan.ts'
import type { ScaleProvider } from './provider-process.ts'
import { createWorld, type World } from './world.ts'

const FEW = 1000
const A_DAY = 86_400
/** Differences below are the machine's. */
const TOLERANCE = { p50: { share: 0.1, milliseconds: 0.2 }, p99: { share: 0.25, milliseconds: 1 } }
const KINDS = {
  'look-up': 3000,
  login: 600,
  'back-channel logout': 600,
  'list(sub), one': 1500,
  'list(sub), many': 200,
}
type Kind = keyof typeof KINDS

interface Stored {
  world: World
  crowd: Crowd
}

interface Place extends Stored {
  line: Line
  logIn: TimeLogIn
  times: Record<Kind, number[]>
}

/** Both are there at once, and are asked in turn: what else the machine does hits both. */
export async function measureMillion(
  cleanUp: CleanUp,
  provider: ScaleProvider,
  { sessions, nearCache }: ScalePlan,
): Promise<boolean> {
  const stored: Stored[] = []
  for (const count of [FEW, sessions]) {
    const auth = { renewal: { afterSeconds: A_DAY } }
    const world = await createWorld(cleanUp, { provider, processes: 1, nearCache, auth })
    stored.push({ world, crowd: await storeCrowd(world, count) })
  }
  // Not before: a server closes a connection on which nothing is asked for a minute.
  const [few, many] = (await Promise.all(stored.map(openPlace))) as [Place, Place]
  for (const [kind, count] of Object.entries(KINDS) as [Kind, number][]) {
    const warmUp = Math.ceil(count / 10)
    for (let turn = 0; turn < count + warmUp; turn += 1) {
      for (const place of turn % 2 === 0 ? [few, many] : [many, few]) {
        const time = await ACTS[kind](place, turn)
        if (turn >= warmUp) place.times[kind].push(time)
      }
    }
  }
  for (const { line, world } of [few, many]) {
    closeLines([line])
    await world.stop()
  }
  return printFigures(few, many, sessions)
}

async function openPlace({ world, crowd }: Stored): Promise<Place> {
  const [line] = await openLines([world.servers[0]?.port ?? 0], 1)
  if (line === undefined) throw new Error('no connection')
  const times = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []])) as unknown as Place['times']
  return { world, crowd, line, logIn: await prepareLogIns(world), times }
}

const ACTS: Record<Kind, (place: Place, turn: number) => Promise<number>> = {
  async 'look-up'({ line, crowd }, turn) {
    const member = crowd.sample[turn % crowd.sample.length]
    const { status, body, sentAt, answeredAt } = await line.ask(member?.request ?? '')
    if (status !== 200 || JSON.parse(body).sub !== member?.sub)
      throw new Error(`a look-up was answered ${status}`)
    return answeredAt - sentAt
  },

  login: ({ logIn }) => logIn(),

  async 'back-channel logout'({ world, line, crowd }) {
    // Whoever is logged out takes no part any more.
    const member = crowd.sample.pop()
    if (member === undefined) throw new Error('nobody is left to log out')
    const claims = { sid: member.sid }
    const token = await world.provider.logoutToken({ clientId: world.clientId, claims })
    const { status, sentAt, answeredAt } = await line.ask(
      postForm('/backchannel-logout', { logout_token: token ?? '' }),
    )
    const after = await line.ask(member.request)
    if (status !== 200 || after.status !== 401)
      throw new Error(
        `a back-channel logout was answered ${status}, and the session's next request ${after.status}`,
      )
    return answeredAt - sentAt
  },

  'list(sub), one': ({ world, crowd }, turn) =>
    list(world, crowd.sample[turn % crowd.sample.length]?.sub ?? '', 1),

  'list(sub), many': ({ world }) => list(world, BUSY.sub, BUSY.sessions),
}

async function list(world: World, sub: string, expected: number): Promise<number> {
  const listed = (await world.servers[0]?.call('list', sub)) as { milliseconds: number; length: number }
  if (listed.length !== expected) throw new Error(`${sub} has ${listed.length} sessions, not ${expected}`)
  return listed.milliseconds
}

function printFigures(few: Place, many: Place, sessions: number): boolean {
  const { crowd } = many
  console.log(
    `\n${sessions} sessions in Redis: ${crowd.bytesEach.toFixed(0)} bytes each, index and all (${few.crowd.bytesEach.toFixed(0)} with ${FEW}); stored in ${crowd.seconds.toFixed(0)} s, ${(sessions / crowd.seconds).toFixed(0)} a second\n`,
  )
  let held = true
  const rows = (Object.keys(KINDS) as Kind[]).map((kind) => {
    const figures = (['p50', 'p99'] as const).map((name) => {
      const share = name === 'p50' ? 0.5 : 0.99
      const [before, after] = [few, many].map(({ times }) => quantile(times[kind], share)) as [number, number]
      const { share: more, milliseconds } = TOLERANCE[name]
      return { before, after, held: after <= Math.max(before * (1 + more), before + milliseconds) }
    })
    const all = figures.every((each) => each.held)
    held &&= all
    const cells = figures.flatMap(({ before, after }) => [before.toFixed(2), after.toFixed(2)])
    return [kind, String(few.times[kind].length), ...cells, verdict(all)]
  })
  const head = [
    '',
    'times',
    `p50 ms, ${FEW}`,
    `p50 ms, ${sessions}`,
    `p99 ms, ${FEW}`,
    `p99 ms, ${sessions}`,
    'no slower',
  ]
  console.log(markdown([head, ...rows]))
  console.log('no slower: p50 within 10 % or 0.2 ms, p99 within 25 % or 1 ms; login without the provider')
  return held
}
