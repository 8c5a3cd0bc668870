// What whoever sets the app up is told: the credentials, the algorithm, the way to the provider, and the provider's own words.
import { inspect } from 'node:util'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { freePort } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import type { Answer } from '../support/provider/faults.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const SECRET = 'a-secret: never told'
const log = createLog()
const { provider, odd, plain, pushing, secure } = useParts(async (start) => {
  const certificates = await createCertificates()
  const provider = await start(startProvider())
  const open = (clientId: string, clientSecret: string, options: AuthOptions = {}) =>
    start(
      startApp({ provider, client: { clientId, clientSecret }, options: { logger: log.logger, ...options } }),
    )
  return {
    provider,
    odd: await open('odd-app', SECRET),
    plain: await open('plain', 'lettersand123'),
    pushing: await open('pushing', SECRET, { pushedAuthorizationRequests: true }),
    secure: await start(startProvider({ tls: { ...certificates.server, ca: certificates.ca } })),
  }
})
beforeEach(() => {
  log.lines.length = 0
  for (const { events } of [odd, plain, pushing]) events.length = 0
})
afterEach(() => provider.normal())

const CREDENTIALS =
  ": it does not accept this client's credentials. Check clientID (CLIENT_ID), clientSecret (CLIENT_SECRET) and clientAuthMethod: client_secret_basic was used, and discovery offers client_secret_basic, "
const DECODING = 'some providers do not decode form-encoded basic credentials'
const json = (status: number, error: string, more = {}): Answer => ({ status, body: { error, ...more } })
const challenge = (parameters: string, body = {}): Answer => ({
  status: 401,
  headers: { 'www-authenticate': `Basic realm="x"${parameters}` },
  body,
})

const REFUSALS: [what: string, answer: Answer, said: string][] = [
  ['400 invalid_client', json(400, 'invalid_client'), '400 invalid_client'],
  ['401 unauthorized_client', json(401, 'unauthorized_client'), '401 unauthorized_client'],
  ['a challenge', challenge(', error="invalid_client"'), '401 invalid_client'],
  ['a challenge over JSON', challenge('', { error: 'invalid_client' }), '401 invalid_client'],
]

async function comeBack(app: TestApp, change: (callback: URL) => void = () => {}) {
  const browser = new Browser()
  const callback = new URL(await browser.startLogin(app.url, { user: 'alice' }))
  change(callback)
  return { callback, page: await browser.navigate(callback.href) }
}

test.each(REFUSALS)('%s at a login names the options of the credentials', async (_what, answer, said) => {
  provider.answerNext('token', answer)
  const { page } = await comeBack(odd)
  expect([page.status, page.body]).toEqual([400, expect.not.stringContaining('credentials')])
  const [told, ...others] = log.lines
  expect([told, others]).toEqual([expect.stringContaining(said + CREDENTIALS), []])
  expect(told).toContain(DECODING)
  expect(told?.includes('may not use the grant authorization_code')).toBe(said.includes('unauthorized'))
  provider.answerNext('token', answer)
  await comeBack(plain)
  expect(refusalsIn(plain.events)).toEqual([expect.stringContaining(CREDENTIALS)])
  expect(refusalsIn(plain.events)[0]).not.toContain(DECODING)
})

test.each(REFUSALS)('%s at a renewal does so once a minute, and is 503', async (_what, answer, said) => {
  const app = await startApp({ provider, client: { clientSecret: SECRET }, options: { logger: log.logger } })
  try {
    for (const id of [1, 2]) {
      const browser = new Browser()
      await browser.logIn(app.url)
      const words = { error_description: `number ${id}` }
      provider.answerNext('token', { ...answer, body: { ...(answer.body as object), ...words } })
      expect((await browser.request('POST', `${app.url}/fresh`)).status).toBe(503)
    }
    expect(log.lines).toEqual([expect.stringContaining(said + CREDENTIALS)])
  } finally {
    await app.stop()
  }
})

test.each(REFUSALS)('%s to a pushed request does so too', async (_what, answer, said) => {
  provider.answerNext('pushed_request', answer)
  expect((await new Browser().navigate(`${pushing.url}/login`)).status).toBe(400)
  expect(log.lines).toEqual([expect.stringContaining(said + CREDENTIALS)])
})

const NOISE = `\r\n\u2028"é" ${'z'.repeat(19)} ${'word '.repeat(100)}`

test('the provider’s words are told without what it was sent, in one line of 200 characters', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(odd.url, { user: 'alice' })
  const code = String(new URL(callback).searchParams.get('code'))
  provider.answerNext(
    'token',
    json(400, 'not_allowed', { error_description: `no ${SECRET}, ${code}. eyJ0b2tlbi5pcy5vbmU=${NOISE}` }),
  )
  const page = await browser.navigate(callback)
  expect(page.body).not.toContain('words')
  const [told = ''] = refusalsIn(odd.events)
  expect(told).toMatch(
    /: the provider answered 400 not_allowed; its words: "no \[…\], \[…\]\. \[…\] '\s*' z{19} word [^"]*"$/,
  )
  expect(/words: "(.*)"/.exec(told)?.[1]).toHaveLength(200)
  expect(told).not.toMatch(/[^\x20-\x7e…]/)
})

test('neither the words of a challenge nor those about a pushed request hold the secret', async () => {
  const sent = encodeURIComponent(SECRET)
  provider.answerNext('token', challenge(`, error="invalid_client", error_description="bad ${SECRET}"`))
  await comeBack(odd)
  provider.answerNext('pushed_request', json(400, 'invalid_request', { error_description: `bad ${sent}` }))
  await new Browser().navigate(`${pushing.url}/login`)
  expect(log.lines).toEqual([
    expect.stringMatching(/; its words: "bad \[…\]"$/),
    expect.stringMatching(/invalid_request; its words: "bad \[…\]"$/),
  ])
})

const PUSHED = 'if the provider wants pushed requests, set pushedAuthorizationRequests: true'
test.each([
  ['access_denied', 'access_denied'],
  ['request_not_supported', 'request_not_supported'],
  ['invalid_request', `invalid_request: ${PUSHED}`],
  [
    'unauthorized_client',
    `unauthorized_client: the authorization code flow (Keycloak: 'Standard flow') may be off for this client; ${PUSHED}`,
  ],
  ['<b>strange</b>', 'an error'],
])('%s at the callback is told with its words, to the log alone', async (error, said) => {
  const { page } = await comeBack(odd, ({ searchParams }) => {
    searchParams.delete('code')
    searchParams.set('error', error)
    searchParams.set('error_description', `"not"\nyou, ${SECRET}`)
  })
  expect([page.status, page.body]).toEqual([400, expect.not.stringMatching(/not'|pushed|Standard/)])
  const words = `; in the words that came through the browser: "'not' you, […]"`
  expect(refusalsIn(odd.events)).toEqual([`refused (login_denied): the provider answered ${said}${words}`])
})

describe('at ready()', () => {
  const at = (options: AuthOptions) =>
    startApp({ provider, options: { clientID: 'x', clientSecret: SECRET, logger: log.logger, ...options } })

  test.each<[string, () => Promise<string> | string, RegExp]>([
    ['no listener', async () => `http://127.0.0.1:${await freePort()}`, /\(ECONNREFUSED\): nobody listens/],
    [
      'a port of nobody',
      () => 'http://127.0.0.1:6666',
      /\(bad port\): the port is one that fetch\(\) never goes/,
    ],
    ['an unknown host', () => 'https://nowhere.invalid', /\((?:ENOTFOUND|EAI_AGAIN)\): the name of the host/],
    ['http for https', () => provider.issuer.replace('http:', 'https:'), /\((?:ERR_SSL_|EPROTO).*in http/],
    ['a CA of nobody', () => secure.issuer, /\(\w+\): .*not trusted: .*NODE_EXTRA_CA_CERTS.*provider\.ca/],
  ])('%s is said in words, in the error’s cause too; no page has them', async (_what, issuer, words) => {
    const app = await at({ issuerBaseURL: await issuer() })
    try {
      const error: unknown = await app.auth.ready().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'provider_unavailable',
        cause: { message: expect.stringMatching(words) },
      })
      expect(inspect(error)).not.toContain(SECRET)
      expect(app.events[0]).toMatchObject({ event: { detail: (error as { cause: Error }).cause.message } })
      const script = new Browser({ secFetch: false }).request('GET', `${app.url}/login`)
      for (const page of [await new Browser().navigate(`${app.url}/login`), await script]) {
        expect([page.status, page.body]).toEqual([503, expect.not.stringMatching(words)])
        expect(page.body).not.toMatch(/cause|Discovery of/)
      }
    } finally {
      await app.stop()
    }
  })

  test.each<[offered: string[], wanted: string, isRefused: boolean]>([
    [['ES256', 'PS256'], 'RS256', true],
    [['ES256', 'Ed25519'], 'EdDSA', false],
    [['EdDSA'], 'Ed25519', false],
    [[], 'RS256', false],
  ])('where discovery offers %j, idTokenSigningAlg %s is refused: %s', async (offered, wanted, isRefused) => {
    const change = { id_token_signing_alg_values_supported: offered }
    provider.rewriteNext('discovery', (known) => ({ ...known, ...change }))
    const app = await at({ idTokenSigningAlg: wanted as 'RS256' })
    try {
      const said = expect.stringMatching(/idTokenSigningAlg is RS256, but .* with ES256, PS256 only: set/)
      const refused = { code: 'invalid_option', message: said }
      const error: unknown = await app.auth.ready().catch((thrown: unknown) => thrown)
      expect(error).toEqual(isRefused ? expect.objectContaining(refused) : undefined)
      expect((await new Browser({ secFetch: false }).request('GET', `${app.url}/login`)).status).toBe(302)
    } finally {
      await app.stop()
    }
  })
})
