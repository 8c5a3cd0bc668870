// The rounds: everybody in turn, again and again, each between two measurements of bare Express. Machines change their
// speed within seconds, and only what was measured beside it can be compared.
import type { Redis } from 'ioredis'
import type { Competitor } from './competitor.ts'
import { BARE } from './contestants.ts'
import { bytesKept, type CommandsPerRequest, commandsPerRequest, commandsRun } from './redis-figures.ts'
import type { Stage } from './stage.ts'
import { type Load, load } from './wrk.ts'

export interface Plan {
  rounds: number
  seconds: number
  /** before each of them */
  warmUpSeconds: number
}

export interface Round extends Load {
  cpuMicrosecondsPerRequest: number
  commands: CommandsPerRequest
}

export interface Result {
  readonly name: string
  readonly title: string
  readonly rounds: Round[]
  /** of bare Express, as it was just before and just after */
  readonly ratios: number[]
  readonly cookieBytes: number
  readonly redisBytes: number
  readonly residentBytes: number
}

export async function playRounds(stage: Stage, everybody: Competitor[], plan: Plan): Promise<Result[]> {
  const admin = stage.connect()
  const scores = new Map<Competitor, { rounds: Round[]; ratios: number[] }>(
    everybody.map((each) => [each, { rounds: [], ratios: [] }]),
  )
  const bare = everybody.find(({ contestant }) => contestant.name === BARE)
  if (bare === undefined) throw new Error('bare Express has to take part')
  // Code that was not optimised yet would be measured as slow.
  for (const each of everybody) await warmUp(each, plan.seconds)
  let before = await play(admin, bare, plan)
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const [competitor, { rounds, ratios }] of scores) {
      if (competitor === bare) continue
      await warmUp(competitor, plan.warmUpSeconds)
      const own = await play(admin, competitor, plan)
      const after = await play(admin, bare, plan)
      rounds.push(own)
      ratios.push((2 * own.requestsPerSecond) / (before.requestsPerSecond + after.requestsPerSecond))
      scores.get(bare)?.rounds.push(after)
      before = after
    }
    process.stderr.write(`round ${round} of ${plan.rounds}\n`)
  }
  return Promise.all(
    Array.from(scores, async ([{ contestant, cookie, server }, { rounds, ratios }]) => ({
      name: contestant.name,
      title: contestant.title,
      rounds,
      ratios: contestant.name === BARE ? [1] : ratios,
      cookieBytes: Buffer.byteLength(cookie),
      redisBytes: contestant.database === undefined ? 0 : await bytesKept(stage.connect(contestant.database)),
      residentBytes: (await server.usage()).rss,
    })),
  )
}

export async function warmUp({ url, cookie }: Competitor, seconds: number): Promise<void> {
  if (seconds > 0) await load({ url, cookie, seconds })
}

export async function play(
  admin: Redis,
  competitor: Competitor,
  { seconds }: Pick<Plan, 'seconds'>,
): Promise<Round> {
  const { contestant, server, url, cookie } = competitor
  await competitor.check()
  const [before, usage] = [await commandsRun(admin), await server.usage()]
  const measured = await load({ url, cookie, seconds })
  const [after, usageAfter] = [await commandsRun(admin), await server.usage()]
  await competitor.check()
  // wrk counts a redirect to the login as an answer.
  const others = measured.requests - (usageAfter.served - usage.served)
  if (others > 0) throw new Error(`${contestant.title}: ${others} answers were no 200`)
  return {
    ...measured,
    cpuMicrosecondsPerRequest: (usageAfter.cpuMicroseconds - usage.cpuMicroseconds) / measured.requests,
    commands: commandsPerRequest(before, after, measured.requests),
  }
}
