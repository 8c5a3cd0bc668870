// The options as everything else sees them.

import type { Request } from 'express'
import type { Log } from '../lib/log.ts'
import type { Api } from './apis.ts'
import type { AuthOptions } from './auth-options.ts'
import type { ClientConfig } from './client.ts'
import type { LoginConfig } from './login.ts'
import type { LogoutConfig } from './logout.ts'
import type { ProviderConfig } from './provider.ts'
import type { StoreConfig } from './redis.ts'
import type { RenewalConfig } from './renewal.ts'
import type { Routes } from './routes.ts'
import type { SessionConfig } from './session.ts'
import type { TenantConfig } from './tenant.ts'
import type { IssuerTenants } from './tenants.ts'
import type { UserInfoConfig } from './user-info.ts'

export type { SigningKey } from './signing-key.ts'

/** Complete, checked, frozen. */
export interface Config extends SharedConfig, RealmConfig, AddressesConfig {}

/** The same whichever provider somebody comes from, and under whichever address they see the app. */
export interface SharedConfig extends StoreConfig {
  /** Newest first. Where a function gives them, they may be others the next time, and then it is another list. */
  readonly secrets: readonly string[]
  readonly authRequired: boolean
  readonly routes: Readonly<Routes>
  /** Of `providers`, in their order; none where there is one provider only. */
  readonly providerNames: readonly string[]
  /** Of all providers: none of them is a page to return to. */
  readonly callbackPaths: readonly string[]
  readonly login: LoginConfig
  /** On whose pages a login or a logout may end, besides our own. */
  readonly returnOrigins: readonly string[]
  readonly attemptSilentLogin: boolean
  /** Undefined: there is one, which has no name. */
  readonly tenants: Tenants | undefined
  /** What of the person the page is told. */
  readonly userClaims: readonly string[]
  readonly afterCallback: AuthOptions['afterCallback']
  readonly afterRenewal: AuthOptions['afterRenewal']
  readonly onCallbackError: AuthOptions['onCallbackError']
  readonly onError: AuthOptions['onError']
  readonly onChooseProvider: AuthOptions['onChooseProvider']
  readonly logger: Log
  /** The app is being set up: what helps then is said. */
  readonly development: boolean
}

export interface Tenants extends TenantConfig {
  /** @throws ConfigurationError, never with what is secret */
  configsOf(key: string, answer: unknown, logger: Log): readonly [Config, ...Config[]]
}

/** A realm: this client at one provider, and how the two deal with each other (RFC 9110 §11.5 has the word). */
export interface RealmConfig extends ClientConfig {
  /** As `providers` has it; undefined where there is one provider only. */
  readonly providerName: string | undefined
  /** It shares its callback with another issuer, and so says at each callback who it is (RFC 9700 §4.4.2.1). */
  readonly mustNameIssuer: boolean
  /** By which tokens are checked and sessions are kept apart: `provider.metadata.issuer`, or `issuerBaseURL`. */
  readonly issuer: URL
  /** Its key, where sessions are kept apart by tenants. */
  readonly tenant?: string
  /** The sessions that the app had before it had tenants are this one's. */
  readonly isFormer?: boolean
  readonly provider: ProviderConfig
  /** Undefined: the issuer is one. Else it is a pattern of issuers, one for each tenant, and these may log in. */
  readonly issuerTenants: IssuerTenants | undefined
  readonly authorizationParams: Readonly<Record<string, string>>
  /** The APIs that a login asks access to (RFC 8707 §2.1). */
  readonly resources: readonly string[]
  /** Where handlers may send access tokens. */
  readonly apis: readonly Api[]
  readonly formPost: boolean
  readonly renewal: RenewalConfig
  readonly logout: LogoutConfig
  readonly idTokenSigningAlg: string
  readonly clockToleranceSeconds: number
  readonly httpTimeoutSeconds: number
  readonly idpLogout: boolean
  readonly revokeOnLogout: boolean
  readonly requireLogoutTokenType: boolean
  /** Undefined: it is not asked. */
  readonly userInfo: UserInfoConfig | undefined
}

/** What it takes to speak with a provider. Nothing of this app's addresses, so that all of them can share it. */
export type ProviderSetUp = RealmConfig & Pick<SharedConfig, 'logger'>

/** What goes by the address under which browsers reach the app. */
export interface AddressConfig {
  readonly baseURL: URL
  readonly redirectURI: URL
  /** Whose pages may send unsafe requests; our own is the first. */
  readonly origins: readonly string[]
  readonly session: SessionConfig
  /** The app has others besides. */
  readonly isOneOfSeveral: boolean
}

/** One address, and which others there are. */
export interface AddressesConfig extends AddressConfig {
  /** In the order of the option `baseURL`. */
  readonly otherAddresses: readonly AddressConfig[]
  /** Where a request came to, as the app says; undefined where its host says it. */
  readonly addressOf: ((req: Request) => URL | undefined) | undefined
}

/** The same at another of its addresses. */
export function configAt(config: Config, address: AddressConfig): Config {
  const at: Config = {
    ...config,
    ...address,
    get secrets() {
      return config.secrets
    },
  }
  return Object.freeze(at)
}
