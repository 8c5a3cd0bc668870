// Very many tenants in one process: the memory that each takes, how long its first request waits, and what all of them cost.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sign } from 'cookie-signature'
import { AuthEventEmitter } from '../../src/events/events.ts'
import { tenantSecrets } from '../../src/lib/tenant-secrets.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { ownerName } from '../../src/record/owner.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { openRedisStores } from '../../src/store/redis/redis-stores.ts'
import { TEST_SECRET } from '../../test/support/app/app-options.ts'
import type { CleanUp } from '../clean-up.ts'
import { verdict } from '../goals.ts'
import { type ServerProcess, startServer } from '../server-process.ts'
import { median, quantile } from '../statistics.ts'
import { markdown } from '../table.ts'
import { CONNECTIONS, load } from '../wrk.ts'
import { openLines } from './line.ts'
import type { ScaleProvider } from './provider-process.ts'
import { createWorld, type World } from './world.ts'

const COUNTS = [1, 1000, 10_000]
const ROUNDS = 5
const SECONDS = 2
const GOAL_KILOBYTES = 40
/** Of what as many people ask of one tenant. */
const GOAL_SHARE = 0.9
const BATCH = 500

interface Visitor {
  readonly host: string
  readonly cookie: string
}

interface Memory {
  rss: number
  used: number
}

export async function measureTenants(cleanUp: CleanUp, provider: ScaleProvider): Promise<boolean> {
  const world = await createWorld(cleanUp, { provider, processes: 1 })
  const folder = await mkdtemp(join(tmpdir(), 'bff-tenants-'))
  cleanUp.later(() => rm(folder, { recursive: true, force: true }))
  const metadata = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()
  const most = Math.max(...COUNTS)
  const ofEach = await logIn(world, most, (at) => at)
  const ofOne = await logIn(world, most, () => 0)
  let held = true
  const rows: string[][] = []
  for (const count of COUNTS) {
    const server = await startServer('tenants-scale.mjs')
    cleanUp.later(() => server.stop())
    const { clientId, redisUrl } = world
    const client = { issuer: provider.issuer, clientId, clientSecret: 'nobody is asked for it' }
    await server.build({ ...client, redisUrl, secret: TEST_SECRET, options: { tenants: count, metadata } })
    const started = (await server.call('start')) as number
    const before = (await server.call('memory')) as Memory
    const first = await firstRequests(server, ofEach.slice(0, count))
    const after = (await server.call('memory')) as Memory
    if ((await server.call('known')) !== count) throw new Error('not every tenant is known')
    const kilobytes = (name: keyof Memory) => (after[name] - before[name]) / count / 1000
    const files = await Promise.all(
      [ofEach, ofOne].map(async (visitors, at) => {
        const file = join(folder, `${count}-${at}`)
        const lines = visitors.slice(0, count).map(({ host, cookie }) => `${host}\t${cookie}`)
        await writeFile(file, lines.join('\n'))
        return file
      }),
    )
    const [all = [], one = []] = await inTurns(server, files)
    await server.stop()
    const share = median(all.map((rate, at) => rate / (one[at] ?? Number.NaN)))
    // Of few, what the process takes for itself is a great part of the memory.
    const isHeld = count < most || (kilobytes('used') <= GOAL_KILOBYTES && share >= GOAL_SHARE)
    held &&= isHeld
    rows.push([
      String(count),
      started.toFixed(1),
      `${quantile(first, 0.5).toFixed(2)}, ${quantile(first, 0.99).toFixed(2)}`,
      ...(count === 1 ? ['', ''] : [kilobytes('rss').toFixed(1), kilobytes('used').toFixed(1)]),
      median(all).toFixed(0),
      share.toFixed(2),
      count < most ? '' : verdict(isHeld),
    ])
  }
  await world.stop()
  console.log(`\nTenants, one session of each, ${CONNECTIONS} connections to one process\n`)
  const goals = `at most ${GOAL_KILOBYTES} kB in use, at least ${GOAL_SHARE} of as many people of one tenant`
  const head = ['tenants', 'auth() ms', 'first request ms p50, p99', 'resident kB each', 'in use kB each']
  console.log(markdown([[...head, 'requests/s', 'of one tenant', goals], ...rows]))
  return held
}

/** Each tenant's first, one after the other. @returns milliseconds */
async function firstRequests({ port }: ServerProcess, visitors: readonly Visitor[]): Promise<number[]> {
  const [line] = await openLines([port], 1)
  if (line === undefined) throw new Error('no connection')
  const times: number[] = []
  for (const { host, cookie } of visitors) {
    const lines = [`host: ${host}`, 'accept: application/json', `cookie: ${cookie}`]
    const { sentAt, answeredAt, status, body } = await line.ask(
      `GET /account HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`,
    )
    if (status !== 200) throw new Error(`${host} was answered ${status}: ${body}`)
    times.push(answeredAt - sentAt)
  }
  line.close()
  return times
}

/** What others do on this machine is in both alike. @returns requests a second, of each file */
async function inTurns({ url }: ServerProcess, files: readonly string[]): Promise<number[][]> {
  const rates: number[][] = files.map(() => [])
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [at, file] of files.entries()) {
      const { requestsPerSecond } = await load({ url: `${url}/account`, cookie: { file }, seconds: SECONDS })
      // The first is to warm up.
      if (round > 0) rates[at]?.push(requestsPerSecond)
    }
  return rates
}

/** Sessions as logins would have stored them. @param tenantOf by the number of the session */
async function logIn(world: World, count: number, tenantOf: (at: number) => number): Promise<Visitor[]> {
  const { provider, redisUrl, clientId: clientID, record } = world
  const config = resolveOptions({
    issuerBaseURL: provider.issuer,
    baseURL: 'http://localhost',
    clientID,
    secret: TEST_SECRET,
    redis: redisUrl,
  })
  const events = new AuthEventEmitter()
  const stores = openRedisStores(config, { url: redisUrl }, events)
  const visitors: Visitor[] = []

  async function store(at: number): Promise<void> {
    const host = `tenant-${tenantOf(at)}.localhost`
    const owner = { issuer: config.issuer, clientID, tenant: host }
    const secrets = tenantSecrets(() => config.secrets, host)
    const id = createLoggedInId()
    // By the timeframe alone, which is long: nobody falls due meanwhile.
    const own = { ...record, owner: ownerName(owner), idTokenExpiresAt: undefined }
    await stores.of({ owners: [owner], secrets, events }).create(id, own, undefined)
    const [secret = ''] = secrets()
    visitors[at] = { host, cookie: `bff=${encodeURIComponent(`s:${sign(id, secret)}`)}` }
  }

  try {
    for (let at = 0; at < count; at += BATCH)
      await Promise.all(
        Array.from({ length: Math.min(BATCH, count - at) }, (_, offset) => store(at + offset)),
      )
    return visitors
  } finally {
    await stores.close()
  }
}
