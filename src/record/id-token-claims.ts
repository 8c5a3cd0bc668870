// The claims of an ID token: about the person, about their authentication, and what a renewal may change.

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

/** What of the ID token belongs to the protocol and not to the person. */
const PROTOCOL_CLAIMS = new Set(
  'aud iss iat exp nbf nonce azp auth_time s_hash at_hash c_hash jti sid acr amr session_expiry'.split(' '),
)

/** Whether a claim is about the person. */
export function isPersonal(claim: string): boolean {
  return !PROTOCOL_CLAIMS.has(claim)
}

/** What the ID token says about the person. */
export function personalClaims(claims: IdTokenClaims): Record<string, unknown> & { readonly sub: string } {
  const personal = Object.entries(claims).filter(([claim]) => isPersonal(claim))
  return { ...Object.fromEntries(personal), sub: claims.sub }
}

/** OpenID Connect Core §2: `sub` is unique within the issuer, and never given to somebody else. */
export function isSamePerson(one: IdTokenClaims, other: IdTokenClaims): boolean {
  return one.iss === other.iss && one.sub === other.sub
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
  if ((next.azp ?? undefined) !== (first.azp ?? undefined)) return 'azp'
  // Nobody changes over to another organization unseen. A renewed token need not name it again.
  if (first.org_id !== undefined && (next.org_id ?? first.org_id) !== first.org_id) return 'org_id'
  // `null` is how some providers leave a claim out. `auth_time` is not compared: providers move it after a login elsewhere,
  // and the first one stays, whatever a renewed token says (`renewedClaims`).
  if (next.nonce !== undefined && next.nonce !== null && next.nonce !== first.nonce) return 'nonce'
  return undefined
}

function sameAudience(first: IdTokenClaims['aud'], next: IdTokenClaims['aud']): boolean {
  const expected = new Set([first].flat())
  const sent = new Set([next].flat())
  return expected.size === sent.size && [...expected].every((audience) => sent.has(audience))
}

/**
 * The claims of a renewed ID token. How the person authenticated does not change by a refresh (RFC 9470 §4): what the
 * first one said holds, and what it did not say, a renewed one cannot add. Nor does what they were asked with, nor the
 * session at the provider, by which a logout there finds this one.
 */
export function renewedClaims(next: IdTokenClaims, first: IdTokenClaims): IdTokenClaims {
  const { auth_time: _, acr: __, amr: ___, sid: ____, ...rest } = next
  const kept = ['auth_time', 'acr', 'amr', 'nonce', 'sid'].filter((claim) => first[claim] !== undefined)
  return { ...rest, ...Object.fromEntries(kept.map((claim) => [claim, first[claim]])) }
}

/**
 * When the person authenticated, by the store's clock: both times of the ID token are by the provider's, and only their
 * difference is used. In the future it is no time of an authentication.
 */
export function authenticationTime({ auth_time: time, iat }: IdTokenClaims, now: number): number | undefined {
  return typeof time === 'number' && Number.isFinite(time) ? now - (iat - time) * 1000 : undefined
}

/**
 * When the session has to end at the latest, by the store's clock (IPSIE SL1, `session_expiry`). What is no time has ended it.
 *
 * @returns undefined where the provider did not say
 */
export function sessionExpiryOf(
  { session_expiry: time, iat }: IdTokenClaims,
  now: number,
): number | undefined {
  if (time === undefined || time === null) return undefined
  return typeof time === 'number' && Number.isFinite(time) ? now + (time - iat) * 1000 : now
}

/** Counted from the moment of asking, so that the provider's clock need not agree with the store's. */
export function expiryOf(claims: IdTokenClaims, askedAt: number): number {
  return askedAt + Math.max(0, claims.exp - claims.iat) * 1000
}
