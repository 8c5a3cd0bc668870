// H15, H16, what is left of them: other processes, a busy Redis and odd answers; the rotated token is never lost.
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken, createSigningKey, type SigningKey } from '../support/provider/signing-key.ts'
import { isScript } from '../support/redis/commands.ts'
import { type RedisFront, startRedisFront } from '../support/redis/front.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, endBackOff, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'two-apps', clientSecret: 'known to both of them' }
let provider: TestProvider
let redis: RedisServer
let foreign: SigningKey
let front: RedisFront
let app: TestApp
/** another process as far as anybody can tell: its own connection, its own renewals, and no keys yet */
let peer: TestApp

beforeAll(async () => {
  ;[provider, redis, foreign] = await Promise.all([startProvider(), startRedis(), createSigningKey()])
  front = await startRedisFront(redis)
  const options = {
    issuerBaseURL: provider.issuer,
    clientID: client.clientId,
    clientSecret: client.clientSecret,
    redisTimeoutSeconds: 0.5,
    renewal: { afterSeconds: 900, timeoutSeconds: 2 },
  }
  app = await startApp({ redisUrl: front.url, options })
  peer = await startApp({ redisUrl: redis.url, options })
  await provider.registerClient({ ...client, baseURL: app.url })
})

afterAll(async () => {
  await Promise.all([app, peer].map((each) => each?.stop()))
  await front?.stop()
  await Promise.all([redis, provider].map((each) => each?.stop()))
})

afterEach(() => {
  provider.normal()
  front.normal()
})

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
  (await storedRecord(redis.connect(), await sessionIdOf(browser)))?.refreshToken

async function expectNextRenewalWith(session: LoggedIn, refreshToken: string, generation: number) {
  await endBackOff(redis.connect(), session.browser)
  const next = await session.get(`${app.url}/fresh`)
  expect(next.json()).toMatchObject({ sub: session.user, generation })
  expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(refreshToken))
}

test('H15: after a refused ID token no process renews again within the back-off', async () => {
  const session = await logIn(provider, app.url)
  await ageSession(redis.connect(), session.browser, 901)
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
  await ageSession(redis.connect(), session.browser, 890)
  const rotated = rewriteNext(async (answer) => ({
    ...answer,
    id_token: await provider.signIdToken({ ...claimsOfToken(String(answer.id_token)), sub: 'mallory' }),
  }))
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ sub: session.user, generation: 1 })
  const token = await rotated
  await eventually('the revocation', () =>
    provider.revocations().some(({ tokenHash }) => tokenHash === sha256(token)),
  )
  expect((await session.get(`${peer.url}/private`)).json()).toMatchObject({ code: 'login_required' })
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
])('H15: an answer with %s loses no refresh token, and signs nobody out', async (_what, change) => {
  const session = await logIn(provider, app.url)
  const rotated = rewriteNext(change)
  const page = await session.get(`${app.url}/fresh`)
  expect([200, 503]).toContain(page.status)
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ sub: session.user })
  const { generation } = (await session.get(`${app.url}/private`)).json()
  await expectNextRenewalWith(session, await rotated, Number(generation) + 1)
})

test.each([
  ['are garbage', { status: 200, body: '<html>' }],
  ['are none', { status: 200, body: { keys: [] } }],
  ['are 10 MB', { status: 200, body: Buffer.alloc(10_000_000, ' ') }],
])(
  'H16: a due session whose renewal meets keys that %s is served, and renewed with the rotated token',
  async (_what, keys) => {
    const fresh = await startApp({
      redisUrl: redis.url,
      options: {
        issuerBaseURL: provider.issuer,
        clientID: client.clientId,
        clientSecret: client.clientSecret,
        renewal: { afterSeconds: 900, timeoutSeconds: 2 },
      },
    })
    try {
      const session = await logIn(provider, app.url)
      await ageSession(redis.connect(), session.browser, 901)
      provider.answerAll('jwks', keys)
      const rotated = rewriteNext((answer) => answer)
      const served = await session.get(`${fresh.url}/private`)
      expect(served.json()).toMatchObject({ sub: session.user, generation: 2 })
      expect(fresh.events).toMatchObject([{ name: 'renewed', event: { idToken: 'rejected', generation: 2 } }])
      provider.normal('jwks')
      await expectNextRenewalWith(session, await rotated, 3)
    } finally {
      await fresh.stop()
    }
  },
)
