// What the figures should be, beside what they are.
import { BARE, NEAR_CACHE, OURS } from './contestants.ts'
import type { Result } from './rounds.ts'
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
}
