// What `auth()` takes.
import type { KeyObject, webcrypto } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import type { AccessTokenRequest } from '../record/access-token.ts'
import type { AfterCallback, OnCallbackError } from './hooks.ts'
import type { RedisCluster, RedisSentinels, RedisURL } from './redis-servers.ts'

/** Options of `auth()`. What is not given is read from the environment, then defaulted. */
export interface AuthOptions {
  /** The provider's issuer URL, as in its discovery document. Environment: `ISSUER_BASE_URL`. Required. */
  issuerBaseURL?: string | undefined
  /** The URL under which browsers reach this app. Environment: `BASE_URL`. Required. */
  baseURL?: string | undefined
  /** Environment: `CLIENT_ID`. Required. */
  clientID?: string | undefined
  /** Environment: `CLIENT_SECRET`. None: a public client (RFC 6749 §2.1). */
  clientSecret?: string | undefined
  /**
   * Signs the session cookie and seals what is stored; at least 32 characters each, newest first.
   * Environment: `SECRET`, comma-separated. Required.
   */
  secret?: string | readonly string[] | undefined
  /**
   * A `redis://` or `rediss://` URL, also as `{ url, nearCache }`, a Sentinel or Cluster configuration, or an ioredis
   * client of yours.
   * Environment: `REDIS_URL`. @defaultValue memory
   */
  redis?: string | RedisURL | RedisSentinels | RedisCluster | Redis | Cluster | undefined
  /** Deadline of each answer of Redis, in seconds. @defaultValue `2` */
  redisTimeoutSeconds?: number | undefined
  /**
   * A renewal counts as stored once so many replicas have it, so that a failover cannot lose the new refresh token.
   * @defaultValue `0`
   */
  waitReplicas?: number | undefined
  /** Keep sessions in this process's memory although `NODE_ENV` is `production`. @defaultValue `false` */
  allowInMemoryStore?: boolean | undefined
  /**
   * Parameters of the authorization request, merged over the defaults. Environment: `SCOPE`, `AUDIENCE`. `resource`, the
   * APIs that access tokens are for (RFC 8707), may be a list.
   * @defaultValue `{ scope: 'openid profile email offline_access' }`
   */
  authorizationParams?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** Where `req.oidc.fetch()` may send access tokens: origins, or what to ask the provider for besides. */
  apis?: readonly (string | ApiOptions)[] | undefined
  /** Every route below needs a login. @defaultValue `false` */
  authRequired?: boolean | undefined
  /** Where this middleware answers; `false` unmounts a route. */
  routes?: Partial<Routes> | undefined
  renewal?: RenewalOptions | undefined
  session?: SessionOptions | undefined
  /**
   * How this client says who it is.
   * @defaultValue `client_secret_basic` with a secret, else `private_key_jwt` with a `clientAssertionSigningKey`, else
   * `tls_client_auth` with `mutualTLS`, else `none`
   */
  clientAuthMethod?: ClientAuthMethod | undefined
  /**
   * This client's private key: signs its assertions (`private_key_jwt`, RFC 7523) and its requests
   * (`signedAuthorizationRequests`). PEM, JWK (whose `kid` is sent too), KeyObject or CryptoKey; RSA, EC or Ed25519.
   * Environment: `CLIENT_ASSERTION_SIGNING_KEY`, PEM.
   */
  clientAssertionSigningKey?: string | PrivateJWK | KeyObject | webcrypto.CryptoKey | undefined
  /**
   * @defaultValue by the key: `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`; a JWK's own `alg`; `HS256` with
   * `client_secret_jwt`
   */
  clientAssertionSigningAlg?: string | undefined
  /**
   * The parameters of a login go to the provider from server to server, and the browser carries a reference
   * (PAR, RFC 9126). @defaultValue `false`
   */
  pushedAuthorizationRequests?: boolean | undefined
  /** The parameters of a login are signed with `clientAssertionSigningKey` (JAR, RFC 9101). @defaultValue `false` */
  signedAuthorizationRequests?: boolean | undefined
  /** A certificate that this client shows at every request to the provider (RFC 8705). */
  mutualTLS?: MutualTLSOptions | undefined
  /** The algorithm that the provider signs ID tokens with. @defaultValue `RS256` */
  idTokenSigningAlg?: string | undefined
  /** How far the provider's clock may differ when an ID token is checked, in seconds. @defaultValue `30` */
  clockToleranceSeconds?: number | undefined
  /** Deadline of each request to the provider, in seconds. @defaultValue `5` */
  httpTimeoutSeconds?: number | undefined
  /** `/logout` ends the session at the provider too. @defaultValue `true` */
  idpLogout?: boolean | undefined
  /** `/logout` revokes the refresh token at the provider (RFC 7009). @defaultValue `true` */
  revokeOnLogout?: boolean | undefined
  /** Origins besides our own whose pages may send unsafe requests, for example `https://admin.example.com`. */
  allowedOrigins?: readonly string[] | undefined
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
   * The claims about the person that `GET /me` tells the page, besides `sub`; `req.oidc.user` has all of them.
   * @defaultValue the names, `picture`, `email`, `email_verified`, `zoneinfo` and `locale` (OpenID Connect Core §5.1)
   */
  userClaims?: readonly string[] | undefined
  /** Asked at every login, before there is a session: refuses the person, or adds to what is known of them. */
  afterCallback?: AfterCallback | undefined
  /** Answers a login that failed in place of the page of this package. */
  onCallbackError?: OnCallbackError | undefined
  /** Where warnings go: one line each, never a secret. @defaultValue `console` */
  logger?: Logger | undefined
}

/** An API and the access token for it. Without `audience` and `scope`: the token that came with the login. */
export interface ApiOptions extends AccessTokenRequest {
  /** For example `https://api.example.com`. */
  origin: string
}

/** The paths of the middleware's own routes. */
export interface Routes {
  /** @defaultValue `/login` */
  login: string | false
  /** @defaultValue `/callback` */
  callback: string
  /** @defaultValue `/logout` */
  logout: string | false
  /** @defaultValue `/me` */
  user: string | false
  /** Where the provider tells that somebody logged out there. @defaultValue `/backchannel-logout` */
  backchannelLogout: string | false
  /** Where the browser lands after a logout. @defaultValue `/` */
  postLogoutRedirect: string
}

export interface RenewalOptions {
  /** The timeframe: nothing is served on an ID token older than this. Environment: `RENEW_AFTER_SECONDS`. @defaultValue `900` */
  afterSeconds?: number | undefined
  /** That long before the timeframe ends a renewal may start beside a request. @defaultValue a fifth of it */
  aheadSeconds?: number | undefined
  /** Deadline of one renewal. @defaultValue `5` */
  timeoutSeconds?: number | undefined
  /**
   * The provider takes a spent refresh token again for so long: Auth0's *rotation overlap period*, Okta's *grace
   * period*, Cognito's *retry grace period*. With it, a renewal whose process was killed is made up for.
   * @defaultValue `0`, a provider that revokes the session for a second use
   */
  providerReuseSeconds?: number | undefined
  /** Renewals that this process has on their way to the provider at once. @defaultValue `20` */
  maxConcurrent?: number | undefined
}

export interface SessionOptions {
  /** The cookie's name. @defaultValue `__Host-Http-bff` on https, else `bff` */
  name?: string | undefined
  /** A session that is not used for so long ends. @defaultValue one day */
  idleTimeoutSeconds?: number | undefined
  /** A session ends so long after its login, used or not. @defaultValue seven days */
  absoluteTimeoutSeconds?: number | undefined
  cookie?: { sameSite?: 'lax' | 'strict' | 'none' } | undefined
}

/** RFC 6749 §2.3.1, RFC 7523 §2.2, RFC 8705 §2; `none` is a public client. */
export type ClientAuthMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret_jwt'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'
  | 'none'

/** RFC 7517, with its private part. */
export type PrivateJWK = webcrypto.JsonWebKey & { readonly kid?: string }

/** In PEM. */
export interface MutualTLSOptions {
  /** This client's certificate; those of its CAs may follow it. */
  cert: string | Buffer
  /** Its private key, not encrypted. */
  key: string | Buffer
  /** The CA certificates to trust at the provider, in place of Node's own. */
  ca?: string | Buffer | undefined
}

export interface Logger {
  warn(line: string): void
}
