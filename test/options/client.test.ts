// How the client says who it is and asks for a login: what fits together, and every mistake with its cure.
import { generateKeyPairSync } from 'node:crypto'
import { mistakeIn, resolve } from './valid.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

test('with a secret too, the key signs requests, and the secret stays the way', () => {
  const options = { clientAssertionSigningKey: privateKey, signedAuthorizationRequests: true }
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
