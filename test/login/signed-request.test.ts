// The authorization request as a signed JWT (JAR, RFC 9101), in the browser's address or pushed.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import type { ClientOptions } from '../support/provider/client.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { unsigned } from '../support/provider/seen-requests.ts'

const SIGNED = { signedAuthorizationRequests: true }
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')

let provider: TestProvider
const apps: TestApp[] = []

beforeAll(async () => {
  provider = await startProvider({
    configure: (configuration) => ({
      ...configuration,
      clientAuthMethods: [...(configuration.clientAuthMethods ?? []), 'private_key_jwt'],
      features: { ...configuration.features, requestObjects: { enabled: true } },
      clockTolerance: 0,
    }),
  })
})
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop()))
})
afterAll(() => provider?.stop())

/** A client that the provider takes nothing else from. */
async function start(
  { publicKey }: { publicKey: KeyObject },
  options: AuthOptions,
  client: ClientOptions = {},
  kid?: string,
): Promise<TestApp> {
  const jwk = { ...publicKey.export({ format: 'jwk' }), ...(kid && { kid }) }
  const metadata = { jwks: { keys: [jwk] }, require_signed_request_object: true, ...client.metadata }
  const given = { clientAuthMethod: 'client_secret_basic', ...SIGNED, ...options } as const
  const app = await startApp({ provider, client: { ...client, metadata }, options: given })
  apps.push(app)
  return app
}

async function askToLogIn(app: TestApp): Promise<URL> {
  const page = await new Browser().navigate(`${app.url}/login`, { stopAt: () => true })
  return new URL(page.headers.location ?? '')
}

type Row = [what: string, pair: typeof rsa, alg: string, options?: AuthOptions]
const keys: Row[] = [
  ['an RSA key', rsa, 'RS256'],
  ['an RSA key and PS256', rsa, 'PS256', { clientAssertionSigningAlg: 'PS256' }],
  ['a key on P-256', p256, 'ES256'],
  ['an Ed25519 key', ed25519, 'EdDSA'],
]
test.each(keys)(
  '%s signs all of the request, and the login goes well',
  async (_what, pair, alg, options = {}) => {
    const key = { ...pair.privateKey.export({ format: 'jwk' }), kid: 'key-1' }
    const authorizationParams = { max_age: '3600' }
    const app = await start(
      pair,
      { clientAssertionSigningKey: key, authorizationParams, ...options },
      {},
      'key-1',
    )
    const url = await askToLogIn(app)
    const { client_id: clientId, request = '', ...rest } = Object.fromEntries(url.searchParams)
    expect(rest).toEqual({})
    const { header, claims } = unsigned(request)
    // RFC 9101 §4, §10.8
    expect(header).toEqual({ alg, typ: 'oauth-authz-req+jwt', kid: 'key-1' })
    const secret = expect.stringMatching(/^[\w-]{43}$/)
    expect(claims).toEqual({
      iss: clientId,
      aud: provider.issuer,
      client_id: clientId,
      redirect_uri: `${app.url}/callback`,
      response_type: 'code',
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      max_age: 3600,
      state: secret,
      nonce: secret,
      code_challenge: secret,
      code_challenge_method: 'S256',
      jti: expect.any(String),
      iat: claims.nbf,
      nbf: expect.any(Number),
      exp: Number(claims.nbf) + 75,
    })

    const browser = new Browser()
    expect((await browser.logIn(app.url, { user: 'signed' })).json()).toMatchObject({ sub: 'signed' })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  },
)

test('what the browser changes in the request is refused by the provider', async () => {
  const app = await start(p256, { clientAssertionSigningKey: p256.privateKey })
  const url = await askToLogIn(app)
  const [header, , signature] = url.searchParams.get('request')?.split('.') ?? []
  const claims = { ...unsigned(url.searchParams.get('request') ?? '').claims, scope: 'openid' }
  const changed = Buffer.from(JSON.stringify(claims)).toString('base64url')
  url.searchParams.set('request', `${header}.${changed}.${signature}`)
  const page = await new Browser().navigate(url.href, { stopAt: ({ origin }) => origin === app.url })
  const error = new URL(page.headers.location ?? '').searchParams.get('error')
  expect(error).toBe('invalid_request_object')
})

test('signed and pushed, by a client with a key alone, answered by a form', async () => {
  const before = provider.requests().length
  const app = await start(
    p256,
    {
      clientAuthMethod: undefined,
      clientAssertionSigningKey: p256.privateKey,
      pushedAuthorizationRequests: true,
      authorizationParams: { response_mode: 'form_post' },
    },
    { authMethod: 'private_key_jwt', metadata: { require_pushed_authorization_requests: true } },
  )
  expect([...(await askToLogIn(app)).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
  const browser = new Browser()
  const page = await browser.finish(await browser.navigate(`${app.url}/login`), { user: 'both' })
  expect(page.json()).toMatchObject({ home: true, sub: 'both' })
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  await browser.request('POST', `${app.url}/logout`)
  await app.auth.close()
  expect(provider.liveRefreshTokens('both')).toEqual([])

  const said = provider
    .requests()
    .slice(before)
    .filter(({ method, endpoint }) => method === 'POST' && endpoint !== 'other')
  expect(said).toMatchObject([
    { endpoint: 'pushed_request', authorization: 'assertion', status: 201 },
    { endpoint: 'pushed_request', authorization: 'assertion', status: 201 },
    { endpoint: 'token', authorization: 'assertion', status: 200 },
    { endpoint: 'token', authorization: 'assertion', status: 200 },
    { endpoint: 'revocation', authorization: 'assertion', status: 200 },
  ])
  // RFC 9126 §3: everything is in the signed request.
  expect(Object.keys(said[0]?.params ?? {}).sort()).toEqual(['client_assertion_type', 'client_id', 'request'])
  expect(unsigned(said[0]?.params.request ?? '').claims).toMatchObject({ response_mode: 'form_post' })
})
