// A profile: a provider with the habits of one that people use, and an app that is set up as its page in docs/providers says.
import type { AuthOptions } from '../../src/index.ts'
import { optionsOf, settingsOf } from '../package/provider-page.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import type { Endpoint } from '../support/provider/seen-requests.ts'
import type { Change, Habit } from './habit.ts'

export interface Profile {
  /** in docs/providers, without `.md` */
  readonly page: string
  readonly habits: readonly Habit[]
  /** its `.env` with the first `auth()` of the page, or without any */
  readonly settings: 'first' | 'env alone'
  /** what has another name here than on the page */
  options?(provider: TestProvider): AuthOptions
  /** what `/me` knows, besides who it is */
  readonly says: 'name' | 'nothing'
  /** a refresh token that was revoked */
  readonly revoked: 'at once' | 'after five refusals'
  /** an account that was blocked */
  readonly blocked: 'ends' | 'renews'
  /** `address` is its own: where it leads is looked at, and nobody is there */
  readonly logout: 'returns' | 'address' | 'here alone'
  readonly backChannel: 'ends' | 'ends without exp' | 'none'
  readonly stepUp: 'by max_age' | 'refused' | 'not known'
}

export interface Running {
  readonly provider: TestProvider
  readonly apps: readonly [TestApp, TestApp]
  readonly clientID: string
  /** of both servers */
  readonly lines: string[]
  stop(): Promise<void>
}

export async function startProfile(profile: Profile, redisUrl: string): Promise<Running> {
  const { lines, logger } = createLog()
  const provider = await startWith(profile.habits)
  const [clientID, clientSecret] = ['the-app', 'what both servers of the app know']
  const { authorizationParams, ...given } = settings(profile, provider)
  const options = {
    ...given,
    issuerBaseURL: provider.issuer,
    clientID,
    clientSecret,
    logger,
    // The test apps' own prompt goes, but where the page asks for it.
    authorizationParams: { ...({ prompt: undefined } as object), ...authorizationParams },
  }
  const open = async () => {
    const app = await startApp({ redisUrl, options })
    const authMethod = options.clientAuthMethod
    await provider.registerClient({
      clientId: clientID,
      clientSecret,
      baseURL: app.url,
      ...(authMethod && { authMethod }),
    })
    return app
  }
  const apps = [await open(), await open()] as const
  return {
    provider,
    apps,
    clientID,
    lines,
    async stop() {
      await Promise.all(apps.map((app) => app.stop()))
      await provider.stop()
    },
  }
}

function settings({ page, settings, options }: Profile, provider: TestProvider): AuthOptions {
  const { env, calls } = settingsOf(`${page}.md`)
  const [first] = settings === 'first' ? calls : []
  const { authorizationParams, ...onPage } = first === undefined ? {} : (optionsOf(first) ?? {})
  const { SCOPE: scope, AUDIENCE: audience } = env
  return {
    ...onPage,
    ...options?.(provider),
    authorizationParams: { ...(scope && { scope }), ...(audience && { audience }), ...authorizationParams },
  }
}

async function startWith(habits: readonly Habit[]): Promise<TestProvider> {
  let started: TestProvider | undefined
  const running = () => {
    if (started === undefined) throw new Error('the provider is not there yet')
    return started
  }
  const provider = await startProvider({
    reuseSeconds: Math.max(0, ...habits.map(({ reuseSeconds = 0 }) => reuseSeconds)),
    configure: (configuration) =>
      habits.reduce((given, { configure }) => configure?.(given, running) ?? given, configuration),
  })
  started = provider
  const endpoints = new Set(habits.flatMap(({ answers = {} }) => Object.keys(answers) as Endpoint[]))
  for (const endpoint of endpoints) {
    const changes = habits.flatMap(({ answers }) => answers?.[endpoint] ?? [])
    provider.changeAll(endpoint, async (answer, seen) => {
      const each = async (soFar: ReturnType<Change>, change: Change) =>
        change(await soFar, { provider, seen })
      return changes.reduce<ReturnType<Change>>(each, answer)
    })
  }
  return provider
}
