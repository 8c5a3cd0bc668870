// How long a request waits for a renewal, beyond the time that the provider has it in hand.
import { eventually } from '../../test/support/deadline.ts'
import type { CleanUp } from '../clean-up.ts'
import { verdict } from '../goals.ts'
import { quantile } from '../statistics.ts'
import { markdown } from '../table.ts'
import { closeLines, type Heard, type Line, openLines } from './line.ts'
import type { ScalePlan } from './plan.ts'
import type { ScaleProvider } from './provider-process.ts'
import { arrivedIn, createWorld, type World } from './world.ts'

const RENEWALS = 240
/** As the scripts of a page ask all at once; many more would measure how fast they are answered one after another. */
const WAITING_EACH = 6
/** What the provider takes, in milliseconds: from a fast one to a slow one. */
const [FASTEST, SLOWEST] = [20, 400]
const GOALS: Record<Who, number> = {
  'the request that renews': 30,
  'the same process': 30,
  'another process': 60,
}

type Who = 'the request that renews' | 'the same process' | 'another process'

export async function measureWaiting(
  cleanUp: CleanUp,
  provider: ScaleProvider,
  { nearCache }: ScalePlan,
): Promise<boolean> {
  const world = await createWorld(cleanUp, { provider, processes: 2, nearCache })
  const [one, other] = world.servers.map(({ port }) => port)
  const first = await openLines([one ?? 0], 1)
  const same = await openLines([one ?? 0], WAITING_EACH)
  const another = await openLines([other ?? 0], WAITING_EACH)
  const beyond: Record<Who, number[]> = {
    'the request that renews': [],
    'the same process': [],
    'another process': [],
  }
  for (let renewal = 0; renewal < RENEWALS; renewal += 1) {
    // The first renewals warm the code up.
    const kept = renewal >= RENEWALS / 6
    const ms = FASTEST + ((SLOWEST - FASTEST) * renewal) / (RENEWALS - 1)
    const [began, waitedSame, waitedAnother] = await renewOnce(world, ms, [first, same, another])
    if (!kept) continue
    beyond['the request that renews'].push(...(began ?? []))
    beyond['the same process'].push(...(waitedSame ?? []))
    beyond['another process'].push(...(waitedAnother ?? []))
  }
  closeLines([...first, ...same, ...another])
  await world.stop()
  console.log(
    `\nWaiting for a renewal, beyond the provider's own ${FASTEST} to ${SLOWEST} ms (${WAITING_EACH} requests at once in each process)\n`,
  )
  let held = true
  const rows = Object.entries(beyond).map(([where, times]) => {
    const goal = GOALS[where as Who]
    const p99 = quantile(times, 0.99)
    held &&= p99 < goal
    const figures = [quantile(times, 0.5).toFixed(1), p99.toFixed(1)]
    return [where, String(times.length), ...figures, `under ${goal}`, verdict(p99 < goal)]
  })
  console.log(markdown([['who waits', 'requests', 'p50 ms', 'p99 ms', 'goal of p99', ''], ...rows]))
  return held
}

/** The first line's request renews; the others come while the provider has it. */
async function renewOnce(world: World, ms: number, lines: Line[][]): Promise<number[][]> {
  const { provider, servers } = world
  const ask = (line: Line) => line.ask(world.request)
  const [first = [], ...others] = lines
  await world.makeDue()
  const seen = (await provider.tokenRequests(0)).length
  const arrived = () => arrivedIn(servers)
  const before = await arrived()
  await provider.hold()
  const asked = [first.map(ask)]
  await provider.arrived()
  const releasedAt = Date.now() + ms
  asked.push(...others.map((group) => group.map(ask)))
  await eventually(
    'all requests to be in the app',
    async () => (await arrived()) >= before + asked.flat().length,
  )
  await new Promise((resolve) => setTimeout(resolve, releasedAt - Date.now()))
  await provider.release()
  const heard = await Promise.all(asked.map((group) => Promise.all(group)))
  const tokenRequests = await provider.tokenRequests(seen)
  const [request] = tokenRequests
  if (request?.endedAt === undefined || tokenRequests.length !== 1)
    throw new Error(`${tokenRequests.length} token requests for one renewal`)
  const { at, endedAt } = request
  return heard.map((group) => group.map((each) => beyondOf(each, at, endedAt)))
}

function beyondOf({ sentAt, answeredAt, status }: Heard, at: number, endedAt: number): number {
  if (status !== 200) throw new Error(`a request that waited was answered ${status}`)
  const meanwhile = Math.min(answeredAt, endedAt) - Math.max(sentAt, at)
  return answeredAt - sentAt - Math.max(0, meanwhile)
}
