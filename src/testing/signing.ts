// The provider's one key: made when the first token is signed, and never outside of this process.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

let pair: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } | undefined

function keys() {
  pair ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
  return pair
}

export function publicKeys(): object {
  return { keys: [{ ...keys().publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' }] }
}

export function signToken(claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const body = `${encode({ alg: 'RS256', kid: 'test' })}.${encode(claims)}`
  return `${body}.${sign('sha256', Buffer.from(body), keys().privateKey).toString('base64url')}`
}

/** RFC 7636 §4.6: S256. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}
