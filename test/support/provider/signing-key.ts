// The provider's signing key, and ID tokens that it, or somebody else, might have signed.
import { createHash } from 'node:crypto'
import {
  CompactSign,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type KeyObject,
} from 'jose'

export interface SigningKey {
  /** with the private part */
  jwk: JWK
  /** as the JWKS endpoint shows it */
  publicJwk: JWK
}

export interface Forgery {
  /** `RS256` unless told; `none` leaves the signature away */
  alg?: string
  /** the provider's own key unless given; a string is an HMAC secret */
  key?: CryptoKey | KeyObject | Uint8Array | JWK | string
  /** over the usual header; `{ kid: undefined }` takes the key id out */
  header?: Record<string, unknown>
}

export async function createSigningKey(alg = 'RS256'): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return named(await exportJWK(privateKey), alg)
}

async function named(privateJwk: JWK, alg: string): Promise<SigningKey> {
  const { d, p, q, dp, dq, qi, ...publicPart } = privateJwk
  const kid = createHash('sha256').update(JSON.stringify(publicPart)).digest('base64url').slice(0, 16)
  const about = { kid, alg, use: 'sig' }
  return { jwk: { ...privateJwk, ...about }, publicJwk: { ...publicPart, ...about } }
}

let shared: Promise<SigningKey> | undefined

/** One key for all providers of a run: making an RSA key takes a good part of a second. */
export function sharedSigningKey(): Promise<SigningKey> {
  const made = process.env.TEST_SIGNING_KEY
  shared ??= made === undefined ? createSigningKey() : named(JSON.parse(made), 'RS256')
  return shared
}

/** Signs any claims at all, the impossible ones too: nothing is checked, nothing is added. */
export async function signToken(own: SigningKey, claims: object, forgery: Forgery = {}): Promise<string> {
  const alg = forgery.alg ?? 'RS256'
  const header = JSON.parse(JSON.stringify({ alg, typ: 'JWT', kid: own.jwk.kid, ...forgery.header }))
  const payload = Buffer.from(JSON.stringify(claims))
  if (alg === 'none') return `${encode(header)}.${payload.toString('base64url')}.`
  return new CompactSign(payload)
    .setProtectedHeader({ ...header, alg })
    .sign(await keyOf(forgery.key ?? own.jwk, alg))
}

/** The claims of a JWT, unchecked. */
export function claimsOfToken(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

async function keyOf(key: NonNullable<Forgery['key']>, alg: string) {
  if (typeof key === 'string') return new TextEncoder().encode(key)
  return 'kty' in key && typeof key.kty === 'string' ? importJWK(key, alg) : (key as CryptoKey)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
