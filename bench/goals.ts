// What the figures should be, beside what they are.
import { BARE, METRICS, NEAR_CACHE, OURS, SDK, TELEMETRY } from './contestants.ts'
import type { Result, Round } from './rounds.ts'
import { median } from './statistics.ts'

export function verdict(held: boolean): string {
  return held ? 'held' : 'MISSED'
}

export const ratioOf = ({ ratios }: Result) => median(ratios)

const GOALS = [
  { of: OURS, to: 'eoc-redis', goal: 2 },
  { of: OURS, to: BARE, goal: 0.65 },
  { of: NEAR_CACHE, to: BARE, goal: 0.8 },
]

/** What differs little is compared within each round. */
const PAIRS = [
  { of: TELEMETRY, to: SDK, goal: 0.97 },
  { of: METRICS, to: OURS, goal: 0.97 },
]

export function printGoals(results: readonly Result[]): void {
  const find = (name: string) => results.find((each) => each.name === name)
  for (const { of, to, goal } of GOALS) {
    const [one, other] = [find(of), find(to)]
    if (one === undefined || other === undefined) continue
    const times = ratioOf(one) / ratioOf(other)
    console.log(
      `${one.title} / ${other.title}: ${times.toFixed(2)}, goal ${goal.toFixed(2)}: ${verdict(times >= goal)}`,
    )
  }
  for (const { of, to, goal } of PAIRS) {
    const [one, other] = [find(of), find(to)]
    if (one === undefined || other === undefined) continue
    const paired = (pick: (round: Round) => number) =>
      median(one.rounds.map((round, at) => pick(round) / pick(other.rounds[at] ?? round)))
    const times = paired((round) => round.requestsPerSecond)
    const cpu = paired((round) => round.cpuMicrosecondsPerRequest)
    console.log(
      `${one.title} / ${other.title}, in pairs: ${times.toFixed(3)} (CPU ${cpu.toFixed(3)}), goal ${goal.toFixed(2)}: ${verdict(times >= goal)}`,
    )
  }
}
