// The client's certificate: what is taken, and every mistake with its cure.
import { generateKeyPairSync } from 'node:crypto'
import { type Certificates, createCertificates } from '../support/provider/certificates.ts'
import { mistakeIn, resolve } from './valid.ts'

const encrypted = generateKeyPairSync('ed25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'pass',
})

let certificates: Certificates
beforeAll(async () => {
  certificates = await createCertificates()
})

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
  ['mutualTLS.pfx', 'PKCS #12', ({ client }) => ({ ...client, pfx: 'x' }), /is not an option.*cert, key, ca/],
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
