// The app's own say in a login.
import type { NextFunction, Request, Response } from 'express'
import type { AuthError } from '../errors.ts'
import type { IdTokenClaims } from '../record/id-token-claims.ts'
import type { User } from '../record/user.ts'

/** What the provider said of somebody who is about to be logged in. */
export interface CallbackLogin {
  /** The claims about the person. */
  readonly user: User
  /** All claims of the ID token. */
  readonly claims: IdTokenClaims
  /** What the provider granted, where it says so. */
  readonly scope: string | undefined
  /**
   * What this login asked for besides the options, by `res.oidc.login()` or by a link to `/login`, which anybody may have
   * written: `organization` was found in the ID token, nothing else was checked.
   */
  readonly authorizationParams: Readonly<Record<string, string>>
  /**
   * What stood in the field `user` of the provider's form (`response_mode: 'form_post'`), as Apple sends it at a person's first
   * login, and never again: `{ name: { firstName, lastName }, email }`. It came by the browser and nobody signed it: the
   * person may have written it.
   */
  readonly formUser: Readonly<Record<string, unknown>> | undefined
  /** The access token, to ask an API about the person. */
  getAccessToken(): string
}

/** What the app has to say about a login; nothing: it may begin. */
export interface CallbackVerdict {
  /** Nobody is logged in; the person reads this sentence (403, `login_refused`). */
  readonly refuse?: string | undefined
  /** Added to `req.oidc.user`, sealed with the session, kept through renewals. JSON. */
  readonly user?: Readonly<Record<string, unknown>> | undefined
}

/** What it throws, or returns that is no verdict, goes to Express, and nobody is logged in. */
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
