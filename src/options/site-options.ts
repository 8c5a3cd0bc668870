// What goes by the providers and the addresses of one site: of an app without tenants, or of one tenant.
import { resolveAddresses } from './address.ts'
import type { AuthOptions } from './auth-options.ts'
import { type BaseURLs, resolveBaseURLs } from './base-urls.ts'
import { besideEachOther, checkChoice } from './beside-each-other.ts'
import type { AddressesConfig, RealmConfig, SharedConfig } from './config.ts'
import { resolveLogin } from './login.ts'
import type { Mistakes } from './mistakes.ts'
import { givenProviders } from './providers.ts'
import { resolveRealm } from './realm.ts'
import { resolveRoutes } from './routes.ts'

type OfRealm = RealmConfig & AddressesConfig & Pick<SharedConfig, 'routes'>
type OfSite = Pick<SharedConfig, 'providerNames' | 'callbackPaths' | 'login'>

export interface SiteSetUp {
  readonly options: AuthOptions
  readonly env: NodeJS.ProcessEnv
  readonly production: boolean
}

/**
 * What is wrong with it is told by `mistakes`.
 *
 * @returns of each provider what it has, once `mistakes` has none @throws ConfigurationError where two could not be told apart
 */
export function resolveSite(
  { options, env, production }: SiteSetUp,
  mistakes: Mistakes,
): () => readonly [OfRealm & OfSite, ...(OfRealm & OfSite)[]] {
  const { attempt } = mistakes
  const baseURLs = attempt(
    () => resolveBaseURLs(options.baseURL, env, production),
    (): BaseURLs => ({ all: [new URL('https://app.example.com')], of: undefined }),
  )
  const realms = givenProviders(options, env, mistakes).map((one) => {
    const routes = one.mistakes.attempt(
      () => resolveRoutes(one.options.routes),
      () => resolveRoutes(undefined),
    )
    return { routes, ...resolveRealm({ ...one, production, baseURLs }, one.mistakes) }
  })
  const addressed = realms.map(
    (realm): OfRealm => ({ ...realm, ...resolveAddresses(options, baseURLs, realm.routes, mistakes) }),
  )
  const ofSite: OfSite = {
    providerNames: Object.freeze(realms.flatMap(({ providerName }) => providerName ?? [])),
    callbackPaths: Object.freeze([...new Set(realms.map(({ routes }) => routes.callback))]),
    login: attempt(() => resolveLogin(options.login, options.providers !== undefined)),
  }
  attempt(() => checkChoice(options))
  return () => {
    const besides = besideEachOther(addressed)
    const all = addressed.map((realm, at) => ({ ...ofSite, ...realm, ...besides[at] }))
    return all as [OfRealm & OfSite, ...(OfRealm & OfSite)[]]
  }
}
