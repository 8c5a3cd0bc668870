// H15, H16: the ID token of a refresh answer does not pass, or cannot be checked; the rotated token is never lost.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import type { Answer } from '../support/provider/faults.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { FORGED_CLAIMS, FORGED_SIGNATURES, UNUSUAL } from '../support/provider/id-token-forgeries.ts'
import { startProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken, createSigningKey } from '../support/provider/signing-key.ts'
import { isScript } from '../support/redis/commands.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, endBackOff, keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }

const { provider, store, front, foreign, app, peer, freshApps } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const front = await start(startRedisFront(redis))
  const open = (redisUrl: string) =>
    start(
      startApp({
        redisUrl,
        options: {
          issuerBaseURL: provider.issuer,
          clientID: client.clientId,
          clientSecret: client.clientSecret,
          // Makes the provider put auth_time into its ID tokens.
          authorizationParams: { max_age: '86400' },
          redisTimeoutSeconds: 10,
          renewal: { afterSeconds: 900, timeoutSeconds: 3, requestTimeoutSeconds: 3 },
        },
      }),
    )
  const app = await open(front.url)
  await provider.registerClient({ ...client, baseURL: app.url })
  return {
    provider,
    store: redis.connect(),
    front,
    foreign: await createSigningKey(),
    app,
    /** another process as far as anybody can tell: its own connection, its own renewals */
    peer: await open(redis.url),
    /** have never seen the provider's keys */
    freshApps: await Promise.all(Array.from({ length: 4 }, () => open(redis.url))),
  }
})

afterEach(() => {
  provider.normal()
  front.normal()
})

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
  await endBackOff(store, browser)
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
  ['H33: nonce null', signed(() => ({ nonce: null }))],
  ['no auth_time', signed(() => ({ auth_time: undefined }))],
  ['H33: another auth_time', signed(({ auth_time }) => ({ auth_time: Number(auth_time) + 1 }))],
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
  await ageSession(store, session.browser, 901)
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
  await ageSession(store, session.browser, 3601, { idToken: 3601 })
  void forgeNext(
    provider,
    signed(() => ({ aud: 'somebody-else' })),
  )
  const first = await session.get(`${app.url}/private`)
  const second = await session.get(`${app.url}/private`)
  expect([first.status, second.status]).toEqual([503, 503])
  expect(first.json()).toMatchObject({ code: 'provider_unavailable' })
  expect(session.renewals()).toBe(1)
  await endBackOff(store, session.browser)
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
  expect(await keysOf(store, id)).toEqual([])
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
    const refused = await session.get(`${freshApps[3]?.url}/fresh`)
    const code = expect.stringMatching(/^(?:provider_unavailable|renewal_pending)$/)
    expect([refused.status, refused.json().code]).toEqual([503, code])
    await eventually('the end of the renewal', async () => {
      return (await session.get(`${app.url}/private`)).json().generation === 2
    })
    provider.normal('jwks')
    await expectKept(session, before, sent)
  },
)

/** The next renewal's answer, changed; resolves with the refresh token that the provider rotated to. */
function rewriteNext(change: (answer: Json) => Json | Promise<Json>): Promise<string> {
  return new Promise((resolve) => {
    provider.rewriteNext('token', (answer) => {
      resolve(String(answer.refresh_token))
      return change(answer)
    })
  })
}

const foreignIdToken = async (answer: Json) => ({
  ...answer,
  id_token: await provider.signIdToken(claimsOfToken(String(answer.id_token)), { key: foreign.jwk }),
})

const refreshTokenOf = async ({ browser }: LoggedIn) =>
  (await storedRecord(store, await sessionIdOf(browser)))?.refreshToken

async function expectNextRenewalWith(session: LoggedIn, refreshToken: string, generation: number) {
  await endBackOff(store, session.browser)
  const next = await session.get(`${app.url}/fresh`)
  expect(next.json()).toMatchObject({ sub: session.user, generation })
  expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(refreshToken))
}

test('H15: after a refused ID token no process renews again within the back-off', async () => {
  const session = await logIn(provider, app.url)
  await ageSession(store, session.browser, 901)
  const rotated = rewriteNext(foreignIdToken)
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
  for (const { url } of [peer, app, peer]) {
    expect((await session.get(`${url}/private`)).json()).toMatchObject({ generation: 2, sub: session.user })
    const refused = await session.get(`${url}/fresh`)
    expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(1)
  }
  expect(session.renewals()).toBe(1)
  await expectNextRenewalWith(session, await rotated, 3)
})

test('H15: a refused ID token whose refresh token Redis does not take is kept until it does', async () => {
  const session = await logIn(provider, app.url)
  await session.get(`${app.url}/fresh`)
  const rotated = rewriteNext(foreignIdToken)
  front.refuseAll(isScript('commit'))
  expect((await session.get(`${app.url}/fresh`)).status).toBe(503)
  expect(await refreshTokenOf(session)).not.toBe(await rotated)
  // Neither the holder nor the peer presents the spent one meanwhile.
  const asked = await Promise.all([app, peer].map(({ url }) => session.get(`${url}/fresh`)))
  expect(asked.map(({ status }) => status)).toEqual([503, 503])
  expect(session.renewals()).toBe(2)
  front.normal()
  await eventually('the commit', async () => (await refreshTokenOf(session)) === (await rotated))
  await expectNextRenewalWith(session, await rotated, 4)
})

test('H15: another sub in a renewal beside a request ends the session, and that request is still answered', async () => {
  const session = await logIn(provider, app.url)
  await ageSession(store, session.browser, 850)
  const rotated = rewriteNext(async (answer) => ({
    ...answer,
    id_token: await provider.signIdToken({ ...claimsOfToken(String(answer.id_token)), sub: 'mallory' }),
  }))
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ sub: session.user, generation: 1 })
  const token = await rotated
  await eventually('the revocation', () =>
    provider.revocations().some(({ tokenHash }) => tokenHash === sha256(token)),
  )
  // The one and the other are asked for side by side.
  await eventually('the end of the session', async () => {
    return (await session.get(`${peer.url}/private`)).json().code === 'login_required'
  })
})

test.each<[string, (answer: Json) => Json]>([
  ['no token_type', ({ token_type: _, ...answer }) => answer],
  ['a token_type that nobody asked for', (answer) => ({ ...answer, token_type: 'mac' })],
  ['expires_in "soon"', (answer) => ({ ...answer, expires_in: 'soon' })],
  ['expires_in -1', (answer) => ({ ...answer, expires_in: -1 })],
  ['a scope that is a list', (answer) => ({ ...answer, scope: ['openid'] })],
  ['an ID token that is a number', (answer) => ({ ...answer, id_token: 1 })],
  ['an ID token that is no JWT', (answer) => ({ ...answer, id_token: 'a.b' })],
  ['an encrypted ID token', (answer) => ({ ...answer, id_token: 'a.b.c.d.e' })],
  ['no access token', ({ access_token: _, ...answer }) => answer],
  ['an access token that is null', (answer) => ({ ...answer, access_token: null })],
])('H15: an answer with %s loses no refresh token, and logs nobody out', async (_what, change) => {
  const session = await logIn(provider, app.url)
  const rotated = rewriteNext(change)
  const page = await session.get(`${app.url}/fresh`)
  expect([200, 503]).toContain(page.status)
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ sub: session.user })
  const { generation } = (await session.get(`${app.url}/private`)).json()
  await expectNextRenewalWith(session, await rotated, Number(generation) + 1)
})

test.each<[string, number, Answer]>([
  ['are garbage', 0, { status: 200, body: '<html>' }],
  ['are none', 1, { status: 200, body: { keys: [] } }],
  ['are 10 MB', 2, { status: 200, body: Buffer.alloc(10_000_000, ' ') }],
])(
  'H16: a due session whose renewal meets keys that %s is served, and renewed with the rotated token',
  async (_what, at, keys) => {
    const session = await logIn(provider, app.url)
    await ageSession(store, session.browser, 901)
    provider.answerAll('jwks', keys)
    const rotated = rewriteNext((answer) => answer)
    const fresh = freshApps[at] as TestApp
    const served = await session.get(`${fresh.url}/private`)
    expect(served.json()).toMatchObject({ sub: session.user, generation: 2 })
    expect(fresh.events).toMatchObject([{ name: 'renewed', event: { idToken: 'rejected', generation: 2 } }])
    provider.normal('jwks')
    await expectNextRenewalWith(session, await rotated, 3)
  },
)
