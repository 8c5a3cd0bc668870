// The private key that this client signs with, and the algorithm that fits it.
import { createPrivateKey, type JsonWebKey, KeyObject, type webcrypto } from 'node:crypto'
import { types } from 'node:util'
import { attempt, oneOf, optionError } from './read-option.ts'

type CryptoKey = webcrypto.CryptoKey

/** RFC 7517, with its private part. */
export type PrivateJWK = webcrypto.JsonWebKey & { readonly kid?: string }

/** What client assertions and request objects are signed with. */
export interface SigningKey {
  readonly key: KeyObject | CryptoKey
  readonly alg: string
  readonly kid: string | undefined
}

const OPTION = 'clientAssertionSigningKey (CLIENT_ASSERTION_SIGNING_KEY)'
const CURE =
  'must be a private key: a PEM text, a JWK, a KeyObject or a CryptoKey; make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'
const KINDS = 'an RSA key, an EC key on P-256, P-384 or P-521, or an Ed25519 key'
/** RFC 7518 §3.3, §3.5 */
const SHORTEST_RSA_BITS = 2048

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  'P-256': ['ES256'],
  secp384r1: ['ES384'],
  'P-384': ['ES384'],
  secp521r1: ['ES512'],
  'P-521': ['ES512'],
  // RFC 9864 §2.2 gives it the second name; most providers know the first.
  ed25519: ['EdDSA', 'Ed25519'],
}
const EVERY_ALGORITHM = [...new Set(Object.values(ALGORITHMS).flat())]

/** @throws ConfigurationError that never says what the key is */
export function resolveSigningKey(given: unknown, givenAlg: unknown): SigningKey | undefined {
  if (given === undefined) return undefined
  const jwk = isJWK(given) ? given : {}
  const key = types.isCryptoKey(given) ? checkedCryptoKey(given as CryptoKey) : keyObjectOf(given)
  const fitting = algorithmsOf(key).filter((alg) => jwk.alg === undefined || jwk.alg === alg)
  const [usual] = fitting
  if (usual === undefined) throw optionError(OPTION, `must be ${KINDS}, for signatures`)
  const alg = oneOf(givenAlg, 'clientAssertionSigningAlg', EVERY_ALGORITHM, usual)
  if (!fitting.includes(alg)) {
    throw optionError(
      'clientAssertionSigningAlg',
      `is ${alg}, which does not fit the key: with this clientAssertionSigningKey it is one of ${fitting.join(', ')}`,
    )
  }
  return Object.freeze({ key, alg, kid: typeof jwk.kid === 'string' ? jwk.kid : undefined })
}

function keyObjectOf(given: unknown): KeyObject {
  const key = types.isKeyObject(given) ? given : parsed(given)
  if (key.type === 'secret') throw isSecret()
  if (key.type === 'public') throw isPublic()
  checkLength(key.asymmetricKeyDetails?.modulusLength)
  return key
}

function parsed(given: unknown): KeyObject {
  if (isJWK(given)) {
    if (given.kty === 'oct') throw isSecret()
    if (given.use !== undefined && given.use !== 'sig')
      throw optionError(OPTION, "must be a key with use 'sig'")
    if (typeof given.d !== 'string' || given.d === '') throw isPublic()
    return attempt(() => createPrivateKey({ format: 'jwk', key: given }), OPTION, CURE)
  }
  if (typeof given !== 'string') throw optionError(OPTION, CURE)
  // Many tools can put a text of several lines into an environment variable only like this.
  const pem = given.replaceAll('\\n', '\n')
  if (/ENCRYPTED/.test(pem)) {
    throw optionError(
      OPTION,
      'is encrypted; decrypt it first with: openssl pkey -in key.pem, or give a KeyObject',
    )
  }
  if (/PUBLIC KEY-|CERTIFICATE-/.test(pem) && !/PRIVATE KEY-/.test(pem)) throw isPublic()
  return attempt(() => createPrivateKey(pem), OPTION, CURE)
}

function checkedCryptoKey(key: CryptoKey): CryptoKey {
  if (key.type !== 'private') throw isPublic()
  if (!key.usages.includes('sign'))
    throw optionError(OPTION, "must be a CryptoKey whose usages include 'sign'")
  checkLength((key.algorithm as Partial<webcrypto.RsaKeyAlgorithm>).modulusLength)
  return key
}

function algorithmsOf(key: KeyObject | CryptoKey): readonly string[] {
  if (key instanceof KeyObject) {
    const curve = key.asymmetricKeyDetails?.namedCurve
    return ALGORITHMS[curve ?? key.asymmetricKeyType ?? ''] ?? []
  }
  const { name, namedCurve, hash } = key.algorithm as webcrypto.KeyAlgorithm &
    Partial<webcrypto.EcKeyAlgorithm & webcrypto.RsaHashedKeyAlgorithm>
  const bits = hash?.name.replace('SHA-', '')
  const [rs, ps] = [`RS${bits}`, `PS${bits}`]
  if (name === 'RSASSA-PKCS1-v1_5') return EVERY_ALGORITHM.filter((alg) => alg === rs)
  if (name === 'RSA-PSS') return EVERY_ALGORITHM.filter((alg) => alg === ps)
  return ALGORITHMS[namedCurve ?? name.toLowerCase()] ?? []
}

function checkLength(bits: number | undefined): void {
  if (bits !== undefined && bits < SHORTEST_RSA_BITS)
    throw optionError(OPTION, `is an RSA key of ${bits} bits; it must have at least ${SHORTEST_RSA_BITS}`)
}

function isSecret() {
  return optionError(OPTION, 'is a secret, not a private key; a shared secret is clientSecret')
}

function isPublic() {
  return optionError(
    OPTION,
    'is a public key or a certificate; give the private key of it, and register the public one at the provider',
  )
}

function isJWK(given: unknown): given is JsonWebKey {
  return typeof given === 'object' && given !== null && 'kty' in given
}
