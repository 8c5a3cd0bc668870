// afterRenewal: the app's say after each renewal. It ends the session, replaces what was added to the person, or leaves it; what
// fails changes nothing, and no token is lost.
import type { AuthOptions, RenewedSession } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

type Hook = NonNullable<AuthOptions['afterRenewal']>

const client = { clientId: 'all-apps', clientSecret: 'known to all of them' }
let hook: Hook
let asked: RenewedSession[] = []
const log = createLog()

const { provider, redis, store, app, hasty, peer } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const options: AuthOptions = {
    logger: log.logger,
    userClaims: ['roles', 'team'],
    afterCallback: () => ({ user: { roles: ['admin'], team: 'red' } }),
    afterRenewal(session) {
      asked.push(session)
      return hook(session)
    },
  }
  const open = (more: AuthOptions = {}) =>
    start(startApp({ provider, client, redisUrl: redis.url, options: { ...options, ...more } }))
  const [app, hasty] = [await open(), await open({ renewal: { timeoutSeconds: 0.5 } })]
  const peer = await start(
    startAppProcess({ provider, client, redisUrl: redis.url, options: { userClaims: ['roles', 'team'] } }),
  )
  return { provider, redis, store: redis.connect(), app, hasty, peer }
})
beforeEach(() => {
  hook = () => undefined
  asked = []
  app.events.length = 0
})
afterEach(() => provider.normal())

const stored = async ({ browser }: LoggedIn) => storedRecord(store, await sessionIdOf(browser))
const fresh = ({ browser }: LoggedIn) => browser.request('POST', `${app.url}/fresh`)
const userAt = async (session: LoggedIn, url: string) => (await session.get(`${url}/me`)).json().user
const enter = () => logIn(provider, app.url)

test('it is asked once a renewal, and not at the login, with what is known of the person', async () => {
  const session = await enter()
  expect(asked).toEqual([])
  await Promise.all([fresh(session), fresh(session), fresh(session)])
  const record = await stored(session)
  expect(asked).toHaveLength(session.renewals())
  expect(asked[0]).toMatchObject({
    id: await sessionIdOf(session.browser),
    user: { sub: session.user },
    claims: { sub: session.user, iss: provider.issuer },
    scope: record?.scope,
    added: { roles: ['admin'], team: 'red' },
  })
  expect(asked[0]?.user).not.toHaveProperty('roles')
  expect(asked.at(-1)?.getAccessToken()).toBe(record?.accessToken)
  expect(JSON.stringify(asked)).not.toContain(record?.accessToken)
})

test('what it returns takes the place of all that was added, for the request that renewed and on every process', async () => {
  const session = await enter()
  hook = () => ({ user: { roles: [] } })
  expect((await fresh(session)).json()).toMatchObject({ generation: 3 })
  for (const url of [app.url, peer.url])
    expect(await userAt(session, url)).toEqual({ sub: session.user, roles: [] })
  hook = ({ added }) => ({ user: { ...added, team: 'blue' } })
  await fresh(session)
  expect(await userAt(session, peer.url)).toEqual({ sub: session.user, roles: [], team: 'blue' })
})

test('without a word of it what was added stays, and nothing more is written', async () => {
  const session = await enter()
  await fresh(session)
  expect(await userAt(session, app.url)).toEqual({ sub: session.user, roles: ['admin'], team: 'red' })
  hook = ({ added }) => ({ user: { ...added } })
  await fresh(session)
  expect((await stored(session))?.generation).toBe(3)
})

test('{ refuse } ends the session: the request is not served, nor any other, and the refresh token is over', async () => {
  const session = await enter()
  hook = () => ({ refuse: 'no longer employed' })
  const page = await fresh(session)
  expect([page.status, page.json().code]).toEqual([401, 'session_ended'])
  for (const url of [app.url, peer.url])
    expect((await session.get(`${url}/private`)).json()).toMatchObject({ code: 'login_required' })
  expect(app.events.filter(({ name }) => name === 'session-ended')).toEqual([
    {
      name: 'session-ended',
      event: { subject: session.user, reason: 'refused_by_app', detail: 'no longer employed' },
    },
  ])
  await eventually('the revocation', () => provider.liveRefreshTokens(session.user).length === 0)
})

test('so it does where the timeframe renews', async () => {
  const session = await enter()
  hook = () => ({ refuse: 'gone' })
  await ageSession(store, session.browser, 1000)
  expect((await session.get(`${app.url}/private`)).json()).toMatchObject({ code: 'session_ended' })
})

test.each<[string, Hook]>([
  [
    'throws',
    () => {
      throw new Error('the secret of the staff table')
    },
  ],
  ['rejects', () => Promise.reject(new Error('the secret of the staff table'))],
  ['rejects with nothing', () => Promise.reject()],
  ['returns what is no verdict', () => ({ roles: [] }) as never],
  ['returns null', () => null as never],
  ['returns a user that is none', () => ({ user: ['x'] }) as never],
  ['asks for what no JSON holds', () => ({ user: { id: 1n } })],
])('one that %s changes nothing, the renewal counts, and the log says so once', async (_what, fault) => {
  const session = await enter()
  hook = fault
  expect((await fresh(session)).json()).toMatchObject({ generation: 2 })
  expect(await userAt(session, app.url)).toEqual({ sub: session.user, roles: ['admin'], team: 'red' })
  hook = () => undefined
  expect((await fresh(session)).json()).toMatchObject({ generation: 3 })
  const lines = log.lines.filter((line) => line.includes('afterRenewal() failed'))
  expect(lines).toHaveLength(1)
  expect(log.lines.join()).not.toContain('staff table')
})

test('one that never answers holds nobody up for long', async () => {
  const session = await enter()
  hook = () => new Promise(() => {})
  const page = await session.get(`${hasty.url}/fresh`)
  expect([page.status, page.json().code]).toEqual([503, 'renewal_pending'])
  hook = () => undefined
  await eventually('the next', async () => (await session.get(`${hasty.url}/fresh`)).status === 200)
  expect((await session.get(`${hasty.url}/me`)).json().user).toMatchObject({ team: 'red' })
})

test('a renewal for another access token that says nothing of the person asks nothing', async () => {
  const session = await enter()
  provider.rewriteNext('token', ({ id_token: _, ...rest }) => rest)
  await session.get(`${app.url}/token?scope=profile`)
  expect((await stored(session))?.generation).toBe(2)
  expect(asked).toEqual([])
})

test('a store that cannot be asked meanwhile loses no token', async () => {
  const session = await enter()
  hook = async () => {
    redis.freeze()
    return { user: { roles: ['late'] } }
  }
  const page = await fresh(session).finally(() => redis.thaw())
  expect(page.status).toBe(200)
  hook = () => ({ user: { roles: ['later'] } })
  await eventually('Redis to be used again', async () => (await fresh(session)).status === 200)
  expect(await userAt(session, peer.url)).toMatchObject({ roles: ['later'] })
})
