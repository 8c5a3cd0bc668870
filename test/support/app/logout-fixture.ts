// What the tests of Back-Channel Logout start from: a provider that tells of logouts, Redis, and apps that it tells.
import { randomBytes } from 'node:crypto'
import { sign } from 'cookie-signature'
import type { Redis } from 'ioredis'
import { AuthEventEmitter } from '../../../src/events/events.ts'
import type { AuthOptions } from '../../../src/index.ts'
import { resolveOptions } from '../../../src/options/resolve-options.ts'
import type { AuthRecord } from '../../../src/record/auth-record.ts'
import { createLoggedInId } from '../../../src/record/session-id.ts'

import { Browser } from '../browser/browser.ts'
import { createLog } from '../evidence.ts'
import { createLogoutClient, type LogoutClient, startLogoutProvider } from '../provider/logout-client.ts'
import type { ProviderOptions, TestProvider } from '../provider/provider.ts'
import { type RedisFront, startRedisFront } from '../redis/front.ts'
import { type RedisServer, startRedis } from '../redis/redis-server.ts'
import { useParts } from '../servers.ts'
import { sessionIdOf, storedRecord } from '../session/age-session.ts'
import { createRedisStore, type OneStore } from '../session/one-store.ts'
import { startApp, type TestApp } from './app.ts'
import { TEST_SECRET } from './app-options.ts'

export interface LogoutFixture {
  readonly provider: TestProvider
  readonly redis: RedisServer
  /** the test's own way to Redis */
  readonly store: Redis
  readonly client: LogoutClient
  /** what all apps logged */
  readonly lines: string[]
  /** the first one is where people log in; 'memory' is no Redis */
  start(options?: AuthOptions, redisUrl?: string): Promise<TestApp>
  /** a front of Redis, which outlives the apps behind it */
  startFront(): Promise<RedisFront>
  logIn(user: string): Promise<Browser>
  /** logged in without a login: a session as one would have stored it; the provider knows nothing of it */
  seedLogin(user: string): Promise<Browser>
  /** the ids of so many of them, each a millisecond younger than the one before */
  seed(user: string, count: number): Promise<string[]>
  isIn(browser: Browser, app?: TestApp): Promise<boolean>
  /** the provider's name for the session, as the ID token said it */
  sidOf(browser: Browser): Promise<string>
  /** no faults any more, at the provider and at the fronts */
  normal(): void
  stop(): Promise<void>
}

/**
 * The fixture of a file, and what the file starts with it; no fault lasts longer than its test.
 *
 * @example const { fixture, app } = useLogoutFixture(async (fixture) => ({ app: await fixture.start() }))
 */
export function useLogoutFixture<const Parts extends Record<string, object>>(
  setUp: (fixture: LogoutFixture) => Promise<Parts>,
  options?: () => Promise<ProviderOptions>,
): Parts & { fixture: LogoutFixture } {
  const parts = useParts(async (start) => {
    const fixture = await start(startLogoutFixture(await options?.()))
    return { ...(await setUp(fixture)), fixture }
  })
  afterEach(() => parts.fixture.normal())
  return parts
}

async function startLogoutFixture(options: ProviderOptions = {}): Promise<LogoutFixture> {
  const [provider, redis] = await Promise.all([startLogoutProvider(options), startRedis()])
  const store = redis.connect()
  const client = createLogoutClient(provider)
  const { lines, logger } = createLog()
  const apps: TestApp[] = []
  const fronts: RedisFront[] = []
  const url = () => apps[0]?.url ?? ''
  let seeds: Promise<{ records: OneStore; template: AuthRecord }> | undefined

  async function openSeeds() {
    const config = {
      ...client.options,
      baseURL: 'http://localhost',
      secret: TEST_SECRET,
      redisTimeoutSeconds: 20,
    }
    const records = createRedisStore(resolveOptions(config), { url: redis.url }, new AuthEventEmitter())
    const id = await sessionIdOf(await logIn('template'))
    const template = await storedRecord(store, id)
    if (template === undefined) throw new Error('nobody logged in')
    await store.del(`bff:{${id}}:auth`)
    return { records, template }
  }

  async function seed(user: string, count: number): Promise<string[]> {
    seeds ??= openSeeds()
    const { records, template } = await seeds
    const now = await records.now()
    const one = async (olderMs: number): Promise<string> => {
      const [id, createdAt] = [createLoggedInId(), now - olderMs]
      const record: AuthRecord = {
        ...template,
        claims: { ...template.claims, sub: user, sid: randomBytes(16).toString('base64url') },
        createdAt,
        renewedAt: createdAt,
        endsAt: createdAt + (template.endsAt - template.createdAt),
      }
      await records.index.add(id, record)
      await records.create(id, record, undefined)
      return id
    }
    const ids: string[] = []
    while (ids.length < count) {
      const batch = Array.from(
        { length: Math.min(500, count - ids.length) },
        (_, at) => count - ids.length - at,
      )
      ids.push(...(await Promise.all(batch.map(one))))
    }
    return ids
  }

  async function logIn(user: string): Promise<Browser> {
    const browser = new Browser()
    await browser.logIn(url(), { user })
    return browser
  }

  return {
    provider,
    redis,
    store,
    client,
    lines,
    async start(more, redisUrl = redis.url) {
      const app = await startApp({
        ...(redisUrl !== 'memory' && { redisUrl }),
        options: { ...client.options, logger, ...more },
      })
      apps.push(app)
      if (apps.length === 1) await client.register(app.url)
      return app
    },
    async startFront() {
      const front = await startRedisFront(redis)
      fronts.push(front)
      return front
    },
    logIn,
    async seedLogin(user) {
      const [id = ''] = await seed(user, 1)
      const browser = new Browser()
      const value = encodeURIComponent(`s:${sign(id, TEST_SECRET)}`)
      await browser.setCookie(`bff=${value}; Path=/; HttpOnly`, url())
      return browser
    },
    seed,
    isIn: async (browser, app) =>
      (await browser.request('GET', `${app?.url ?? url()}/public`)).json<{ authenticated: boolean }>()
        .authenticated,
    async sidOf(browser) {
      const sid = (await storedRecord(store, await sessionIdOf(browser)))?.claims.sid
      if (sid === undefined) throw new Error('the ID token named no session of the provider')
      return sid
    },
    normal() {
      provider.normal()
      for (const front of fronts) front.normal()
    },
    async stop() {
      await Promise.all(apps.map((app) => app.stop()))
      await (await seeds)?.records.close()
      await Promise.all(fronts.map((front) => front.stop()))
      await Promise.all([provider.stop(), redis.stop()])
    },
  }
}
