// Keys of every kind, made once: what a client may sign with, and what it may not.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  webcrypto,
} from 'node:crypto'
import { sharedSigningKey } from '../support/provider/signing-key.ts'

const { jwk: rsaJwk } = await sharedSigningKey()
const { kid, alg, use, ...key } = rsaJwk
const privateKey = createPrivateKey({ format: 'jwk', key })
export const rsa = { privateKey, publicKey: createPublicKey(privateKey) }

export const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
export const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
export const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
export const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
export const bitcoin = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
export const ed25519 = generateKeyPairSync('ed25519')
export const x25519 = generateKeyPairSync('x25519')

export const pem = ({ privateKey }: { privateKey: KeyObject }) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
export const jwk = ({ privateKey }: { privateKey: KeyObject }, more: object = {}) => ({
  ...privateKey.export({ format: 'jwk' }),
  ...more,
})
export const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
export const encrypted = rsa.privateKey
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pass' })
  .toString()
export const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
const subtle = webcrypto.subtle
export const signingPair = await subtle.generateKey(ecdsa, false, ['sign', 'verify'])
/** The same keys for another use: making one takes a good part of a second. */
const rsaFor = (name: string, hash: string, { privateKey } = rsa) =>
  subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), { name, hash }, false, [
    'sign',
  ])
export const pss384 = await rsaFor('RSA-PSS', 'SHA-384')
export const rsaSha1 = await rsaFor('RSASSA-PKCS1-v1_5', 'SHA-1')
export const rsaShort = await rsaFor('RSASSA-PKCS1-v1_5', 'SHA-256', short)
export const agreement = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, [
  'deriveBits',
])
