// The option userInfo at renewals: what was known stays or is replaced, and whatever becomes of the question, no token is lost.
import { startApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { eventually } from '../support/deadline.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }

const { provider, redis, store, atLogin, app, peer } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = async (userInfo: object) => {
    const app = await start(
      startApp({ provider, client, redisUrl: redis.url, options: { userInfo: userInfo as never } }),
    )
    app.app.get('/groups', (req, res) => void res.json({ groups: req.oidc.user?.groups ?? null }))
    return app
  }
  const app = await open({ claims: ['groups'], atRenewal: true })
  const atLogin = await open(['groups'])
  const peer = await open({ claims: ['groups'], atRenewal: true })
  return { provider, redis, store: redis.connect(), atLogin, app, peer }
})
afterEach(() => provider.normal())

const withGroups =
  (...groups: string[]) =>
  (json: Json) => ({ ...json, groups })
const nextGroups = (...groups: string[]) => provider.rewriteNext('userinfo', withGroups(...groups))
const userInfoRequests = () => provider.requests({ endpoint: 'userinfo' }).length

/** Logged in with the groups `['first']`. */
async function enter(at = app): Promise<LoggedIn> {
  nextGroups('first')
  return logIn(provider, at.url)
}

const groupsOf = async ({ get }: LoggedIn, at = app) => (await get(`${at.url}/groups`)).json().groups
const stored = async ({ browser }: LoggedIn) => {
  const record = await storedRecord(store, await sessionIdOf(browser))
  if (record === undefined) throw new Error('the session is not there')
  return record
}

test('without atRenewal what it said at the login stays, and it is not asked again', async () => {
  const session = await enter(atLogin)
  const asked = userInfoRequests()
  for (const generation of [2, 3])
    expect((await session.get(`${atLogin.url}/fresh`)).json()).toMatchObject({ generation })
  expect(await groupsOf(session, atLogin)).toEqual(['first'])
  expect(userInfoRequests()).toBe(asked)
})

test('with atRenewal the request that renewed has what is new, and so has every process', async () => {
  const session = await enter()
  nextGroups('second', 'third')
  expect((await session.get(`${app.url}/fresh`)).status).toBe(200)
  expect([await groupsOf(session), await groupsOf(session, peer)]).toEqual([
    ['second', 'third'],
    ['second', 'third'],
  ])
  expect(session.renewals()).toBe(1)
})

test('what says the same as before is not written', async () => {
  const session = await enter()
  nextGroups('first')
  expect((await session.get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect(await stored(session)).toMatchObject({ generation: 2, userInfo: { groups: ['first'] } })
})

test('a claim that it says no more is gone', async () => {
  const session = await enter()
  expect((await session.get(`${app.url}/fresh`)).status).toBe(200)
  expect(await groupsOf(session)).toBeNull()
})

test.each<[name: string, arm: (from: TestProvider) => unknown]>([
  ['500', (from) => from.answerNext('userinfo', { status: 500, body: '' })],
  ['401', (from) => from.answerNext('userinfo', { status: 401, body: '' })],
  ['a cut connection', (from) => from.cutNext('userinfo')],
  ['no answer', (from) => from.holdNext('userinfo')],
  ['a page of a proxy', (from) => from.answerNext('userinfo', { status: 200, body: '<html>' })],
  [
    'another sub',
    (from) => from.answerNext('userinfo', { status: 200, body: { sub: 'mallory', groups: ['admin'] } }),
  ],
  [
    'groups of 150 kB',
    (from) => from.rewriteNext('userinfo', withGroups(...Array(15_000).fill('some-group'))),
  ],
])(
  '%s at a renewal: the renewal counts, what was known stays, and the next one passes',
  async (_name, arm) => {
    const session = await enter()
    arm(provider)
    const answer = await session.get(`${app.url}/fresh`)
    expect([answer.status, answer.json().generation]).toEqual([200, 2])
    expect(await groupsOf(session)).toEqual(['first'])
    provider.normal()
    nextGroups('later')
    expect((await session.get(`${app.url}/fresh`)).status).toBe(200)
    expect(await groupsOf(session)).toEqual(['later'])
  },
)

test('another sub is told to whoever listens', async () => {
  const session = await enter()
  provider.answerNext('userinfo', { status: 200, body: { sub: 'mallory' } })
  await session.get(`${app.url}/fresh`)
  expect(app.events).toContainEqual({
    name: 'claims-missing',
    event: { subject: session.user, hint: expect.stringMatching(/not taken at a renewal.*its sub is not/) },
  })
})

test('the new refresh token is stored before it is asked: a process that is killed then takes nothing with it', async () => {
  const session = await enter()
  const doomed = await startAppProcess({
    redisUrl: redis.url,
    options: {
      issuerBaseURL: provider.issuer,
      clientID: client.clientId,
      clientSecret: client.clientSecret,
      userInfo: { claims: ['groups'], atRenewal: true },
    },
  })
  try {
    const held = provider.holdNext('userinfo')
    const lost = session.get(`${doomed.url}/fresh`).catch(() => undefined)
    await held.arrived
    const { refreshToken = '', generation } = await stored(session)
    expect([generation, provider.liveRefreshTokens(session.user)]).toEqual([2, [refreshToken]])
    await doomed.sigkill()
    await lost
    nextGroups('later')
    expect((await session.get(`${app.url}/fresh`)).status).toBe(200)
    expect(provider.tokenRequests('refresh_token').at(-1)?.refreshTokenHash).toBe(sha256(refreshToken))
    expect(await groupsOf(session)).toEqual(['later'])
  } finally {
    await doomed.stop()
  }
})

test('a logout while it is asked wins', async () => {
  const session = await enter()
  const held = provider.holdNext('userinfo', { mode: 'after' })
  const waiting = session.get(`${app.url}/fresh`)
  await held.arrived
  await session.browser.request('POST', `${peer.url}/logout`, { from: peer.url })
  held.release({ status: 200, body: { sub: session.user, groups: ['late'] } })
  await waiting
  expect((await session.get(`${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  await eventually('no refresh token works', () => provider.liveRefreshTokens(session.user).length === 0)
})

test('a renewal elsewhere meanwhile wins, and its refresh token stays', async () => {
  const session = await enter()
  const held = provider.holdNext('userinfo')
  const waiting = session.get(`${app.url}/fresh`)
  await held.arrived
  nextGroups('newest')
  expect((await session.get(`${peer.url}/fresh`)).status).toBe(200)
  const { refreshToken } = await stored(session)
  held.release({ status: 200, body: { sub: session.user, groups: ['late'] } })
  expect((await waiting).json()).toMatchObject({ generation: 2 })
  expect(await stored(session)).toMatchObject({ refreshToken, userInfo: { groups: ['newest'] } })
})
