// A logout token: who was logged out at the provider, told by nobody but the provider (Back-Channel Logout 1.0 §2.6).
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import { RefusedError } from '../errors/errors.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { IssuerTenants } from '../options/tenants.ts'
import type { SessionGroup } from '../record/auth-record.ts'
import type { Discovery } from './discovery.ts'
import { SignatureError } from './failures.ts'
import type { ProviderKeys } from './jwks.ts'
import { tenantOf } from './tenants.ts'

export interface LogoutToken {
  /** Whose sessions are to end: those of one session at the provider where it says `sid`, else all of the person. */
  readonly group: SessionGroup
  /** Whose session it is, where the token says both. */
  readonly sub: string | undefined
  readonly jti: string
  /** Seconds from now in which the same token would pass again. */
  readonly secondsLeft: number
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/**
 * §2.4 has required `exp` since its errata; Hydra and Glewlwyd are older, and refusing theirs would log nobody out. Such a
 * token passes for as long as §4 recommends that one should, so a captured one is worth no more, and its `jti` once.
 */
const LIFE_WITHOUT_EXP_SECONDS = 120

/** Reads logout tokens. `now` is the store's clock. @throws RefusedError, TryLaterError */
export function createLogoutTokens(
  config: ProviderSetUp,
  discovery: Discovery,
  keys: ProviderKeys,
): (token: string, now: number) => Promise<LogoutToken> {
  return async (token, now) => {
    const { issuer: named } = await discovery.document()
    const issuer = config.issuerTenants === undefined ? named : issuerOf(token, named, config.issuerTenants)
    const payload = await verified(token, keys, issuer, config, now).catch((error: unknown) => {
      throw error instanceof SignatureError
        ? invalid(error.message)
        : discovery.unavailable('A logout token could not be checked', error)
    })
    if (!isTyped(token, config.requireLogoutTokenType)) throw invalid('its typ is not logout+jwt')
    const read = readClaims(payload, now / 1000, config.clockToleranceSeconds)
    const tid = config.issuerTenants === undefined ? undefined : tenantOf(named, issuer)
    return tid === undefined ? read : { ...read, group: { ...read.group, tid } }
  }
}

/** Which issuer it names, and for whom, before anything of it is checked: that may be anybody's word. */
export function addresseeOf(token: string): {
  readonly issuer: string | undefined
  readonly audience: string | readonly string[] | undefined
} {
  try {
    const { iss, aud } = decodeJwt(token)
    const isText = (value: unknown) => typeof value === 'string'
    return {
      issuer: isText(iss) ? iss : undefined,
      audience: isText(aud) || (Array.isArray(aud) && aud.every(isText)) ? aud : [],
    }
  } catch {
    return { issuer: undefined, audience: undefined }
  }
}

/**
 * Unchecked: it only says by what the token is checked. A function is not asked: it says who may log in, of claims that are not
 * in a logout token.
 */
function issuerOf(token: string, pattern: string, tenants: IssuerTenants): string {
  const { issuer: iss } = addresseeOf(token)
  const tid = tenantOf(pattern, iss)
  if (iss === undefined || tid === undefined) throw invalid(`its iss is no issuer of a tenant (${pattern})`)
  if (typeof tenants !== 'function' && !tenants.has(tid)) throw invalid(`its tenant ${tid} is not in tenants`)
  return iss
}

function verified(
  token: string,
  keys: ProviderKeys,
  issuer: string,
  { clientID, clockToleranceSeconds }: ProviderSetUp,
  now: number,
): Promise<JWTPayload> {
  return keys.claimsOf(token, {
    issuer,
    // §2.6: as in ID tokens, so it has to name us. No `azp` is among what §2.4 defines or §2.6 checks: whoever else is named,
    // the provider says to us that somebody was logged out.
    audience: clientID,
    requiredClaims: ['iat', 'jti', 'events'],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(now),
  })
}

function readClaims(payload: JWTPayload, nowSeconds: number, toleranceSeconds: number): LogoutToken {
  const { sub, sid, jti, iat = 0, exp = iat + LIFE_WITHOUT_EXP_SECONDS, events } = payload
  if (iat > nowSeconds + toleranceSeconds) throw invalid('its iat is in the future')
  if (exp <= nowSeconds - toleranceSeconds) throw invalid('it has no exp, and its iat is not recent')
  if (!isObject(events) || !Object.hasOwn(events, EVENT) || !isObject(events[EVENT]))
    throw invalid('it has no event of a back-channel logout')
  // With a nonce it could be an ID token.
  if ('nonce' in payload) throw invalid('it has a nonce')
  if (typeof jti !== 'string' || jti === '') throw invalid('it has no jti')
  if (!isIdentifier(sub) || !isIdentifier(sid)) throw invalid('its sub or sid is no text')
  const group = groupOf(sub, sid)
  if (group === undefined) throw invalid('it has neither sub nor sid')
  return { group, sub, jti, secondsLeft: exp - nowSeconds + toleranceSeconds }
}

function groupOf(sub: string | undefined, sid: string | undefined): SessionGroup | undefined {
  if (sid !== undefined) return { claim: 'sid', value: sid }
  return sub === undefined ? undefined : { claim: 'sub', value: sub }
}

function isIdentifier(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** §2.4 recommends `logout+jwt`. Keycloak before 25 and others still say `JWT`, which says nothing. */
function isTyped(token: string, strict: boolean): boolean {
  const { typ } = decodeProtectedHeader(token)
  if (typ === undefined || /^jwt$/i.test(typ)) return !strict
  return /^(?:application\/)?logout\+jwt$/i.test(typ)
}

function invalid(reason: string): RefusedError {
  return new RefusedError('logout_token_invalid', 400, 'The logout token was refused.', { reason })
}
