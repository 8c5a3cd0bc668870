// The options as everything else sees them.
import type { Api } from './apis.ts'
import type { AuthOptions, Logger } from './auth-options.ts'
import type { ClientConfig } from './client.ts'
import type { ProviderConfig } from './provider.ts'
import type { StoreConfig } from './redis.ts'
import type { RenewalConfig } from './renewal.ts'
import type { Routes } from './routes.ts'
import type { SessionConfig } from './session.ts'

export type { MutualTLS } from './mutual-tls.ts'
export type { SigningKey } from './signing-key.ts'

/** Complete, checked, frozen. */
export interface Config extends ClientConfig, StoreConfig {
  readonly issuer: URL
  readonly baseURL: URL
  readonly redirectURI: URL
  readonly secrets: readonly string[]
  readonly authorizationParams: Readonly<Record<string, string>>
  /** The APIs that a login asks access to (RFC 8707 §2.1). */
  readonly resources: readonly string[]
  /** Where handlers may send access tokens. */
  readonly apis: readonly Api[]
  readonly formPost: boolean
  readonly authRequired: boolean
  readonly routes: Readonly<Routes>
  readonly renewal: RenewalConfig
  readonly provider: ProviderConfig
  readonly session: SessionConfig
  readonly idTokenSigningAlg: string
  readonly clockToleranceSeconds: number
  readonly httpTimeoutSeconds: number
  readonly idpLogout: boolean
  readonly revokeOnLogout: boolean
  readonly origins: readonly string[]
  readonly attemptSilentLogin: boolean
  readonly requireLogoutTokenType: boolean
  /** What of the person the page is told. */
  readonly userClaims: readonly string[]
  readonly afterCallback: AuthOptions['afterCallback']
  readonly onCallbackError: AuthOptions['onCallbackError']
  readonly logger: Logger
}
