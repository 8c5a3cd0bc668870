// Two of them in turn, again and again, the order changing: what differs by a few per cent is seen by many short pairs only.
import { type Competitor, enter } from './competitor.ts'
import { CONTESTANTS } from './contestants.ts'
import { play, type Round, warmUp } from './rounds.ts'
import type { Stage } from './stage.ts'
import { median } from './statistics.ts'

interface PairsPlan {
  readonly pairs: number
  readonly seconds: number
}

/** @param names of a contestant, and of the one that it is compared with */
export async function comparePairs(
  stage: Stage,
  names: readonly string[],
  { pairs, seconds }: PairsPlan,
): Promise<void> {
  const both: Competitor[] = []
  for (const name of names) {
    const contestant = CONTESTANTS.find((each) => each.name === name)
    if (contestant === undefined) throw new Error(`nobody is called ${name}`)
    both.push(await enter(stage, contestant))
  }
  const [one, other] = both
  if (one === undefined || other === undefined || both.length > 2) throw new Error('--pairs wants two names')
  const admin = stage.connect()
  // Code that was not optimised yet would be measured as slow.
  for (const each of both) await warmUp(each, 5)
  const played: { one: Round; other: Round }[] = []
  for (let pair = 0; pair < pairs; pair += 1) {
    const first = await play(admin, pair % 2 === 0 ? one : other, { seconds })
    const second = await play(admin, pair % 2 === 0 ? other : one, { seconds })
    played.push(pair % 2 === 0 ? { one: first, other: second } : { one: second, other: first })
  }
  const ratio = (pick: (round: Round) => number) =>
    median(played.map((pair) => pick(pair.one) / pick(pair.other))).toFixed(3)
  console.log(
    `${one.contestant.title} / ${other.contestant.title}, medians of ${pairs} pairs of ${seconds} s: requests/s ${ratio((round) => round.requestsPerSecond)}, CPU a request ${ratio((round) => round.cpuMicrosecondsPerRequest)}`,
  )
}
