// Why a token is not taken as one of the provider's, in our own words.
import { errors } from 'jose'
import { KeysUnavailableError, SignatureError } from './failures.ts'

/** @throws SignatureError, KeysUnavailableError */
export async function checked<T>(verification: Promise<T>): Promise<T> {
  try {
    return await verification
  } catch (error) {
    if (error instanceof KeysUnavailableError || error instanceof SignatureError) throw error
    throw new SignatureError(reasonOf(error))
  }
}

const WORDS = new Map([
  ['ERR_JWKS_NO_MATCHING_KEY', 'none of the keys at the jwks_uri fits'],
  ['ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'several of the keys at the jwks_uri fit, and it names none (kid)'],
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'the key at the jwks_uri did not sign it'],
  ['ERR_JOSE_ALG_NOT_ALLOWED', 'its algorithm is not idTokenSigningAlg'],
])

/** jose's messages may hold what the token says. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return `its ${error.claim} is missing or wrong`
  const words = (error instanceof errors.JOSEError && WORDS.get(error.code)) || 'its key cannot be used'
  return error instanceof errors.JOSEError ? `${words} (${error.code})` : words
}
