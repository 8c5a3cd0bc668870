// How the client says at the provider who it is, at login, renewal and revocation.
import { generateKeyPairSync, type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { expectTryLater } from '../support/app/fault-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { closeServer, listen } from '../support/listen.ts'
import type { ClientOptions } from '../support/provider/client.ts'
import { startProvider } from '../support/provider/provider.ts'
import { errors } from '../support/provider/quiet-oidc-provider.ts'
import type { SeenRequest } from '../support/provider/seen-requests.ts'
import { useStarted } from '../support/servers.ts'

const METHODS = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none']
const ALGORITHMS = ['HS256', 'RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

/** As Ory Hydra and Glewlwyd: the URL of the token endpoint, whatever endpoint is asked. */
let wantedAudience: string | undefined
afterEach(() => {
  wantedAudience = undefined
})

const provider = useStarted(() =>
  startProvider({
    configure: (configuration) => ({
      ...configuration,
      clientAuthMethods: METHODS as NonNullable<typeof configuration.clientAuthMethods>,
      enabledJWA: { ...configuration.enabledJWA, clientAuthSigningAlgValues: ALGORITHMS },
      // As strict as a provider may be: an assertion that is valid from a second ahead is refused.
      clockTolerance: 0,
      assertJwtClientAuthClaimsAndHeader(_ctx, { aud }) {
        if (wantedAudience !== undefined && aud !== wantedAudience)
          throw new errors.InvalidClientAuth('another audience')
      },
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

const WANTS =
  "it may want its token endpoint's URL in it, as Ory Hydra and Glewlwyd do: clientAssertionAudience: 'token_endpoint'"
const REGISTER = ': enter its public key there, as a JWK or by a jwks_uri'
const NO_CREDENTIALS = ": it does not accept this client's credentials. "
const NO_ASSERTION = ": it does not accept this client's assertion. It may not know the key "

test.each([
  [
    'an assertion by another key',
    'private_key_jwt',
    { clientAssertionSigningKey: { ...p256.privateKey.export({ format: 'jwk' }), kid: 'key-2' } },
    `${NO_ASSERTION}(ES256, kid "key-2")${REGISTER}; or ${WANTS}`,
  ],
  ['another secret', 'client_secret_basic', { clientSecret: 'wrong' }, NO_CREDENTIALS],
  [
    'another secret for HS256',
    'client_secret_jwt',
    { clientSecret: 'w'.repeat(32) },
    `${NO_ASSERTION}(HS256); or ${WANTS}`,
  ],
  [
    'another audience',
    'private_key_jwt',
    { clientAssertionSigningKey: rsa.privateKey, clientAssertionAudience: 'https://id.example.com/token' },
    `${NO_ASSERTION}(RS256)${REGISTER}; or it may want another clientAssertionAudience`,
  ],
] as const)(
  'a client that is refused for %s logs nobody in, and the log says what the provider said, and what may help',
  async (_what, authMethod, wrong, cure) => {
    const { lines, logger } = createLog()
    const client = { authMethod, metadata: { jwks: { keys: [jwk(rsa)] } } }
    const options = { clientAuthMethod: authMethod, logger, ...wrong }
    const app = await startApp({ provider, client, options })
    try {
      const page = await new Browser().logIn(app.url)
      expect([page.status, page.url]).toEqual([400, expect.stringContaining('/callback?')])
      const said = `express-bff-session: refused (login_failed): the provider answered 401 invalid_client${cure}`
      expect(lines).toEqual([expect.stringContaining(said)])
      expect(lines[0]).toMatch(/; its words: "client authentication failed"$/)
    } finally {
      await app.stop()
    }
  },
)

test.each<[method: string, client: ClientOptions, options: AuthOptions]>([
  [
    'private_key_jwt',
    { authMethod: 'private_key_jwt', metadata: { jwks: { keys: [jwk(rsa)] } } },
    { clientAssertionSigningKey: rsa.privateKey },
  ],
  [
    'client_secret_jwt',
    { authMethod: 'client_secret_jwt', clientSecret: 's'.repeat(32) },
    { clientAuthMethod: 'client_secret_jwt' },
  ],
])(
  'a provider that wants the token endpoint as the audience of %s gets it',
  async (_method, client, options) => {
    wantedAudience = `${provider.issuer}/token`
    for (const clientAssertionAudience of ['token_endpoint', wantedAudience]) {
      const requests = await useClient(client, { ...options, clientAssertionAudience })
      expect(requests).toMatchObject(eachOnce('assertion'))
      expect(requests.map(({ assertion }) => assertion?.claims.aud)).toEqual(Array(3).fill(wantedAudience))
    }
  },
)

describe('a secret that is a function', () => {
  test.each([
    ['client_secret_basic', 'basic'],
    ['client_secret_post', 'post'],
    ['client_secret_jwt', 'assertion'],
  ] as const)('is asked for each request that shows it: %s', async (authMethod, authorization) => {
    const secret = 's'.repeat(32)
    let asked = 0
    const clientSecret = async () => {
      asked += 1
      return secret
    }
    const client = { authMethod, clientSecret: secret }
    const requests = await useClient(client, { clientAuthMethod: authMethod, clientSecret })
    expect(requests).toMatchObject(eachOnce(authorization))
    expect(asked).toBe(3)
  })

  const SECRET = 'a secret that is told to nobody'
  const short: AuthOptions = { clientAuthMethod: 'client_secret_jwt' }
  test.each<[what: string, give: () => unknown, said: string, options?: AuthOptions]>([
    [
      'throws',
      () => {
        throw new Error(SECRET)
      },
      'threw an error',
    ],
    [
      'rejects',
      async () => {
        throw Object.assign(new TypeError(SECRET), { code: SECRET })
      },
      'threw an error',
    ],
    ['gives nothing', () => undefined, 'gave no text'],
    ['gives no text', () => ({ secret: SECRET }), 'gave no text'],
    ['gives an empty one', async () => '', 'gave no text'],
    ['gives too short a one', () => SECRET, 'gave too little for HS256', short],
    ['never ends', () => new Promise(() => {}), 'gave nothing in time', { httpTimeoutSeconds: 0.2 }],
  ])('and %s: 503, told without it, and nobody is logged out', async (_what, give, said, more = {}) => {
    const good = 's'.repeat(32)
    let isGood = true
    const { lines, logger } = createLog()
    const clientSecret = (() => (isGood ? good : give())) as () => string
    const authMethod = more.clientAuthMethod ?? 'client_secret_basic'
    const app = await startApp({
      provider,
      client: { authMethod, clientSecret: good },
      options: { clientSecret, logger, ...more },
    })
    const browser = new Browser({ secFetch: false })
    try {
      await browser.logIn(app.url)
      const callback = await browser.startLogin(app.url, { user: 'alice' })
      isGood = false
      const asked = provider.tokenRequests().length
      const page = await browser.request('GET', callback)
      expect([page.status, page.json().code]).toEqual([503, 'provider_unavailable'])
      expectTryLater(await browser.request('POST', `${app.url}/fresh`), 'provider_unavailable')
      expect(provider.tokenRequests()).toHaveLength(asked)
      expect(app.events).toMatchObject([
        { name: 'logged-in' },
        {
          name: 'provider-unavailable',
          event: { detail: `The code could not be exchanged: clientSecret() ${said}` },
        },
        { name: 'renewal-failed', event: { outcome: 'unreachable', detail: `clientSecret() ${said}` } },
      ])
      expect(JSON.stringify([lines, app.events])).not.toContain(SECRET)
      expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ generation: 1 })
    } finally {
      await app.stop()
    }
  })
})

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
  // LemonLDAP::NG and Glewlwyd do not decode.
  [
    'what the form encoding leaves as it is',
    '3f2b9c1e-7a40-4d8b-9e55-c0ffee123456',
    'a-secret_with.all*4',
    true,
  ],
] as [string, string, string, boolean?][])(
  'client-secret-basic: %s come through, at login and at renewal',
  async (_what, clientID, clientSecret, isPlain = false) => {
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
      if (isPlain) expect(pair).toBe(`${clientID}:${clientSecret}`)
    }
  },
)
