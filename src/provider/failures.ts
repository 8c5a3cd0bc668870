// What went wrong at the provider, said without its error objects: those keep token answers deep in `cause`.
import { types } from 'node:util'
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { RefusedError } from '../errors/errors.ts'
import { BAD_PORT, networkWords, TOO_LARGE } from './network-words.ts'

/** The token is not one of the provider's; its message says why, and holds nothing of the token. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError'
}

/** Nobody can say whose the token is. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'

  constructor(what: string, options?: ErrorOptions) {
    super(`${OF_KEYS} ${what}`, options)
  }
}

const OF_KEYS = 'the keys of the provider'
const OF_DISCOVERY = 'Discovery of '

/** Whether it tells of a KeysUnavailableError. */
export function isOfKeys(detail: string): boolean {
  return detail.startsWith(OF_KEYS)
}

export function discoveryFailed(issuer: URL): string {
  return `${OF_DISCOVERY}${issuer.href} failed`
}

/** Nothing is known of the provider, so nobody logs in. */
export function isOfDiscovery(detail: string): boolean {
  return detail.startsWith(OF_DISCOVERY)
}

/** The provider's own description of itself lacks what is needed. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError'
}

/** What the provider sent is none of what it may send; its message says why, and holds nothing of it. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError'
}

/** The app's own function failed: nobody else did. openid-client hands on what is a TypeError as it is. */
export class OwnFunctionError extends TypeError {
  override readonly name = 'OwnFunctionError'
}

/** One line for operators; holds codes, never a value that the provider or the browser sent. */
export function describeFailure(error: unknown): string {
  if (error instanceof ResponseBodyError)
    return `the provider answered ${error.status} ${errorCode(error.error)}`
  // RFC 6749 §5.2: a client that spoke HTTP Basic is refused with a challenge.
  if (error instanceof WWWAuthenticateChallengeError)
    return `the provider answered ${error.status} ${errorCode(error.cause[0]?.parameters.error ?? '')}`
  if (error instanceof AuthorizationResponseError) return `the provider answered ${errorCode(error.error)}`
  if (isMuteRefusal(error))
    return `the provider refused: it answered ${statusOf(error)}, and gave no reason (${error.message})`
  const status = statusOf(error)
  if (status !== undefined) return `the provider answered ${status} (${(error as Error).message})`
  if (error instanceof MetadataError || error instanceof AnswerError || error instanceof OwnFunctionError)
    return error.message
  if (error instanceof SignatureError) return `its signature was refused: ${error.message}`
  if (error instanceof KeysUnavailableError) return `${error.message}: ${describeFailure(error.cause)}`
  if (isTimeout(error)) return 'the provider did not answer in time'
  if (!(error instanceof Error || types.isNativeError(error))) return 'unknown failure'
  // What jose says of an answer with keys; its other messages may hold what a token says.
  if (codeOf(error) === 'ERR_JOSE_GENERIC') return error.message
  const claim = claimIn(error.cause)
  if (claim !== undefined) return `its ${claim} was refused (${codeOf(error) ?? 'no code'})`
  const network = networkCodeOf(error)
  if (error instanceof ClientError && network === undefined)
    return `${error.message} (${codeOf(error) ?? 'no code'})`
  const what = network === undefined || network === TOO_LARGE ? 'understood' : 'reached'
  return `the provider could not be ${what} ${networkWords(network ?? codeOf(error) ?? error.name)}`
}

/** As `fetch()` gives it, and openid-client around that. */
function networkCodeOf({ cause }: Error): string | undefined {
  if ((cause as Error | undefined)?.message === BAD_PORT) return BAD_PORT
  return codeOf(cause) ?? codeOf((cause as Error | undefined)?.cause)
}

/** What the ID token's check under openid-client names in quotes; of a value it says nothing. */
export function claimIn(cause: unknown): string | undefined {
  return /\b(?:JWT|ID Token) "(\w+)"/.exec(cause instanceof Error ? cause.message : '')?.[1]
}

/** It refused, and did not say in the words of the protocol why. */
export function isMuteRefusal(error: unknown): error is ClientError {
  const status = statusOf(error) ?? 0
  return status >= 400 && status < 500
}

/** The connection failed, or what came by it is no answer of a provider: where it was asked may be wrong. */
export function isOfAddress(error: unknown): boolean {
  if (error instanceof KeysUnavailableError || error instanceof OwnFunctionError) return false
  if (isTimeout(error) || statusOf(error) !== undefined) return true
  if (error instanceof Error && networkCodeOf(error) !== undefined) return true
  return /^OAUTH_(?:RESPONSE_IS_NOT|PARSE)/.test(codeOf(error) ?? '')
}

/** Of an error that is none of the protocol's. */
function statusOf(error: unknown): number | undefined {
  const answer = error instanceof ClientError && error.cause
  return answer instanceof Response && answer.status !== 200 ? answer.status : undefined
}

/** @param reason for operators */
export function loginFailed(reason: string): RefusedError {
  return new RefusedError('login_failed', 400, 'The login could not be completed.', { reason })
}

/**
 * Error codes are words (RFC 6749 §5.2 and its registry); what is long and looks otherwise may be a token that was sent back.
 *
 * @param secrets that were sent; where they are known, a short code may look as it likes
 */
export function errorCode(code: string, secrets?: readonly string[]): string {
  if (secrets?.includes(code)) return 'an error'
  if (/^[a-z]+(?:_[a-z]+)*$/.test(code) && code.length <= 40) return code
  const isShort = secrets !== undefined && /^[\w.:-]{1,19}$/.test(code)
  return isShort && !secrets.some((secret) => secret.includes(code) || code.includes(secret))
    ? code
    : 'an error'
}

export function isTimeout(error: unknown): boolean {
  const { name } = (error ?? {}) as Error
  return (
    name === 'TimeoutError' ||
    name === 'AbortError' ||
    /^(?:OAUTH_TIMEOUT|OAUTH_ABORT|ERR_JWKS_TIMEOUT)$/.test(codeOf(error) ?? '')
  )
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined | null)?.code
  return typeof code === 'string' ? code : undefined
}
