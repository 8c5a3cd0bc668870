// What openid-client leaves to us when it checks an ID token (OpenID Connect Core §3.1.3.7).
import { createHash } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import type { IdTokenClaims } from '../record/id-token-claims.ts'
import { boundsFault } from './bounds.ts'

/** The answer of a token endpoint that has an ID token. */
export interface Issued {
  readonly claims: IdTokenClaims
  readonly idToken: string
  readonly accessToken: string | undefined
}

/** The one fault that only a clock may have. */
export const IN_THE_FUTURE = 'its iat is in the future'

/**
 * OpenID Connect Core §2 (`sub`), §3.1.3.7 (`iat`), §3.1.3.8 (`at_hash`).
 *
 * @param nowSeconds when the answer came
 * @returns what is wrong, or undefined
 */
export function idTokenFault(
  { claims, idToken, accessToken }: Issued,
  clientID: string,
  nowSeconds: number,
  toleranceSeconds: number,
): string | undefined {
  if (claims.sub === '' || claims.sub.length > 255) return 'its sub is empty or too long'
  const outOfBounds = boundsFault(claims)
  if (outOfBounds !== undefined) return outOfBounds
  if (claims.iat > nowSeconds + toleranceSeconds) return IN_THE_FUTURE
  const { azp = null } = claims
  if (azp !== null && azp !== clientID) return 'its azp is another client'
  // Authentik says `null` for what it leaves out.
  const { at_hash: sent = undefined } = claims
  if (sent === undefined || sent === null || accessToken === undefined) return undefined
  return sent === accessTokenHash(accessToken, idToken) ? undefined : 'its at_hash is wrong'
}

/** The left half of the access token's hash, by the hash of the ID token's algorithm. */
function accessTokenHash(accessToken: string, idToken: string): string {
  const bits = /\d+$/.exec(decodeProtectedHeader(idToken).alg ?? '')?.[0]
  const hash = bits === '256' || bits === '384' ? `sha${bits}` : 'sha512'
  const digest = createHash(hash).update(accessToken).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
