// How long a renewal's request may take; where the provider is, and how it is dealt with.
import type { ProviderFetch } from '../../src/index.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { readMetadata } from '../../src/provider/metadata.ts'
import { isOwnedBy } from '../../src/record/owner.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { VALID } from './valid.ts'

const resolve = (options: object, env: NodeJS.ProcessEnv = {}) =>
  resolveOptions({ ...VALID, ...options }, env)
const OWN = VALID.issuerBaseURL
const NEEDED = {
  authorization_endpoint: `${OWN}/auth`,
  token_endpoint: `${OWN}/token`,
  jwks_uri: `${OWN}/keys`,
}
const WELL_KNOWN = '/.well-known/openid-configuration'

test.each<[object, number]>([
  [{}, 30],
  [{ timeoutSeconds: 10 }, 30],
  [{ timeoutSeconds: 45 }, 45],
  [{ timeoutSeconds: 1, requestTimeoutSeconds: 1 }, 1],
  [{ requestTimeoutSeconds: 300 }, 300],
])('with the renewal %j its request has %d seconds', (renewal, seconds) => {
  expect(resolve({ renewal }).renewal.requestTimeoutSeconds).toBe(seconds)
})

test('the provider is asked again after an hour, and by fifty logins at once', () => {
  expect(resolve({}).provider).toMatchObject({ refreshSeconds: 3600, maxConcurrentLogins: 50 })
})

test.each<[object, RegExp]>([
  [{ renewal: { requestTimeoutSeconds: 4 } }, /renewal\.requestTimeoutSeconds must be .* from 5 to 300/],
  [{ renewal: { requestTimeoutSeconds: 301 } }, /renewal\.requestTimeoutSeconds must be/],
  [{ provider: { refreshSeconds: 0 } }, /provider\.refreshSeconds must be a number of seconds/],
  [{ provider: { maxConcurrentLogins: 0 } }, /provider\.maxConcurrentLogins must be a whole number/],
  [{ provider: { refreshSecond: 5 } }, /did you mean provider\.refreshSeconds\?/],
  [{ provider: 'mine' }, /provider must be an object/],
  [{ provider: { metadata: 'mine' } }, /provider\.metadata must be an object/],
  [
    { provider: { metadata: { tokenendpoint: OWN } } },
    /provider\.metadata\.tokenendpoint is no name; did you mean provider\.metadata\.token_endpoint\?/,
  ],
  [{ provider: { metadata: { token_endpoint: '/token' } } }, /provider\.metadata\.token_endpoint is no URL/],
  [{ provider: { metadata: { jwks_uri: 5 } } }, /provider\.metadata\.jwks_uri is no URL/],
  [{ provider: { metadata: { mtls_endpoint_aliases: [] } } }, /mtls_endpoint_aliases must be an object/],
  [
    { provider: { metadata: { mtls_endpoint_aliases: { token_endpoint: 'x' } } } },
    /provider\.metadata\.mtls_endpoint_aliases\.token_endpoint is no URL/,
  ],
  [{ provider: { metadata: { issuer: 'mine' } } }, /provider\.metadata\.issuer must be an https URL/],
  [
    { provider: { metadata: { issuer: 'https://login.microsoftonline.com/common/v2.0' } } },
    /tenants must say whose people may log in, since https:\/\/login\.microsoftonline\.com\/common/,
  ],
  [{ provider: { discoveryURL: true } }, /provider\.discoveryURL must be the URL .* or false$/],
  [{ provider: { discoveryURL: 'id.example.com' } }, /provider\.discoveryURL must be the URL/],
  [{ provider: { discoveryURL: 'ftp://id.example.com' } }, /provider\.discoveryURL must be the URL/],
  [{ provider: { discoveryURL: 'https://a:b@id.example.com' } }, /provider\.discoveryURL must have no user/],
  [
    { provider: { discoveryURL: false, metadata: { ...NEEDED, jwks_uri: null } } },
    /provider\.discoveryURL is false, which needs provider\.metadata to have jwks_uri$/,
  ],
  [
    { provider: { discoveryURL: false } },
    /needs provider\.metadata to have authorization_endpoint, token_endpoint, jwks_uri$/,
  ],
  [{ provider: { fetch: 'mine' } }, /provider\.fetch must be a function of \(url, request\)/],
  [{ provider: { ca: 'mine' } }, /provider\.ca is no certificate in PEM/],
  [{ provider: { ca: 5 } }, /provider\.ca must be the provider's CA certificates/],
  [{ provider: { allowInsecureHTTP: true } }, /provider\.allowInsecureHTTP must be a list of origins/],
  [
    { provider: { allowInsecureHTTP: ['keycloak:8080'] } },
    /provider\.allowInsecureHTTP must hold http origins/,
  ],
  [{ provider: { allowInsecureHTTP: ['http://keycloak:8080/'] } }, /must hold http origins .*8080\/"$/],
  [{ provider: { allowInsecureHTTP: ['https://keycloak'] } }, /must hold http origins/],
])('%j is refused at start-up', (options, message) => {
  expect(() => resolve(options)).toThrow(message)
})

test('the document is below the issuer, or where it is said to be, with a query or without', () => {
  const of = (options: object) => resolve(options).provider.discoveryURL
  expect(of({})).toBe(OWN + WELL_KNOWN)
  expect(of({ issuerBaseURL: `${OWN}/realms/staff/` })).toBe(`${OWN}/realms/staff${WELL_KNOWN}`)
  expect(of({ issuerBaseURL: `${OWN}/realms/staff${WELL_KNOWN}` })).toBe(`${OWN}/realms/staff${WELL_KNOWN}`)
  const elsewhere = `https://id.example.com/v2.0${WELL_KNOWN}?p=policy`
  expect(of({ provider: { discoveryURL: elsewhere } })).toBe(elsewhere)
  expect(of({ provider: { discoveryURL: false, metadata: NEEDED } })).toBeUndefined()
})

test('tokens are those of provider.metadata.issuer where there is one, to the letter without a document', () => {
  const issuer = 'https://ISSUER.example.com/tenant'
  const config = resolve({ provider: { discoveryURL: false, metadata: { ...NEEDED, issuer } } })
  expect(config.issuer.href).toBe(issuer.toLowerCase())
  expect(readMetadata({}, config)).toEqual({ ...NEEDED, issuer })
  const plain = resolve({ provider: { discoveryURL: false, metadata: NEEDED } })
  expect(readMetadata({}, plain)).toEqual({ ...NEEDED, issuer: OWN })
})

test('a record is the issuer’s however its URL is written, and no other’s', () => {
  const config = resolve({ issuerBaseURL: 'https://ID.example.com:443/Staff' })
  const owned = (iss: string) =>
    isOwnedBy({ claims: { iss, aud: VALID.clientID, sub: 'alice', iat: 1, exp: 2 } }, config)
  for (const iss of [
    'https://ID.example.com:443/Staff',
    'https://id.example.com/Staff',
    'https://id.example.com/Staff/',
  ])
    expect(owned(iss)).toBe(true)
  for (const iss of ['https://id.example.com/staff', 'https://id.example.com', 'nobody'])
    expect(owned(iss)).toBe(false)
})

test('provider.metadata goes over the document, its aliases too, but for the issuer, which was compared', () => {
  const metadata = {
    issuer: `${OWN}/`,
    token_endpoint: `${OWN}/other`,
    end_session_endpoint: null,
    jwks_uri: undefined,
  }
  const document = {
    ...NEEDED,
    issuer: OWN,
    end_session_endpoint: `${OWN}/end`,
    mtls_endpoint_aliases: { token_endpoint: `${OWN}/mtls`, revocation_endpoint: `${OWN}/mtls` },
  }
  expect(readMetadata(document, resolve({ provider: { metadata } }))).toEqual({
    ...NEEDED,
    issuer: OWN,
    token_endpoint: `${OWN}/other`,
    mtls_endpoint_aliases: { revocation_endpoint: `${OWN}/mtls` },
  })
  const aliases = { mtls_endpoint_aliases: { token_endpoint: `${OWN}/x` } }
  expect(readMetadata(document, resolve({ provider: { metadata: aliases } }))).toMatchObject(aliases)
})

test('the caller’s metadata is neither changed nor kept', () => {
  const metadata = { ...NEEDED, scopes_supported: ['openid'], mtls_endpoint_aliases: { token_endpoint: OWN } }
  const { provider } = resolve({ provider: { metadata } })
  const before = structuredClone(metadata)
  metadata.scopes_supported.push('x')
  metadata.mtls_endpoint_aliases.token_endpoint = ''
  expect(provider.metadata).toEqual(before)
  expect(Object.isFrozen(provider.metadata.mtls_endpoint_aliases)).toBe(true)
})

describe('plain http', () => {
  const PRODUCTION = { NODE_ENV: 'production', REDIS_URL: 'redis://redis' }
  const HTTP = 'http://keycloak:8080'
  const allowed = { provider: { allowInsecureHTTP: [HTTP] } }
  const outcome = (make: () => unknown) => {
    try {
      make()
      return 'taken'
    } catch (error) {
      return (error as Error).message
    }
  }
  const how = /allowInsecureHTTP: \['http:\/\/keycloak:8080'\]/

  test.each<[what: string, options: (extra?: object) => object]>([
    ['issuerBaseURL', (extra) => ({ issuerBaseURL: HTTP, provider: { ...extra } })],
    ['provider.metadata.issuer', (extra) => ({ provider: { metadata: { issuer: HTTP }, ...extra } })],
    ['provider.discoveryURL', (extra) => ({ provider: { discoveryURL: HTTP + WELL_KNOWN, ...extra } })],
    [
      'provider.metadata.token_endpoint',
      (extra) => ({ provider: { metadata: { token_endpoint: `${HTTP}/token` }, ...extra } }),
    ],
  ])('in production needs its origin to be named, for %s', (name, options) => {
    const refused = outcome(() => resolve(options(), PRODUCTION))
    expect(refused).toContain(`auth(): ${name} `)
    expect(refused).toMatch(how)
    expect(outcome(() => resolve(options(allowed.provider), PRODUCTION))).toBe('taken')
    const another = options({ allowInsecureHTTP: ['http://keycloak:8081'] })
    expect(outcome(() => resolve(another, PRODUCTION))).toBe(refused)
  })

  test('is not for baseURL', () => {
    expect(outcome(() => resolve({ ...allowed, baseURL: HTTP }, PRODUCTION))).toMatch(
      /baseURL \(BASE_URL\) must be https in production .* travel over it$/,
    )
  })

  test.each<[issuerBaseURL: string, name: string, address: string, env: NodeJS.ProcessEnv, outcome: RegExp]>([
    [OWN, 'token_endpoint', HTTP, {}, /^taken$/],
    [
      OWN,
      'token_endpoint',
      'http://keycloak',
      {},
      /token_endpoint is no https URL; if .*'http:\/\/keycloak'/,
    ],
    [OWN, 'token_endpoint', 'http://localhost', {}, /token_endpoint is no https URL/],
    // A browser is in no private network of the server's.
    [OWN, 'authorization_endpoint', HTTP, {}, /authorization_endpoint is no https URL$/],
    [OWN, 'end_session_endpoint', HTTP, {}, /end_session_endpoint is no https URL$/],
    [HTTP, 'authorization_endpoint', HTTP, PRODUCTION, /^taken$/],
    [HTTP, 'token_endpoint', 'http://other', PRODUCTION, /token_endpoint is no https URL/],
    [HTTP, 'token_endpoint', 'http://other', {}, /^taken$/],
    ['http://localhost:8080', 'token_endpoint', 'http://127.0.0.1', PRODUCTION, /^taken$/],
    [
      'http://localhost:8080',
      'token_endpoint',
      'http://other',
      PRODUCTION,
      /no https URL; .*'http:\/\/other'/,
    ],
  ])('of %s: the document’s %s %s, with %j', (issuerBaseURL, name, address, env, expected) => {
    const config = resolve({ ...allowed, issuerBaseURL }, env)
    const document = { ...NEEDED, issuer: issuerBaseURL, [name]: `${address}/x` }
    expect(outcome(() => readMetadata(document, config))).toMatch(expected)
  })
})

test.each<[object, object, RegExp]>([
  [{ fetch: fetch as ProviderFetch }, {}, /mutualTLS is not used by a provider\.fetch of yours/],
  [{ allowInsecureHTTP: ['http://a'] }, {}, /provider\.allowInsecureHTTP cannot be used with mutualTLS/],
  [{}, { ca: true }, /mutualTLS\.ca is given, and provider\.ca too/],
])('beside mutualTLS, %j is refused', async (provider, { ca }: { ca?: boolean }, message) => {
  const { ca: pem, client } = await createCertificates()
  const mutualTLS = { ...client, ...(ca && { ca: pem }) }
  expect(() => resolve({ mutualTLS, provider: { ...provider, ...(ca && { ca: pem }) } })).toThrow(message)
  expect(resolve({ mutualTLS: client, provider: { ca: pem } }).mutualTLS).toMatchObject({ ca: pem })
  expect(() => resolve({ provider: { ca: pem, fetch } })).toThrow(
    /provider\.ca is not used by a provider\.fetch/,
  )
})
