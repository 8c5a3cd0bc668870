// Renewals that did not bring what was asked for, as errors.
import {
  type AuthError,
  ConfigurationError,
  LoginRequiredError,
  RefusedError,
  TryLaterError,
} from '../errors/errors.ts'
import {
  type AccessToken,
  type AccessTokenRequest,
  accessTokenFault,
  LOGIN_TOKEN,
} from '../record/access-token.ts'
import type { RenewalResult } from '../renewal/renewal-result.ts'

/** Renewals were made, and none of them began late enough. */
export const NOT_LATE_ENOUGH = { kind: 'unavailable', because: 'pending', retryAfterSeconds: 1 } as const

/** The provider answered, but with an ID token that did not pass: for the session that is as if it had not. */
export const ID_TOKEN_REFUSED = { kind: 'unavailable', because: 'provider', retryAfterSeconds: 5 } as const

export function renewalImpossible(): LoginRequiredError {
  return new LoginRequiredError(
    'renewal_impossible',
    'The session cannot be renewed, because the provider sent no refresh token at login. Log in again.',
  )
}

/** Where logging in again would bring no other token, nobody is sent to do it. */
export function noRefreshToken(name: string, refused: string | undefined): AuthError {
  return name === LOGIN_TOKEN && refused === undefined ? renewalImpossible() : accessTokenRefused()
}

/** @throws ConfigurationError for what no provider is asked */
export function checkRequest(wanted: AccessTokenRequest, resources: readonly string[]): void {
  const fault = accessTokenFault(wanted, resources)
  if (fault !== undefined) throw new ConfigurationError('invalid_option', `An access token ${fault}`)
}

/** @throws RefusedError where the provider gave none */
export function tokenOf({ token }: AccessToken): string {
  if (token === undefined) throw accessTokenRefused()
  return token
}

function accessTokenRefused(): RefusedError {
  const reason =
    "the provider gave no access token for the audience and the scope that were asked for: allow them to this client there, with a refresh token (offline_access), and for RFC 8707 name the API in authorizationParams.resource; the event 'renewal-failed' has its error"
  return new RefusedError('access_token_refused', 403, 'You have no access to this service.', { reason })
}

export function unavailable({
  because,
  retryAfterSeconds,
}: Extract<RenewalResult, { kind: 'unavailable' }>): TryLaterError {
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
