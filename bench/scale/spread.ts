// With the near cache: how long after a logout or a renewal on one process another one still serves what was before.
import type { CleanUp } from '../clean-up.ts'
import { verdict } from '../goals.ts'
import { quantile } from '../statistics.ts'
import { markdown } from '../table.ts'
import { storeCrowd } from './crowd.ts'
import { closeLines, type Heard, type Line, openLines, postForm } from './line.ts'
import type { ScaleProvider } from './provider-process.ts'
import { createWorld, type World } from './world.ts'

const TIMES = 200
const GOAL_MS = 50
const GIVE_UP_MS = 5000

export async function measureSpread(cleanUp: CleanUp, provider: ScaleProvider): Promise<boolean> {
  const world = await createWorld(cleanUp, { provider, processes: 2, nearCache: true })
  const ports = world.servers.map(({ port }) => port)
  const [one, other] = await openLines(ports, 2)
  if (one === undefined || other === undefined) throw new Error('no connection')
  const kinds = {
    'a logout': await measureLogOuts(world, one, other),
    'a renewal': await measureRenewals(world, one, other),
  }
  closeLines([one, other])
  await world.stop()
  console.log('\nNear cache: how long another process goes by what was before\n')
  let held = true
  const rows = Object.entries(kinds).map(([kind, times]) => {
    const longest = Math.max(...times)
    held &&= longest < GOAL_MS
    const figures = [quantile(times, 0.5), quantile(times, 0.99), longest].map((ms) => ms.toFixed(1))
    return [kind, String(times.length), ...figures, `under ${GOAL_MS}`, verdict(longest < GOAL_MS)]
  })
  console.log(markdown([['', 'times', 'p50 ms', 'p99 ms', 'longest ms', 'goal of the longest', ''], ...rows]))
  return held
}

async function measureLogOuts(world: World, one: Line, other: Line): Promise<number[]> {
  const { sample } = await storeCrowd(world, TIMES * 2)
  const times: number[] = []
  for (const { sid, request } of sample.slice(0, TIMES)) {
    await known(other, request)
    const token = await world.provider.logoutToken({ clientId: world.clientId, claims: { sid } })
    const { status, answeredAt } = await one.ask(
      postForm('/backchannel-logout', { logout_token: token ?? '' }),
    )
    if (status !== 200) throw new Error(`a back-channel logout was answered ${status}`)
    times.push(await until(other, request, answeredAt, (heard) => heard.status === 401))
  }
  return times
}

async function measureRenewals(world: World, one: Line, other: Line): Promise<number[]> {
  const times: number[] = []
  for (let time = 0; time < TIMES; time += 1) {
    await known(other, world.request)
    const { status, body, answeredAt } = await one.ask(postForm('/renew', {}, { cookie: world.cookie }))
    if (status !== 200) throw new Error(`a renewal was answered ${status}: ${body}`)
    const { generation } = JSON.parse(body)
    times.push(
      await until(
        other,
        world.request,
        answeredAt,
        (heard) => JSON.parse(heard.body).generation >= generation,
      ),
    )
  }
  return times
}

/** In its cache, if it has one. */
async function known(line: Line, request: string): Promise<void> {
  for (let time = 0; time < 2; time += 1) {
    const { status } = await line.ask(request)
    if (status !== 200) throw new Error(`a session is answered ${status}`)
  }
}

/** From `since` until the last answer by what was before; 0 where there was none. */
async function until(
  line: Line,
  request: string,
  since: number,
  isNew: (heard: Heard) => boolean,
): Promise<number> {
  let last = since
  for (;;) {
    const heard = await line.ask(request)
    if (isNew(heard)) return last - since
    last = heard.answeredAt
    if (last - since > GIVE_UP_MS) throw new Error('another process never heard of it')
  }
}
