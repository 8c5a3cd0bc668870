// What a renewal beside a request costs the other requests, the provider's own work taken out.
import { storeSessions } from '../../test/support/session/many-sessions.ts'
import type { CleanUp } from '../clean-up.ts'
import { verdict } from '../goals.ts'
import { quantile } from '../statistics.ts'
import { markdown } from '../table.ts'
import { clock, closeLines, getAccount, type Heard, type Line, openLines, postForm } from './line.ts'
import type { ScaleProvider } from './provider-process.ts'
import type { ScalePlan } from './scale.ts'
import { AFTER_SECONDS, createWorld, type World } from './world.ts'

const PER_SECOND = 300
/** One in fifty requests: somebody who asks every 15 seconds is renewed at one in fifty, with the default timeframe. */
const EVERY = 50
const BLOCKS = 6
const BLOCK_SECONDS = 4
const LINES = 32
const WARM_UP = 600
/** Differences below are the machine's. */
const TOLERANCE = { share: 0.25, milliseconds: 1 }

export async function measureBackground(
  cleanUp: CleanUp,
  provider: ScaleProvider,
  { nearCache }: ScalePlan,
): Promise<boolean> {
  const world = await createWorld(cleanUp, { provider, processes: 1, nearCache })
  const lines = await openLines([world.servers[0]?.port ?? 0], LINES)
  const ordinary = await sessions(world, 100, 'ordinary', 0)
  const renewals = (BLOCKS * BLOCK_SECONDS * PER_SECOND) / EVERY
  const soon = await sessions(world, renewals, 'soon', 0.9)
  const provided = await openLines([Number(new URL(provider.issuer).port)], LINES)
  const tokenRequests = await prepareTokenRequests(world, renewals)
  for (let count = 0; count < WARM_UP; count += 1) await lines[0]?.ask(ordinary[count % 100] ?? '')
  const seen = (await provider.tokenRequests(0)).length
  const [without, beside]: [number[], number[]] = [[], []]
  for (let block = 0; block < BLOCKS; block += 1) {
    without.push(...(await playBlock(lines, ordinary, { lines: provided, requests: tokenRequests })))
    beside.push(...(await playBlock(lines, ordinary, { lines, requests: soon })))
  }
  const seenByProvider = (await provider.tokenRequests(seen)).length
  if (seenByProvider !== 2 * renewals)
    throw new Error(`${seenByProvider} token requests, not ${2 * renewals}`)
  closeLines([...lines, ...provided])
  await world.stop()

  const [before, after] = [quantile(without, 0.99), quantile(beside, 0.99)]
  const held = after <= Math.max(before * (1 + TOLERANCE.share), before + TOLERANCE.milliseconds)
  const row = (what: string, times: number[]) => [
    what,
    String(times.length),
    quantile(times, 0.5).toFixed(2),
    quantile(times, 0.99).toFixed(2),
  ]
  console.log(
    `\n${PER_SECOND} requests/s to one process; ${renewals} renewals beside them, all within ${BLOCKS * BLOCK_SECONDS} s\n`,
  )
  console.log(
    markdown([
      ['requests that are not due', 'requests', 'p50 ms', 'p99 ms'],
      row('one in fifty is a token request that goes to the provider past the app', without),
      row('one in fifty begins a renewal in the app', beside),
    ]),
  )
  console.log(
    `adds nothing to p99 (within ${TOLERANCE.share * 100} % or ${TOLERANCE.milliseconds} ms): ${verdict(held)}`,
  )
  return held
}

/** What one in fifty is. */
interface SideTable {
  lines: Line[]
  /** each is asked once */
  requests: string[]
}

/** Requests at an even rate, whatever the answers take; only those are timed that are not due. */
async function playBlock(lines: Line[], ordinary: readonly string[], beside: SideTable): Promise<number[]> {
  const times: number[] = []
  const underWay = new Set<Promise<void>>()
  const began = clock()
  for (let sent = 0; sent < PER_SECOND * BLOCK_SECONDS; sent += 1) {
    const due = began + (sent * 1000) / PER_SECOND
    if (clock() < due) await new Promise((resolve) => setTimeout(resolve, due - clock()))
    const timed = sent % EVERY !== 0
    const free = timed ? lines : beside.lines
    // Where all are busy, the time until one is free is part of the answer's.
    const behind = free.length === 0
    while (free.length === 0) await Promise.race(underWay)
    const line = free.shift()
    const request = timed ? ordinary[sent % ordinary.length] : beside.requests.pop()
    const answer = ask(line, request).then(({ sentAt, answeredAt }) => {
      underWay.delete(answer)
      if (line !== undefined) free.push(line)
      if (timed) times.push(answeredAt - (behind ? due : sentAt))
    })
    underWay.add(answer)
  }
  await Promise.all(underWay)
  return times
}

/** The provider works as much by these as by the app's renewals: what is left is the app's own. */
async function prepareTokenRequests(world: World, count: number): Promise<string[]> {
  const refreshTokens = await grantMany(world, count, 'direct')
  const authorization = `Basic ${btoa(`${world.clientId}:${world.clientSecret}`)}`
  return [...refreshTokens.values()].map((token) =>
    postForm('/token', { grant_type: 'refresh_token', refresh_token: token }, { authorization }),
  )
}

async function ask(line: Line | undefined, request: string | undefined): Promise<Heard> {
  if (line === undefined || request === undefined) throw new Error('there is nobody to ask, or nothing')
  const heard = await line.ask(request)
  if (heard.status !== 200) throw new Error(`a request was answered ${heard.status}: ${heard.body}`)
  return heard
}

/** Copies of the session that logged in, each with a grant of its own; `share` of the timeframe has passed. */
async function sessions(world: World, count: number, name: string, share: number): Promise<string[]> {
  const refreshTokens = await grantMany(world, count, name)
  const stored = await storeSessions({
    redisUrl: world.redisUrl,
    template: world.record,
    refreshTokens,
    change: (_record, now) => ({ renewedAt: now - share * AFTER_SECONDS * 1000, jitter: 0 }),
  })
  return stored.map(({ cookie }) => getAccount(cookie))
}

/** The refresh token of each of so many users. */
async function grantMany(
  { provider, user }: World,
  count: number,
  name: string,
): Promise<Map<string, string>> {
  const users = Array.from({ length: count }, (_, at) => `${name}-${at}`)
  return new Map(await provider.grant({ templateUser: user, users }))
}
