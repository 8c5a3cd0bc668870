// The options as the rest of the house sees them.
import type { KeyObject, webcrypto } from 'node:crypto'
import type { CookieOptions } from 'express'
import type { AccessTokenRequest } from '../record/access-token.ts'
import type { AuthOptions, ClientAuthMethod, Logger, RenewalOptions, Routes } from './auth-options.ts'
import type { RedisURL } from './redis-servers.ts'

/** What client assertions and request objects are signed with. */
export interface SigningKey {
  readonly key: KeyObject | webcrypto.CryptoKey
  readonly alg: string
  readonly kid: string | undefined
}

/** PEM. */
export interface MutualTLS {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

/** An API, by its origin, and the access token for it. */
export interface Api extends AccessTokenRequest {
  readonly origin: string
}

/** Complete, checked, frozen. */
export interface Config {
  readonly issuer: URL
  readonly baseURL: URL
  readonly redirectURI: URL
  readonly clientID: string
  readonly clientSecret: string | undefined
  readonly clientAuthMethod: ClientAuthMethod
  readonly clientAssertion: SigningKey | undefined
  readonly pushedAuthorizationRequests: boolean
  readonly signedAuthorizationRequests: boolean
  readonly mutualTLS: MutualTLS | undefined
  readonly secrets: readonly string[]
  readonly redis: Exclude<AuthOptions['redis'], RedisURL>
  readonly nearCache: boolean
  readonly redisTimeoutSeconds: number
  readonly waitReplicas: number
  readonly authorizationParams: Readonly<Record<string, string>>
  /** The APIs that a login asks access to (RFC 8707 §2.1). */
  readonly resources: readonly string[]
  /** Where handlers may send access tokens. */
  readonly apis: readonly Api[]
  readonly formPost: boolean
  readonly authRequired: boolean
  readonly routes: Readonly<Routes>
  readonly renewal: Readonly<Record<keyof RenewalOptions, number>>
  readonly session: {
    readonly name: string
    readonly idleTimeoutSeconds: number
    readonly absoluteTimeoutSeconds: number
    readonly cookie: Readonly<CookieOptions>
  }
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
