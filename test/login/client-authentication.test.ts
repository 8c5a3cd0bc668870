// How the client says at the provider who it is, at login, renewal and revocation.
import { generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { closeServer, listen } from '../support/listen.ts'
import type { ClientOptions } from '../support/provider/client.ts'
import { startProvider } from '../support/provider/provider.ts'
import type { SeenRequest } from '../support/provider/seen-requests.ts'
import { useStarted } from '../support/servers.ts'

const METHODS = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none']
const ALGORITHMS = ['HS256', 'RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

const provider = useStarted(() =>
  startProvider({
    configure: (configuration) => ({
      ...configuration,
      clientAuthMethods: METHODS as NonNullable<typeof configuration.clientAuthMethods>,
      enabledJWA: { ...configuration.enabledJWA, clientAuthSigningAlgValues: ALGORITHMS },
      // As strict as a provider may be: an assertion that is valid from a second ahead is refused.
      clockTolerance: 0,
    }),
  }),
)

/** Logs in, renews and logs out as that client; every request to the provider that says who it is. */
async function useClient(client: ClientOptions, given: AuthOptions = {}): Promise<SeenRequest[]> {
  const user = `user-${randomBytes(4).toString('hex')}`
  const app = await startApp({ provider, client, options: given })
  const before = provider.requests().length
  const browser = new Browser()
  try {
    const page = await browser.logIn(app.url, { user })
    expect(page.json()).toMatchObject({ sub: user })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    await browser.request('POST', `${app.url}/logout`)
  } finally {
    await app.stop()
  }
  expect(provider.liveRefreshTokens(user)).toEqual([])
  return provider
    .requests()
    .slice(before)
    .filter(({ endpoint }) => endpoint === 'token' || endpoint === 'revocation')
}

const eachOnce = (authorization: SeenRequest['authorization']) => [
  { grantType: 'authorization_code', authorization, status: 200 },
  { grantType: 'refresh_token', authorization, status: 200 },
  { endpoint: 'revocation', authorization, status: 200 },
]

test.each([
  ['a public client sends no secret', { public: true }, undefined, 'none'],
  ['a confidential client sends its secret by HTTP Basic', {}, undefined, 'basic'],
  [
    'client_secret_post sends it in the form',
    { authMethod: 'client_secret_post' },
    'client_secret_post',
    'post',
  ],
  [
    // client-secret-basic: RFC 6749 §2.3.1
    'both parts of HTTP Basic are form-encoded',
    { clientId: 'a client/1:2+3%4', clientSecret: 'a+secret: with/ everything%20in=it&' },
    'client_secret_basic',
    'basic',
  ],
] as const)('%s', async (_name, client, method, authorization) => {
  const requests = await useClient(client, method && { clientAuthMethod: method })
  expect(requests).toMatchObject(eachOnce(authorization))
})

test('client_secret_jwt signs with the secret, and does not send it', async () => {
  const client = { authMethod: 'client_secret_jwt', clientSecret: 's'.repeat(32) } as const
  const requests = await useClient(client, { clientAuthMethod: 'client_secret_jwt' })
  expect(requests).toMatchObject(eachOnce('assertion'))
  expectAssertions(requests, { alg: 'HS256' })
})

const pair = (type: 'rsa' | 'ec' | 'ed25519', namedCurve = 'P-256') =>
  generateKeyPairSync(type as 'ec', { namedCurve, modulusLength: 2048 } as { namedCurve: string })
const rsa = pair('rsa')
const p256 = pair('ec')
const ed25519 = pair('ed25519')
const { privateKey: cryptoKey, publicKey: ofCryptoKey } = await webcrypto.subtle.generateKey(
  { name: 'ECDSA', namedCurve: 'P-384' },
  false,
  ['sign', 'verify'],
)

const pem = ({ privateKey }: { privateKey: KeyObject }) =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
// A copy, since to a test the objects of Node.js are no plain ones, which oidc-provider wants.
const jwk = ({ publicKey }: { publicKey: KeyObject }) => ({ ...publicKey.export({ format: 'jwk' }) })

type Row = [name: string, options: AuthOptions, jwk: object, header: object]
const keys: Row[] = [
  ['an RSA key in PEM', { clientAssertionSigningKey: pem(rsa) }, jwk(rsa), { alg: 'RS256' }],
  [
    'an RSA key and PS256',
    { clientAssertionSigningKey: rsa.privateKey, clientAssertionSigningAlg: 'PS256' },
    jwk(rsa),
    { alg: 'PS256' },
  ],
  [
    'a JWK with a kid',
    { clientAssertionSigningKey: { ...p256.privateKey.export({ format: 'jwk' }), kid: 'key-1' } },
    { ...jwk(p256), kid: 'key-1' },
    { alg: 'ES256', kid: 'key-1' },
  ],
  ['an Ed25519 key', { clientAssertionSigningKey: ed25519.privateKey }, jwk(ed25519), { alg: 'EdDSA' }],
  [
    'an Ed25519 key by its newer name',
    { clientAssertionSigningKey: pem(ed25519), clientAssertionSigningAlg: 'Ed25519' },
    jwk(ed25519),
    { alg: 'Ed25519' },
  ],
  [
    'a CryptoKey that nobody can export',
    { clientAssertionSigningKey: cryptoKey },
    { ...(await webcrypto.subtle.exportKey('jwk', ofCryptoKey)) },
    { alg: 'ES384' },
  ],
]

test.each(keys)('private_key_jwt with %s', async (_name, options, publicKey, header) => {
  const metadata = { jwks: { keys: [publicKey] } }
  const requests = await useClient({ authMethod: 'private_key_jwt', metadata }, options)
  expect(requests).toMatchObject(eachOnce('assertion'))
  expectAssertions(requests, header)
})

/** RFC 7523 §3 */
function expectAssertions(requests: SeenRequest[], header: object) {
  for (const { assertion, clientId, params, at } of requests) {
    const { claims, header: sent } = assertion ?? { header: {}, claims: {} }
    expect(sent).toEqual(header)
    expect(claims).toMatchObject({ iss: clientId, sub: clientId, aud: provider.issuer })
    const [from, until] = [Number(claims.nbf) * 1000, Number(claims.exp) * 1000]
    expect(claims.iat).toBe(claims.nbf)
    expect(at - from).toBeGreaterThan(10_000)
    expect(until - at).toBeGreaterThan(30_000)
    expect(until - at).toBeLessThan(61_000)
    expect(params.client_assertion_type).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  }
  expect(new Set(requests.map(({ assertion }) => assertion?.claims.jti)).size).toBe(3)
}

test.each([
  ['an assertion by another key', 'private_key_jwt', { clientAssertionSigningKey: pem(p256) }, 401],
  ['another secret', 'client_secret_basic', { clientSecret: 'wrong' }, 401],
  ['another secret for HS256', 'client_secret_jwt', { clientSecret: 'w'.repeat(32) }, 401],
] as const)(
  'a client that is refused for %s logs nobody in, and the log says what the provider said',
  async (_what, authMethod, wrong, status) => {
    const { lines, logger } = createLog()
    const client = { authMethod, metadata: { jwks: { keys: [jwk(rsa)] } } }
    const options = { clientAuthMethod: authMethod, logger, ...wrong }
    const app = await startApp({ provider, client, options })
    try {
      const page = await new Browser().logIn(app.url)
      expect([page.status, page.url]).toEqual([400, expect.stringContaining('/callback?')])
      expect(lines).toEqual([
        `express-bff-session: refused (login_failed): the provider answered ${status} invalid_client`,
      ])
    } finally {
      await app.stop()
    }
  },
)

/** HTTP Basic with any letters, at a token endpoint of our own: oidc-provider knows clients with ASCII names only. */
async function startTokenEndpoint(answer: () => Promise<object>) {
  const authorizations: string[] = []
  const server = createServer(async (req, res) => {
    authorizations.push(req.headers.authorization ?? '')
    res.setHeader('content-type', 'application/json').end(JSON.stringify(await answer()))
  })
  const url = `http://127.0.0.1:${await listen(server, '127.0.0.1')}/token`
  return { url, authorizations, stop: () => closeServer(server) }
}

test.each([
  ['colons, percent signs, plus signs and spaces', 'a client/1:2+3%4', 'a+secret: with/ everything%20in=it&'],
  ['other letters', 'Müller & 漢字', 'pä$$wörd: 100 % + ✓'],
  ['what encodeURIComponent leaves as it is', "it's-me!_(*)~.", "~(*)!'._-"],
])('client-secret-basic: %s come through, at login and at renewal', async (_what, clientID, clientSecret) => {
  let nonce: string | null = null
  const endpoint = await startTokenEndpoint(async () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: provider.issuer, sub: 'alice', aud: clientID, nonce, iat: now, exp: now + 3600 }
    const id_token = await provider.signIdToken(claims)
    return { access_token: 'access', token_type: 'Bearer', refresh_token: 'refresh', id_token }
  })
  provider.rewriteNext('discovery', (json) => ({ ...json, token_endpoint: endpoint.url }))
  const app = await startApp({ provider, options: { clientID, clientSecret } })
  const browser = new Browser()
  try {
    const { headers } = await browser.navigate(`${app.url}/login`, { stopAt: () => true })
    const { searchParams: asked } = new URL(headers.location ?? '')
    expect(asked.get('client_id')).toBe(clientID)
    nonce = asked.get('nonce')
    const answer = new URLSearchParams({ code: 'c', iss: provider.issuer, state: `${asked.get('state')}` })
    expect((await browser.navigate(`${app.url}/callback?${answer}`)).json()).toMatchObject({ sub: 'alice' })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  } finally {
    await app.stop()
    await endpoint.stop()
  }
  expect(endpoint.authorizations).toHaveLength(2)
  for (const authorization of endpoint.authorizations) {
    const pair = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString()
    expect(pair).toMatch(/^[\w.*%+-]+:[\w.*%+-]+$/)
    const decoded = pair.split(':').map((part) => new URLSearchParams(`part=${part}`).get('part'))
    expect(decoded).toEqual([clientID, clientSecret])
  }
})
