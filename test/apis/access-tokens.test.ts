// Access tokens for several APIs, each fetched once with the one refresh token, and the session none the worse for it.
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { startProviderWithApis } from '../support/provider/apis.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const BALANCES = 'https://balances.example'
const RATES = 'https://rates.example'

const apis = {
  [BALANCES]: { scope: 'balance:read more' },
  [RATES]: { scope: 'rates:read' },
}
const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }
const scope = 'openid offline_access balance:read rates:read more'

const authorizationParams = { scope, resource: [BALANCES, RATES] }

/**
 * `one`, `other` and `hasty`, to which sessions are due soon, share their sessions; the others have their own: `passing` has
 * no refresh token, `pushing` pushes its requests, `unnamed` names no API.
 */
const { provider, store, one, other, hasty, passing, pushing, unnamed } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProviderWithApis(apis)), start(startRedis())])
  const log = createLog()
  const app = (options: AuthOptions, redisUrl?: string) =>
    start(startApp({ provider, ...(redisUrl && { redisUrl }), options: { logger: log.logger, ...options } }))
  const sharing = (options: AuthOptions = {}) =>
    app(
      { clientID: client.clientId, clientSecret: client.clientSecret, authorizationParams, ...options },
      redis.url,
    )
  const [one, other] = [await sharing(), await sharing()]
  const redirectUris = [`${one.url}/callback`, `${other.url}/callback`]
  await provider.registerClient({ ...client, redirectUris })
  return {
    provider,
    store: redis.connect(),
    one,
    other,
    hasty: await sharing({ renewal: { afterSeconds: 1, aheadSeconds: 0 } }),
    passing: await app({ authorizationParams: { scope: 'openid balance:read', resource: BALANCES } }),
    pushing: await app({ pushedAuthorizationRequests: true, authorizationParams }),
    unnamed: await app({}),
  }
})

afterEach(() => provider.normal())

const tokenAt = ({ get }: LoggedIn, app: TestApp, wanted: Record<string, string> = {}) =>
  get(`${app.url}/token?${new URLSearchParams(wanted)}`)

const lastAsked = () => provider.tokenRequests('refresh_token').at(-1)?.params

test('an API has a token of its own, fetched once, for all processes', async () => {
  const session = await logIn(provider, one.url)
  const own = (await tokenAt(session, one)).json().sha256
  const balances = (await tokenAt(session, one, { audience: BALANCES })).json()
  expect(lastAsked()).toMatchObject({ resource: BALANCES })
  expect(lastAsked()).not.toHaveProperty('scope')
  const rates = (await tokenAt(session, other, { audience: RATES })).json()
  expect(new Set([own, balances.sha256, rates.sha256]).size).toBe(3)
  expect(session.renewals()).toBe(2)

  expect((await tokenAt(session, other)).json().sha256).toBe(own)
  expect((await tokenAt(session, other, { audience: BALANCES })).json().sha256).toBe(balances.sha256)
  expect((await tokenAt(session, one, { audience: RATES })).json().sha256).toBe(rates.sha256)
  expect(session.renewals()).toBe(2)
})

test('many requests for several APIs at once, at two processes, cost one token request for each API', async () => {
  const session = await logIn(provider, one.url)
  const wanted = [{ audience: BALANCES }, { audience: RATES }, { audience: BALANCES, scope: 'balance:read' }]
  const asked = Array.from({ length: 60 }, (_, at) => wanted[at % 3] ?? {})
  const pages = await Promise.all(asked.map((each, at) => tokenAt(session, at % 2 ? one : other, each)))
  expect(pages.map(({ status }) => status)).toEqual(asked.map(() => 200))
  expect(new Set(pages.map((page) => page.json().sha256)).size).toBe(3)
  expect(session.renewals()).toBe(3)
  expect((await session.get(`${one.url}/fresh`)).status).toBe(200)
})

test('a token that has expired is fetched again, and only that one', async () => {
  const session = await logIn(provider, one.url)
  const first = (await tokenAt(session, one, { audience: BALANCES })).json().sha256
  await ageSession(store, session.browser, 0, { accessToken: 3600 })
  const second = (await tokenAt(session, one, { audience: BALANCES })).json().sha256
  expect(second).not.toBe(first)
  expect((await tokenAt(session, one, { audience: BALANCES })).json().sha256).toBe(second)
  expect(session.renewals()).toBe(2)
})

test('the same scopes in another order are the same token', async () => {
  const session = await logIn(provider, one.url)
  await tokenAt(session, one, { audience: BALANCES, scope: 'openid balance:read' })
  await tokenAt(session, one, { audience: BALANCES, scope: 'balance:read openid' })
  expect(session.renewals()).toBe(1)
  expect(lastAsked()).toMatchObject({ scope: 'openid balance:read' })
})

test('a token whose scope has no openid says nothing of the person: the session is due as before', async () => {
  const session = await logIn(provider, one.url)
  const before = (await session.get(`${one.url}/private`)).json()
  const narrow = (await tokenAt(session, one, { audience: BALANCES, scope: 'balance:read' })).json()
  expect(narrow).toMatchObject({ generation: 2, renewedAt: before.renewedAt })
  const wide = (await tokenAt(session, one, { audience: RATES })).json()
  expect(wide.generation).toBe(3)
  expect(wide.renewedAt).not.toBe(before.renewedAt)
})

test('who waits for a renewal of the session is not content with one for an API', async () => {
  const session = await logIn(provider, one.url)
  const held = provider.holdNext('token')
  const narrow = tokenAt(session, one, { audience: BALANCES, scope: 'balance:read' })
  await held.arrived
  const fresh = session.get(`${other.url}/fresh`)
  held.release()
  expect((await narrow).status).toBe(200)
  const { status, json } = await fresh
  expect([status, json().generation]).toEqual([200, 3])
  expect(session.renewals()).toBe(2)
})

test('a session that falls due while an API’s token is fetched elsewhere is renewed all the same', async () => {
  const session = await logIn(provider, one.url)
  const { renewedAt } = (await session.get(`${one.url}/private`)).json<{ renewedAt: string }>()
  const held = provider.holdNext('token')
  const narrow = tokenAt(session, one, { audience: BALANCES, scope: 'balance:read' })
  await held.arrived
  await eventually('the session to be due', () => Date.now() > Date.parse(renewedAt) + 1000)
  const due = session.get(`${hasty.url}/private`)
  held.release()
  expect((await narrow).json()).toMatchObject({ renewedAt })
  expect((await due).json().renewedAt).not.toBe(renewedAt)
  expect(session.renewals()).toBe(2)
})

test('an expired token of the login is renewed although another API’s renewal came first', async () => {
  const session = await logIn(provider, one.url)
  await ageSession(store, session.browser, 0, { accessToken: 3600 })
  const held = provider.holdNext('token')
  const api = tokenAt(session, one, { audience: BALANCES })
  await held.arrived
  const own = tokenAt(session, other)
  held.release()
  expect([(await api).status, (await own).status]).toEqual([200, 200])
  expect(session.renewals()).toBe(2)
})

test('an API’s token without a refresh token is refused: logging in again would bring none', async () => {
  const session = await logIn(provider, passing.url)
  expect((await tokenAt(session, passing, { audience: BALANCES })).status).toBe(403)
  expect(passing.errors.pop()).toMatchObject({ code: 'access_token_refused' })
})

test('a client that the provider does not know is no matter of one API: 503, as for the session', async () => {
  const session = await logIn(provider, one.url)
  provider.answerNext('token', { status: 401, body: { error: 'invalid_client' } })
  const page = await tokenAt(session, one, { audience: BALANCES })
  expect([page.status, one.errors.pop()]).toMatchObject([503, { code: 'provider_unavailable' }])
})

test('an audience that the login did not ask for is a mistake of the app, and asks the provider nothing', async () => {
  const session = await logIn(provider, one.url)
  const page = await tokenAt(session, one, { audience: 'https://other.example' })
  expect(page.status).toBe(500)
  expect(one.errors.pop()).toMatchObject({
    code: 'invalid_option',
    message: expect.stringMatching(/https:\/\/other\.example.*authorizationParams\.resource/),
  })
  expect(session.renewals()).toBe(0)
})

test.each([
  [400, 'invalid_target'],
  [400, 'invalid_scope'],
  [403, 'access_denied'],
])(
  'an API that the provider refuses (%i %s) is refused for a minute, and the session stays',
  async (status, error) => {
    const session = await logIn(provider, one.url)
    provider.answerNext('token', { status, body: { error } })
    for (const app of [one, other, one]) {
      const page = await tokenAt(session, app, { audience: BALANCES })
      expect(page.status).toBe(403)
      expect(app.errors.pop()).toMatchObject({ code: 'access_token_refused' })
    }
    expect(session.renewals()).toBe(1)
    expect(one.events).toContainEqual({
      name: 'renewal-failed',
      event: expect.objectContaining({ subject: session.user, outcome: 'refused', retryAfterSeconds: 60 }),
    })
    expect((await tokenAt(session, one, { audience: RATES })).status).toBe(200)
    expect((await session.get(`${one.url}/fresh`)).status).toBe(200)

    await ageSession(store, session.browser, 0, { accessToken: 60 })
    expect((await tokenAt(session, one, { audience: BALANCES })).status).toBe(200)
  },
)

test.each(['invalid_grant', 'invalid_request'])(
  'an %s for an API only ends nothing where the session itself can still be renewed',
  async (error) => {
    const session = await logIn(provider, one.url)
    provider.answerNext('token', { status: 400, body: { error } })
    const page = await tokenAt(session, one, { audience: BALANCES })
    expect([page.status, one.errors.pop()]).toMatchObject([403, { code: 'access_token_refused' }])
    expect(one.events.at(-1)).toMatchObject({ name: 'renewal-failed', event: { outcome: 'refused' } })
    expect(session.renewals()).toBe(2)
    expect((await session.get(`${one.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  },
)

test('an answer for an API without an access token is a refusal, and is asked for again after a minute', async () => {
  const session = await logIn(provider, one.url)
  provider.rewriteNext('token', ({ access_token: _, ...answer }) => answer)
  for (const app of [one, other]) {
    expect((await tokenAt(session, app, { audience: BALANCES })).status).toBe(403)
    expect(app.errors.pop()).toMatchObject({ code: 'access_token_refused' })
  }
  expect(session.renewals()).toBe(1)
  expect((await session.get(`${one.url}/token`)).status).toBe(200)
  await ageSession(store, session.browser, 0, { accessToken: 60 })
  expect((await tokenAt(session, one, { audience: BALANCES })).status).toBe(200)
})

test('an invalid_grant for an API and for the session too ends it, as a clean "log in again"', async () => {
  const session = await logIn(provider, one.url)
  provider.blockAccount(session.user)
  const page = await tokenAt(session, one, { audience: BALANCES })
  expect([page.status, one.errors.pop()]).toMatchObject([401, { code: 'session_ended' }])
  expect((await session.get(`${one.url}/private`)).json()).toMatchObject({ code: 'login_required' })
})

test('a provider in trouble makes it 503, and is left alone for a while', async () => {
  const session = await logIn(provider, one.url)
  provider.answerNext('token', { status: 503 })
  for (const app of [one, other]) {
    const page = await tokenAt(session, app, { audience: BALANCES })
    expect([page.status, app.errors.pop()]).toMatchObject([503, { code: 'provider_unavailable' }])
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(session.renewals()).toBe(1)
})

test('an API’s token whose session is logged out meanwhile comes too late', async () => {
  const session = await logIn(provider, one.url)
  const held = provider.holdNext('token', { mode: 'after' })
  const asked = tokenAt(session, one, { audience: BALANCES })
  await held.processed
  await session.browser.request('POST', `${other.url}/logout`)
  held.release()
  expect((await asked).status).toBe(401)
  one.errors.pop()
  expect(provider.liveRefreshTokens(session.user)).toEqual([])
})

test('no more than twenty tokens are kept', async () => {
  const session = await logIn(provider, one.url)
  const id = await sessionIdOf(session.browser)
  const words = Array.from({ length: 5 }, (_, at) => 2 ** at)
  const all = ['openid', 'offline_access', 'balance:read', 'rates:read', 'more']
  for (let mask = 1; mask < 25; mask += 1) {
    const some = all.filter((_, at) => mask & (words[at] ?? 0)).join(' ')
    expect((await tokenAt(session, one, { audience: BALANCES, scope: some })).status).toBe(200)
  }
  const record = await storedRecord(store, id)
  expect(Object.keys(record?.accessTokens ?? {})).toHaveLength(20)
  expect((await session.get(`${one.url}/fresh`)).status).toBe(200)
})

test('a pushed request asks for all APIs too', async () => {
  const session = await logIn(provider, pushing.url)
  for (const audience of [BALANCES, RATES]) {
    expect((await tokenAt(session, pushing, { audience })).status).toBe(200)
  }
})

test('where the login names no API, the audience is sent as Auth0 takes it, and any may be asked for', async () => {
  const session = await logIn(provider, unnamed.url)
  expect((await tokenAt(session, unnamed, { audience: 'any', scope: 'openid' })).status).toBe(200)
  expect(lastAsked()).toMatchObject({ audience: 'any', scope: 'openid' })
  expect(lastAsked()).not.toHaveProperty('resource')
})
