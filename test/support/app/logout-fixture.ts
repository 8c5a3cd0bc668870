// What the tests of Back-Channel Logout start from: a provider that tells of logouts, Redis, and apps that it tells.
import type { Redis } from 'ioredis'
import type { AuthOptions } from '../../../src/index.ts'
import { Browser } from '../browser/browser.ts'
import { createLog } from '../evidence.ts'
import { createLogoutClient, type LogoutClient, startLogoutProvider } from '../provider/logout-client.ts'
import type { ProviderOptions, TestProvider } from '../provider/provider.ts'
import { type RedisServer, startRedis } from '../redis/redis-server.ts'
import { sessionIdOf, storedRecord } from '../session/age-session.ts'
import { startApp, type TestApp } from './app.ts'

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
  logIn(user: string): Promise<Browser>
  isIn(browser: Browser, app?: TestApp): Promise<boolean>
  /** the provider's name for the session, as the ID token said it */
  sidOf(browser: Browser): Promise<string>
  stop(): Promise<void>
}

export async function startLogoutFixture(options: ProviderOptions = {}): Promise<LogoutFixture> {
  const [provider, redis] = await Promise.all([startLogoutProvider(options), startRedis()])
  const store = redis.connect()
  const client = createLogoutClient(provider)
  const { lines, logger } = createLog()
  const apps: TestApp[] = []
  const url = () => apps[0]?.url ?? ''

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
    async logIn(user) {
      const browser = new Browser()
      await browser.logIn(url(), { user })
      return browser
    },
    isIn: async (browser, app) =>
      (await browser.request('GET', `${app?.url ?? url()}/public`)).json<{ authenticated: boolean }>()
        .authenticated,
    async sidOf(browser) {
      const sid = (await storedRecord(store, await sessionIdOf(browser)))?.claims.sid
      if (sid === undefined) throw new Error('the ID token named no session of the provider')
      return sid
    },
    async stop() {
      await Promise.all(apps.map((app) => app.stop()))
      await Promise.all([provider.stop(), redis.stop()])
    },
  }
}
