// Entra ID's `organizations`: an issuer for each tenant, and a list of those whose people may log in.
import type { AuthOptions, MayTenantLogIn } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startEntra, TENANTS } from '../support/provider/entra.ts'
import { LOGOUT_EVENT, sendLogout } from '../support/provider/logout-client.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { createSigningKey, type Forgery } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'

type Claims = Record<string, unknown>

const { ours, theirs, other } = TENANTS
const client = { clientId: 'shared-by-tenants', clientSecret: 'known to all of its servers' }
const log = createLog()
let mayLogIn: MayTenantLogIn = () => true

const { entra, store, app, asking, apps } = useParts(async (start) => {
  const [entra, redis] = await Promise.all([start(startEntra()), start(startRedis())])
  const open = async (options: AuthOptions = {}): Promise<TestApp> => {
    const app = await start(
      startApp({
        redisUrl: redis.url,
        options: {
          issuerBaseURL: entra.issuerBaseURL,
          clientID: client.clientId,
          clientSecret: client.clientSecret,
          tenants: [ours, theirs.toUpperCase()],
          logger: log.logger,
          ...options,
        },
      }),
    )
    const metadata = {
      backchannel_logout_uri: `${app.url}/backchannel-logout`,
      // So that ID tokens have a sid.
      backchannel_logout_session_required: true,
    }
    await entra.provider.registerClient({ ...client, baseURL: app.url, metadata })
    return app
  }
  return {
    entra,
    store: redis.connect(),
    app: await open(),
    asking: await open({ tenants: (...asked) => mayLogIn(...asked) }),
    apps: { open },
  }
})
beforeEach(() => {
  log.lines.length = 0
  app.events.length = 0
  asking.events.length = 0
  mayLogIn = () => true
})

let count = 0

/** Somebody of that tenant, in a browser of their own. */
async function logIn(tid: string, at: Pick<TestApp, 'url'> = app, name = `person-${++count}`) {
  const browser = new Browser()
  const user = `${name}@${tid}`
  const page = await browser.logIn(at.url, { user })
  const get = (path: string) => browser.request('GET', at.url + path)
  return {
    browser,
    page,
    user,
    name,
    get,
    record: async () => storedRecord(store, await sessionIdOf(browser)),
  }
}

const codes = () => entra.provider.tokenRequests('authorization_code').length

async function expectRefused(
  { browser, page, user }: Awaited<ReturnType<typeof logIn>>,
  at: TestApp,
  [status, code, reason]: [number, string, RegExp],
) {
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([status, undefined])
  expect((await browser.request('GET', `${at.url}/me`)).json()).toMatchObject({ authenticated: false })
  expect(refusalsIn(at.events)).toEqual([
    expect.stringMatching(new RegExp(`\\(${code}\\): .*${reason.source}`)),
  ])
  await eventually('the revocation', () => entra.provider.liveRefreshTokens(user).length === 0)
}

test('the people of a tenant in the list log in, by the issuer of their tenant, and are renewed', async () => {
  const before = codes()
  const { page, name, get, record } = await logIn(theirs)
  expect(page.json()).toMatchObject({ sub: name, generation: 1 })
  // It is asked for once, though it is looked at twice.
  expect(codes()).toBe(before + 1)
  expect((await record())?.claims).toMatchObject({ iss: entra.issuerOf(theirs), tid: theirs })
  const renewals = entra.provider.refreshCount()
  expect((await get('/fresh')).json()).toMatchObject({ sub: name, generation: 2 })
  expect(entra.provider.refreshCount()).toBe(renewals + 1)
})

test('those of a tenant that is not in the list do not, and their refresh token is revoked', async () => {
  const refused = await logIn(other)
  await expectRefused(refused, app, [403, 'login_refused', new RegExp(`tenant ${other} may not log in`)])
  expect(refused.page.body).toContain('Your organization may not log in here.')
})

describe('a function in place of the list', () => {
  test('is asked for the tenant, with what the ID token says, at the login and at each renewal', async () => {
    const asked: unknown[][] = []
    mayLogIn = async (...all) => asked.push(all) > 0
    const { page, name, get } = await logIn(other, asking)
    expect(page.json()).toMatchObject({ sub: name })
    expect((await get('/fresh')).status).toBe(200)
    const claims = expect.objectContaining({ sub: name, iss: entra.issuerOf(other), aud: client.clientId })
    expect(asked).toEqual([
      [other, claims],
      [other, claims],
    ])
  })

  test('and its no is a no', async () => {
    mayLogIn = async () => false
    await expectRefused(await logIn(ours, asking), asking, [403, 'login_refused', /may not log in here/])
  })

  test.each<[string, MayTenantLogIn, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('the secret of a database')
      },
      /tenants\(\) threw an error/,
    ],
    ['rejects', () => Promise.reject(undefined), /tenants\(\) threw an error/],
    ['gives something else', () => 'yes' as unknown as boolean, /tenants\(\) gave neither true nor false/],
  ])('lets nobody in where it %s, and a session stays as it is', async (_what, broken, told) => {
    const { get, record } = await logIn(ours, asking)
    const before = await record()
    mayLogIn = broken
    const { page, user } = await logIn(ours, asking)
    expect(page.status).toBe(503)
    expect(asking.events.at(-1)).toMatchObject({
      name: 'provider-unavailable',
      event: { detail: expect.stringMatching(told) },
    })
    await eventually('the revocation', () => entra.provider.liveRefreshTokens(user).length === 0)
    expect((await get('/fresh')).status).toBe(503)
    const after = await record()
    expect(after).toMatchObject({ claims: before?.claims, idToken: before?.idToken })
    expect(after?.refreshToken).not.toBe(before?.refreshToken)
    expect((await get('/private')).status).toBe(200)
    expect(log.lines.join('\n') + JSON.stringify(asking.events) + page.body).not.toContain('database')
  })
})

type Case = [what: string, change: (claims: Claims) => Claims, reason: RegExp, forgery: () => Forgery]

const issOf = (tid: string) => ({ iss: entra.issuerOf(tid) })
const asUsual = (): Forgery => ({})
const byTheirs = (): Forgery => ({ key: entra.keyOfTheirs.jwk, header: { kid: entra.keyOfTheirs.jwk.kid } })

/** Of somebody of `ours`. */
const WRONG: Case[] = [
  ['has no tid', ({ tid: _, ...claims }) => claims, /its tid is missing/, asUsual],
  [
    'has a tid that is no ID',
    (claims) => ({ ...claims, tid: 'contoso.com', ...issOf('contoso.com') }),
    /its (?:tid|iss)/,
    asUsual,
  ],
  [
    'has a tid of a path',
    (claims) => ({ ...claims, tid: `${ours}/x`, ...issOf(`${ours}/x`) }),
    /its (?:tid|iss)/,
    asUsual,
  ],
  [
    'has the pattern’s tid',
    (claims) => ({ ...claims, tid: '{tenantid}', iss: entra.pattern }),
    /its (?:tid|iss)/,
    asUsual,
  ],
  [
    'has the tid in capital letters, which makes another issuer',
    (claims) => ({ ...claims, tid: ours.toUpperCase(), ...issOf(ours.toUpperCase()) }),
    /its (?:tid|iss)/,
    asUsual,
  ],
  ['has an iss of another tenant', (claims) => ({ ...claims, ...issOf(theirs) }), /its iss/, asUsual],
  ['has a tid of another tenant', (claims) => ({ ...claims, tid: theirs }), /its (?:iss|tid)/, asUsual],
  ['has the pattern for its iss', (claims) => ({ ...claims, iss: entra.pattern }), /its iss/, asUsual],
  [
    'has an iss at another place',
    (claims) => ({ ...claims, iss: `https://x.example/${ours}/v2.0` }),
    /its iss/,
    asUsual,
  ],
  [
    'is signed by the key of another tenant',
    (claims) => claims,
    /key that signed it is of another issuer/,
    byTheirs,
  ],
]

test.each(WRONG)('an ID token that %s makes no session', async (_what, change, reason, forgery) => {
  const before = codes()
  void entra.signNext(change, forgery())
  await expectRefused(await logIn(ours), app, [400, 'login_failed', reason])
  expect(codes()).toBe(before + 1)
})

test.each([
  ...WRONG,
  [
    'is of another tenant that may log in',
    (claims: Claims) => ({ ...claims, tid: theirs, ...issOf(theirs) }),
    /its iss/,
    asUsual,
  ] as Case,
])('a renewed ID token that %s is not taken', async (_what, change, reason, forgery) => {
  const { get, record } = await logIn(ours)
  const before = await record()
  const next = entra.signNext(change, forgery())
  expect((await get('/fresh')).status).toBe(503)
  expect(await record()).toMatchObject({ claims: before?.claims, refreshToken: await next })
  expect(app.events.at(-1)).toMatchObject({
    name: 'renewed',
    event: { idToken: 'rejected', detail: expect.stringMatching(reason) },
  })
})

test('the key of a tenant signs for its own people', async () => {
  void entra.signNext((claims) => claims, byTheirs())
  expect((await logIn(theirs)).page.status).toBe(200)
})

test('a key that nobody shows signs for nobody', async () => {
  const { jwk } = await createSigningKey()
  void entra.signNext((claims) => claims, { key: jwk })
  await expectRefused(await logIn(ours), app, [400, 'login_failed', /did not sign it/])
})

describe('a callback that names the issuer (RFC 9207)', () => {
  async function comeBack(iss: string) {
    const browser = new Browser()
    const user = `person-${++count}@${ours}`
    const callback = new URL(await browser.startLogin(app.url, { user }))
    callback.searchParams.set('iss', iss)
    return { browser, user, page: await browser.navigate(callback.href) }
  }

  test('of the tenant is taken', async () => {
    expect((await comeBack(entra.issuerOf(ours))).page.status).toBe(200)
  })

  test('of another tenant is not', async () => {
    const { page } = await comeBack(entra.issuerOf(theirs))
    expect(page.status).toBe(400)
    expect(refusalsIn(app.events)).toEqual([expect.stringMatching(/login_failed\): .*its iss/)])
  })

  test.each([
    ['the pattern', () => entra.pattern],
    ['organizations', () => entra.issuerBaseURL],
    ['another provider', () => `https://x.example/${ours}/v2.0`],
  ])('of %s is refused before the code is sent', async (_what, iss) => {
    const before = codes()
    expect((await comeBack(iss())).page.status).toBe(400)
    expect(codes()).toBe(before)
    expect(refusalsIn(app.events)).toEqual([expect.stringMatching(/iss of the callback is no issuer/)])
  })
})

describe('a tenant that is taken out of the list', () => {
  const ended = {
    name: 'session-ended',
    event: { reason: 'refused_by_app', detail: expect.stringContaining(ours) },
  }

  test('loses its sessions at their next renewal', async () => {
    const { browser } = await logIn(ours)
    const without = await apps.open({ tenants: [theirs] })
    const next = entra.signNext()
    const page = await browser.request('GET', `${without.url}/fresh`)
    expect([page.status, page.json().code]).toEqual([401, 'session_ended'])
    expect(without.events).toMatchObject([ended])
    // The one that came with the answer too.
    const hash = sha256(await next)
    await eventually('the revocation', () =>
      entra.provider.revocations().some(({ tokenHash }) => tokenHash === hash),
    )
    expect((await browser.request('GET', `${app.url}/private`)).status).toBe(401)
  })

  test('also where the renewal brings no ID token', async () => {
    const { get } = await logIn(ours, asking)
    mayLogIn = () => false
    entra.provider.rewriteNext('token', ({ id_token: _, ...json }) => json)
    expect((await get('/fresh')).status).toBe(401)
    expect(asking.events.at(-1)).toMatchObject(ended)
  })
})

describe('somebody with the same sub, of another tenant', () => {
  const asTheirs = (claims: Claims) => ({ ...claims, tid: theirs, ...issOf(theirs) })

  test('is another person: the data of the one before is dropped', async () => {
    const { browser, user, get, record } = await logIn(ours)
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'of ours' } })
    void entra.signNext(asTheirs)
    expect((await browser.logIn(app.url, { user })).status).toBe(200)
    expect((await record())?.claims.tid).toBe(theirs)
    expect((await get('/cart')).json()).toEqual({ cart: null })
  })

  test('is listed apart, and their sessions end apart', async () => {
    const one = await logIn(ours)
    const two = await logIn(theirs, app, one.name)
    const { sessions } = app.auth
    const whose = (tid: string) => ({ sub: one.name, tid })
    const ids = [await sessionIdOf(one.browser), await sessionIdOf(two.browser)]
    for (const [at, tid] of [ours, theirs].entries())
      expect(await sessions.list(whose(tid))).toEqual([expect.objectContaining({ id: ids[at] })])
    expect(await sessions.list(whose(other))).toEqual([])
    expect(await sessions.revokeAll(whose(ours))).toBe(1)
    expect([(await one.get('/private')).status, (await two.get('/private')).status]).toEqual([401, 200])
    await expect(sessions.list(one.name)).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(
        /^sessions\.list\(\) needs the tid of the person's tenant.*was given none$/,
      ),
    })
    await expect(sessions.revokeAll(whose('contoso.com'))).rejects.toThrow(/needs the tid.*something else/)
  })

  test.each([
    ['while the session lasts', async () => {}],
    [
      'when it is over by then',
      async (browser: Browser) => {
        await store.del(`bff:{${await sessionIdOf(browser)}}:auth`)
      },
    ],
  ])('confirms nothing in a step-up %s', async (_what, meanwhile) => {
    const { browser, user } = await logIn(ours)
    const callback = await browser.startLogin(app.url, { user, path: '/step-up?seconds=60' })
    await meanwhile(browser)
    void entra.signNext(asTheirs)
    const page = await browser.navigate(callback)
    expect(page.status).toBe(403)
    expect(refusalsIn(app.events)).toEqual(['refused (step_up_failed): another sub'])
  })
})

describe('a logout token', () => {
  const tokenOf = (claims: Claims, forgery: Forgery = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const about = { aud: client.clientId, iat: now, exp: now + 120, jti: `jti-${++count}` }
    return entra.provider.signIdToken(
      { ...about, events: { [LOGOUT_EVENT]: {} }, ...claims },
      { ...forgery, header: { typ: 'logout+jwt', ...forgery.header } },
    )
  }

  test.each<[string, (sub: string) => Claims, RegExp, () => Forgery]>([
    ['of the pattern', (sub) => ({ sub, iss: entra.pattern }), /iss is no issuer of a tenant/, asUsual],
    [
      'of organizations',
      (sub) => ({ sub, iss: entra.issuerBaseURL }),
      /iss is no issuer of a tenant/,
      asUsual,
    ],
    ['of nobody', (sub) => ({ sub }), /iss is no issuer of a tenant/, asUsual],
    [
      'of a tenant that is not in the list',
      (sub) => ({ sub, ...issOf(other) }),
      /is not in tenants/,
      asUsual,
    ],
    [
      'signed by the key of another tenant',
      (sub) => ({ sub, ...issOf(ours) }),
      /is of another issuer/,
      byTheirs,
    ],
  ])('%s ends nothing', async (_what, claims, reason, forgery) => {
    const { name, get } = await logIn(ours)
    expect((await sendLogout(app.url, await tokenOf(claims(name), forgery()))).status).toBe(400)
    expect((await get('/private')).status).toBe(200)
    expect(app.events.at(-1)).toMatchObject({
      name: 'refused',
      event: { code: 'logout_token_invalid', detail: expect.stringMatching(reason) },
    })
  })

  test('of the tenant, by sub, ends the session, and that of nobody in another', async () => {
    const one = await logIn(ours)
    const two = await logIn(theirs, app, one.name)
    // A jti is an issuer's own.
    const jti = `same-${one.name}`
    expect((await sendLogout(app.url, await tokenOf({ sub: one.name, ...issOf(ours), jti }))).status).toBe(
      200,
    )
    expect([(await one.get('/private')).status, (await two.get('/private')).status]).toEqual([401, 200])
    expect((await sendLogout(app.url, await tokenOf({ sub: one.name, ...issOf(theirs), jti }))).status).toBe(
      200,
    )
    expect((await two.get('/private')).status).toBe(401)
  })

  test('by sid ends the session of its own tenant', async () => {
    const { get, record } = await logIn(ours)
    const { sid } = (await record())?.claims ?? {}
    expect(sid).toEqual(expect.any(String))
    await sendLogout(app.url, await tokenOf({ sid, ...issOf(theirs) }))
    expect((await get('/private')).status).toBe(200)
    await sendLogout(app.url, await tokenOf({ sid, ...issOf(ours) }))
    expect((await get('/private')).status).toBe(401)
  })
})

test('another site begins a login by the issuer of any tenant (OpenID Connect Core §4)', async () => {
  const begun = async (iss: string) => {
    const url = `${app.url}/login?iss=${encodeURIComponent(iss)}`
    return (await new Browser().navigate(url, { stopAt: () => true })).status
  }
  expect(await begun(entra.issuerOf(other))).toBe(302)
  expect(await begun(entra.issuerOf('contoso.com'))).toBe(400)
  expect(await begun(entra.pattern)).toBe(400)
})

test('the secret is asked for once for each request that shows it', async () => {
  let asked = 0
  const clientSecret = () => {
    asked += 1
    return client.clientSecret
  }
  const { get } = await logIn(ours, await apps.open({ clientSecret }))
  expect(asked).toBe(1)
  expect((await get('/fresh')).status).toBe(200)
  expect(asked).toBe(2)
})

test('a client assertion is for the token endpoint, since a pattern of issuers is nobody', async () => {
  const own = { clientId: 'by-assertion', clientSecret: 'x'.repeat(32) }
  const proving = await apps.open({
    clientID: own.clientId,
    clientSecret: own.clientSecret,
    clientAuthMethod: 'client_secret_jwt',
  })
  await entra.provider.registerClient({ ...own, baseURL: proving.url, authMethod: 'client_secret_jwt' })
  const from = entra.provider.tokenRequests().length
  const { get } = await logIn(ours, proving)
  expect((await get('/fresh')).status).toBe(200)
  const shown = entra.provider.tokenRequests().slice(from)
  expect(shown.map(({ assertion }) => assertion?.claims.aud)).toEqual(
    Array(2).fill(`${entra.provider.issuer}/token`),
  )
})

describe('without the list', () => {
  test('nobody logs in by an issuer that is a pattern, and the option is named', async () => {
    const without = await apps.open({ tenants: undefined })
    await expect(without.auth.ready()).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(/one for each tenant, .*\{tenantid\}.*option tenants, a list such as/),
    })
    const page = await new Browser().navigate(`${without.url}/login`)
    expect([page.status, page.headers.location]).toEqual([503, undefined])
  })

  test('and with one at a provider that has one issuer neither, since nobody would ask it', async () => {
    const needless = await apps.open({ issuerBaseURL: entra.provider.issuer })
    await expect(needless.auth.ready()).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(
        /the option tenants is for an issuer of many tenants.*leave tenants out/,
      ),
    })
    expect((await new Browser().navigate(`${needless.url}/login`)).status).toBe(503)
  })
})
