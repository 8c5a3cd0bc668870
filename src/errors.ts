// The errors of this package: log in again, try later, your mistake. Three kinds, because three parties act on them.
import { isOrIsCopyOf, OF_THIS_PACKAGE } from './lib/shared.ts'
import { type StepUp, stepUpChallenge } from './record/step-up.ts'

/** Why the person has to log in (again). Answered with 401. */
export type LoginRequiredCode =
  /** Nobody is logged in: send the person to `login_url`. */
  | 'login_required'
  /** The provider no longer honours the session, or it was ended elsewhere: send the person to `login_url`. */
  | 'session_ended'
  /** The provider gave no refresh token: log in again, and see to it that the next login brings one. */
  | 'renewal_impossible'
  /** The person has to confirm who they are: send them to `login_url`. `WWW-Authenticate` says what is asked (RFC 9470). */
  | 'step_up_required'
  /** Somebody is logged in, but with another provider than this page needs: send the person to `login_url`. */
  | 'provider_required'

/** What is out of reach for the moment. Answered with 503 and `Retry-After`. */
export type TryLaterCode =
  /** The session is kept: try again, and look after Redis. */
  | 'store_unavailable'
  /** The session is kept: try again after `Retry-After`. */
  | 'provider_unavailable'
  /** Another request or server is still renewing: try again. */
  | 'renewal_pending'
  /** Of a relay: the API does not answer. Try again later. */
  | 'api_unavailable'
  /** Of a relay: the token was renewed, and the body is gone. Send the request again. */
  | 'send_again'
  /** With `tenant`: who is served under this address cannot be looked up just now. Try again after `Retry-After`. */
  | 'tenant_unavailable'

/** What is wrong with the request. Answered with 4xx. */
export type RefusedCode =
  /** What came back is no answer to a login: log in again. */
  | 'callback_malformed'
  /** This browser has no such login on its way: log in again. */
  | 'login_unknown'
  /** The login took longer than `login.timeoutSeconds`: log in again. */
  | 'login_expired'
  /** The provider refused, or the person did. */
  | 'login_denied'
  /** The provider's answer did not pass: log in again; the log says more. */
  | 'login_failed'
  /** Your `afterCallback` said no, or `tenants`. */
  | 'login_refused'
  /** `/login` was given parameters that it does not take. */
  | 'login_malformed'
  /** The provider did not confirm what was asked, or somebody else logged in; the session stays. */
  | 'step_up_failed'
  /** The person may not do this. */
  | 'claim_required'
  /** The provider gives this client no token for that API; the event `renewal-failed` says why. */
  | 'access_token_refused'
  /** Of a relay: the API refuses a fresh token. Mostly its `audience` is wrong. Of `fetchUserInfo()`: the provider does, or it speaks of somebody else. */
  | 'api_refused'
  /** Of a relay: the path, the query or the handshake is not handed on; the log says why. */
  | 'request_malformed'
  /** For the provider: its logout token did not pass; the log says more. */
  | 'logout_token_invalid'
  /** Another site's page sent it; if that site is yours, name it in `allowedOrigins`. */
  | 'cross_site'
  /** `/login`, `/logout` and `/callback` are for pages that a person opens, no prefetch, image or frame. */
  | 'not_a_page_load'
  /** The route or the relay takes other methods. */
  | 'method_not_allowed'
  /** Send a form: `application/x-www-form-urlencoded`. */
  | 'unsupported_media_type'
  /** The form, or what a login has to remember, is too long. */
  | 'content_too_large'
  /** With `tenant`: nobody is served under this address. */
  | 'tenant_unknown'

/** What is wrong with the set-up. Thrown at start-up, or where the mistake shows. */
export type ConfigurationCode =
  /** An option or a parameter is wrong: the message names it, and the cure. */
  | 'invalid_option'
  /** A guard, `relay()` or `req.oidc` has no `app.use(auth())` above it. */
  | 'auth_not_mounted'
  /** Two `auth()` ran for one request. */
  | 'auth_mounted_twice'
  /** `req.oidc.fetch()` was given an address whose origin is not in `apis`. */
  | 'api_not_listed'
  /** A body parser stands above `relay()`: mount it below. */
  | 'body_already_read'

/** What every error of this package has: a `code` that stays, a `message` for people, a `status` for Express. */
abstract class BffSessionError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that is asked for, not the one that this is inherited from
    return isOrIsCopyOf(this, BffSessionError, value)
  }

  get [OF_THIS_PACKAGE](): true {
    return true
  }

  abstract readonly code: string
  abstract readonly status: number
  /** The same, under the name that Nest and others look for. */
  get statusCode(): number {
    return this.status
  }
  /** Response headers that belong to the error; Express's own error handler sends them too. */
  readonly headers: Readonly<Record<string, string>> = {}
}

/** The session is not there, is over, or is not enough: send the person to `login_url`. Status 401. */
export class LoginRequiredError extends BffSessionError {
  override readonly name = 'LoginRequiredError'
  readonly status = 401
  readonly code: LoginRequiredCode
  /** What has to be asked of the person's authentication, where an ordinary login is not enough. */
  readonly stepUp: StepUp | undefined
  /** The name of the provider that the login has to be with, where it is not for the person to choose. */
  readonly provider: string | undefined
  override readonly headers: Readonly<Record<string, string>>

  constructor(code: LoginRequiredCode, message: string, stepUp?: StepUp, provider?: string) {
    super(message)
    this.code = code
    this.stepUp = stepUp
    this.provider = provider
    this.headers =
      code === 'step_up_required' && stepUp ? { 'www-authenticate': stepUpChallenge(stepUp) } : {}
  }
}

/** Something is out of reach just now; the session is kept: try again after `Retry-After`. Status 503. */
export class TryLaterError extends BffSessionError {
  override readonly name = 'TryLaterError'
  readonly status = 503
  readonly code: TryLaterCode
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number
  override readonly headers: Readonly<Record<string, string>>

  /** `cause` says what is wrong, for operators: it holds no secret, and no browser gets it. */
  constructor(code: TryLaterCode, message: string, retryAfterSeconds = 1, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds))
    this.headers = { 'retry-after': String(this.retryAfterSeconds) }
  }
}

interface RefusedDetails {
  error?: string | undefined
  errorDescription?: string | undefined
  reason?: string | undefined
  goesOn?: number | undefined
}

/** The request was refused and nothing was changed; the log says more. Status 4xx. */
export class RefusedError extends BffSessionError {
  override readonly name = 'RefusedError'
  readonly status: number
  readonly code: RefusedCode
  /** The provider's `error`, when it sent one (RFC 6749 §4.1.2.1). */
  readonly error: string | undefined
  /** The provider's `error_description`, as sent: escape it before you show it. */
  readonly errorDescription: string | undefined
  /** What operators should know and the browser need not. */
  readonly reason: string | undefined
  /** The page that says so goes on to log in by itself, for that time in a row. */
  readonly goesOn: number | undefined

  constructor(
    code: RefusedCode,
    status: number,
    message: string,
    { error, errorDescription, reason, goesOn }: RefusedDetails = {},
  ) {
    super(message)
    this.code = code
    this.status = status
    this.error = error
    this.errorDescription = errorDescription
    this.reason = reason
    this.goesOn = goesOn
  }
}

/** A mistake in the set-up, mostly found at start-up: the message names it and the cure. Status 500. */
export class ConfigurationError extends BffSessionError {
  override readonly name = 'ConfigurationError'
  readonly status = 500
  readonly code: ConfigurationCode

  constructor(code: ConfigurationCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Every error that this package hands to an app; `switch (error.code)` narrows it. */
export type AuthError = LoginRequiredError | TryLaterError | RefusedError | ConfigurationError

/** True for this package's errors, which are safe to show: no secret is in them, no foreign error. @example if (isAuthError(error)) console.log(error.code) */
export function isAuthError(error: unknown): error is AuthError {
  return error instanceof BffSessionError
}
