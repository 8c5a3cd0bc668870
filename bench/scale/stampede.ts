// A session that is due costs one token request, however many requests ask and however many processes they ask.
import { eventually } from '../../test/support/deadline.ts'
import type { CleanUp } from '../clean-up.ts'
import { verdict } from '../goals.ts'
import { markdown } from '../table.ts'
import { clock, closeLines, type Heard, openLines } from './line.ts'
import type { ScalePlan } from './plan.ts'
import type { ScaleProvider } from './provider-process.ts'
import { arrivedIn, createWorld, type World } from './world.ts'

const REQUESTS = [1, 100, 1000, 10_000]
const PROCESSES = [1, 2, 4, 8]
/** What a stampede costs in tokens is asked here, not how long ten thousand requests take on this machine. */
const PATIENCE = { renewal: { timeoutSeconds: 60 }, httpTimeoutSeconds: 60, redisTimeoutSeconds: 30 }
const ARRIVAL_MS = 60_000

export async function measureStampede(
  cleanUp: CleanUp,
  provider: ScaleProvider,
  { nearCache }: ScalePlan,
): Promise<boolean> {
  const world = await createWorld(cleanUp, {
    provider,
    processes: Math.max(...PROCESSES),
    auth: PATIENCE,
    nearCache,
  })
  const rows: string[][] = []
  let held = true
  for (const processes of PROCESSES) {
    for (const requests of REQUESTS) {
      const { tokenRequests, wrong, milliseconds } = await stampede(world, processes, requests)
      held &&= tokenRequests === 1 && wrong === 0
      rows.push([processes, requests, tokenRequests, wrong, Math.round(milliseconds)].map(String))
    }
  }
  await world.stop()
  console.log('\nOne session that is due, all requests in the app before the provider answers\n')
  console.log(
    markdown([
      [
        'processes',
        'requests',
        'token requests',
        'not served the renewed session',
        'ms until the last is answered',
      ],
      ...rows,
    ]),
  )
  console.log(`one token request each: ${verdict(held)}`)
  return held
}

async function stampede(world: World, processes: number, requests: number) {
  const { provider } = world
  const servers = world.servers.slice(0, processes)
  await world.makeDue()
  const lines = await openLines(
    servers.map(({ port }) => port),
    requests,
  )
  const seen = (await provider.tokenRequests(0)).length
  const arrived = () => arrivedIn(servers)
  const before = await arrived()
  await provider.hold()
  const answers = lines.map((line) => line.ask(world.request))
  await eventually(
    'all requests to be in the app',
    async () => (await arrived()) >= before + requests,
    ARRIVAL_MS,
  )
  const releasedAt = clock()
  await provider.release()
  const heard = await Promise.all(answers)
  closeLines(lines)
  const generations = new Set(heard.map(generationOf))
  return {
    tokenRequests: (await provider.tokenRequests(seen)).length,
    wrong: heard.filter(({ status }) => status !== 200).length + (generations.size - 1),
    milliseconds: Math.max(...heard.map(({ answeredAt }) => answeredAt)) - releasedAt,
  }
}

function generationOf({ status, body }: Heard): unknown {
  return status === 200 ? JSON.parse(body).generation : undefined
}
