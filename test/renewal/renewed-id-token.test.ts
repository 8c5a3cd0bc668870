// H15, H16: the ID token of a refresh answer does not pass, or cannot be checked; the rotated token is never lost.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { FORGED_CLAIMS, FORGED_SIGNATURES, UNUSUAL } from '../support/provider/id-token-forgeries.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, endBackOff, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'two-apps', clientSecret: 'known to both of them' }
let provider: TestProvider
let redis: RedisServer
let app: TestApp
/** has never seen the provider's keys */
let other: TestApp

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  const options = {
    issuerBaseURL: provider.issuer,
    clientID: client.clientId,
    clientSecret: client.clientSecret,
    // Makes the provider put auth_time into its ID tokens.
    authorizationParams: { max_age: '86400' },
    renewal: { afterSeconds: 900, timeoutSeconds: 2 },
  }
  app = await startApp({ redisUrl: redis.url, options })
  other = await startApp({ redisUrl: redis.url, options })
  await provider.registerClient({ ...client, baseURL: app.url })
})

afterAll(async () => {
  await Promise.all([app, other].map((each) => each?.stop()))
  await Promise.all([redis, provider].map((each) => each?.stop()))
})

afterEach(() => provider.normal())

/** The same forgery of an ID token that calls the person `name`. */
function calling(name: string, forge: Forge): Forge {
  const named = signed(() => ({ name }))
  return async (genuine) => `${await forge({ ...genuine, idToken: await named(genuine) })}`
}

/** What must hold after a renewal whose ID token did not pass: the session lives, and the rotated token is in use. */
async function expectKept(
  { browser, get, renewals, user }: LoggedIn,
  before: Record<string, unknown>,
  refreshToken: string,
) {
  const during = await get(`${app.url}/private`)
  expect(during.json()).toMatchObject({ ...before, generation: 2 })
  expect(during.headers['set-cookie']).toBeUndefined()
  expect(renewals()).toBe(1)
  await endBackOff(redis.connect(), browser)
  const next = await get(`${app.url}/fresh`)
  expect(next.json()).toMatchObject({ sub: user, generation: 3 })
  expect(next.json().renewedAt).not.toBe(before.renewedAt)
  expect(renewals()).toBe(2)
  expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(refreshToken))
}

const whoAndWhen = ({ sub, name, createdAt, renewedAt }: Record<string, unknown>) => ({
  sub,
  name,
  createdAt,
  renewedAt,
})

test.each<[string, Forge]>([
  ...FORGED_CLAIMS,
  ...FORGED_SIGNATURES,
  ['refresh-token-invalid-issuer: another provider’s', signed(() => ({ iss: 'https://evil.example/' }))],
  ['another sub of another iss', signed(({ iss, sub }) => ({ iss: `${iss}1`, sub: `${sub}1` }))],
  ['one aud more', signed(({ aud }) => ({ aud: [aud, 'another'], azp: aud }))],
  ['an azp that the first one had not', signed(({ aud }) => ({ azp: aud }))],
  ['another auth_time', signed(({ auth_time }) => ({ auth_time: Number(auth_time) + 1 }))],
])(
  'H15: %s in a renewed ID token does not count, and the session goes on with the new refresh token',
  async (_what, forge) => {
    const session = await logIn(provider, app.url)
    const before = whoAndWhen((await session.get(`${app.url}/private`)).json())
    const forged = forgeNext(provider, calling('Mallory', forge))
    const refused = await session.get(`${app.url}/fresh`)
    expect(refused.status).toBe(503)
    expect(refused.json()).toMatchObject({ code: 'provider_unavailable' })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    await expectKept(session, before, await forged)
    const [rejected] = app.events.filter(({ name }) => name === 'renewed').slice(-2)
    expect(rejected).toMatchObject({ event: { idToken: 'rejected', generation: 2, subject: session.user } })
  },
)

test.each<[string, Forge]>([
  ...UNUSUAL,
  ['no nonce', signed(() => ({ nonce: undefined }))],
  ['no auth_time', signed(() => ({ auth_time: undefined }))],
])('%s in a renewed ID token counts, and what it says of the person is used', async (_what, forge) => {
  const { get, renewals } = await logIn(provider, app.url)
  void forgeNext(provider, calling('Alice Renamed', forge))
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2, name: 'Alice Renamed' })
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2, name: 'Alice Renamed' })
  expect(renewals()).toBe(1)
})

test('H15: a renewed ID token with one aud more does not count although its azp is the first one’s', async () => {
  const withAzp = signed(({ aud }) => ({ azp: aud }))
  void forgeNext(provider, withAzp)
  const session = await logIn(provider, app.url)
  const before = whoAndWhen((await session.get(`${app.url}/private`)).json())
  const forged = forgeNext(
    provider,
    signed(({ aud }) => ({ azp: aud, aud: [aud, 'another'] })),
  )
  expect((await session.get(`${app.url}/fresh`)).status).toBe(503)
  void forgeNext(provider, withAzp)
  await expectKept(session, before, await forged)
})

test('H15: a due session whose renewed ID token does not pass is served by the old one while that is valid', async () => {
  const session = await logIn(provider, app.url)
  await ageSession(redis.connect(), session.browser, 901)
  const forged = forgeNext(
    provider,
    signed(() => ({ aud: 'somebody-else', name: 'Mallory' })),
  )
  const page = await session.get(`${app.url}/private`)
  expect(page.status).toBe(200)
  expect(page.json()).toMatchObject({ generation: 2, name: `${session.user} Example` })
  await expectKept(session, whoAndWhen(page.json()), await forged)
})

test('H15: nobody is served by an expired ID token because the renewed one did not pass', async () => {
  const session = await logIn(provider, app.url)
  await ageSession(redis.connect(), session.browser, 3601, { idToken: 3601 })
  void forgeNext(
    provider,
    signed(() => ({ aud: 'somebody-else' })),
  )
  const first = await session.get(`${app.url}/private`)
  const second = await session.get(`${app.url}/private`)
  expect([first.status, second.status]).toEqual([503, 503])
  expect(first.json()).toMatchObject({ code: 'provider_unavailable' })
  expect(session.renewals()).toBe(1)
  await endBackOff(redis.connect(), session.browser)
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ generation: 3 })
})

test.each<[string, Forge]>([
  ['H15: refresh-token-invalid-sub: + "1"', signed(({ sub }) => ({ sub: `${sub}1` }))],
  ['H15: refresh-token-invalid-sub: in capitals', signed(({ sub }) => ({ sub: String(sub).toUpperCase() }))],
])('%s ends the session, and the tokens with it are revoked', async (_what, forge) => {
  const { browser, get, renewals } = await logIn(provider, app.url)
  const id = await sessionIdOf(browser)
  app.events.length = 0
  const forged = forgeNext(provider, forge)
  const refused = await get(`${app.url}/fresh`)
  expect([refused.status, refused.json().code]).toEqual([401, 'session_ended'])
  expect(await keysOf(redis.connect(), id)).toEqual([])
  expect(app.events).toMatchObject([{ name: 'session-ended', event: { reason: 'subject_changed' } }])
  const late = sha256(await forged)
  await eventually('the revocation', () => provider.revocations().some(({ tokenHash }) => tokenHash === late))
  expect((await get(`${app.url}/private`)).json()).toMatchObject({ code: 'login_required' })
  expect(renewals()).toBe(1)
})

test.each([
  ['answer 500', () => provider.answerAll('jwks', { status: 500 })],
  ['reset the connection', () => provider.cutAll('jwks')],
  ['hang', () => void provider.holdNext('jwks')],
])(
  'H16: a renewal whose keys %s loses no refresh token, and the session goes on',
  async (_what, breakKeys) => {
    const session = await logIn(provider, app.url)
    const before = whoAndWhen((await session.get(`${app.url}/private`)).json())
    breakKeys()
    let sent = ''
    provider.rewriteNext('token', (json) => {
      sent = String(json.refresh_token)
      return json
    })
    const refused = await session.get(`${other.url}/fresh`)
    expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
    provider.normal('jwks')
    await expectKept(session, before, sent)
  },
)
