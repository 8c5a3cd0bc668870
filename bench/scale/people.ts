// What it costs that many people ask, and not one: a process remembers what it opened for some of them only.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeSessions } from '../../test/support/session/many-sessions.ts'
import type { CleanUp } from '../clean-up.ts'
import { median } from '../statistics.ts'
import { markdown } from '../table.ts'
import { CONNECTIONS, load } from '../wrk.ts'
import type { ScalePlan } from './plan.ts'
import type { ScaleProvider } from './provider-process.ts'
import { createWorld, type World } from './world.ts'

/** The last are more than are remembered. */
const CROWDS = [1, 100, 1000, 10_000]
const ROUNDS = 5
const SECONDS = 2

/** There is no goal: it says what a figure of one person's load is worth. */
export async function measurePeople(
  cleanUp: CleanUp,
  provider: ScaleProvider,
  { nearCache }: ScalePlan,
): Promise<boolean> {
  const world = await createWorld(cleanUp, { provider, processes: 1, nearCache })
  const folder = await mkdtemp(join(tmpdir(), 'bff-people-'))
  cleanUp.later(() => rm(folder, { recursive: true, force: true }))
  const crowds: { count: number; file: string; rates: number[]; shares: number[] }[] = []
  for (const count of CROWDS) {
    const file = join(folder, String(count))
    await writeFile(file, (await cookiesOf(world, count)).join('\n'))
    crowds.push({ count, file, rates: [], shares: [] })
  }
  const [one, ...others] = crowds
  if (one === undefined) throw new Error('nobody asks')
  for (const each of crowds) await rateOf(world, each.file)
  let before = await rateOf(world, one.file)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const each of others) {
      const rate = await rateOf(world, each.file)
      const after = await rateOf(world, one.file)
      each.rates.push(rate)
      each.shares.push((2 * rate) / (before + after))
      one.rates.push(after)
      before = after
    }
  }
  await world.stop()
  console.log(`\nPeople who ask in turn, ${CONNECTIONS} connections to one process\n`)
  const rows = crowds.map(({ count, rates, shares }) => [
    String(count),
    median(rates).toFixed(0),
    count === 1 ? '1.00' : median(shares).toFixed(2),
  ])
  console.log(markdown([['people', 'requests/s', 'of one person'], ...rows]))
  return true
}

async function rateOf({ baseURL }: World, file: string): Promise<number> {
  return (await load({ url: `${baseURL}/account`, cookie: { file }, seconds: SECONDS })).requestsPerSecond
}

async function cookiesOf({ redisUrl, record }: World, count: number): Promise<string[]> {
  const token = () => randomBytes(32).toString('base64url')
  const refreshTokens = new Map(Array.from({ length: count }, (_, at) => [`person-${at}`, token()]))
  const stored = await storeSessions({ redisUrl, template: record, refreshTokens })
  return stored.map(({ cookie }) => cookie)
}
