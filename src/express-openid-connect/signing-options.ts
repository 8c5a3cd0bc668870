// The key that signs logins (JAR): there another one than the client's, here the client's own.
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { PrivateJWK } from '../index.ts'
import { optionError } from './inside.ts'
import type { Row } from './row.ts'

const OPTION = 'requestObjectSigningKey'

export const requestObject: Row = (key, all) => {
  const { requestObjectSigningKeyId: kid, requestObjectSigningAlg: alg, clientAssertionSigningKey: own } = all
  if (key === undefined) {
    if (kid === undefined && alg === undefined) return {}
    throw optionError(
      alg === undefined ? `${OPTION}Id` : 'requestObjectSigningAlg',
      `is given without ${OPTION}; give that too, or neither`,
    )
  }
  if (own !== undefined && own !== key)
    throw optionError(
      OPTION,
      'is another key than clientAssertionSigningKey, and one key signs both here: register one of the two at the provider for both',
    )
  return {
    core: {
      clientAssertionSigningKey: withId(key, kid),
      ...(alg !== undefined && { clientAssertionSigningAlg: String(alg) }),
      signedAuthorizationRequests: true,
    },
  }
}

/** PEM may come as bytes; a `kid` has its place in a JWK only. */
export function withId(key: unknown, kid: unknown): string | PrivateJWK | KeyObject {
  const given = Buffer.isBuffer(key) ? key.toString() : (key as string | PrivateJWK | KeyObject)
  if (kid === undefined) return given
  const isJWK = typeof given === 'object' && 'kty' in given
  if (typeof kid !== 'string' || (typeof given === 'object' && 'algorithm' in given))
    throw optionError(
      'requestObjectSigningKeyId',
      'must be a string, beside a key in PEM, a KeyObject or a JWK',
    )
  try {
    const jwk = isJWK
      ? given
      : (typeof given === 'string' ? createPrivateKey(given) : (given as KeyObject)).export({ format: 'jwk' })
    return { ...jwk, kid } as PrivateJWK
  } catch {
    // What Node.js says of it may hold a part of the key.
    throw optionError(OPTION, 'is no private key')
  }
}
