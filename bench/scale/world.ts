// A Redis with some processes of the app on it, and somebody who logged in there.
import { TEST_SECRET } from '../../test/support/app/app-options.ts'
import { Browser } from '../../test/support/browser/browser.ts'
import { createClients } from '../../test/support/redis/clients.ts'
import { launchRedis } from '../../test/support/redis/launch.ts'
import { ageSession, sessionIdOf, storedRecord } from '../../test/support/session/age-session.ts'
import type { CleanUp } from '../clean-up.ts'
import { type ServerProcess, startServer } from '../server-process.ts'
import type { RedisClient } from '../stage.ts'
import { getAccount } from './line.ts'
import type { ScaleProvider } from './provider-process.ts'

export type Stored = NonNullable<Awaited<ReturnType<typeof storedRecord>>>

export interface World {
  readonly provider: ScaleProvider
  readonly servers: readonly ServerProcess[]
  readonly clientId: string
  readonly redis: RedisClient
  readonly redisUrl: string
  /** where the app is known to live: the first of its processes */
  readonly baseURL: string
  /** who logged in, and what the session became */
  readonly user: string
  readonly cookie: string
  /** asks for what is theirs */
  readonly request: string
  readonly record: Stored
  /** the session is older than its timeframe */
  makeDue(): Promise<void>
  stop(): Promise<void>
}

export interface WorldSetup {
  provider: ScaleProvider
  processes: number
  /** over the options of auth() */
  auth?: Record<string, unknown>
  nearCache?: boolean
}

const AFTER_SECONDS = 900
const USER = 'alice'

export async function createWorld(cleanUp: CleanUp, setup: WorldSetup): Promise<World> {
  const { provider, processes, auth = {}, nearCache = false } = setup
  const process = await launchRedis()
  const clients = createClients()
  const servers: ServerProcess[] = []
  async function stop() {
    await Promise.all(servers.map((server) => server.stop()))
    clients.close()
    await process.kill()
  }
  cleanUp.later(stop)
  servers.push(...(await Promise.all(Array.from({ length: processes }, () => startServer('ours-scale.mjs')))))
  const baseURL = servers[0]?.url ?? ''
  const { clientID, clientSecret } = await provider.client(baseURL)
  const redisUrl = `redis://127.0.0.1:${process.port}`
  const settings = {
    baseURL,
    redisUrl,
    issuer: provider.issuer,
    clientId: clientID,
    clientSecret,
    secret: TEST_SECRET,
    options: { auth, nearCache },
  }
  await Promise.all(servers.map((server) => server.build(settings)))
  const redis = clients.open(redisUrl)
  const browser = new Browser()
  await browser.logIn(baseURL, { user: USER })
  const record = await storedRecord(redis, await sessionIdOf(browser))
  if (record === undefined) throw new Error(`nobody could log in:\n${servers[0]?.output()}`)
  const cookie = (await browser.cookies(baseURL)).map((each) => each.cookieString()).join('; ')
  return {
    provider,
    servers,
    clientId: clientID,
    redis,
    redisUrl,
    baseURL,
    user: USER,
    cookie,
    request: getAccount(cookie),
    record,
    makeDue: () => ageSession(redis, browser, AFTER_SECONDS + 60),
    stop,
  }
}

/** How many requests have come to these servers, ever. */
export async function arrivedIn(servers: readonly ServerProcess[]): Promise<number> {
  const counts = await Promise.all(servers.map((server) => server.call('arrived') as Promise<number>))
  return counts.reduce((sum, count) => sum + count, 0)
}
