// The servers of a test file: they run before its tests, and end after them, the last one first.
import type { Redis } from 'ioredis'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from './app/app.ts'
import type { AppSetup } from './app/app-options.ts'
import { createLog } from './evidence.ts'
import { type ProviderOptions, startProvider, type TestProvider } from './provider/provider.ts'
import { type RedisServer, startRedis } from './redis/redis-server.ts'

interface Stoppable {
  stop(): unknown
}

/** Notes what has to end, whatever becomes of what is started after it. */
export type Start = <T extends Stoppable>(starting: T | Promise<T>) => Promise<T>

/** What was started together: ended together, the last one first. */
export interface Started {
  readonly start: Start
  stop(): Promise<void>
}

export function createStarted(): Started {
  const parts: Stoppable[] = []
  return {
    async start(starting) {
      const part = await starting
      parts.unshift(part)
      return part
    },
    async stop() {
      for (const part of parts.splice(0)) await part.stop()
    },
  }
}

/** What runs at the moment. */
const groups: Started[] = []

/**
 * Sets up before the tests of this file or block what `setUp` returns, and stops after them all that went through `start`.
 * The parts may be taken from what is returned at once; they are there from the first hook on.
 *
 * @example const { provider, api } = useParts(async (start) => ({
 *   provider: await start(startProvider()), api: await start(startApiServer()) }))
 */
export function useParts<const Parts extends Record<string, object>>(
  setUp: (start: Start) => Promise<Parts>,
): Parts {
  let parts: Parts | undefined
  beforeAll(async () => {
    const started = createStarted()
    groups.push(started)
    parts = await setUp(started.start)
  })
  // jest runs these in the order of their definition: each of them ends what was begun last.
  afterAll(() => groups.pop()?.stop())
  return new Proxy({} as Parts, {
    get: (_target, name: string) =>
      later(() => {
        const part = parts?.[name]
        if (part === undefined) throw new Error(`${name} is not there: not started yet, or not asked for`)
        return part
      }),
  })
}

/** One part. @example const fixture = useStarted(() => startRelayFixture()) */
export function useStarted<T extends Stoppable>(start: () => T | Promise<T>): T {
  return useParts(async (note) => ({ part: await note(start()) })).part as T
}

/** Stands for what `find` will find, so that a test names it as if it had been there all the time. */
function later<T extends object>(find: () => T): T {
  return new Proxy({} as T, {
    get(_target, name) {
      const part = find()
      const value = Reflect.get(part, name)
      // Classes with private fields want to be called on themselves; what a part has of its own may be more than a function.
      return typeof value === 'function' && !Object.hasOwn(part, name) ? value.bind(part) : value
    },
    set: (_target, name, value) => Reflect.set(find(), name, value),
    has: (_target, name) => Reflect.has(find(), name),
    ownKeys: () => Reflect.ownKeys(find()),
    getOwnPropertyDescriptor(_target, name) {
      const described = Reflect.getOwnPropertyDescriptor(find(), name)
      return described && { ...described, configurable: true }
    },
    getPrototypeOf: () => Reflect.getPrototypeOf(find()),
  })
}

export interface ServersSetup extends Omit<AppSetup, 'provider' | 'redisUrl' | 'options'> {
  provider?: ProviderOptions
  /** a redis-server of the file's own; without it the app keeps sessions in memory */
  redis?: boolean
  options?: AuthOptions | ((parts: { provider: TestProvider }) => AuthOptions)
}

export interface Servers {
  readonly provider: TestProvider
  readonly redis: RedisServer
  /** the test's own way to Redis */
  readonly store: Redis
  readonly app: TestApp
  /** what the app logged */
  readonly log: ReturnType<typeof createLog>
}

/** A provider, Redis where it is asked for, and the test app; the provider has no faults left after each test. */
export function useServers({ provider: kind, redis = false, options, ...app }: ServersSetup = {}): Servers {
  const log = createLog()
  const parts = useParts(async (start) => {
    const [provider, server] = await Promise.all([
      start(startProvider(kind)),
      redis ? start(startRedis()) : undefined,
    ])
    const given = typeof options === 'function' ? options({ provider }) : options
    const started = await start(
      startApp({
        ...app,
        provider,
        ...(server && { redisUrl: server.url }),
        options: { logger: log.logger, ...given },
      }),
    )
    return { provider, app: started, ...(server && { redis: server, store: server.connect() }) }
  }) as Omit<Servers, 'log'>
  afterEach(() => parts.provider.normal())
  const { provider, app: testApp, redis: server, store } = parts
  return { provider, app: testApp, redis: server, store, log }
}
