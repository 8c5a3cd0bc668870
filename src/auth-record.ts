// What a signed-in session knows, when it is due for renewal, and what a renewal makes of it.

/** The claims of an ID token (OpenID Connect Core §2). */
export interface IdTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  readonly auth_time?: number
  readonly nonce?: string
  readonly acr?: string
  readonly azp?: string
  readonly sid?: string
  readonly [claim: string]: unknown
}

/** Tokens as the provider gave them. */
export interface Tokens {
  readonly accessToken: string
  /** Seconds, as the provider said; undefined where it did not say. */
  readonly accessTokenLifetimeSeconds: number | undefined
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  readonly scope: string | undefined
}

/** Times are milliseconds since the epoch by the store's clock, so that all processes agree on them. */
export interface AuthRecord {
  readonly generation: number
  readonly claims: IdTokenClaims
  readonly idToken: string
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly scope: string | undefined
  readonly createdAt: number
  /** When the absolute lifetime ends. */
  readonly endsAt: number
  /** When the renewal that made this record began: what it says of the account was asked no earlier. */
  readonly renewedAt: number
  /** Undefined when the last answer had no ID token: then nothing says how long the claims hold. */
  readonly idTokenExpiresAt: number | undefined
  readonly accessTokenExpiresAt: number | undefined
  /** 0 to 1, drawn anew at each renewal, so that sessions made together do not fall due together. */
  readonly jitter: number
  /** The log-ins that this browser completed as this person, newest first, so that a repeated callback is known. */
  readonly logins: readonly CompletedLogin[]
}

export interface CompletedLogin {
  readonly stateHash: string
  readonly returnTo: string
}

/** What a completed log-in or renewal brings. */
export interface Answer {
  readonly tokens: Tokens
  /** Claims of the ID token in the answer, if it had one and every check passed. */
  readonly claims: IdTokenClaims | undefined
}

export interface Timeframe {
  readonly afterSeconds: number
  readonly aheadSeconds: number
}

/** Where a record stands: used as it is, renewed beside the request, or renewed before the request goes on. */
export type Due = 'no' | 'soon' | 'now'

export function newRecord(
  answer: Answer & { claims: IdTokenClaims; tokens: { idToken: string } },
  logins: readonly CompletedLogin[],
  now: number,
  absoluteTimeoutSeconds: number,
): AuthRecord {
  return {
    generation: 1,
    claims: answer.claims,
    idToken: answer.tokens.idToken,
    ...tokenFields(answer.tokens, now),
    refreshToken: answer.tokens.refreshToken,
    createdAt: now,
    endsAt: now + absoluteTimeoutSeconds * 1000,
    renewedAt: now,
    idTokenExpiresAt: expiryOf(answer.claims, now),
    jitter: Math.random(),
    logins,
  }
}

/** The record after an answer that did not pass: nothing of it is used, but the old refresh token is spent. */
export function withRefreshToken(old: AuthRecord, refreshToken: string | undefined): AuthRecord {
  return {
    ...old,
    generation: old.generation + 1,
    refreshToken: refreshToken ?? old.refreshToken,
    jitter: Math.random(),
  }
}

/** The record after a renewal that began at `beganAt`. */
export function renewed(old: AuthRecord, answer: Answer, beganAt: number): AuthRecord {
  const next = {
    ...withRefreshToken(old, answer.tokens.refreshToken),
    ...tokenFields(answer.tokens, beganAt),
    scope: answer.tokens.scope ?? old.scope,
  }
  if (answer.claims === undefined || answer.tokens.idToken === undefined) {
    return { ...next, renewedAt: beganAt, idTokenExpiresAt: undefined }
  }
  return {
    ...next,
    renewedAt: beganAt,
    claims: withAuthentication(answer.claims, old.claims),
    idToken: answer.tokens.idToken,
    idTokenExpiresAt: expiryOf(answer.claims, beganAt),
  }
}

export function isDue(record: AuthRecord, now: number, timeframe: Timeframe): Due {
  const due = dueAt(record, timeframe)
  if (now >= due) return 'now'
  // An ID token that lives shorter than the timeframe gets the same share of its life to be renewed in.
  const ahead = Math.min(
    timeframe.aheadSeconds * 1000,
    ((due - record.renewedAt) * timeframe.aheadSeconds) / timeframe.afterSeconds,
  )
  return now >= due - ahead * (1 - record.jitter / 2) ? 'soon' : 'no'
}

/** When requests begin to wait for a renewal. */
export function dueAt(record: AuthRecord, { afterSeconds }: Timeframe): number {
  const timeframeEnds = record.renewedAt + afterSeconds * 1000
  return record.idTokenExpiresAt === undefined
    ? timeframeEnds
    : Math.min(timeframeEnds, record.idTokenExpiresAt)
}

/** While the provider is out of reach, the record may be used until then. */
export function servesUntil(record: AuthRecord): number {
  return record.idTokenExpiresAt ?? record.accessTokenExpiresAt ?? record.renewedAt
}

/** What of the ID token belongs to the protocol and not to the person. */
const PROTOCOL_CLAIMS = new Set(
  'aud iss iat exp nbf nonce azp auth_time s_hash at_hash c_hash jti sid acr amr'.split(' '),
)

/** The claims about the person. */
export function userOf(record: AuthRecord): Readonly<Record<string, unknown>> & { readonly sub: string } {
  const user = Object.entries(record.claims).filter(([claim]) => !PROTOCOL_CLAIMS.has(claim))
  return { ...Object.fromEntries(user), sub: record.claims.sub }
}

/**
 * Compares a renewed ID token with the first one (OpenID Connect Core §12.2).
 *
 * @returns the claim that differs, or undefined
 */
export function renewedClaimMismatch(first: IdTokenClaims, next: IdTokenClaims): string | undefined {
  if (next.iss !== first.iss) return 'iss'
  if (next.sub !== first.sub) return 'sub'
  if (!sameAudience(first.aud, next.aud)) return 'aud'
  if (next.azp !== first.azp) return 'azp'
  if (next.nonce !== undefined && next.nonce !== first.nonce) return 'nonce'
  const { auth_time: firstTime } = first
  if (firstTime !== undefined && next.auth_time !== undefined && next.auth_time !== firstTime)
    return 'auth_time'
  return undefined
}

function sameAudience(first: IdTokenClaims['aud'], next: IdTokenClaims['aud']): boolean {
  const expected = new Set([first].flat())
  const sent = new Set([next].flat())
  return expected.size === sent.size && [...expected].every((audience) => sent.has(audience))
}

/** How the person authenticated does not change by a refresh (RFC 9470 §4), nor does what they were asked with. */
function withAuthentication(next: IdTokenClaims, first: IdTokenClaims): IdTokenClaims {
  const kept = ['auth_time', 'acr', 'amr', 'nonce'].filter((claim) => first[claim] !== undefined)
  return { ...next, ...Object.fromEntries(kept.map((claim) => [claim, first[claim]])) }
}

function tokenFields(tokens: Tokens, now: number) {
  const { accessToken, accessTokenLifetimeSeconds: lifetime, scope } = tokens
  return {
    accessToken,
    scope,
    accessTokenExpiresAt: lifetime === undefined ? undefined : now + lifetime * 1000,
  }
}

/** Counted from the moment of asking, so that the provider's clock need not agree with the store's. */
function expiryOf(claims: IdTokenClaims, askedAt: number): number {
  return askedAt + Math.max(0, claims.exp - claims.iat) * 1000
}
