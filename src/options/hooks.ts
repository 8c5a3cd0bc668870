// The app's own say in a login, and in what is answered.
import type { NextFunction, Request, Response } from 'express'
import type { AuthError } from '../errors/errors.ts'
import type { IdTokenClaims } from '../record/id-token-claims.ts'
import type { User } from '../record/person.ts'
import type { AppState } from './login.ts'
import type { Mistakes } from './mistakes.ts'
import { hook } from './read-option.ts'

/** What the provider said of somebody who is about to be logged in. */
export interface CallbackLogin {
  /** The claims about the person. */
  readonly user: User
  /** All claims of the ID token. */
  readonly claims: IdTokenClaims
  /** Of several, the name of the provider that the person comes from. */
  readonly provider?: string | undefined
  /** The key of the tenant, with the option `tenant`. */
  readonly tenant?: string | undefined
  /** What the provider granted, where it says so. */
  readonly scope: string | undefined
  /**
   * What this login asked for besides the options, by `res.oidc.login()` or by a link to `/login`, which anybody may have
   * written: `organization` was found in the ID token, nothing else was checked.
   */
  readonly authorizationParams: Readonly<Record<string, string>>
  /** What the app itself said where the login began: `res.oidc.login({ appState })`, or the option `login.appState`. */
  readonly appState: AppState | undefined
  /**
   * What stood in the field `user` of the provider's form (`response_mode: 'form_post'`), as Apple sends it at a person's first
   * login, and never again: `{ name: { firstName, lastName }, email }`. It came by the browser and nobody signed it: the
   * person may have written it.
   */
  readonly formUser: Readonly<Record<string, unknown>> | undefined
  /** The access token, to ask an API about the person. */
  getAccessToken(): string
  /** How long it lives, in seconds, as the provider says, where it does. */
  readonly accessTokenLifetimeSeconds: number | undefined
  /** The ID token as the provider signed it. */
  getIdToken(): string
}

/** What the app has to say about a login; nothing: it may begin. */
export interface CallbackVerdict {
  /** Nobody is logged in; the person reads this sentence (403, `login_refused`). */
  readonly refuse?: string | undefined
  /** Added to `req.oidc.user`, sealed with the session, kept through renewals. JSON. */
  readonly user?: Readonly<Record<string, unknown>> | undefined
}

/**
 * What it throws, or returns that is no verdict, goes to Express, and nobody is logged in.
 *
 * @example
 * auth({
 *   afterCallback: async ({ user }) => {
 *     const employee = await staff.find(user.sub)
 *     return employee ? { user: { roles: employee.roles } } : { refuse: 'There is no account for you here.' }
 *   },
 * })
 */
export type AfterCallback = (
  login: CallbackLogin,
  req: Request,
) => CallbackVerdict | undefined | Promise<CallbackVerdict | undefined>

/** Somebody whose session was renewed. */
export interface RenewedSession
  extends Pick<CallbackLogin, 'user' | 'claims' | 'provider' | 'tenant' | 'scope' | 'getAccessToken'> {
  /** As in `req.oidc.session`. */
  readonly id: string
  /** What `afterCallback` added to the person, or `afterRenewal` since. */
  readonly added: Readonly<Record<string, unknown>> | undefined
}

/**
 * `user` takes the place of all that was added before, `refuse` ends the session; nothing leaves it as it is. So does what it
 * throws: nobody is logged out because the app could not be asked. There is no request: a renewal is for all that wait for it.
 *
 * @example
 * auth({
 *   afterRenewal: async ({ user }) => {
 *     const employee = await staff.find(user.sub)
 *     return employee ? { user: { roles: employee.roles } } : { refuse: 'left' }
 *   },
 * })
 */
export type AfterRenewal = (
  session: RenewedSession,
) => CallbackVerdict | undefined | Promise<CallbackVerdict | undefined>

/**
 * Answers an error in the place of this package. The headers that belong to it are set: `Cache-Control: no-store`,
 * `Retry-After`, `WWW-Authenticate`.
 *
 * @param error `error.code` says what is wrong, `error.status` (and `error.statusCode`) how it is answered
 * @param req it has no `oidc` where the page of another site sent it (`cross_site`)
 * @param next answers as this package does; `next(error)` hands it to the error handling of Express, or of Nest
 * @example auth({ onError: (error, req, _res, next) => (req.path.startsWith('/api/') ? next(error) : next()) })
 */
export type OnError = (error: AuthError, req: Request, res: Response, next: NextFunction) => unknown

/**
 * @param error `error.code` says what failed; a RefusedError has the provider's `error` and `errorDescription` as sent:
 * escape them
 * @param next answers by `onError`, or as this package does
 * @example
 * auth({
 *   onCallbackError: (error, req, res, next) => {
 *     if (error.code !== 'login_denied') return next()
 *     res.status(error.status).send('You said no. That is fine.')
 *   },
 * })
 */
export type OnCallbackError = (error: AuthError, req: Request, res: Response, next: NextFunction) => unknown

/** A login that somebody is about to begin, and no provider is named. */
export interface ProviderChoice {
  /** The page on which the login will end. */
  readonly returnTo: string
  /** In the order of the option: its name, and where the login with it begins. */
  readonly providers: readonly { readonly name: string; readonly loginURL: string }[]
}

/**
 * Answers with a page that offers the choice.
 *
 * @example
 * auth({
 *   onChooseProvider: (_req, res, { providers }) => res.render('choose', { providers }),
 * })
 */
export type OnChooseProvider = (req: Request, res: Response, choice: ProviderChoice) => unknown

interface Hooks {
  readonly afterCallback: AfterCallback | undefined
  readonly afterRenewal: AfterRenewal | undefined
  readonly onCallbackError: OnCallbackError | undefined
  readonly onError: OnError | undefined
  readonly onChooseProvider: OnChooseProvider | undefined
}

export function resolveHooks(options: Partial<Hooks>, { attempt }: Mistakes): Hooks {
  const read = <T>(given: T, name: string, parameters: string) => attempt(() => hook(given, name, parameters))
  return {
    afterCallback: read(options.afterCallback, 'afterCallback', '(login, req)'),
    afterRenewal: read(options.afterRenewal, 'afterRenewal', '(session)'),
    onCallbackError: read(options.onCallbackError, 'onCallbackError', '(error, req, res, next)'),
    onError: read(options.onError, 'onError', '(error, req, res, next)'),
    onChooseProvider: read(options.onChooseProvider, 'onChooseProvider', '(req, res, choice)'),
  }
}
