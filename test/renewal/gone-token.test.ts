// H36: the refresh token is gone, and the provider says it its own way. What could also be a proxy in a deploy, or a
// changed secret, logs nobody out.
import { startApp, type TestApp } from '../support/app/app.ts'
import { createLog } from '../support/evidence.ts'
import type { Answer } from '../support/provider/faults.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, endBackOff, keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const MOST_REFUSALS = 5
const client = { clientId: 'both-apps', clientSecret: 'known to both of them' }
const log = createLog()

const { provider, store, apps } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = () => {
    const { clientId: clientID, clientSecret } = client
    const options = { issuerBaseURL: provider.issuer, clientID, clientSecret, logger: log.logger }
    return start(startApp({ redisUrl: redis.url, options }))
  }
  return { provider, store: redis.connect(), apps: { open } }
})
/** New ones for each test: neither has said anything yet. */
let app: TestApp
let peer: TestApp

beforeEach(async () => {
  ;[app, peer] = await Promise.all([apps.open(), apps.open()])
  await provider.registerClient({ ...client, baseURL: app.url })
  log.lines.length = 0
})
afterEach(() => provider.normal())

const html = { 'content-type': 'text/html' }
const GONE: [what: string, Answer, said: string][] = [
  ['invalid_request', { status: 400, body: { error: 'invalid_request' } }, '400 invalid_request'],
  ['nothing', { status: 400, body: '' }, 'it answered 400, and gave no reason'],
  ['a page', { status: 400, headers: html, body: '<h1>Bad Request' }, 'it answered 400, and gave no reason'],
  ['JSON that names no error', { status: 400, body: { status: 400 } }, 'it answered 400, and gave no reason'],
]

/** That long ago, by the store's clock, the first refusal was. */
async function age(seconds: number, { browser }: LoggedIn): Promise<void> {
  const key = `bff:{${await sessionIdOf(browser)}}:auth`
  await store.hset(key, 'refusedSince', Number(await store.hget(key, 'refusedSince')) - seconds * 1000)
}

/** So many renewals that are refused like that, each as soon as it may be tried; in turn at these. */
async function refuseTimes(times: number, session: LoggedIn, answer: Answer, at: readonly TestApp[] = [app]) {
  const pages = []
  for (let count = 0; count < times; count += 1) {
    provider.answerNext('token', answer, { grantType: 'refresh_token' })
    pages.push(await session.get(`${at[count % at.length]?.url}/private`))
    if (pages.at(-1)?.status === 200) await endBackOff(store, session.browser)
  }
  return pages.map((page) => page.json().code ?? page.status)
}

/** Somebody whose session is due, at every request. */
async function due(): Promise<LoggedIn> {
  const session = await logIn(provider, app.url)
  await ageSession(store, session.browser, 901)
  return session
}

test.each(GONE)(
  'H36: 400 with %s over minutes is "log in again", told with what came; meanwhile the old tokens serve',
  async (_what, answer, said) => {
    const session = await due()
    const id = await sessionIdOf(session.browser)
    const before = await storedRecord(store, id)
    // However often: it may be a deploy.
    expect(await refuseTimes(MOST_REFUSALS + 2, session, answer)).toEqual(Array(MOST_REFUSALS + 2).fill(200))
    expect(await storedRecord(store, id)).toEqual(before)
    expect(log.lines.filter((line) => line.includes(said))).toEqual([
      expect.stringContaining('a renewal failed (refused)'),
    ])
    await age(118, session)
    expect(await refuseTimes(1, session, answer)).toEqual([200])
    await age(2, session)
    expect(await refuseTimes(1, session, answer)).toEqual(['session_ended'])
    expect(await keysOf(store, id)).toEqual([])
    expect(app.events.at(-1)).toEqual({
      name: 'session-ended',
      event: { subject: session.user, reason: 'renewal_refused', detail: expect.stringContaining(said) },
    })
    expect(log.lines.filter((line) => line.includes('a session ended'))).toEqual([
      expect.stringContaining(said),
    ])
    // And it is over: the provider is not asked again, and a login is enough.
    expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ code: 'login_required' })
    expect(session.renewals()).toBe(MOST_REFUSALS + 4)
    const page = await session.browser.logIn(app.url, { user: session.user, path: '/private' })
    expect(page.json()).toMatchObject({ sub: session.user, generation: 1 })
  },
)

const gone = GONE[0]?.[1] as Answer
const error = (status: number, code: string): Answer => ({ status, body: { error: code } })

test('H36: fewer than five refusals end nothing, however long ago the first was', async () => {
  const session = await due()
  expect(await refuseTimes(1, session, gone)).toEqual([200])
  await age(86_400, session)
  expect(await refuseTimes(MOST_REFUSALS - 2, session, gone)).toEqual([200, 200, 200])
  expect(await refuseTimes(1, session, gone)).toEqual(['session_ended'])
})

test.each<[string, Answer]>([
  ['400 invalid_client', error(400, 'invalid_client')],
  ['400 unauthorized_client', error(400, 'unauthorized_client')],
  ['400 unsupported_grant_type', error(400, 'unsupported_grant_type')],
  [
    '400 with a challenge',
    { ...error(400, 'invalid_request'), headers: { 'www-authenticate': 'Basic realm="x"' } },
  ],
  ['401 invalid_client', error(401, 'invalid_client')],
  ['401 invalid_request', error(401, 'invalid_request')],
  ['401 with nothing', { status: 401, body: '' }],
  ['403 with nothing', { status: 403, body: '' }],
  ['403 with a page', { status: 403, headers: html, body: '<h1>Forbidden' }],
  ['404 with a page', { status: 404, headers: html, body: '<h1>Not Found' }],
  ['404 invalid_request', error(404, 'invalid_request')],
  ['429 with nothing', { status: 429, body: '' }],
  ['500 invalid_request', error(500, 'invalid_request')],
])('H36: %s never ends a session', async (_what, answer) => {
  const session = await due()
  // One that would count, so that the row has a beginning; and all the rest.
  await refuseTimes(1, session, gone)
  await age(3600, session)
  expect(await refuseTimes(MOST_REFUSALS * 2, session, answer)).toEqual(Array(MOST_REFUSALS * 2).fill(200))
  expect((await session.get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
})

test('H36: refusals count over all processes and a restart, and a renewal in between begins anew', async () => {
  const session = await due()
  for (let round = 0; round < 2; round += 1) {
    expect(await refuseTimes(MOST_REFUSALS - 1, session, gone, [app, peer])).toEqual([200, 200, 200, 200])
    await age(3600, session)
    expect((await session.get(`${peer.url}/fresh`)).status).toBe(200)
    await ageSession(store, session.browser, 901)
  }
  expect(await refuseTimes(MOST_REFUSALS - 1, session, gone, [app, peer])).toEqual([200, 200, 200, 200])
  await age(120, session)
  expect(await refuseTimes(1, session, gone, [await apps.open()])).toEqual(['session_ended'])
})

test('H36: whose ID token has expired is told to wait, and then to log in', async () => {
  const session = await logIn(provider, app.url)
  await ageSession(store, session.browser, 3601, { idToken: 3601 })
  for (let count = 1; count < MOST_REFUSALS; count += 1) {
    expect(await refuseTimes(1, session, gone)).toEqual(['provider_unavailable'])
    await endBackOff(store, session.browser)
  }
  await age(120, session)
  provider.answerNext('token', gone, { grantType: 'refresh_token' })
  const page = await session.browser.navigate(`${app.url}/private`, {
    stopAt: ({ pathname }) => pathname === '/login',
  })
  expect(page).toMatchObject({ status: 302, headers: { location: '/login?return_to=%2Fprivate' } })
})

test('H36: a changed secret is told once a minute, with the code and without a secret, and logs nobody out', async () => {
  for (let count = 0; count < 3; count += 1) {
    await refuseTimes(2, await due(), error(401, 'invalid_client'))
  }
  expect(log.lines).toEqual([
    expect.stringMatching(
      /a renewal failed \(refused\): the provider answered 401 invalid_client: .* The session is kept, and the renewal tried again$/,
    ),
  ])
})
