// What the package gives away: these names and no others, and objects that show no token to whoever prints them.
import { inspect } from 'node:util'
import type { Request, Response } from 'express'
import * as layer from '../../src/express-openid-connect/index.ts'
import * as surface from '../../src/index.ts'
import * as telemetry from '../../src/telemetry/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const OPTIONS = {
  issuerBaseURL: 'https://issuer.example.com',
  baseURL: 'https://app.example.com',
  clientID: 'client',
  clientSecret: 'the-secret-of-the-client',
  secret: 'the-secret-of-the-cookies-which-is-long',
}

test('the runtime exports are exactly these', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'ConfigurationError',
    'LoginRequiredError',
    'RefusedError',
    'TryLaterError',
    'auth',
    'handleUpgrade',
    'isAuthError',
    'relay',
    'requireAuth',
    'requireClaim',
    'requireFresh',
    'requireStepUp',
  ])
  expect(surface).not.toHaveProperty('default')
})

test('those of express-bff-session/express-openid-connect are exactly these', () => {
  expect(Object.keys(layer).sort()).toEqual([
    'SessionExpiredError',
    'attemptSilentLogin',
    'auth',
    'claimCheck',
    'claimEquals',
    'claimIncludes',
    'requiresAuth',
  ])
  expect(layer).not.toHaveProperty('default')
})

test('what its auth() returns has all that ours has, and may be watched as well', () => {
  const handler = layer.auth(OPTIONS)
  expect(Object.keys(handler).sort()).toEqual(Object.keys(surface.auth(OPTIONS)).sort())
  expect(telemetry.instrument(handler)).toBe(handler)
  expect(handler.around(() => {})).toBe(handler)
})

test('that of express-bff-session/telemetry is exactly this', () => {
  expect(Object.keys(telemetry)).toEqual(['instrument'])
})

test('auth() returns a named handler of three arguments with ready, check, health, close, on, around, forgetTenant and sessions', async () => {
  const handler = surface.auth(OPTIONS)
  expect(handler).toBeInstanceOf(Function)
  expect(handler.name).toBe('bffSession')
  expect(handler).toHaveLength(3)
  expect(Object.keys(handler).sort()).toEqual([
    'around',
    'check',
    'close',
    'forgetTenant',
    'health',
    'on',
    'ready',
    'sessions',
  ])
  expect(Object.keys(handler.sessions).sort()).toEqual(['list', 'revoke', 'revokeAll'])
  expect(handler.on('logged-in', () => {})).toBe(handler)
  await expect(handler.close()).resolves.toBeUndefined()
})

test('ready() rejects with a clear error while the provider is away', async () => {
  const handler = surface.auth({ ...OPTIONS, issuerBaseURL: 'http://127.0.0.1:9', logger: { warn() {} } })
  await expect(handler.ready()).rejects.toMatchObject({ name: 'TryLaterError', code: 'provider_unavailable' })
  await handler.close()
})

test('the guards are named handlers of three arguments', () => {
  expect([surface.requireAuth().name, surface.requireAuth().length]).toEqual(['requireAuth', 3])
  expect([surface.requireFresh().name, surface.requireFresh().length]).toEqual(['requireFresh', 3])
  const stepUp = surface.requireStepUp({ acr: 'mfa' })
  expect([stepUp.name, stepUp.length]).toEqual(['requireStepUp', 3])
  const claim = surface.requireClaim('role', 'admin')
  expect([claim.name, claim.length]).toEqual(['requireClaim', 3])
})

test.each([-1, Number.NaN, '60s', {}])(
  'requireFresh({ maxAgeSeconds: %p }) is a mistake',
  (maxAgeSeconds) => {
    expect(() => surface.requireFresh({ maxAgeSeconds: maxAgeSeconds as never })).toThrow(
      /requireFresh\(\): maxAgeSeconds must be a number of seconds, 0 or more/,
    )
  },
)

test('a guard without auth() above it says so', async () => {
  const said = await new Promise((resolve) => {
    surface.requireAuth()({ method: 'GET', url: '/', headers: {} } as Request, {} as Response, resolve)
  })
  expect(said).toBeInstanceOf(surface.ConfigurationError)
  expect(said).toMatchObject({
    code: 'auth_not_mounted',
    message: expect.stringMatching(/app\.use\(auth\(\)\)/),
  })
})

test('neither the handler nor its options’ secrets are to be seen in it', () => {
  const shown = inspect(surface.auth(OPTIONS), { depth: Number.POSITIVE_INFINITY, showHidden: true })
  expect(shown).not.toContain('the-secret-of')
})

describe('on a request', () => {
  let seen: { req: Request; res: Response } | undefined

  const { provider, app, browser } = useParts(async (start) => {
    const provider = await start(startProvider())
    const app = await start(startApp({ provider }))
    app.app.get('/look', (req, res) => {
      seen = { req, res }
      res.json({ ...req.oidc, ...res.oidc, user: req.oidc.user, spread: { ...req.oidc.session } })
    })
    app.app.get('/remember-me', (req, res) => {
      const before = req.session.cookie.maxAge ?? null
      if (req.query.days !== undefined) req.session.cookie.maxAge = Number(req.query.days) * 86_400_000
      res.json({ before })
    })
    const browser = new Browser()
    await browser.logIn(app.url)
    return { provider, app, browser }
  })

  const membersOf = (oidc: object) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(oidc))
      .filter((name) => name !== 'constructor')
      .sort()

  async function look() {
    const page = await browser.request('GET', `${app.url}/look`)
    if (seen === undefined) throw new Error('the request was not seen')
    return { page, ...seen }
  }

  test('req.oidc and res.oidc have exactly these members', async () => {
    const { req, res } = await look()
    expect(membersOf(req.oidc)).toEqual([
      'accessTokenExpiresAt',
      'fetch',
      'fetchUserInfo',
      'getAccessToken',
      'getIdToken',
      'isAuthenticated',
      'renew',
      'session',
      'user',
    ])
    expect(membersOf(res.oidc)).toEqual(['login', 'logout'])
    expect(Object.keys(req.oidc.session ?? {}).sort()).toEqual([
      'acr',
      'authTime',
      'createdAt',
      'dueAt',
      'expiresAt',
      'generation',
      'id',
      'renewedAt',
    ])
    expect([req.oidc, res.oidc].flatMap(Reflect.ownKeys)).toEqual([])
  })

  test('their functions work when they are taken off them', async () => {
    const { req } = await look()
    const { accessTokenExpiresAt, isAuthenticated, getAccessToken, getIdToken } = req.oidc
    expect(isAuthenticated()).toBe(true)
    expect(await getAccessToken()).toEqual(expect.any(String))
    expect(await getIdToken()).toMatch(/^ey.+\..+\..+/)
    expect(accessTokenExpiresAt()).toEqual(expect.any(Date))
  })

  test('what an app puts in the place of a member is there, for that request alone', async () => {
    const { req, res } = await look()
    const [isAuthenticated, login] = [() => false, async () => {}]
    Object.assign(req.oidc, { isAuthenticated })
    Object.assign(res.oidc, { login })
    expect([req.oidc.isAuthenticated(), res.oidc.login]).toEqual([false, login])
    expect((await look()).req.oidc.isAuthenticated()).toBe(true)
  })

  test('no token is in them, however they are printed, spread or sent', async () => {
    const { page, req, res } = await look()
    const tokens = [await req.oidc.getAccessToken(), await req.oidc.getIdToken()]
    const options = {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      getters: true,
      maxStringLength: null,
    }
    const shown = [
      page.body,
      JSON.stringify(req.oidc),
      inspect(req.oidc, options),
      inspect(res.oidc, options),
      inspect({ ...req.oidc }, options),
    ].join('\n')
    expect(shown).toContain('alice')
    expect(provider.secretsSeen()).toEqual(expect.arrayContaining(tokens))
    for (const secret of provider.secretsSeen()) expect(shown).not.toContain(secret)
  })

  test('what an app does to the user it was given stays with that request', async () => {
    const { req } = await look()
    const { user } = req.oidc
    Object.assign(user ?? {}, { sub: 'mallory', isAdmin: true })
    expect(req.oidc.user).toMatchObject({ sub: 'alice' })
    expect(req.oidc.user).not.toHaveProperty('isAdmin')
  })

  test('what an app does to the cookie of one session stays with that session', async () => {
    const [alice, bob] = [new Browser(), new Browser()]
    await alice.logIn(app.url, { user: 'alice' })
    await bob.logIn(app.url, { user: 'bob' })
    expect((await alice.request('GET', `${app.url}/remember-me?days=30`)).json()).toEqual({ before: null })
    expect((await bob.request('GET', `${app.url}/remember-me`)).json()).toEqual({ before: null })
  })
})
