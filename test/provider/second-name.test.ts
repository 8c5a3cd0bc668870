// A provider that is not, or not only, where its issuer says: another address for this server, endpoints by hand, two issuers.
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { createLogoutClient, sendLogout } from '../support/provider/logout-client.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { logIn } from '../support/session/logged-in.ts'
import { isAtOldAddress, startElsewhere } from './elsewhere.ts'

const client = { clientId: 'two-names', clientSecret: 'known to both of them' }
const DOCUMENT = '/.well-known/openid-configuration'

const { provider, elsewhere, apps } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = async (options: AuthOptions) => {
    const given = { clientID: client.clientId, clientSecret: client.clientSecret, logger: createLog().logger }
    const app = await start(startApp({ provider, redisUrl: redis.url, options: { ...given, ...options } }))
    await provider.registerClient({ ...client, baseURL: app.url })
    return app
  }
  return {
    provider,
    elsewhere: await start(startElsewhere(provider.issuer)),
    /** each a process that knows nothing yet, of the same deployment */
    apps: { open },
  }
})
afterEach(() => provider.normal())

/** What this server asks itself, by its own name for the provider. */
const inside = () => ({
  token_endpoint: `${elsewhere.url}/token`,
  jwks_uri: `${elsewhere.url}/jwks`,
  revocation_endpoint: `${elsewhere.url}/token/revocation`,
})
const outside = () => ({
  authorization_endpoint: `${provider.issuer}/auth`,
  end_session_endpoint: `${provider.issuer}/session/end`,
})

/** As in a container: of the provider's own name this server reaches nothing; browsers do. */
function cutOff(...endpoints: ('discovery' | 'token' | 'jwks' | 'revocation')[]) {
  for (const endpoint of endpoints) provider.answerAll(endpoint, { status: 502 }, { when: isAtOldAddress })
}

/** From login to logout; what the provider was asked by the app meanwhile. */
async function expectAllOfIt(app: TestApp) {
  const from = provider.requests().length
  await app.auth.ready()
  const { browser, get, user } = await logIn(provider, app.url)
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user })
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
  const end = await browser.logOut(app.url)
  expect([end.status, end.url]).toEqual([200, `${app.url}/`])
  await eventually('the revocation', () => provider.liveRefreshTokens(user).length === 0)
  expect(app.events.map(({ name }) => name)).toEqual(['logged-in', 'renewed', 'session-ended'])
  const own = ['discovery', 'token', 'jwks', 'revocation']
  return provider
    .requests()
    .slice(from)
    .filter(({ endpoint }) => own.includes(endpoint))
    .map(({ endpoint, via }) => `${endpoint} ${via}`)
}

const VIA_INSIDE = ['token elsewhere', 'jwks elsewhere', 'token elsewhere', 'revocation elsewhere']

test('the document at an address that only this server knows, which names the others by it too', async () => {
  cutOff('discovery', 'token', 'jwks', 'revocation')
  const discoveryURL = elsewhere.url + DOCUMENT
  const app = await apps.open({ provider: { discoveryURL, metadata: outside() } })
  expect(await expectAllOfIt(app)).toEqual(['discovery elsewhere', ...VIA_INSIDE])
})

test('endpoints by hand go before those of the document', async () => {
  cutOff('token', 'jwks', 'revocation')
  const app = await apps.open({ provider: { metadata: inside() } })
  expect(await expectAllOfIt(app)).toEqual(['discovery undefined', ...VIA_INSIDE])
})

test('and null takes out what the document says', async () => {
  const app = await apps.open({ provider: { metadata: { end_session_endpoint: null } } })
  const { browser } = await logIn(provider, app.url)
  const before = provider.requests({ endpoint: 'end_session' }).length
  expect((await browser.logOut(app.url)).url).toBe(`${app.url}/`)
  expect(provider.requests({ endpoint: 'end_session' })).toHaveLength(before)
})

test('without a document nobody asks for one, though an endpoint moves', async () => {
  cutOff('discovery', 'token', 'jwks', 'revocation')
  const metadata = { ...inside(), ...outside() }
  const app = await apps.open({ provider: { discoveryURL: false, metadata } })
  expect(await expectAllOfIt(app)).toEqual(VIA_INSIDE)
  const { get } = await logIn(provider, app.url)
  const asked = provider.requests({ endpoint: 'discovery' }).length
  provider.answerNext('token', { status: 404 })
  expect((await get(`${app.url}/fresh`)).status).toBe(503)
  expect(provider.requests({ endpoint: 'discovery' })).toHaveLength(asked)
})

test('the whole address of the document as the issuer works, sessions and all', async () => {
  const app = await apps.open({ issuerBaseURL: provider.issuer + DOCUMENT })
  expect(await expectAllOfIt(app)).toHaveLength(5)
  const { get, user } = await logIn(provider, app.url)
  const bare = await apps.open({})
  expect((await get(`${bare.url}/private`)).json()).toMatchObject({ sub: user })
})

describe('a document of another issuer than its address', () => {
  test.each([
    ['issuerBaseURL', () => ({ issuerBaseURL: elsewhere.url })],
    [
      'issuerBaseURL',
      () => ({ provider: { discoveryURL: elsewhere.url + DOCUMENT }, issuerBaseURL: elsewhere.url }),
    ],
    [
      'provider.metadata.issuer',
      () => ({ issuerBaseURL: elsewhere.url, provider: { metadata: { issuer: `${provider.issuer}/v2` } } }),
    ],
  ] as [string, () => AuthOptions][])('is refused, and both are named, with %s', async (named, options) => {
    const app = await apps.open(options())
    await expect(app.auth.ready()).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(
        new RegExp(
          `of the issuer "${provider.issuer}", but ${named} is "http:.*provider\\.metadata\\.issuer$`,
        ),
      ),
    })
    const page = await new Browser().navigate(`${app.url}/login`)
    expect([page.status, page.headers.location]).toEqual([503, undefined])
  })

  const both = () => ({
    issuerBaseURL: elsewhere.url,
    provider: { metadata: { issuer: provider.issuer, ...outside() } },
  })

  test('works once both are named, from login to logout', async () => {
    const app = await apps.open(both())
    expect((await expectAllOfIt(app))[0]).toBe('discovery elsewhere')
  })

  test('its sessions are those of the issuer that the tokens name, and of no other', async () => {
    const app = await apps.open(both())
    const { get, user } = await logIn(provider, app.url)
    const sameOwner = await apps.open({})
    expect((await get(`${sameOwner.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(await sameOwner.auth.sessions.list(user)).toHaveLength(1)
    const other = await apps.open({
      provider: {
        discoveryURL: false,
        metadata: { ...inside(), ...outside(), issuer: elsewhere.url },
      },
    })
    expect((await get(`${other.url}/private`)).status).toBe(401)
    expect(await other.auth.sessions.list(user)).toHaveLength(0)
    expect(await sameOwner.auth.sessions.revokeAll(user)).toBe(1)
    expect((await get(`${app.url}/private`)).status).toBe(401)
  })

  test('callbacks and logins of the address are refused, and those of the issuer taken (RFC 9207)', async () => {
    const app = await apps.open(both())
    const browser = new Browser()
    const callback = new URL(await browser.startLogin(app.url, { user: 'alice' }))
    expect(callback.searchParams.get('iss')).toBe(provider.issuer)
    const tokens = provider.tokenRequests().length
    const wrong = new URL(callback)
    wrong.searchParams.set('iss', elsewhere.url)
    expect((await browser.navigate(wrong.href)).status).toBe(400)
    expect(provider.tokenRequests()).toHaveLength(tokens)

    const begun = (iss: string) =>
      new Browser().navigate(`${app.url}/login?iss=${encodeURIComponent(iss)}`, { stopAt: () => true })
    expect((await begun(provider.issuer)).status).toBe(302)
    expect((await begun(elsewhere.url)).status).toBe(400)
  })

  test('its logout tokens are those of the issuer', async () => {
    const logout = createLogoutClient(provider)
    const app = await apps.open({ ...logout.options, ...both() })
    await logout.register(app.url)
    const { get, user } = await logIn(provider, app.url)
    expect((await sendLogout(app.url, await logout.token({ sub: user, iss: elsewhere.url }))).status).toBe(
      400,
    )
    expect((await get(`${app.url}/private`)).status).toBe(200)
    expect((await sendLogout(app.url, await logout.token({ sub: user }))).status).toBe(200)
    expect((await get(`${app.url}/private`)).status).toBe(401)
  })
})
