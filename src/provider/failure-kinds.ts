// What a failure at the provider means for whoever has to go on: whether it passes, and whose it is.
import { ClientError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'
import type { RenewalOutcome } from '../events/events.ts'
import type { Exchange } from './bounded-fetch.ts'
import {
  claimIn,
  codeOf,
  isMuteRefusal,
  isTimeout,
  KeysUnavailableError,
  SignatureError,
} from './failures.ts'
import { TOO_LARGE } from './network-words.ts'

/** A signature or a time of the ID token: keys are found, and clocks are set. */
export function isOfKeysOrClocks(error: unknown): boolean {
  if (error instanceof SignatureError) return true
  return error instanceof Error && /^(?:exp|iat|nbf)$/.test(claimIn(error.cause) ?? '')
}

/** openid-client found something in the answer that it does not take. */
export function isOfAnswer(error: unknown): boolean {
  return error instanceof ClientError && error.code !== undefined && !isTimeout(error)
}

/** How long the provider asked to be left alone (RFC 9110 §10.2.3), between a second and a minute. */
export function retryAfterOf(exchange: Exchange): number | undefined {
  const header = exchange.answer?.headers.get('retry-after')
  if (!header) return undefined
  // A date is by the clock of whoever sent it.
  const sentAt = Date.parse(exchange.answer?.headers.get('date') ?? '') || Date.now()
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - sentAt) / 1000
  return seconds > 0 ? Math.min(60, Math.max(1, seconds)) : undefined
}

/** What kind of failure it was, for those who watch. */
export function outcomeOf(error: unknown, { answer }: Exchange): RenewalOutcome {
  if (isTimeout(error)) return 'timeout'
  if (codeOf((error as Error).cause) === TOO_LARGE) return 'unreadable'
  if (answer === undefined) return 'unreachable'
  if (answer.status === 429) return 'rate-limited'
  if (answer.status >= 500) return 'server-error'
  return answer.status >= 400 ? 'refused' : 'unreadable'
}

/**
 * A 400 that names no reason: what Dex and LemonLDAP (`invalid_request`) and Glewlwyd (nothing at all) say of a refresh
 * token that is gone, and what others say of many things. No challenge: that is about the client.
 */
export function isVagueRefusal(error: unknown, { answer }: Exchange): boolean {
  return answer?.status === 400 && (isErrorResponse(error, 'invalid_request') || isMuteRefusal(error))
}

/** RFC 6749 §5.2, RFC 8707 §2, OpenID Connect Core §3.1.2.6; Auth0 says `access_denied`. */
const OF_REQUEST = [
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'access_denied',
  'consent_required',
  'interaction_required',
]

/** What was asked for is refused, and nothing else is wrong. */
export function isRefusedRequest(error: unknown): boolean {
  return OF_REQUEST.some((code) => isErrorResponse(error, code))
}

export function isErrorResponse(error: unknown, code: string): boolean {
  return error instanceof ResponseBodyError && error.error === code
}

const NO_ANSWER_OF_A_PROVIDER = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
])

/** True where the same thing may go well later: the network, an overload, an answer that is not the provider's. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ResponseBodyError || error instanceof WWWAuthenticateChallengeError)
    return error.status >= 500 || error.status === 429
  if (error instanceof KeysUnavailableError) return true
  if (error instanceof ClientError && error.code === undefined) return true
  return error instanceof TypeError || NO_ANSWER_OF_A_PROVIDER.has(codeOf(error) ?? '')
}
