// H35: the provider's endpoints and keys move, and what it says of itself may be out of reach meanwhile.
import type { AuthOptions } from '../../src/index.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { readMetadata } from '../../src/provider/metadata.ts'
import { VALID } from '../options/valid.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { freePort } from '../support/listen.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { createSigningKey } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { endBackOff } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'
import { isAtOldAddress, startElsewhere } from './elsewhere.ts'

const { provider, elsewhere, store, apps } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = (options: AuthOptions = {}) =>
    start(startApp({ provider, redisUrl: redis.url, options: { logger: createLog().logger, ...options } }))
  return {
    provider,
    elsewhere: await start(startElsewhere(provider.issuer)),
    store: redis.connect(),
    /** each a process that knows nothing yet */
    apps: { open },
  }
})
afterEach(() => provider.normal())

const discoveries = () => provider.requests({ endpoint: 'discovery' }).length
const ALL = { times: Number.POSITIVE_INFINITY }

/** From now on the document says this. */
function say(changes: Json): void {
  provider.normal('discovery')
  provider.rewriteNext('discovery', (json) => ({ ...json, ...changes }), ALL)
}

/** Where a login that begins now leads to. */
async function loginLeadsTo({ url }: TestApp): Promise<string> {
  const page = await new Browser().navigate(`${url}/login`, { stopAt: () => true })
  return new URL(page.headers.location ?? '', url).origin
}

describe('a token endpoint', () => {
  const gone: [string, () => unknown][] = [
    ...[301, 307, 404, 405, 410, 421].map((status): [string, () => unknown] => [
      `answers ${status}`,
      () => provider.answerAll('token', { status }, { when: isAtOldAddress }),
    ]),
    ['resets the connection', () => provider.cutAll('token', 'before', { when: isAtOldAddress })],
  ]

  test.each(gone)(
    'H35: that moved, and %s at its old address, is found by the next renewal',
    async (_what, go) => {
      const app = await apps.open()
      const { browser, get, user } = await logIn(provider, app.url)
      const before = discoveries()
      say({ token_endpoint: `${elsewhere.url}/token` })
      await go()
      const refused = await get(`${app.url}/fresh`)
      expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
      await eventually('what the provider says now', () => discoveries() > before)
      await eventually('a renewal', async () => {
        await endBackOff(store, browser)
        return (await get(`${app.url}/fresh`)).json().generation === 2
      })
      expect(discoveries()).toBe(before + 1)
      expect(app.events.map(({ name }) => name)).not.toContain('session-ended')
      expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user })
    },
  )

  test('H35: at which nobody listens any more is found by the next login', async () => {
    say({ token_endpoint: `http://127.0.0.1:${await freePort()}/token` })
    const app = await apps.open()
    await app.auth.ready()
    provider.normal('discovery')
    const browser = new Browser()
    expect((await browser.logIn(app.url)).status).toBe(503)
    await eventually('a login', async () => (await browser.logIn(app.url)).status === 200)
  })

  test('H35: that fails for everybody makes the document be read again once in some seconds', async () => {
    const app = await apps.open()
    const people = await Promise.all(Array.from({ length: 8 }, () => logIn(provider, app.url)))
    const before = discoveries()
    const began = performance.now()
    provider.answerAll('token', { status: 404 })
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        people.map(async ({ browser, get }) => {
          await endBackOff(store, browser)
          expect((await get(`${app.url}/fresh`)).status).toBe(503)
        }),
      )
    }
    await eventually('what the provider says', () => discoveries() > before)
    const windows = Math.ceil((performance.now() - began) / 5000)
    expect(discoveries() - before).toBeLessThanOrEqual(windows)
  })
})

test('H35: keys that moved are found by the next login', async () => {
  const app = await apps.open()
  await app.auth.ready()
  say({ jwks_uri: `${elsewhere.url}/jwks` })
  provider.answerAll('jwks', { status: 404 }, { when: isAtOldAddress })
  const browser = new Browser()
  expect((await browser.logIn(app.url)).status).toBe(503)
  await eventually('a login', async () => (await browser.logIn(app.url)).status === 200)
  expect(provider.requests({ endpoint: 'jwks' }).at(-1)).toMatchObject({ via: 'elsewhere', status: 200 })
})

test('H35: keys that moved are found by a renewal, though the old address still shows the old ones', async () => {
  const key = await createSigningKey()
  const app = await apps.open()
  const session = await logIn(provider, app.url)
  say({ jwks_uri: `${elsewhere.url}/jwks` })
  provider.answerAll(
    'jwks',
    { status: 200, body: { keys: [key.publicJwk] } },
    { when: ({ via }) => via === 'elsewhere' },
  )
  await eventually('a renewal', async () => {
    void forgeNext(provider, signed(undefined, { key: key.jwk, header: { kid: key.jwk.kid } }), {
      grantType: 'refresh_token',
    })
    const page = await session.get(`${app.url}/fresh`)
    if (page.status === 503) await endBackOff(store, session.browser)
    return page.status === 200
  })
  expect(app.events.map(({ name }) => name)).not.toContain('session-ended')
})

describe('by age', () => {
  const aged = { provider: { refreshSeconds: 1 } }

  test('H35: an authorization endpoint that moved is found, and every login until then leads somewhere', async () => {
    const app = await apps.open(aged)
    expect(await loginLeadsTo(app)).toBe(provider.issuer)
    say({ authorization_endpoint: `${elsewhere.url}/auth` })
    await eventually('the new address', async () => {
      const origin = await loginLeadsTo(app)
      expect([provider.issuer, elsewhere.url]).toContain(origin)
      return origin === elsewhere.url
    })
  })

  test.each<[string, () => void]>([
    ['is out of reach', () => provider.answerAll('discovery', { status: 500 })],
    ['is another’s', () => say({ issuer: 'https://elsewhere.example.com' })],
    ['has no token_endpoint', () => say({ token_endpoint: undefined })],
    ['has an end_session_endpoint that is no URL', () => say({ end_session_endpoint: {} })],
  ])('H35: what was known serves while the document %s, and is told', async (_what, spoil) => {
    const app = await apps.open(aged)
    const { get, user } = await logIn(provider, app.url)
    const before = discoveries()
    spoil()
    await eventually('it to be read again', async () => {
      expect(await loginLeadsTo(app)).toBe(provider.issuer)
      return discoveries() > before
    })
    const told = () => app.events.find(({ name }) => name === 'provider-unavailable')
    expect((await eventually('the news', told)).event).toEqual({
      detail: expect.stringMatching(/^What .* says of itself could not be read again: /),
    })
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(await loginLeadsTo(app)).toBe(provider.issuer)
    await expect(app.auth.ready()).resolves.toBeUndefined()
  })
})

describe('a document', () => {
  const document = {
    issuer: 'https://id.example.com',
    authorization_endpoint: 'https://id.example.com/auth',
    token_endpoint: 'https://id.example.com/token',
    jwks_uri: 'https://id.example.com/keys',
  }
  const expected = resolveOptions({ ...VALID, issuerBaseURL: document.issuer }, {})

  test.each<[name: string, value: unknown]>([
    ['pushed_authorization_request_endpoint', {}],
    ['pushed_authorization_request_endpoint', ['https://id.example.com/par']],
    ['revocation_endpoint', 5],
    ['end_session_endpoint', true],
    ['userinfo_endpoint', '/userinfo'],
    ['jwks_uri', 'javascript:alert(1)'],
    ['token_endpoint', ''],
    ['mtls_endpoint_aliases', 'https://id.example.com/token'],
  ])('with the %s %j fails ready() by that name, and begins no login', async (name, value) => {
    say({ [name]: value })
    const app = await apps.open()
    await expect(app.auth.ready()).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(name),
    })
    expect((await new Browser().navigate(`${app.url}/login`)).status).toBe(503)
  })

  test.each([
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'revocation_endpoint',
    'end_session_endpoint',
    'pushed_authorization_request_endpoint',
    'userinfo_endpoint',
    'check_session_iframe',
    'an_endpoint',
  ])('of an https issuer has an https %s, and so have its aliases', (name) => {
    const read = (changes: object) => readMetadata({ ...document, ...changes }, expected)
    const plain = { [name]: 'http://id.example.com/x' }
    expect(() => read(plain)).toThrow(`the document's ${name} is no https URL`)
    expect(() => read({ mtls_endpoint_aliases: plain })).toThrow(
      `the document's mtls_endpoint_aliases.${name} is no https URL`,
    )
    const secret = { [name]: 'HTTPS://id.example.com/x' }
    expect(read({ ...secret, mtls_endpoint_aliases: secret })).toMatchObject(secret)
  })

  test('may leave out by null, name what is no address by http, and say what nobody understands', async () => {
    const about = { access_token_issuer: 'http://id.example.com/trust', op_tos_uri: 'http://id.example.com/' }
    const names = { claims_supported: ['sub', 'http://schemas.example.com/name'] }
    const given = { ...document, ...about, ...names, revocation_endpoint: null, mtls_endpoint_aliases: null }
    const read = readMetadata({ ...given, nested: { a: [1] } }, expected)
    expect(read).toEqual({ ...document, ...about, ...names })
    say({ end_session_endpoint: null, nested: { a: [1] } })
    const app = await apps.open()
    const { browser } = await logIn(provider, app.url)
    expect((await browser.logOut(app.url)).url).toBe(`${app.url}/`)
  })
})
