// The client shows a certificate to the provider (RFC 8705), at every request, and authenticates by it where it is to.
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { RenewalOutcome } from '../../src/events/events.ts'
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { expectTryLater } from '../support/app/fault-fixture.ts'
import { nameOf, rawOf, useMutualTLSFixture } from '../support/app/mutual-tls-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import type { Certificate } from '../support/provider/certificates.ts'
import type { ClientOptions } from '../support/provider/client.ts'
import type { SeenRequest } from '../support/provider/seen-requests.ts'

const { certificates, provider, apps } = useMutualTLSFixture()

/** Taken, were it not for its length. */
const TOKENS = { access_token: 'an access token', token_type: 'Bearer' }
const BOUND = { tls_client_certificate_bound_access_tokens: true }

/** A client as the provider knows it, and what the app is given for it. */
const byCA = (): [ClientOptions, Certificate] => [
  {
    authMethod: 'tls_client_auth',
    metadata: { tls_client_auth_subject_dn: 'CN=the client', ...BOUND },
  },
  certificates.client,
]
const selfSigned = (): [ClientOptions, Certificate] => {
  const key = new X509Certificate(certificates.selfSigned.cert).publicKey.export({ format: 'jwk' })
  return [
    {
      authMethod: 'self_signed_tls_client_auth',
      metadata: { jwks: { keys: [{ ...key, x5c: [rawOf(certificates.selfSigned)] }] }, ...BOUND },
    },
    certificates.selfSigned,
  ]
}

async function start(client: ClientOptions, certificate: Certificate, options: AuthOptions = {}) {
  const { ca } = certificates
  const mutualTLS = { cert: certificate.cert, key: Buffer.from(certificate.key), ca }
  const app = await startApp({
    provider,
    client,
    options: { mutualTLS, clientAuthMethod: client.authMethod, ...options },
  })
  apps.push(app)
  return app
}

/** What the app itself asked, not the browser. */
const asked = (from: number, clientCertificate?: string): SeenRequest[] =>
  provider
    .requests()
    .slice(from)
    .filter(({ endpoint }) => !['authorization', 'end_session', 'other'].includes(endpoint))
    .filter(({ certificate }) => clientCertificate === undefined || certificate === clientCertificate)

describe.each([
  ['tls_client_auth', byCA],
  ['self_signed_tls_client_auth', selfSigned],
] as const)('%s', (_method, clientOf) => {
  test('logs in, renews and revokes, and shows the certificate at every request', async () => {
    const [client, certificate] = clientOf()
    const from = provider.requests().length
    const app = await start(client, certificate)
    const browser = new Browser()
    const user = `user of ${client.authMethod}`
    expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })

    // RFC 8705 §3
    const tokens = provider.store.all('AccessToken').filter(({ accountId }) => accountId === user)
    const own = nameOf(certificate)
    expect(tokens.map((token) => token['x5t#S256'])).toEqual([own, own])

    await browser.request('POST', `${app.url}/logout`)
    await app.auth.close()
    expect(provider.liveRefreshTokens(user)).toEqual([])
    const requests = asked(from)
    expect(requests).toMatchObject([
      { endpoint: 'discovery' },
      { endpoint: 'token', grantType: 'authorization_code', authorization: 'none', status: 200 },
      { endpoint: 'jwks' },
      { endpoint: 'token', grantType: 'refresh_token', authorization: 'none', status: 200 },
      { endpoint: 'revocation', authorization: 'none', status: 200 },
    ])
    expect(requests).toEqual(asked(from, own))
  })

  test('another certificate of the same CA is refused, and the log says so', async () => {
    const { lines, logger } = createLog()
    const app = await start(clientOf()[0], certificates.stranger, { logger })
    expect((await new Browser().logIn(app.url)).status).toBe(400)
    expect(lines).toEqual([
      expect.stringMatching(
        /401 invalid_client: .* Check clientID \(CLIENT_ID\), mutualTLS and clientAuthMethod: /,
      ),
    ])
  })
})

test('a client with a secret may show a certificate too, and its tokens are bound to it', async () => {
  const app = await start({ metadata: BOUND }, certificates.client, { clientAuthMethod: undefined })
  const browser = new Browser()
  expect((await browser.logIn(app.url, { user: 'bound' })).json()).toMatchObject({ sub: 'bound' })
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  const own = nameOf(certificates.client)
  const tokens = provider.store.all('AccessToken').filter(({ accountId }) => accountId === 'bound')
  expect(tokens.map((token) => token['x5t#S256'])).toEqual([own, own])
  expect(provider.tokenRequests('refresh_token').at(-1)).toMatchObject({ authorization: 'basic' })
})

test('where the provider names endpoints for mutual TLS, those are asked (RFC 8705 §5)', async () => {
  // The names differ in the query alone: they lead to the same place, and the ledger tells them apart.
  const alias = (endpoint: unknown) => `${endpoint}?alias=mtls`
  provider.rewriteNext('discovery', (metadata) => ({
    ...metadata,
    mtls_endpoint_aliases: {
      token_endpoint: alias(metadata.token_endpoint),
      revocation_endpoint: alias(metadata.revocation_endpoint),
      pushed_authorization_request_endpoint: alias(metadata.pushed_authorization_request_endpoint),
    },
  }))
  const app = await start(...byCA(), { pushedAuthorizationRequests: true })
  const from = provider.requests().length
  const browser = new Browser()
  expect((await browser.logIn(app.url)).json()).toMatchObject({ sub: 'alice' })
  await browser.request('POST', `${app.url}/fresh`)
  await browser.request('POST', `${app.url}/logout`)
  await app.auth.close()
  expect(asked(from).filter(({ method }) => method === 'POST')).toMatchObject([
    { endpoint: 'pushed_request', params: { alias: 'mtls' }, status: 201 },
    { endpoint: 'token', params: { alias: 'mtls' }, status: 200 },
    { endpoint: 'token', params: { alias: 'mtls' }, status: 200 },
    { endpoint: 'revocation', params: { alias: 'mtls' }, status: 200 },
  ])
})

test('a provider whose certificate nobody vouches for is not talked to', async () => {
  const [client, { cert, key }] = byCA()
  const app = await start(client, certificates.client, { mutualTLS: { cert, key } })
  const from = provider.requests().length
  expectTryLater(
    await new Browser({ secFetch: false }).request('GET', `${app.url}/login`),
    'provider_unavailable',
  )
  await expect(app.auth.ready()).rejects.toMatchObject({ code: 'provider_unavailable' })
  expect(provider.requests().slice(from)).toEqual([])
  expect(app.events).toContainEqual({
    name: 'provider-unavailable',
    event: { detail: expect.stringContaining('SELF_SIGNED_CERT_IN_CHAIN') },
  })
})

test.each<[string, () => void, RenewalOutcome]>([
  ['hangs', () => void provider.holdNext('token'), 'timeout'],
  [
    'answers a byte at a time',
    () => provider.answerNext('token', { status: 200, body: TOKENS, dripMs: 900 }),
    'timeout',
  ],
  [
    'answers without end',
    () => provider.answerNext('token', { status: 200, body: { ...TOKENS, x: 'x'.repeat(5_000_000) } }),
    'unreadable',
  ],
])('a provider that %s is given up in time over mutual TLS too', async (_how, arm, outcome) => {
  // What answers without end is told by its length: whatever time there is for it.
  const hasty = { renewal: { timeoutSeconds: 1, requestTimeoutSeconds: 1 } }
  const app = await start(...byCA(), outcome === 'timeout' ? hasty : {})
  const browser = new Browser()
  await browser.logIn(app.url)
  arm()
  // Long before the provider has said all, which the browser would not wait for either.
  const code = outcome === 'timeout' ? 'renewal_pending' : 'provider_unavailable'
  expectTryLater(await browser.request('POST', `${app.url}/fresh`), code)
  const failed = () => app.events.filter(({ name }) => name === 'renewal-failed')
  await eventually('the failure to be told', () => failed().length > 0)
  expect(failed()).toMatchObject([{ event: { outcome } }])
  expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ generation: 1 })
})

test('whoever has no certificate does not load undici', async () => {
  const script = `
    import { createRequire } from 'node:module'
    import { pathToFileURL } from 'node:url'
    const { auth } = await import(pathToFileURL(process.env.PACKAGE))
    const options = JSON.parse(process.env.OPTIONS)
    await auth({ ...options, issuerBaseURL: 'https://127.0.0.1:9' }).ready().catch(() => {})
    const loaded = Object.keys(createRequire(import.meta.url).cache)
    console.log(loaded.some((file) => file.includes('/undici/')))`
  const options = { baseURL: 'http://localhost', clientID: 'client', secret: 's'.repeat(32) }
  const { cert, key } = certificates.client
  const run = async (more: AuthOptions) => {
    const env = {
      PATH: process.env.PATH,
      PACKAGE: process.env.TEST_PACKAGE,
      OPTIONS: JSON.stringify({ ...options, ...more }),
    }
    const args = ['--input-type=module', '-e', script]
    return (await promisify(execFile)(process.execPath, args, { env })).stdout
  }
  expect(await run({})).toMatch(/^false\n/m)
  expect(await run({ mutualTLS: { cert, key } })).toMatch(/^true\n/m)
})
