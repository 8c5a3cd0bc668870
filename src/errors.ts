// The errors of this package: log in again, try later, your mistake. Three kinds, because three parties act on them.
import { type StepUp, stepUpChallenge } from './record/step-up.ts'

/** Why the person has to log in (again). Answered with 401. */
export type LoginRequiredCode = 'login_required' | 'session_ended' | 'renewal_impossible' | 'step_up_required'

/** What is out of reach for the moment. Answered with 503 and `Retry-After`. */
export type TryLaterCode =
  | 'store_unavailable'
  | 'provider_unavailable'
  | 'renewal_pending'
  | 'api_unavailable'
  | 'send_again'

/** What is wrong with the request. Answered with 4xx. */
export type RefusedCode =
  | 'callback_malformed'
  | 'login_unknown'
  | 'login_expired'
  | 'login_denied'
  | 'login_failed'
  | 'login_refused'
  | 'login_malformed'
  | 'step_up_failed'
  | 'claim_required'
  | 'access_token_refused'
  | 'api_refused'
  | 'request_malformed'
  | 'logout_token_invalid'
  | 'cross_site'
  | 'method_not_allowed'
  | 'unsupported_media_type'
  | 'content_too_large'

/** What is wrong with the set-up. Thrown at start-up, or by a guard that has no `auth()` above it. */
export type ConfigurationCode = 'invalid_option' | 'auth_not_mounted' | 'api_not_listed' | 'body_already_read'

/** What every error of this package has: a `code` that stays, a `message` for people, a `status` for Express. */
abstract class BffSessionError extends Error {
  abstract readonly code: string
  abstract readonly status: number
  /** Response headers that belong to the error; Express's own error handler sends them too. */
  readonly headers: Readonly<Record<string, string>> = {}
}

/** The session is not there, or is over: log in again. Status 401. */
export class LoginRequiredError extends BffSessionError {
  override readonly name = 'LoginRequiredError'
  readonly status = 401
  readonly code: LoginRequiredCode
  /** What has to be asked of the person's authentication, where an ordinary login is not enough. */
  readonly stepUp: StepUp | undefined
  override readonly headers: Readonly<Record<string, string>>

  constructor(code: LoginRequiredCode, message: string, stepUp?: StepUp) {
    super(message)
    this.code = code
    this.stepUp = stepUp
    this.headers =
      code === 'step_up_required' && stepUp ? { 'www-authenticate': stepUpChallenge(stepUp) } : {}
  }
}

/** The provider or the store is out of reach; the session is kept. Status 503 with `Retry-After`. */
export class TryLaterError extends BffSessionError {
  override readonly name = 'TryLaterError'
  readonly status = 503
  readonly code: TryLaterCode
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number
  override readonly headers: Readonly<Record<string, string>>

  constructor(code: TryLaterCode, message: string, retryAfterSeconds = 1) {
    super(message)
    this.code = code
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds))
    this.headers = { 'retry-after': String(this.retryAfterSeconds) }
  }
}

interface RefusedDetails {
  error?: string | undefined
  errorDescription?: string | undefined
  reason?: string | undefined
}

/** The request was refused and nothing was changed. Status 4xx. */
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

  constructor(
    code: RefusedCode,
    status: number,
    message: string,
    { error, errorDescription, reason }: RefusedDetails = {},
  ) {
    super(message)
    this.code = code
    this.status = status
    this.error = error
    this.errorDescription = errorDescription
    this.reason = reason
  }
}

/** A mistake in the set-up, named with its cure. */
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

/** For `next()`: Express takes a falsy value, 'route' and 'router' for "go on", whoever threw them. */
export function asError(thrown: unknown): object {
  return typeof thrown === 'object' && thrown !== null
    ? thrown
    : new TypeError(`${String(thrown)} was thrown, which is no Error`)
}

/** True for the errors of this package, which are safe to show: none carries a secret or a foreign error. */
export function isAuthError(error: unknown): error is AuthError {
  return error instanceof BffSessionError
}
