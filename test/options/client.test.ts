// How the client says who it is and asks for a login: its secret, its private key, its certificate, and every mistake with its cure.
import { createSecretKey } from 'node:crypto'
import { type Certificates, createCertificates } from '../support/provider/certificates.ts'
import { useParts } from '../support/servers.ts'
import {
  agreement,
  bitcoin,
  ed25519,
  encrypted,
  jwk,
  p256,
  p384,
  p521,
  pem,
  pkcs1,
  pss,
  pss384,
  publicPem,
  rsa,
  rsaSha1,
  rsaShort,
  short,
  signingPair,
  x25519,
} from './keys.ts'
import { mistakeIn, resolve } from './valid.ts'

test('a secret may be a function, which nobody calls at start-up', () => {
  const clientSecret = () => {
    throw new Error('too early')
  }
  for (const clientAuthMethod of [undefined, 'client_secret_jwt'])
    expect(resolve({ clientSecret, clientAuthMethod })).toMatchObject({
      clientSecret,
      clientAuthMethod: clientAuthMethod ?? 'client_secret_basic',
    })
})

test('with a secret too, the key signs requests, and the secret stays the way', () => {
  const options = { clientAssertionSigningKey: rsa.privateKey, signedAuthorizationRequests: true }
  expect(resolve(options)).toMatchObject({
    clientAuthMethod: 'client_secret_basic',
    clientAssertion: { alg: 'RS256' },
    signedAuthorizationRequests: true,
    pushedAuthorizationRequests: false,
  })
})

test.each<[name: string, what: string, options: object, cure: RegExp]>([
  [
    'clientAuthMethod',
    'unknown',
    { clientAuthMethod: 'client_secret_digest' },
    /one of client_secret_basic.*none$/,
  ],
  [
    'clientAuthMethod',
    'private_key_jwt without a key',
    { clientAuthMethod: 'private_key_jwt' },
    /needs clientAssertionSigningKey \(CLIENT_ASSERTION_SIGNING_KEY\)/,
  ],
  [
    'clientAuthMethod',
    'client_secret_jwt without a secret',
    { clientSecret: undefined, clientAuthMethod: 'client_secret_jwt' },
    /needs clientSecret \(CLIENT_SECRET\)/,
  ],
  [
    'clientAuthMethod',
    'client_secret_jwt with a short secret',
    { clientSecret: 'x'.repeat(31), clientAuthMethod: 'client_secret_jwt' },
    /at least 32 characters/,
  ],
  ['clientAuthMethod', 'without a certificate', { clientAuthMethod: 'tls_client_auth' }, /needs mutualTLS/],
  [
    'clientAuthMethod',
    'self-signed, without a certificate',
    { clientAuthMethod: 'self_signed_tls_client_auth' },
    /needs mutualTLS: \{ cert, key \}/,
  ],
  [
    'signedAuthorizationRequests',
    'without a key',
    { signedAuthorizationRequests: true },
    /needs clientAssertionSigningKey/,
  ],
  [
    'clientAssertionAudience',
    'a word',
    { clientAssertionAudience: 'token' },
    /'issuer', 'token_endpoint', or/,
  ],
  [
    'clientAssertionAudience',
    'without an assertion',
    { clientAssertionAudience: 'token_endpoint' },
    /client_secret_basic, which sends no assertion; .*private_key_jwt/,
  ],
  ['signedAuthorizationRequests', 'text', { signedAuthorizationRequests: 'yes' }, /true or false/],
  ['pushedAuthorizationRequests', 'text', { pushedAuthorizationRequests: 1 }, /true or false/],
])('%s: %s is refused with the cure', (name, _what, options, cure) => {
  const message = mistakeIn(options)
  expect(message).toMatch(cure)
  expect(message.split(/[\s:,]+/)).toContain(name)
})

test.each([
  ['http://app.example.com', 'refused'],
  ['http://192.168.1.7:3000', 'refused'],
  ['http://localhost.evil.example', 'refused'],
  ['http://localhost:3000', 'taken'],
  ['http://127.0.0.1:3000', 'taken'],
  ['https://app.example.com', 'taken'],
])('response_mode form_post on %s is %s', (baseURL, outcome) => {
  const options = { baseURL, authorizationParams: { response_mode: 'form_post' } }
  if (outcome === 'taken') expect(resolve(options).formPost).toBe(true)
  else
    expect(mistakeIn(options)).toMatch(
      /authorizationParams.response_mode is form_post, which needs an https baseURL \(BASE_URL\), or http:\/\/localhost/,
    )
})

describe('the private key: what is taken, and the algorithm that fits it', () => {
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
    ['an RSA-PSS CryptoKey', pss384, 'PS384'],
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
    [KEY, 'an RSA CryptoKey of 1024 bits', withKey(rsaShort), /1024 bits/],
    [KEY, 'an RSA CryptoKey with SHA-1', withKey(rsaSha1), /for signatures/],
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
    [ALG, 'of another hash', withKey(pss384, { [ALG]: 'PS256' }), /one of PS384$/],
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
})

describe('the certificate', () => {
  const { certificates } = useParts(async () => ({ certificates: await createCertificates() }))

  test('a certificate and no secret makes tls_client_auth, and a secret stays the way', () => {
    const { client, ca } = certificates
    const mutualTLS = { ...client, ca: Buffer.from(ca) }
    expect(resolve({ clientSecret: undefined, mutualTLS })).toMatchObject({
      clientAuthMethod: 'tls_client_auth',
      mutualTLS: { ...client, ca },
    })
    expect(resolve({ mutualTLS })).toMatchObject({ clientAuthMethod: 'client_secret_basic' })
  })

  test('what the caller does to its buffers later changes nothing', () => {
    const { cert, key } = certificates.client
    const given = { cert: Buffer.from(cert), key: Buffer.from(key) }
    const { mutualTLS } = resolve({ mutualTLS: given })
    given.cert.fill(0)
    given.key.fill(0)
    expect(mutualTLS).toEqual({ cert, key, ca: undefined })
    expect(Object.isFrozen(mutualTLS)).toBe(true)
  })

  type Row = [name: string, what: string, mutualTLS: (all: Certificates) => unknown, cure: RegExp]
  const mutual: Row[] = [
    ['mutualTLS', 'a path', () => '/etc/client.pem', /must be an object/],
    [
      'mutualTLS.pfx',
      'PKCS #12',
      ({ client }) => ({ ...client, pfx: 'x' }),
      /is not an option.*cert, key, ca/,
    ],
    [
      'mutualTLS.cert',
      'no certificate',
      ({ client: { key } }) => ({ key }),
      /must be this client's certificate/,
    ],
    ['mutualTLS.key', 'no key', ({ client: { cert } }) => ({ cert }), /must be the private key/],
    ['mutualTLS.cert', 'a key', ({ client: { key } }) => ({ cert: key, key }), /no certificate in PEM/],
    [
      'mutualTLS.key',
      'a certificate',
      ({ client: { cert } }) => ({ cert, key: cert }),
      /no private key in PEM/,
    ],
    [
      'mutualTLS.key',
      'encrypted',
      ({ client: { cert } }) => ({ cert, key: encrypted }),
      /or it is encrypted; decrypt it.*openssl pkey/,
    ],
    [
      'mutualTLS.key',
      'another’s',
      ({ client: { cert }, stranger: { key } }) => ({ cert, key }),
      /not the private key of mutualTLS.cert/,
    ],
    ['mutualTLS.ca', 'a path', ({ client }) => ({ ...client, ca: '/etc/ca.pem' }), /no certificate in PEM/],
    ['mutualTLS.ca', 'empty', ({ client }) => ({ ...client, ca: '' }), /must be the provider's CA/],
  ]
  test.each(mutual)('%s: %s is refused with the cure', (name, _what, mutualTLS, cure) => {
    const message = mistakeIn({ mutualTLS: mutualTLS(certificates) })
    expect(message).toMatch(cure)
    expect(message.split(/[\s:,]+/)).toContain(name)
  })

  test('mutualTLS is of no use with a provider on http, and refused', () => {
    const message = mistakeIn({ issuerBaseURL: 'http://localhost:4000', mutualTLS: certificates.client })
    expect(message).toMatch(/^auth\(\): mutualTLS needs an https issuerBaseURL \(ISSUER_BASE_URL\)/)
  })
})
