// The discovery document and the keys that it leads to: of another issuer, incomplete, endless, slow, or from elsewhere.
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import type { Answer } from '../support/provider/faults.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { createSigningKey } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { endBackOff, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'
import { MANNERS, type Manner, startHostileServer } from './hostile-server.ts'

const client = { clientId: 'careful', clientSecret: 'known to both of them' }

const { provider, store, hostile, metadata, keys, apps, session } = useParts(async (start) => {
  const [provider, redis, hostile] = await Promise.all([
    start(startProvider()),
    start(startRedis()),
    start(startHostileServer()),
  ])
  const open = async ({ issuerBaseURL = provider.issuer, ...more }: AuthOptions = {}) => {
    const { clientId: clientID, clientSecret } = client
    const options = { issuerBaseURL, clientID, clientSecret, logger: createLog().logger, ...more }
    const app = await start(startApp({ redisUrl: redis.url, options }))
    await provider.registerClient({ ...client, baseURL: app.url })
    return app
  }
  const older = await open()
  const get = async (path: string) => (await new Browser().request('GET', provider.issuer + path)).json()
  return {
    provider,
    store: redis.connect(),
    hostile,
    metadata: await get('/.well-known/openid-configuration'),
    keys: await get('/jwks'),
    /** each a process that has asked the provider for nothing yet */
    apps: { open },
    /** somebody who logged in while the provider was as it should be */
    session: await logIn(provider, older.url),
  }
})
afterEach(() => provider.normal())

/** Only where one waits for it: other requests need no deadline on a busy machine. */
const deadlineFor = (manner: Manner): AuthOptions => (manner === 'slow' ? { httpTimeoutSeconds: 2 } : {})

/** Nothing leads to the provider: no login begins, no refresh token is sent. */
async function expectNobodySentThere({ url }: TestApp, issuer = provider.issuer) {
  const before = provider.requests((seen) => seen.endpoint !== 'discovery').length
  const page = await new Browser().navigate(`${url}/login`)
  expect([page.status, page.headers.location, setCookieLines(page)]).toEqual([503, undefined, []])
  const problem = await new Browser({ secFetch: false }).request('GET', `${url}/login`)
  expect([problem.status, problem.json().code]).toEqual([503, 'provider_unavailable'])
  // At another issuer the session is nobody's.
  if (issuer === provider.issuer) {
    const fresh = await session.get(`${url}/fresh`)
    expect([fresh.status, fresh.json().code]).toEqual([503, 'provider_unavailable'])
    expect((await session.get(`${url}/private`)).json()).toMatchObject({ sub: session.user, generation: 1 })
  }
  expect(provider.requests((seen) => seen.endpoint !== 'discovery')).toHaveLength(before)
}

test.each<[string, issuer: (own: string) => unknown]>([
  ['+ "1"', (own) => `${own}1`],
  ['with a path', (own) => `${own}/1`],
  ['with a query', (own) => `${own}?1`],
  ['of another host', (own) => own.replace('127.0.0.1', 'localhost')],
  ['of another scheme', (own) => own.replace('http:', 'https:')],
  ['in a list', (own) => [own]],
  ['missing', () => undefined],
])('discovery-issuer-mismatch: %s, no authorization request at all', async (_what, issuer) => {
  provider.answerAll('discovery', { status: 200, body: { ...metadata, issuer: issuer(provider.issuer) } })
  const app = await apps.open()
  await expectNobodySentThere(app)
  expect(app.events[0]).toEqual({
    name: 'provider-unavailable',
    event: { detail: expect.stringMatching(/^Discovery of .* failed: /) },
  })
})

test.each([
  ['no authorization_endpoint', undefined],
  ['an authorization_endpoint that is a number', 5],
  ['an authorization_endpoint without a host', '/auth'],
  ['an authorization_endpoint that is a script', 'javascript:alert(1)'],
])('discovery with %s begins no login, and shows nobody what is wrong inside', async (_what, endpoint) => {
  provider.answerAll('discovery', { status: 200, body: { ...metadata, authorization_endpoint: endpoint } })
  const app = await apps.open()
  const page = await new Browser().navigate(`${app.url}/login`)
  expect([400, 503]).toContain(page.status)
  expect([page.headers.location, setCookieLines(page)]).toEqual([undefined, []])
  expect(page.body).not.toMatch(/authorization server metadata|node_modules|javascript:/)
})

describe('a provider that is none of OpenID Connect is refused by ready(), with a word', () => {
  const oauth = ({ jwks_uri: _, id_token_signing_alg_values_supported: __, ...document }: Json): Json =>
    document
  const GITHUB = /OAuth 2\.0 alone, as GitHub does/

  test.each<[what: string, answer: () => Answer, told: RegExp]>([
    [
      'answers 404',
      () => ({ status: 404 }),
      /openid-configuration answered 404, .*realms\/REALM of Keycloak/,
    ],
    [
      'has no keys',
      () => ({ status: 200, body: oauth(metadata) }),
      /no jwks_uri: .*provider\.metadata\.jwks_uri/,
    ],
    [
      'signs no ID tokens, and knows no openid',
      () => ({
        status: 200,
        body: { ...oauth(metadata), jwks_uri: metadata.jwks_uri, scopes_supported: ['user'] },
      }),
      /neither the scope openid nor id_token_signing_alg_values_supported/,
    ],
  ])('that %s', async (_what, answer, told) => {
    provider.answerAll('discovery', answer())
    const app = await apps.open()
    const error: unknown = await app.auth.ready().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringMatching(told) })
    expect(String(error)).toMatch(GITHUB)
    await expectNobodySentThere(app)
    // Or provider.metadata says what its document lacks.
    provider.normal()
    await eventually('discovery', () => app.auth.ready().then(() => true))
  })

  test.each<[what: string, answer: () => Answer, code: string, told: RegExp]>([
    [
      'a page',
      () => ({ status: 200, body: '<p>login' }),
      'invalid_option',
      /no discovery document \(no JSON/,
    ],
    ['a list', () => ({ status: 200, body: '[]' }), 'invalid_option', /no discovery document/],
    ['503', () => ({ status: 503 }), 'provider_unavailable', /out of reach/],
    ['429', () => ({ status: 429 }), 'provider_unavailable', /out of reach/],
  ])('one that answers %s is told apart', async (_what, answer, code, told) => {
    provider.answerAll('discovery', answer())
    const app = await apps.open()
    await expect(app.auth.ready()).rejects.toMatchObject({ code, message: expect.stringMatching(told) })
  })

  test('what its document lacks may be said by hand', async () => {
    provider.answerAll('discovery', { status: 200, body: oauth(metadata) })
    const app = await apps.open({ provider: { metadata: { jwks_uri: metadata.jwks_uri } } })
    expect((await logIn(provider, app.url)).renewals()).toBe(0)
  })
})

test('discovery-jwks-uri-keys: the keys at the jwks_uri of the document sign, and no others', async () => {
  const { jwk, publicJwk } = await createSigningKey()
  hostile.answer('right', { keys: [publicJwk] })
  provider.rewriteNext('discovery', (json) => ({ ...json, jwks_uri: `${hostile.url}/other/keys` }), {
    times: Number.POSITIVE_INFINITY,
  })
  const { url } = await apps.open()
  const elsewhere = provider.requests({ endpoint: 'jwks' }).length

  const logIn = async (forge: Forge) => {
    const browser = new Browser()
    const callback = await browser.startLogin(url, { user: 'alice' })
    void forgeNext(provider, forge)
    return browser.navigate(callback)
  }
  expect((await logIn(signed(undefined, { key: jwk, header: { kid: jwk.kid } }))).status).toBe(200)
  for (const forge of [signed(), signed(undefined, { header: { kid: jwk.kid } })]) {
    const refused = await logIn(forge)
    expect([refused.status, setCookieLine(refused, 'bff')]).toEqual([400, undefined])
  }
  // Once more for a kid that is not among them.
  expect(hostile.paths()).toEqual(['/other/keys', '/other/keys'])
  expect(provider.requests({ endpoint: 'jwks' })).toHaveLength(elsewhere)
})

test.each(MANNERS)('discovery of %s is 503, and is tried again by itself', async (_what, manner, detail) => {
  hostile.answer(manner, metadata)
  const discoveryURL = `${hostile.url}/document`
  const app = await apps.open({ provider: { discoveryURL }, ...deadlineFor(manner) })
  const began = performance.now()
  const page = await hostile.bounded(() => new Browser().navigate(`${app.url}/login`))
  expect([page.status, setCookieLines(page)]).toEqual([503, []])
  expect(app.events).toEqual([
    { name: 'provider-unavailable', event: { detail: expect.stringMatching(detail) } },
  ])
  const asked = hostile.paths().length
  await expectNobodySentThere(app, hostile.url)
  const seconds = Math.floor((performance.now() - began) / 1000)
  expect(hostile.paths().length - asked).toBeLessThanOrEqual(seconds)
  hostile.answer('right', metadata)
  await eventually('discovery', () => app.auth.ready().then(() => true))
  expect((await new Browser({ secFetch: false }).request('GET', `${app.url}/login`)).status).toBe(302)
})

/** Finds the keys at the hostile server. */
async function openForKeys(options: AuthOptions = {}): Promise<TestApp> {
  const app = await apps.open(options)
  provider.rewriteNext('discovery', (json) => ({ ...json, jwks_uri: `${hostile.url}/keys` }))
  await app.auth.ready()
  return app
}

/** It has begun, and a busy machine does not see its end. */
async function stretchBackOff(browser: Browser): Promise<void> {
  const key = `bff:{${await sessionIdOf(browser)}}:auth`
  const retryAt = Number(await store.hget(key, 'retryAt'))
  expect(retryAt).toBeGreaterThan(0)
  await store.hset(key, 'retryAt', 2 * retryAt)
}

test.each(MANNERS)('keys of %s make no session, and the next login works', async (_what, manner, detail) => {
  hostile.answer(manner, keys)
  const app = await openForKeys(deadlineFor(manner))
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'alice' })
  const page = await hostile.bounded(() => browser.navigate(callback))
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([503, undefined])
  expect(app.events).toEqual([
    { name: 'provider-unavailable', event: { detail: expect.stringMatching(detail) } },
  ])
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  hostile.answer('right', keys)
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
})

test.each(MANNERS)(
  'keys of %s at a renewal are asked for once, and cost no refresh token',
  async (_what, manner, detail) => {
    hostile.answer('right', keys)
    const { browser, get, renewals, user } = await logIn(provider, (await openForKeys()).url)
    hostile.answer(manner, keys)
    const app = await openForKeys(deadlineFor(manner))
    const asked = hostile.paths().length
    for (let round = 0; round < 3; round += 1) {
      const refused = await hostile.bounded(() => get(`${app.url}/fresh`))
      expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
      await stretchBackOff(browser)
    }
    expect([hostile.paths().length - asked, renewals()]).toEqual([1, 1])
    expect(app.events).toMatchObject([
      { name: 'renewed', event: { idToken: 'rejected', detail: expect.stringMatching(detail) } },
    ])
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
    hostile.answer('right', keys)
    await endBackOff(store, browser)
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
  },
)

test('a slash too many at the end of the issuer is told; where the document’s address was given, there is none', async () => {
  const issuer = `${hostile.url}/realm`
  hostile.answer('right', { ...metadata, issuer: `${issuer}/` })
  const plain = await apps.open({ issuerBaseURL: issuer })
  await expect(plain.auth.ready()).rejects.toMatchObject({
    message: expect.stringContaining(`the issuer "${issuer}/", but issuerBaseURL is "${issuer}"`),
  })
  const whole = await apps.open({ issuerBaseURL: `${issuer}/.well-known/openid-configuration` })
  await whole.auth.ready()
  expect(new Set(hostile.paths())).toContain('/realm/.well-known/openid-configuration')
})
