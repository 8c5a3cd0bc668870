// Four tenants at two providers, on one Redis, in two processes' worth of handlers: under load nothing of one reaches another.
// The same people are at all four; two of each are the same client at the same provider.
import { hkdfSync } from 'node:crypto'
import { ownerName } from '../../src/record/owner.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { ONE_CLIENT, TEST_SECRET } from '../support/app/app-options.ts'
import { type Described, startTenantApp, type TenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import type { Page } from '../support/browser/page.ts'
import { createLogoutClient, sendLogout, startLogoutProvider } from '../support/provider/logout-client.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, storedRecord } from '../support/session/age-session.ts'

const TENANTS = ['a', 'b', 'c', 'd'] as const
type Name = (typeof TENANTS)[number]

const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin'] as const
/** Who is logged out while the others are at work: nobody of the same name anywhere else. */
const ENDED: Readonly<Record<string, string>> = {
  'a alice': 'logout',
  'b bob': 'backchannel_logout',
  'c carol': 'revoked',
}
const REQUESTS = 200

interface Session {
  readonly tenant: Name
  readonly sub: string
  readonly id: string
  readonly browser: Browser
  readonly isEnded: boolean
}

const { one, two, first, second, redis, api } = useParts(async (start) => {
  const [one, two, redis, api] = await Promise.all([
    start(startLogoutProvider()),
    start(startLogoutProvider()),
    start(startRedis()),
    start(startApiServer()),
  ])
  const setup = {
    tenants: { a: one, b: one, c: two, d: two },
    redisUrl: redis.url,
    nearCache: true,
    apiUrl: api.url,
    // The provider names its sessions then. It tells nobody of logouts: the test does.
    client: {
      metadata: {
        backchannel_logout_uri: 'http://127.0.0.1:9/nobody',
        backchannel_logout_session_required: true,
      },
    },
    options: { apis: [api.url], idpLogout: false, redisTimeoutSeconds: 20 },
  }
  const first = await start(startTenantApp(setup))
  return { one, two, redis, api, first, second: await start(startTenantApp({ ...setup, port: first.port })) }
})

const providerOf = (tenant: Name) => (tenant === 'a' || tenant === 'b' ? one : two)
const host = (tenant: Name) => first.host(tenant)
const secretOf = (tenant: Name) =>
  Buffer.from(hkdfSync('sha256', TEST_SECRET, '', `express-bff-session tenant ${host(tenant)}`, 32)).toString(
    'base64url',
  )

/** What anybody is shown at a tenant, in any way, never has a word of another tenant in it. */
function expectOwn(tenant: Name, shown: unknown): void {
  const text = JSON.stringify(shown)
  for (const other of TENANTS) if (other !== tenant) expect(text).not.toContain(`"${host(other)}"`)
}

/** Each access token with its grant, and each grant with the host where somebody logged in: the provider forgets what is revoked. */
function noteTokens() {
  const grantOf = new Map<string, string>()
  const hostOfGrant = new Map<string, string>()
  for (const provider of [one, two])
    provider.changeAll('token', async (answer, { params }) => {
      const { access_token: token = '' } = JSON.parse(String(answer.body))
      const grant = provider.store.get('AccessToken', token)?.grantId
      if (grant === undefined) return answer
      grantOf.set(token, grant)
      if (params.redirect_uri !== undefined) hostOfGrant.set(grant, new URL(params.redirect_uri).hostname)
      return answer
    })
  return { grantOf, hostOfGrant }
}

async function logIn(tenant: Name, sub: string): Promise<Session> {
  const browser = new Browser()
  const page = await browser.logIn(first.url(tenant), { user: sub, returnTo: '/private' })
  const { id = '', ...seen } = page.json<Described>()
  expect(seen).toEqual({
    authenticated: true,
    sub,
    marker: host(tenant),
    tenant: host(tenant),
    generation: 1,
  })
  return { tenant, sub, id, browser, isEnded: `${tenant} ${sub}` in ENDED }
}

async function ask(
  { browser, tenant, sub, id, isEnded }: Session,
  app: TenantApp,
  method: string,
  path: string,
): Promise<void> {
  const page = await browser.request(method, app.url(tenant) + path)
  expectOwn(tenant, [page.body, page.headers])
  if (isEnded && isOver(page)) return
  expect([page.status, page.body]).toEqual([200, expect.anything()])
  if (!path.startsWith('/api/'))
    expect(page.json()).toMatchObject({
      authenticated: true,
      sub,
      id,
      marker: host(tenant),
      tenant: host(tenant),
    })
}

function isOver(page: Page): boolean {
  return page.status === 401 || (page.status === 200 && page.json<Described>().authenticated === false)
}

/** With what a browser has at its tenant, at another: nobody. */
async function askElsewhere({ browser, tenant }: Session, app: TenantApp, elsewhere: Name): Promise<void> {
  const other = new Browser()
  for (const { key, value } of await browser.cookies(first.url(tenant)))
    await other.setCookie(`${key}=${value}; Path=/`, first.url(elsewhere))
  const page = await other.request('GET', `${app.url(elsewhere)}/public`)
  expect([page.status, page.body]).toEqual([200, '{"authenticated":false}'])
}

const nextOf = (tenant: Name, by: number) => TENANTS[(TENANTS.indexOf(tenant) + by) % 4] ?? 'a'

test('no session, token, index entry, event, line or cached record of one tenant reaches another', async () => {
  const store = redis.connect()
  const tokens = noteTokens()
  const hits = { count: 0 }
  for (const app of [first, second])
    app.auth.on('near-cache-read', ({ isHit }) => {
      if (isHit) hits.count += 1
    })
  const sessions: Session[] = []
  for (const tenant of TENANTS) sessions.push(...(await Promise.all(PEOPLE.map((sub) => logIn(tenant, sub)))))
  const find = (tenant: Name, sub: string) => {
    const found = sessions.find((each) => each.tenant === tenant && each.sub === sub)
    if (found === undefined) throw new Error(`${sub} is not logged in at ${tenant}`)
    return found
  }

  // Every other session is due, at each tenant other people's.
  for (const [at, { browser, tenant }] of sessions.entries())
    if (at % 2 === 0)
      await ageSession(store, browser, 1000, { secret: secretOf(tenant), url: first.url(tenant) })

  const kinds: ((session: Session, app: TenantApp, at: number) => Promise<void>)[] = [
    (session, app) => ask(session, app, 'GET', '/private'),
    (session, app, at) => ask(session, app, 'GET', `/api/${session.tenant}/${at}`),
    (session, app) => ask(session, app, 'GET', '/token'),
    (session, app, at) => askElsewhere(session, app, nextOf(session.tenant, 1 + (at % 3))),
    // Who has data of the app's is not in the near cache.
    (session, app) =>
      session.sub === 'dave' ? ask(session, app, 'POST', '/data') : ask(session, app, 'GET', '/public'),
    (session, app) => ask(session, app, 'POST', '/renew'),
    (session, app) => ask(session, app, 'GET', '/private'),
  ]
  const requests = Array.from({ length: REQUESTS }, async (_, at) => {
    const session = sessions[(at * 7) % sessions.length]
    const kind = kinds[at % kinds.length]
    if (session === undefined || kind === undefined) throw new Error('nobody asks')
    await kind(session, at % 2 === 0 ? first : second, at)
  })
  const token = createLogoutClient(one).token({ sub: 'bob', aud: ONE_CLIENT.clientId })
  const ends = [
    find('a', 'alice').browser.request('POST', `${second.url('a')}/logout`, { from: first.url('a') }),
    token.then((sent) => sendLogout(second.url('b'), sent)),
    first.auth.sessions.revokeAll({ sub: 'carol', tenant: host('c') }),
  ]
  const late = TENANTS.map((tenant) => logIn(tenant, 'frank'))
  await Promise.all([...requests, ...ends])
  sessions.push(...(await Promise.all(late)))

  // Sessions: each is what it was, where it was; and those that were ended are over there, and nowhere else.
  const generations = new Map<Session, number>()
  for (const session of sessions) {
    for (const app of [first, second, first, second]) {
      const page = await session.browser.request('GET', `${app.url(session.tenant)}/public`)
      const { authenticated, sub, marker, generation = 0 } = page.json<Described>()
      expect(authenticated).toBe(!session.isEnded)
      if (authenticated) expect([sub, marker]).toEqual([session.sub, host(session.tenant)])
      generations.set(session, generation)
    }
    for (const by of [1, 2, 3]) await askElsewhere(session, second, nextOf(session.tenant, by))
  }
  expect(hits.count).toBeGreaterThan(sessions.length)

  // Tokens: the API was given each tenant's own, by the grant of whoever logged in there.
  expect(tokens.hostOfGrant.size).toBe(sessions.length)
  const given = api.seen.map(({ url, headers }) => {
    const [, tenant = ''] = url.split('/')
    const grant = tokens.grantOf.get(headers.authorization?.slice('Bearer '.length) ?? '')
    return [tenant, tokens.hostOfGrant.get(grant ?? '')]
  })
  expect(new Set(given.map(([tenant]) => tenant))).toEqual(new Set(TENANTS))
  for (const [tenant, of] of given) expect(of).toBe(host(tenant as Name))
  for (const provider of [one, two]) {
    const renewals = provider.tokenRequests('refresh_token')
    expect(renewals.length).toBeGreaterThan(5)
    // A renewal may have been on its way while its person's refresh token was revoked.
    expect(renewals.filter(({ status }) => status !== 200).length).toBeLessThanOrEqual(1)
    expect(new Set(renewals.map(({ refreshTokenHash }) => refreshTokenHash)).size).toBe(renewals.length)
  }

  // Events: of what happened at each tenant, and as often; each says whose it is.
  const told = [...first.events, ...second.events].map(({ name, event }) => ({
    name,
    ...(event as { tenant?: string; subject?: string; reason?: string }),
  }))
  for (const { tenant } of told) expect(TENANTS.map(host)).toContain(tenant)
  const of = (name: string, session: Session) =>
    told.filter(
      (each) => each.name === name && each.tenant === host(session.tenant) && each.subject === session.sub,
    )
  for (const session of sessions) {
    expect(of('logged-in', session)).toHaveLength(1)
    const reasons = of('session-ended', session).map(({ reason }) => reason)
    expect(reasons).toEqual(session.isEnded ? [ENDED[`${session.tenant} ${session.sub}`]] : [])
    if (!session.isEnded) expect(of('renewed', session)).toHaveLength((generations.get(session) ?? 0) - 1)
  }
  expect(told.filter(({ name }) => !['logged-in', 'renewed', 'session-ended'].includes(name))).toEqual([])

  // Lines: whatever was said is of one tenant, and names no other.
  for (const { line, fields } of [...first.log.told, ...second.log.told]) {
    const tenant = TENANTS.find((each) => host(each) === (fields as { tenant?: string }).tenant)
    expect(TENANTS.filter((each) => each !== tenant && line.includes(host(each)))).toEqual([])
  }

  // Redis: a record opens for its tenant alone, and who stands in the index together is one person at one tenant.
  const sessionOf = new Map(sessions.map((session) => [session.id, session]))
  const keys = await store.keys('*')
  const auth = keys.filter((key) => key.endsWith(':auth'))
  expect(auth).toHaveLength(sessions.filter(({ isEnded }) => !isEnded).length)
  for (const key of auth) {
    const id = /\{(.+)\}/.exec(key)?.[1] ?? ''
    const { tenant, sub } = sessionOf.get(id) ?? { tenant: 'a' as const, sub: 'nobody' }
    const opened = await Promise.all(TENANTS.map((each) => storedRecord(store, id, secretOf(each))))
    const openedBy = TENANTS.filter((_, at) => opened[at] !== undefined)
    expect([id, openedBy]).toEqual([id, [tenant]])
    const record = opened.find((each) => each !== undefined)
    expect(record?.claims.sub).toBe(sub)
    const issuer = new URL(providerOf(tenant).issuer)
    expect(record?.owner).toBe(ownerName({ issuer, clientID: ONE_CLIENT.clientId, tenant: host(tenant) }))
    expect(await storedRecord(store, id, TEST_SECRET)).toBeUndefined()
    const data = await store.get(key.replace(/auth$/, 'app'))
    if (data !== null) expect(JSON.parse(data).marker).toBe(host(tenant))
  }
  const groups = keys.filter((key) => key.startsWith('bff:sessions:'))
  // By the person, and by the provider's session.
  expect(groups.length).toBeGreaterThanOrEqual(auth.length * 2)
  for (const key of groups) {
    const people = (await store.zrange(key, 0, '-1')).map((id) => sessionOf.get(id))
    expect(new Set(people.map((each) => each && `${each.tenant} ${each.sub}`)).size).toBe(1)
  }
  const owners = new Set(
    TENANTS.map((tenant) =>
      ownerName({
        issuer: new URL(providerOf(tenant).issuer),
        clientID: ONE_CLIENT.clientId,
        tenant: host(tenant),
      }),
    ),
  )
  expect(owners.size).toBe(4)
  for (const key of keys.filter((each) => /^bff:(?:once|claim):/.test(each)))
    expect(owners).toContain(key.split(':')[2])
}, 60_000)
