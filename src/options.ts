// What `auth()` takes.
import type { NextFunction, Request, Response } from 'express'
import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis'
import type { User } from './auth-record.ts'
import type { AuthError } from './errors.ts'
import type { IdTokenClaims } from './id-token-claims.ts'

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
   * A `redis://` or `rediss://` URL, a Sentinel or Cluster configuration, or an ioredis client of yours.
   * Environment: `REDIS_URL`. @defaultValue memory
   */
  redis?: string | RedisSentinels | RedisCluster | Redis | Cluster | undefined
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
   * Parameters of the authorization request, merged over the defaults. Environment: `SCOPE`, `AUDIENCE`.
   * @defaultValue `{ scope: 'openid profile email offline_access' }`
   */
  authorizationParams?: Readonly<Record<string, string>> | undefined
  /** Every route below needs a log-in. @defaultValue `false` */
  authRequired?: boolean | undefined
  /** Where this middleware answers; `false` unmounts a route. */
  routes?: Partial<Routes> | undefined
  renewal?: RenewalOptions | undefined
  session?: SessionOptions | undefined
  /** @defaultValue `client_secret_basic`, or `none` without a secret */
  clientAuthMethod?: ClientAuthMethod | undefined
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
   * whether they are logged in there. @defaultValue `false`
   */
  attemptSilentLogin?: boolean | undefined
  /**
   * Back-channel logout tokens must say `typ: logout+jwt`. Without it, those that say nothing are taken too.
   * @defaultValue `false`
   */
  requireLogoutTokenType?: boolean | undefined
  /** Asked at every log-in, before there is a session: refuses the person, or adds to what is known of them. */
  afterCallback?: AfterCallback | undefined
  /** Answers a log-in that failed in place of the page of this package. */
  onCallbackError?: OnCallbackError | undefined
  /** Where warnings go: one line each, never a secret. @defaultValue `console` */
  logger?: Logger | undefined
}

/** What the provider said of somebody who is about to be logged in. */
export interface CallbackLogin {
  /** The claims about the person. */
  readonly user: User
  /** All claims of the ID token. */
  readonly claims: IdTokenClaims
  /** What the provider granted, where it says so. */
  readonly scope: string | undefined
  /** The access token, to ask an API about the person. */
  getAccessToken(): string
}

export interface CallbackVerdict {
  /** Nobody is logged in; the person reads this sentence (403, `login_refused`). */
  readonly refuse?: string | undefined
  /** Added to `req.oidc.user`, sealed with the session, kept through renewals. JSON. */
  readonly user?: Readonly<Record<string, unknown>> | undefined
}

/** What it throws goes to Express, and nobody is logged in. */
export type AfterCallback = (
  login: CallbackLogin,
  req: Request,
) => CallbackVerdict | undefined | Promise<CallbackVerdict | undefined>

/**
 * @param error `error.code` says what failed; a RefusedError has the provider's `error` and `errorDescription` as sent:
 * escape them
 * @param next answers as this package does
 */
export type OnCallbackError = (error: AuthError, req: Request, res: Response, next: NextFunction) => unknown

/** ioredis's options for Redis behind Sentinels. */
export type RedisSentinels = RedisOptions & {
  sentinels: NonNullable<RedisOptions['sentinels']>
  name: string
}

/** A Redis Cluster: some of its nodes, and ioredis's options for it. */
export type RedisCluster = ClusterOptions & { nodes: readonly ClusterNode[] }

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
  /** Where the browser lands after a log-out. @defaultValue `/` */
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
  /** A session ends so long after its log-in, used or not. @defaultValue seven days */
  absoluteTimeoutSeconds?: number | undefined
  cookie?: { sameSite?: 'lax' | 'strict' | 'none' } | undefined
}

export type ClientAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none'

export interface Logger {
  warn(line: string): void
}
