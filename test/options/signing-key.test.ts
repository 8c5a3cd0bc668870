// The client's private key: what is taken, the algorithm that fits it, and every mistake with its cure.
import { createSecretKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto'
import { mistakeIn, resolve } from './valid.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
const bitcoin = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
const ed25519 = generateKeyPairSync('ed25519')
const x25519 = generateKeyPairSync('x25519')

const pem = ({ privateKey }: { privateKey: KeyObject }) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const jwk = ({ privateKey }: { privateKey: KeyObject }, more: object = {}) => ({
  ...privateKey.export({ format: 'jwk' }),
  ...more,
})
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const encrypted = rsa.privateKey
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pass' })
  .toString()
const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
const subtle = webcrypto.subtle
const signingPair = await subtle.generateKey(ecdsa, false, ['sign', 'verify'])
const rsaOf = (name: string, hash: string, modulusLength = 2048) =>
  subtle.generateKey({ name, hash, modulusLength, publicExponent: Uint8Array.of(1, 0, 1) }, false, [
    'sign',
    'verify',
  ])
const pss384 = await rsaOf('RSA-PSS', 'SHA-384')
const rsaSha1 = await rsaOf('RSASSA-PKCS1-v1_5', 'SHA-1')
const rsaShort = await rsaOf('RSASSA-PKCS1-v1_5', 'SHA-256', 1024)
const agreement = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits'])

/** With a key and no secret, unless told. */
const withKey = (clientAssertionSigningKey: unknown, more: object = {}) => ({
  clientSecret: undefined,
  clientAssertionSigningKey,
  ...more,
})

test.each<[string, unknown, string]>([
  ['an RSA key in PEM', pem(rsa), 'RS256'],
  ['an RSA key in the PEM of PKCS #1', pkcs1, 'RS256'],
  ['a PEM with its line ends written as \\n', pem(rsa).replaceAll('\n', '\\n'), 'RS256'],
  ['an RSA key object', rsa.privateKey, 'RS256'],
  ['an RSA JWK', jwk(rsa), 'RS256'],
  ['an RSA JWK with its own alg', jwk(rsa, { alg: 'PS256', use: 'sig' }), 'PS256'],
  ['a key on P-256', pem(p256), 'ES256'],
  ['a JWK on P-256', jwk(p256), 'ES256'],
  ['a key on P-384', pem(p384), 'ES384'],
  ['a key on P-521', p521.privateKey, 'ES512'],
  ['an Ed25519 key', pem(ed25519), 'EdDSA'],
  ['an Ed25519 JWK', jwk(ed25519), 'EdDSA'],
  ['a CryptoKey on P-256 that cannot be exported', signingPair.privateKey, 'ES256'],
  ['an RSA-PSS CryptoKey', pss384.privateKey, 'PS384'],
])('%s alone makes private_key_jwt, with the algorithm that fits it', (_what, key, alg) => {
  expect(resolve(withKey(key))).toMatchObject({
    clientAuthMethod: 'private_key_jwt',
    clientAssertion: { alg, kid: undefined },
  })
})

test('the key may come from the environment', () => {
  const env = { CLIENT_ASSERTION_SIGNING_KEY: pem(p256) }
  expect(resolve({ clientSecret: undefined }, env)).toMatchObject({
    clientAuthMethod: 'private_key_jwt',
    clientAssertion: { alg: 'ES256' },
  })
  expect(resolve({ clientSecret: undefined }, { CLIENT_ASSERTION_SIGNING_KEY: '' })).toMatchObject({
    clientAuthMethod: 'none',
    clientAssertion: undefined,
  })
  expect(resolve(withKey(rsa.privateKey), env).clientAssertion?.alg).toBe('RS256')
})

test('the kid of a JWK is kept', () => {
  expect(resolve(withKey(jwk(p256, { kid: 'key-1' }))).clientAssertion?.kid).toBe('key-1')
})

test.each([
  ['RS512', pem(rsa)],
  ['PS256', pem(rsa)],
  ['Ed25519', ed25519.privateKey],
])('clientAssertionSigningAlg %s goes before the usual one of the key', (alg, key) => {
  expect(resolve(withKey(key, { clientAssertionSigningAlg: alg })).clientAssertion?.alg).toBe(alg)
})

const KEY = 'clientAssertionSigningKey'
const ALG = 'clientAssertionSigningAlg'

test.each<[name: string, what: string, options: object, cure: RegExp]>([
  [KEY, 'no key at all', withKey('key'), /must be a private key.*openssl genpkey/],
  [KEY, 'a number', withKey(7), /must be a private key.*openssl genpkey/],
  [KEY, 'a Buffer', withKey(Buffer.from(pem(rsa))), /must be a private key: a PEM text/],
  [KEY, 'a PEM that is cut', withKey(pem(rsa).slice(0, 200)), /must be a private key/],
  [KEY, 'a PEM that is encrypted', withKey(encrypted), /is encrypted; decrypt it.*openssl pkey/],
  [KEY, 'a public PEM', withKey(publicPem), /is a public key.*private key/],
  [KEY, 'a public key object', withKey(rsa.publicKey), /is a public key/],
  [KEY, 'a public CryptoKey', withKey(signingPair.publicKey), /is a public key/],
  [KEY, 'a public JWK', withKey(rsa.publicKey.export({ format: 'jwk' })), /is a public key/],
  [KEY, 'a JWK with an empty private part', withKey({ ...jwk(p256), d: '' }), /is a public key/],
  [KEY, 'a JWK for encryption', withKey(jwk(rsa, { use: 'enc' })), /use 'sig'/],
  [KEY, 'a JWK with an alg for encryption', withKey(jwk(rsa, { alg: 'RSA-OAEP' })), /for signatures/],
  [KEY, 'a symmetric JWK', withKey({ kty: 'oct', k: 'c2VjcmV0' }), /is a secret.*clientSecret/],
  [KEY, 'a secret key object', withKey(createSecretKey(Buffer.alloc(32))), /is a secret.*clientSecret/],
  [KEY, 'an RSA key of 1024 bits', withKey(pem(short)), /1024 bits.*at least 2048/],
  [KEY, 'an RSA CryptoKey of 1024 bits', withKey(rsaShort.privateKey), /1024 bits/],
  [KEY, 'an RSA CryptoKey with SHA-1', withKey(rsaSha1.privateKey), /for signatures/],
  [KEY, 'a CryptoKey that does not sign', withKey(agreement.privateKey), /usages include 'sign'/],
  [KEY, 'an RSA-PSS key', withKey(pss.privateKey), /must be an RSA key, an EC key on P-256/],
  [KEY, 'a key on another curve', withKey(pem(bitcoin)), /P-256, P-384 or P-521/],
  [KEY, 'an X25519 key', withKey(pem(x25519)), /or an Ed25519 key/],
  [
    KEY,
    'a key that nothing is signed with',
    { clientAssertionSigningKey: pem(rsa) },
    /client_secret_basic and nothing is signed.*private_key_jwt.*or leave the key out/,
  ],
  [ALG, 'unknown', withKey(pem(rsa), { [ALG]: 'none' }), /one of RS256/],
  [ALG, 'a secret’s', withKey(pem(rsa), { [ALG]: 'HS256' }), /one of RS256/],
  [ALG, 'of another key', withKey(pem(rsa), { [ALG]: 'ES256' }), /does not fit.*one of RS256, RS384/],
  [ALG, 'of another curve', withKey(pem(p384), { [ALG]: 'ES256' }), /does not fit.*one of ES384$/],
  [ALG, 'not the JWK’s', withKey(jwk(rsa, { alg: 'PS256' }), { [ALG]: 'RS256' }), /one of PS256$/],
  [ALG, 'of another hash', withKey(pss384.privateKey, { [ALG]: 'PS256' }), /one of PS384$/],
  [ALG, 'without a key', { [ALG]: 'RS256' }, /without clientAssertionSigningKey/],
  [
    ALG,
    'of a secret that is not HS256',
    { clientSecret: 'x'.repeat(32), clientAuthMethod: 'client_secret_jwt', [ALG]: 'HS512' },
    /one of HS256$/,
  ],
])('%s: %s is refused with the cure', (name, _what, options, cure) => {
  const message = mistakeIn(options)
  expect(message).toMatch(cure)
  expect(message.split(/[\s:,]+/)).toContain(name)
})

test('no mistake says what the key was', () => {
  const cut = pem(rsa).slice(0, 400)
  const messages = [
    mistakeIn(withKey(cut)),
    mistakeIn(withKey(pem(rsa), { [ALG]: 'ES256' })),
    mistakeIn({ clientSecret: undefined }, { CLIENT_ASSERTION_SIGNING_KEY: `${publicPem}${cut}` }),
  ]
  const body = pem(rsa).split('\n')[1] ?? ''
  expect(body.length).toBeGreaterThan(40)
  for (const message of messages) expect(message).not.toContain(body.slice(0, 20))
})
