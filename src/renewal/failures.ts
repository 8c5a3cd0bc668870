// Renewals that brought no fresher record, as errors.
import { SignInAgainError, TryLaterError } from '../errors.ts'
import type { Renewal } from './renewal.ts'

/** Renewals were made, and none of them began late enough. */
export const NOT_LATE_ENOUGH = { kind: 'unavailable', because: 'pending', retryAfterSeconds: 1 } as const

/** The provider answered, but with an ID token that did not pass: for the session that is as if it had not. */
export const ID_TOKEN_REFUSED = { kind: 'unavailable', because: 'provider', retryAfterSeconds: 5 } as const

export function renewalImpossible(): SignInAgainError {
  return new SignInAgainError(
    'renewal_impossible',
    'The session cannot be renewed, because the provider sent no refresh token at log-in. Log in again.',
  )
}

export function unavailable({
  because,
  retryAfterSeconds,
}: Extract<Renewal, { kind: 'unavailable' }>): TryLaterError {
  switch (because) {
    case 'store':
      return new TryLaterError(
        'store_unavailable',
        'The session store does not answer. Try again shortly.',
        retryAfterSeconds,
      )
    case 'provider':
      return new TryLaterError(
        'provider_unavailable',
        'The login provider is out of reach. Try again shortly.',
        retryAfterSeconds,
      )
    case 'pending':
      return new TryLaterError(
        'renewal_pending',
        'The session is being renewed. Try again shortly.',
        retryAfterSeconds,
      )
  }
}
