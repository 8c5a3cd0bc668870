// The errors of this package: log in again, try later, your mistake. Three kinds, because three parties act on them.

import { isOrIsCopyOf, OF_THIS_PACKAGE } from '../lib/shared.ts'
import { type StepUp, stepUpChallenge } from '../record/step-up.ts'
import type { ConfigurationCode, LoginRequiredCode, RefusedCode, TryLaterCode } from './codes.ts'

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
