// What `auth()` takes here: the options of express-openid-connect, and those of this package that it has no word for.
import type { KeyObject, webcrypto } from 'node:crypto'
import type { Request, Response } from 'express'
import type { AuthOptions, PrivateJWK } from '../index.ts'
import type { AuthorizationParameters, LoginOptions } from './arguments.ts'

/** What the provider gave, as `afterCallback` is shown it; what else it returns is in `req.appSession` from then on. */
export interface Session {
  id_token: string
  access_token: string
  token_type: string
  expires_at: string
  /** Reading it throws: the refresh token stays on the server. */
  refresh_token: string
  sid?: string
  sessionExpiresAt?: number
  // biome-ignore lint/suspicious/noExplicitAny: the app's own values, as in express-openid-connect
  [name: string]: any
}

type SigningKey = KeyObject | webcrypto.CryptoKey | PrivateJWK | string | Buffer

/** An express-session store on Redis: its client's server keeps the sessions. */
export interface SessionStore {
  get(sid: string, callback: (error: unknown, session?: unknown) => void): void
  set(sid: string, session: never, callback?: (error?: unknown) => void): void
  destroy(sid: string, callback?: (error?: unknown) => void): void
}

export interface CookieConfigParams {
  domain?: string | undefined
  path?: string | undefined
  transient?: boolean | undefined
  httpOnly?: boolean | undefined
  secure?: boolean | undefined
  sameSite?: string | undefined
}

export interface SessionConfigParams {
  /** Of the cookie, and of the member of `req` that has the app's values. @defaultValue the cookie of this package, and `appSession` */
  name?: string | undefined
  store?: SessionStore | undefined
  genid?: ((req: Request) => string | Promise<string>) | undefined
  signSessionStoreCookie?: boolean | undefined
  requireSignedSessionStoreCookie?: boolean | undefined
  /** @defaultValue `true` */
  rolling?: boolean | undefined
  /** Seconds. @defaultValue `86400` */
  rollingDuration?: number | false | undefined
  /** Seconds. @defaultValue `604800` */
  absoluteDuration?: number | boolean | undefined
  cookie?: CookieConfigParams | undefined
}

export interface RoutesParams {
  login?: string | false | undefined
  logout?: string | false | undefined
  /** With `false` the app has the route, and calls `res.oidc.callback()`; `authorizationParams.redirect_uri` says where it is. */
  callback?: string | false | undefined
  postLogoutRedirect?: string | undefined
  backchannelLogout?: string | undefined
}

/** The options of express-openid-connect 3.4; docs/from-express-openid-connect.md says what becomes of each. */
export interface TheirOptions {
  baseURL?: string | undefined
  clientID?: string | undefined
  clientSecret?: AuthOptions['clientSecret']
  issuerBaseURL?: string | undefined
  secret?: AuthOptions['secret']
  /** @defaultValue `true` */
  authRequired?: boolean | undefined
  errorOnRequiredAuth?: boolean | undefined
  attemptSilentLogin?: boolean | undefined
  /** @defaultValue `{ scope: 'openid profile email' }` */
  authorizationParams?: AuthorizationParameters | undefined
  afterCallback?:
    | ((
        req: Request,
        res: Response,
        session: Session,
        decodedState: Record<string, unknown>,
      ) => Session | Promise<Session>)
    | undefined
  /** JSON. Its `returnTo` says where the login ends. */
  getLoginState?: ((req: Request, options: LoginOptions) => object | Promise<object>) | undefined
  identityClaimFilter?: string[] | undefined
  /** @defaultValue `false` */
  idpLogout?: boolean | undefined
  auth0Logout?: boolean | undefined
  logoutParams?: Record<string, unknown> | undefined
  backchannelLogout?:
    | boolean
    | { store?: unknown; onLogoutToken?: unknown; isLoggedOut?: unknown; onLogin?: unknown }
    | undefined
  routes?: RoutesParams | undefined
  session?: SessionConfigParams | undefined
  transactionCookie?: { sameSite?: string; name?: string } | undefined
  legacySameSiteCookie?: boolean | undefined
  pushedAuthorizationRequests?: boolean | undefined
  idTokenSigningAlg?: string | undefined
  clientAuthMethod?: string | undefined
  clientAssertionSigningKey?: SigningKey | undefined
  clientAssertionSigningAlg?: string | undefined
  requestObjectSigningKey?: SigningKey | undefined
  requestObjectSigningAlg?: string | undefined
  requestObjectSigningKeyId?: string | undefined
  /** Seconds. @defaultValue `60` */
  clockTolerance?: number | undefined
  /** Milliseconds. @defaultValue `5000` */
  httpTimeout?: number | undefined
  /** Milliseconds. @defaultValue `600000` */
  discoveryCacheMaxAge?: number | undefined
  customFetch?: typeof fetch | undefined
  httpAgent?: unknown
  httpUserAgent?: string | undefined
  enableTelemetry?: boolean | undefined
  tokenEndpointParams?: Record<string, unknown> | undefined
  useMtls?: boolean | undefined
}

/**
 * Options of `auth()`: those of express-openid-connect, and beside them those of this package that it does not have, such as
 * `redis`, `apis` or `afterRenewal`.
 */
export interface ConfigParams extends TheirOptions, Omit<AuthOptions, keyof TheirOptions> {}

/** What stays in this folder of the options. */
export interface LayerConfig {
  readonly baseURL: URL
  readonly authRequired: boolean
  readonly errorOnRequiredAuth: boolean
  readonly attemptSilentLogin: boolean
  readonly maxAgeSeconds: number | undefined
  readonly clockToleranceSeconds: number
  readonly afterCallback: TheirOptions['afterCallback']
  readonly getLoginState: NonNullable<TheirOptions['getLoginState']>
  readonly identityClaimFilter: readonly string[]
  /** The member of `req` that has the app's values. */
  readonly sessionName: string
  readonly login: string | false
  readonly logout: string | false
  /** The path of a callback that the app answers itself. */
  readonly callbackOfApp: string | undefined
  readonly redirectURI: string
  readonly postLogoutRedirect: string
}
