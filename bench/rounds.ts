// The rounds: everybody in turn, again and again, so that what else the machine does hits all of them.
import type { Competitor } from './competitor.ts'
import { BARE } from './contestants.ts'
import { bytesKept, type CommandsPerRequest, commandsPerRequest, commandsRun } from './redis-figures.ts'
import type { Stage } from './stage.ts'
import { type Load, load } from './wrk.ts'

export interface Plan {
  rounds: number
  seconds: number
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
  /** of the same round of bare Express */
  readonly ratios: number[]
  readonly cookieBytes: number
  readonly redisBytes: number
  readonly residentBytes: number
}

export async function playRounds(stage: Stage, everybody: Competitor[], plan: Plan): Promise<Result[]> {
  const admin = stage.connect()
  const rounds = new Map<Competitor, Round[]>(everybody.map((each) => [each, []]))
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const competitor of everybody) {
      const aim = { url: competitor.url, cookie: competitor.cookie }
      // Code that was not optimised yet in the first round would be measured as slow.
      const warmUp = round === 1 ? 2 * plan.warmUpSeconds : plan.warmUpSeconds
      await load({ ...aim, seconds: warmUp })
      await competitor.check()
      const [before, usage] = [await commandsRun(admin), await competitor.server.usage()]
      const measured = await load({ ...aim, seconds: plan.seconds })
      const [after, usageAfter] = [await commandsRun(admin), await competitor.server.usage()]
      await competitor.check()
      // wrk counts a redirect to the log-in as an answer.
      const others = measured.requests - (usageAfter.served - usage.served)
      if (others > 0) throw new Error(`${competitor.contestant.title}: ${others} answers were no 200`)
      rounds.get(competitor)?.push({
        ...measured,
        cpuMicrosecondsPerRequest: (usageAfter.cpuMicroseconds - usage.cpuMicroseconds) / measured.requests,
        commands: commandsPerRequest(before, after, measured.requests),
      })
    }
    process.stderr.write(`round ${round} of ${plan.rounds}\n`)
  }
  const bare = everybody.find(({ contestant }) => contestant.name === BARE)
  const base = bare === undefined ? [] : (rounds.get(bare) ?? [])
  return Promise.all(
    everybody.map(async (competitor) => {
      const { name, title, database } = competitor.contestant
      const own = rounds.get(competitor) ?? []
      return {
        name,
        title,
        rounds: own,
        ratios: own.map((each, at) => each.requestsPerSecond / (base[at]?.requestsPerSecond ?? Number.NaN)),
        cookieBytes: Buffer.byteLength(competitor.cookie),
        redisBytes: database === undefined ? 0 : await bytesKept(stage.connect(database)),
        residentBytes: (await competitor.server.usage()).rss,
      }
    }),
  )
}
