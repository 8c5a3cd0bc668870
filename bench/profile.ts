// npm run bench -- --profile: where one server's time goes under load.
import { writeFile } from 'node:fs/promises'
import { enter } from './competitor.ts'
import { contestant } from './contestants.ts'
import { type Share, summarize } from './profile-summary.ts'
import type { Stage } from './stage.ts'
import { load } from './wrk.ts'

export interface ProfilePlan {
  name: string
  seconds: number
  /** where to leave the .cpuprofile, for DevTools; nowhere unless told */
  out?: string | undefined
}

const [MOST_FUNCTIONS, MOST_FILES] = [40, 20]

export async function profile(stage: Stage, { name, seconds, out }: ProfilePlan): Promise<void> {
  const competitor = await enter(stage, contestant(name))
  const aim = { url: competitor.url, cookie: competitor.cookie }
  // What runs once, and what the compiler does at first, is not what a request costs.
  await load({ ...aim, seconds: 3 })
  await competitor.server.startProfile()
  const measured = await load({ ...aim, seconds })
  const recorded = await competitor.server.stopProfile()
  await competitor.check()
  const { functions, files, packages, busy } = summarize(recorded)
  console.log(
    `${competitor.contestant.title}: ${measured.requestsPerSecond.toFixed(0)} requests/s under the profiler, busy ${percent(busy)} of the time`,
  )
  print('self time by package', packages, MOST_FILES)
  print('self time by file', files, MOST_FILES)
  print('self time by function', functions, MOST_FUNCTIONS)
  if (out !== undefined) await writeFile(out, JSON.stringify(recorded))
}

function print(title: string, shares: Share[], most: number) {
  console.log(`\n${title}`)
  for (const { what, share } of shares.slice(0, most)) console.log(`  ${percent(share).padStart(6)}  ${what}`)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
