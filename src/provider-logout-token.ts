// A logout token: who was logged out at the provider, told by nobody but the provider (Back-Channel Logout 1.0 §2.6).
import {
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import type { Config } from './config.ts'
import { RefusedError } from './errors.ts'
import type { ProviderConfiguration } from './provider-configuration.ts'

/** Whose sessions are to end: one of the provider's own where there is a `sid`, else all of the person. */
export interface LogoutToken {
  readonly sub: string | undefined
  readonly sid: string | undefined
  readonly jti: string
  /** Seconds from now in which the same token would pass again. */
  readonly secondsLeft: number
}

export interface LogoutTokens {
  /**
   * @param now the store's clock
   * @throws RefusedError, or what a fetch of the provider's keys throws
   */
  verify(token: string, provider: { issuer: string; jwks_uri?: string }, now: number): Promise<LogoutToken>
}

/** `ERR_JOSE_GENERIC`: no 200, or no JSON. */
const KEYS_OUT_OF_REACH = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID'])
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** @param fetchKeys how requests go to the provider */
export function createLogoutTokens(config: Config, fetchKeys: ProviderConfiguration['fetch']): LogoutTokens {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined

  return {
    async verify(token, { issuer, jwks_uri }, now) {
      if (jwks_uri === undefined) throw invalid('the provider has no jwks_uri')
      // An unknown `kid` fetches the keys again, once in half a minute at most.
      keys ??= createRemoteJWKSet(new URL(jwks_uri), {
        [customFetch]: fetchKeys as typeof fetch,
        timeoutDuration: Math.ceil(config.httpTimeoutSeconds * 1000),
      })
      const payload = await verified(token, keys, issuer, now)
      if (!isTyped(token, config.requireLogoutTokenType)) throw invalid('its typ is not logout+jwt')
      return readClaims(payload, now / 1000, config.clockToleranceSeconds)
    },
  }

  async function verified(
    token: string,
    keySet: ReturnType<typeof createRemoteJWKSet>,
    issuer: string,
    now: number,
  ): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, keySet, {
        issuer,
        audience: config.clientID,
        // The one that ID tokens have; never `none`.
        algorithms: [config.idTokenSigningAlg],
        requiredClaims: ['iat', 'exp', 'jti', 'events'],
        clockTolerance: config.clockToleranceSeconds,
        currentDate: new Date(now),
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError && !KEYS_OUT_OF_REACH.has(error.code))
        throw invalid(error.message)
      throw error
    }
  }
}

function readClaims(payload: JWTPayload, nowSeconds: number, toleranceSeconds: number): LogoutToken {
  const { sub, sid, jti, iat = 0, exp = 0, events } = payload
  if (iat > nowSeconds + toleranceSeconds) throw invalid('its iat is in the future')
  if (!isObject(events) || !Object.hasOwn(events, EVENT) || !isObject(events[EVENT]))
    throw invalid('it has no event of a back-channel logout')
  // With a nonce it could be an ID token.
  if ('nonce' in payload) throw invalid('it has a nonce')
  if (typeof jti !== 'string' || jti === '') throw invalid('it has no jti')
  if (!isIdentifier(sub) || !isIdentifier(sid)) throw invalid('its sub or sid is no text')
  if (sub === undefined && sid === undefined) throw invalid('it has neither sub nor sid')
  return { sub, sid, jti, secondsLeft: exp - nowSeconds + toleranceSeconds }
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
