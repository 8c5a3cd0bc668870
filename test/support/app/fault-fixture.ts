// What most faults need: a provider, Redis behind a front, and several processes of one app.
import type { Redis } from 'ioredis'
import type { AuthOptions } from '../../../src/index.ts'
import type { Page } from '../browser/browser.ts'
import type { UserAgent } from '../browser/user-agent.ts'
import { startProvider, type TestProvider } from '../provider/provider.ts'
import type { SeenRequest } from '../provider/seen-requests.ts'
import { type RedisFront, startRedisFront } from '../redis/front.ts'
import { type RedisServer, startRedis } from '../redis/redis-server.ts'
import { createStarted, useParts } from '../servers.ts'
import { sessionIdOf, storedRecord } from '../session/age-session.ts'
import { type AppCluster, startAppCluster } from './app-cluster.ts'
import type { AppProcess } from './app-process.ts'

export interface FaultFixture {
  readonly provider: TestProvider
  readonly redis: RedisServer
  /** by which the processes reach Redis */
  readonly front: RedisFront
  /** the test's own way to Redis, not through the front */
  readonly admin: Redis
  readonly cluster: AppCluster
  readonly processes: AppProcess[]
  /** what Redis holds of the browser's session; undefined once it is over */
  stored(browser: UserAgent): Promise<{ generation: number } | undefined>
  /** what the processes told of that user, in the order of the processes */
  told(name: string, subject?: string): unknown[]
  stop(): Promise<void>
}

export interface FaultFixtureSetup {
  processes: number
  reuseSeconds?: number
  options?: AuthOptions
}

/** No stall of the machine ends what a test holds; a renewal's request has the shorter of the first two deadlines. */
export const PATIENT = {
  httpTimeoutSeconds: 30,
  renewal: { afterSeconds: 900, timeoutSeconds: 30 },
  redisTimeoutSeconds: 10,
}

const TIMES = { renewal: { afterSeconds: 900, timeoutSeconds: 1 }, redisTimeoutSeconds: 0.5 }

export async function startFaultFixture(setup: FaultFixtureSetup): Promise<FaultFixture> {
  const { start, stop } = createStarted()
  try {
    const provider = await start(startProvider({ reuseSeconds: setup.reuseSeconds ?? 0 }))
    const redis = await start(startRedis())
    const front = await start(startRedisFront(redis))
    const options = { ...TIMES, ...setup.options }
    const cluster = await start(startAppCluster(setup.processes, { provider, redisUrl: front.url, options }))
    const admin = redis.connect()
    return {
      provider,
      redis,
      front,
      admin,
      cluster,
      processes: cluster.processes,
      stored: async (browser) => storedRecord(admin, await sessionIdOf(browser)),
      told: (name, subject) =>
        cluster.processes
          .flatMap(({ events }) => events)
          .filter((told) => told.name === name)
          .map(({ event }) => event)
          .filter((event) => subject === undefined || (event as { subject?: string }).subject === subject),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The same for a file or block of tests; the provider has no faults left after each of them. */
export function useFaultFixture(setup: FaultFixtureSetup) {
  const { fixture, provider, redis, front, admin, cluster, one, other } = useParts(async (start) => {
    const started = await start(startFaultFixture(setup))
    const [first, second] = started.processes as [AppProcess, AppProcess]
    return { ...started, fixture: started, one: first, other: second }
  })
  afterEach(() => provider.normal())
  return {
    provider,
    redis,
    front,
    admin,
    cluster,
    /** its first two processes */
    one,
    other,
    stored: (browser: UserAgent) => fixture.stored(browser),
    told: (name: string, subject?: string) => fixture.told(name, subject),
  }
}

/** Pairs of requests that had the same refresh token on its way at the same time. */
export function overlaps(requests: SeenRequest[]): [SeenRequest, SeenRequest][] {
  return requests.flatMap((first, at) =>
    requests
      .slice(at + 1)
      .filter((next) => next.refreshTokenHash === first.refreshTokenHash && next.at < endOf(first))
      .map((next): [SeenRequest, SeenRequest] => [first, next]),
  )
}

const endOf = ({ endedAt }: SeenRequest) => endedAt ?? Number.POSITIVE_INFINITY

export function expectTryLater(page: Page, code: string): void {
  expect([page.status, page.json().code]).toEqual([503, code])
  expect(page.headers['content-type']).toMatch('application/problem+json')
  expect(page.headers['retry-after']).toMatch(/^[1-9]\d*$/)
  expect(page.headers['set-cookie']).toBeUndefined()
}
