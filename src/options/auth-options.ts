// What `auth()` takes. The tables of the documentation are made from these comments, and those of the groups: a sentence,
// `Environment:`, `Required.` or `@defaultValue`.
import type { ApiOptions } from './apis.ts'
import type { BaseURLByRequest } from './base-urls.ts'
import type { ClientOptions } from './client.ts'
import type { AfterCallback, AfterRenewal, OnCallbackError, OnChooseProvider, OnError } from './hooks.ts'
import type { Logger } from './logger.ts'
import type { LoginOptions } from './login.ts'
import type { LogoutOptions } from './logout.ts'
import type { ProviderOptions } from './provider.ts'
import type { StoreOptions } from './redis.ts'
import type { RenewalOptions } from './renewal.ts'
import type { Routes } from './routes.ts'
import type { SessionOptions } from './session.ts'
import type { TenantOptions } from './tenant.ts'
import type { MayTenantLogIn } from './tenants.ts'
import type { UserInfoOptions } from './user-info.ts'

export type { ApiOptions } from './apis.ts'
export type { BaseURLByRequest } from './base-urls.ts'
export type { ClientAuthMethod } from './client.ts'
export type { LogFields, Logger } from './logger.ts'
export type { AppState, AskAppState, LoginOptions } from './login.ts'
export type { LogoutOptions } from './logout.ts'
export type { MutualTLSOptions } from './mutual-tls.ts'
export type { ProviderFetch, ProviderOptions, ProviderRequest, ProviderResponse } from './provider.ts'
export type { ProviderMetadata } from './provider-metadata.ts'
export type { RenewalOptions } from './renewal.ts'
export type { Routes } from './routes.ts'
export type { SessionOptions } from './session.ts'
export type { PrivateJWK } from './signing-key.ts'
export type { TenantLookup, TenantOptions } from './tenant.ts'
export type { MayTenantLogIn } from './tenants.ts'
export type { UserInfoOptions } from './user-info.ts'

/**
 * Options of `auth()`. What is not given is read from the environment, then defaulted.
 *
 * @example
 * auth({
 *   issuerBaseURL: 'https://id.example.com',
 *   baseURL: 'https://shop.example.com',
 *   clientID: 'shop',
 *   clientSecret: process.env.CLIENT_SECRET,
 *   secret: process.env.SECRET,
 *   redis: 'redis://localhost:6379',
 * })
 */
export interface AuthOptions extends ClientOptions, StoreOptions {
  /** The provider's issuer URL, as in its discovery document. Environment: `ISSUER_BASE_URL`. Required. */
  issuerBaseURL?: string | undefined
  /**
   * Several providers, by names of yours, in place of `issuerBaseURL` and `clientID`. What differs stands in an entry; what
   * stands beside `providers` is the default of all of them. @defaultValue none: one provider
   */
  providers?: Readonly<Record<string, ProviderEntry>> | undefined
  /**
   * The URL under which browsers reach this app. Several, the first for whoever comes by none of them: a list, told apart by
   * the host that a request names, or a list of which a function chooses. Environment: `BASE_URL`, comma-separated. Required.
   */
  baseURL?: string | readonly string[] | BaseURLByRequest | undefined
  /**
   * Signs the session cookie and seals what is stored: one, or several, newest first; at least 32 characters each. A function
   * that gives them is asked whenever they are needed, and so rotates them without a restart.
   * Environment: `SECRET`, comma-separated. Required.
   */
  secret?: string | readonly string[] | (() => string | readonly string[]) | undefined
  /**
   * Parameters of the authorization request, merged over the default. `resource`, the APIs that access tokens are for
   * (RFC 8707), may be a list. Environment: `SCOPE`, `AUDIENCE`, `AUTH_PROMPT`.
   * @defaultValue `{ scope: 'openid profile email offline_access' }`
   */
  authorizationParams?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** Where `req.oidc.fetch()` may send access tokens: origins, or what to ask the provider for besides. @defaultValue none */
  apis?: readonly (string | ApiOptions)[] | undefined
  /** Every route below needs a login. @defaultValue `false` */
  authRequired?: boolean | undefined
  /** Where this middleware answers; `false` unmounts a route. */
  routes?: Partial<Routes> | undefined
  /** When tokens are renewed, and how long that may take. */
  renewal?: RenewalOptions | undefined
  /** What a link to the login may ask for, what the app carries through it, and how long it may take. */
  login?: LoginOptions | undefined
  /** How the provider is dealt with. */
  provider?: ProviderOptions | undefined
  /** Sessions kept apart by tenants, each with a provider, a client and an address of its own. */
  tenant?: TenantOptions<TenantSetUp> | undefined
  /**
   * Whose people may log in where `issuerBaseURL` is for many tenants, as Entra ID's `organizations` and `common` are: their IDs,
   * or a function that is asked at every login and renewal. Required there.
   * @defaultValue none: the issuer is one tenant's
   */
  tenants?: readonly string[] | MayTenantLogIn | undefined
  /** The session's cookie, and how long a session lives. */
  session?: SessionOptions | undefined
  /** How a logout is asked of the provider. */
  logout?: LogoutOptions | undefined
  /** The algorithm that the provider signs ID tokens with. @defaultValue `'RS256'` */
  idTokenSigningAlg?: string | undefined
  /** How far the provider's clock may differ when an ID token is checked, in seconds. @defaultValue `30` */
  clockToleranceSeconds?: number | undefined
  /** Deadline of each request to the provider but the renewal's own, in seconds. @defaultValue `5` */
  httpTimeoutSeconds?: number | undefined
  /** `/logout` ends the session at the provider too. @defaultValue `true` */
  idpLogout?: boolean | undefined
  /** `/logout` revokes the refresh token at the provider (RFC 7009). @defaultValue `true` */
  revokeOnLogout?: boolean | undefined
  /** Origins besides our own whose pages may send unsafe requests, for example `https://admin.example.com`. @defaultValue none */
  allowedOrigins?: readonly string[] | undefined
  /**
   * Other origins on whose pages a login or a logout may end: `https://…`, or http on this machine. Then `return_to`, and
   * `returnTo` of `res.oidc.login()` and `res.oidc.logout()`, may be an address there. @defaultValue none
   */
  allowedReturnOrigins?: readonly string[] | undefined
  /**
   * Opens a page for somebody who is not logged in: asks the provider once, without showing anything (`prompt=none`),
   * whether they are logged in there. Not for pages that crawlers should read: without cookies nobody comes back.
   * @defaultValue `false`
   */
  attemptSilentLogin?: boolean | undefined
  /**
   * Back-channel logout tokens must say `typ: logout+jwt`. Without it, those that say nothing are taken too.
   * @defaultValue `false`
   */
  requireLogoutTokenType?: boolean | undefined
  /**
   * The claims about the person that `GET /me` tells the page, besides `sub` (OpenID Connect Core §5.1); `req.oidc.user`
   * has all of them.
   * @defaultValue `['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username', 'picture', 'email', 'email_verified', 'zoneinfo', 'locale']`
   */
  userClaims?: readonly string[] | undefined
  /**
   * Asks the provider's userinfo endpoint at every login (OpenID Connect Core §5.3), for providers whose ID tokens say little:
   * what it says of the person is in `req.oidc.user` too, below the ID token. A list takes those claims only.
   * @defaultValue `false`
   */
  userInfo?: boolean | readonly string[] | UserInfoOptions | undefined
  /** Asked at every login, before there is a session: refuses the person, or adds to what is known of them. @defaultValue none */
  afterCallback?: AfterCallback | undefined
  /**
   * Asked after every renewal, before a request goes on with it: ends the session, or replaces what was added to the person.
   * @defaultValue none: what `afterCallback` added stays
   */
  afterRenewal?: AfterRenewal | undefined
  /** Answers a login that failed. @defaultValue none: `onError`, or a short page of this package */
  onCallbackError?: OnCallbackError | undefined
  /**
   * Answers all that this package would answer with an error: what a guard or `relay()` does not let through, and what
   * a route refuses. @defaultValue none: problem details, a redirect to the login, or a short page
   */
  onError?: OnError | undefined
  /**
   * Asked where a login names no provider, and there are several: answers with a page that offers the choice.
   * @defaultValue none: `routes.chooseProvider`, or the first of `providers`
   */
  onChooseProvider?: OnChooseProvider | undefined
  /** Where lines for operators go, never with a secret: `console`, a logger of pino or winston, or `{ warn(line, fields) }`. @defaultValue `console` */
  logger?: Logger | undefined
}

/**
 * One of several providers: what is given here goes before what stands beside `providers`.
 *
 * @example
 * auth({
 *   providers: {
 *     staff: { issuerBaseURL: 'https://login.example.com/staff', clientID: 'shop' },
 *     customers: { issuerBaseURL: 'https://id.example.com', clientID: 'shop', authorizationParams: { audience: 'orders' } },
 *   },
 * })
 */
export interface ProviderEntry extends ClientOptions, Pick<AuthOptions, OfProvider> {
  /** This provider's own callback path: for those that send no `iss` to it (RFC 9207). @defaultValue that of all */
  routes?: { callback?: string | undefined } | undefined
}

/**
 * What may be a tenant's own; what it leaves out is as in the options of `auth()`. `baseURL` it has to say, and of the others
 * those that `auth()` was not given.
 */
export type TenantSetUp = ClientOptions &
  Pick<AuthOptions, OfProvider | 'providers' | 'baseURL' | 'session' | 'allowedOrigins'>

type OfProvider =
  | 'issuerBaseURL'
  | 'provider'
  | 'tenants'
  | 'authorizationParams'
  | 'apis'
  | 'renewal'
  | 'logout'
  | 'idTokenSigningAlg'
  | 'clockToleranceSeconds'
  | 'httpTimeoutSeconds'
  | 'idpLogout'
  | 'revokeOnLogout'
  | 'requireLogoutTokenType'
  | 'userInfo'
