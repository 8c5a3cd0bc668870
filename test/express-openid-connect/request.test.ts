// What is on a request, and the guards, as apps of express-openid-connect use them: also wrongly, and against an attacker.
import { inspect } from 'node:util'
import express, { type Request, type RequestHandler } from 'express'
import request from 'supertest'
import {
  attemptSilentLogin,
  type ConfigParams,
  claimCheck,
  claimEquals,
  claimIncludes,
  requiresAuth,
  SessionExpiredError,
} from '../../src/express-openid-connect/index.ts'
import { auth as ownAuth, requireAuth, requireFresh, requireStepUp } from '../../src/index.ts'
import { signedIn, signedInHeaders, testOptions, testProvider } from '../../src/testing/index.ts'
import { askedIn, html, logIn, open, opened, valuesOf } from './layered-app.ts'

describe('req.oidc', () => {
  test('claims, tokens and the person, as they are called there', async () => {
    const opened = open({ authorizationParams: { scope: 'openid offline_access' } }, async ({ oidc }) => ({
      user: oidc.user,
      claims: Object.keys(oidc.idTokenClaims ?? {}).sort(),
      isSame:
        oidc.idToken === (await oidc.getIdToken()) &&
        oidc.accessToken?.access_token === (await oidc.getAccessToken()),
      token: { ...oidc.accessToken, access_token: '', isExpired: oidc.accessToken?.isExpired() },
    }))
    const { page } = await logIn(opened, { sub: 'alice', sid: 's-1', acr: 'mfa', roles: ['admin'] })
    const { token, ...others } = await page()
    expect(others).toEqual({
      user: { sub: 'alice', sid: 's-1', acr: 'mfa', roles: ['admin'] },
      claims: ['acr', 'aud', 'auth_time', 'exp', 'iat', 'iss', 'nonce', 'roles', 'sid', 'sub'],
      isSame: true,
    })
    expect(token).toEqual({
      access_token: '',
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      isExpired: false,
    })
    expect(token.expires_in).toBeGreaterThan(3590)
  })

  test('nobody has none of it', async () => {
    const { app } = open({}, ({ oidc }) => [
      oidc.isAuthenticated(),
      oidc.idToken,
      oidc.idTokenClaims,
      oidc.user,
      oidc.accessToken,
    ])
    expect((await request(app).get('/page')).body).toEqual([false, null, null, null, null])
  })

  test('identityClaimFilter says what is left out of the person', async () => {
    const opened = open({ identityClaimFilter: ['roles', 'nonce'] }, ({ oidc }) =>
      Object.keys(oidc.user ?? {}).sort(),
    )
    const { page } = await logIn(opened, { sub: 'alice', roles: ['admin'] })
    expect(await page()).toEqual(['aud', 'auth_time', 'exp', 'iat', 'iss', 'sub'])
  })

  test('the refresh token is not to be had, and no token is to be seen in what is printed', async () => {
    let shown = ''
    const opened = open({ authorizationParams: { scope: 'openid offline_access' } }, (req) => {
      const { idToken, accessToken } = req.oidc
      const options = { depth: 9, showHidden: true, getters: true, maxStringLength: null }
      shown = inspect({ ...req.oidc }, options) + inspect(req.oidc, options) + JSON.stringify(req.oidc)
      expect(shown).not.toContain(idToken)
      expect(shown).not.toContain(accessToken?.access_token)
      return req.oidc.refreshToken
    })
    const { page } = await logIn(opened)
    expect(await page()).toEqual({
      error: expect.stringMatching(
        /^req\.oidc\.refreshToken: it stays on the server, .*accessToken\.refresh\(\)/,
      ),
    })
    expect(shown).not.toBe('')
  })

  test('accessToken.refresh() brings another token; of an account that is blocked SessionExpiredError', async () => {
    const opened = open({ authorizationParams: { scope: 'openid offline_access' } }, async ({ oidc }) => {
      const before = oidc.accessToken
      const after = await before?.refresh()
      const isOther = before?.access_token !== after?.access_token
      return { isOther, isKept: after?.access_token === oidc.accessToken?.access_token }
    })
    const { page } = await logIn(opened, { sub: 'mallory' })
    expect(await page()).toEqual({ isOther: true, isKept: true })
    testProvider().block('mallory')
    expect(await page()).toEqual({ error: 'The session at the provider has ended.' })
    testProvider().unblock('mallory')
    expect(opened.errors[0]).toBeInstanceOf(SessionExpiredError)
    expect(opened.errors[0]).toMatchObject({
      name: 'SessionExpiredError',
      code: 'ERR_SESSION_EXPIRED',
      status: 401,
      statusCode: 401,
    })
  })

  test('without a refresh token there is none, and parameters of a renewal’s own are refused', async () => {
    const opened = open({}, ({ oidc, query }) =>
      oidc.accessToken?.refresh(query.odd ? { tokenEndpointParams: { a: 1 } } : {}),
    )
    const { agent } = await logIn(opened)
    expect((await agent.get('/page')).status).toBe(401)
    expect((await agent.get('/page?odd=1')).body.error).toMatch(
      /^accessToken\.refresh\(\): tokenEndpointParams cannot be had/,
    )
  })

  test('a session without a refresh token outlives its ID token, as there', async () => {
    const opened = open({}, ({ oidc }) => oidc.isAuthenticated())
    const { page } = await logIn(opened, { sub: 'alice' }, { due: true })
    expect(await page()).toBe(true)
  })

  test('what an app’s tests put in the place of a member stays there, and guards of both kinds work beside', async () => {
    const opened = open({}, ({ oidc }) => oidc.user ?? null, {
      '/stub': ({ oidc }, res) => {
        Object.assign(oidc, { user: { sub: 'stub' }, isAuthenticated: () => true })
        res.json([oidc.user, oidc.isAuthenticated()])
      },
      '/fresh': [
        requireFresh() as RequestHandler,
        ((_req, res) => void res.json({ fresh: true })) as RequestHandler,
      ] as never,
    })
    expect((await request(opened.app).get('/stub')).body).toEqual([{ sub: 'stub' }, true])
    expect((await request(opened.app).get('/page')).body).toBeNull()
    expect((await request(opened.app).get('/fresh').set({ accept: 'application/json' })).status).toBe(401)
  })
})

describe('req.appSession', () => {
  test('has the tokens to read, and none of them in it', async () => {
    const opened = open({ session: { name: 'shop' } }, (req) => {
      const values = valuesOf(req, 'shop')
      return {
        isSame: values.id_token === req.oidc.idToken,
        names: Object.keys(values),
        type: values.token_type,
      }
    })
    const { page } = await logIn(opened)
    expect(await page()).toEqual({ isSame: true, names: ['cookie'], type: 'Bearer' })
  })

  test.each<[string, (req: Request) => unknown, RegExp]>([
    [
      'taken for the refresh token',
      (req) => valuesOf(req).refresh_token,
      /req\.appSession\.refresh_token: it stays on the server/,
    ],
    [
      'given a token',
      (req) => Object.assign(valuesOf(req), { access_token: 'x' }),
      /req\.appSession\.access_token: it cannot be set/,
    ],
    [
      'replaced',
      (req) => Object.assign(req, { appSession: null }),
      /end the session by res\.oidc\.logout\(\)/,
    ],
  ])('%s, it says what to do', async (_what, touch, sentence) => {
    const { app } = open({}, touch)
    expect((await request(app).get('/page')).body.error).toMatch(sentence)
  })
})

describe('the guards', () => {
  const passes: RequestHandler = (_req, res) => void res.json({ passed: true })
  const guarded = (guard: RequestHandler | ReturnType<typeof requiresAuth>, options: ConfigParams = {}) =>
    open(options, () => null, { '/guarded': [guard, passes] as never })

  test.each<[what: string, headers: Record<string, string>, options: ConfigParams, status: number]>([
    ['a page is sent to log in', html, {}, 302],
    ['so is what says nothing of itself', {}, {}, 302],
    ['an API’s caller gets an error', { accept: 'application/json' }, {}, 401],
    ['so does a script, of which a browser says so', { accept: '*/*', 'sec-fetch-mode': 'cors' }, {}, 401],
    ['so does a prefetch', { ...html, 'sec-purpose': 'prefetch' }, {}, 401],
    ['with errorOnRequiredAuth everybody does', html, { errorOnRequiredAuth: true }, 401],
  ])('%s', async (_what, headers, options, status) => {
    for (const guard of [
      requiresAuth(),
      claimEquals('a', 1),
      claimIncludes('a', 1),
      claimCheck(() => true),
    ]) {
      const { app, errors } = guarded(guard, options)
      expect((await request(app).get('/guarded').set(headers)).status).toBe(status)
      expect(errors.map(({ message }) => message)).toEqual(
        status === 401 ? ['Authentication is required for this route.'] : [],
      )
    }
    const { app } = open({ ...options, authRequired: true })
    expect((await request(app).get('/nowhere').set(headers)).status).toBe(status)
  })

  const claims = { sub: 'alice', admin: true, level: 3, none: null, roles: ['a', 'b'], words: 'a b' }
  test.each<[what: string, guard: ReturnType<typeof requiresAuth>, passes: boolean]>([
    ['claimEquals', claimEquals('admin', true), true],
    ['claimEquals: null', claimEquals('none', null), true],
    ['claimEquals: another', claimEquals('level', '3' as never), false],
    ['claimEquals: missing', claimEquals('missing', null), false],
    ['claimEquals: inherited', claimEquals('__proto__', null), false],
    ['claimIncludes: all', claimIncludes('roles', 'b', 'a'), true],
    ['claimIncludes: not all', claimIncludes('roles', 'a', 'c'), false],
    ['claimIncludes: words', claimIncludes('words', 'a', 'b'), true],
    ['claimIncludes: neither', claimIncludes('level', 3), false],
    ['claimCheck', claimCheck((_req, { level }) => level === 3), true],
    ['claimCheck: no', claimCheck((req) => req.oidc.user?.sub !== 'alice'), false],
    ['requiresAuth of a function', requiresAuth((req) => req.oidc.user?.sub !== 'alice'), true],
    ['requiresAuth of a function: no', requiresAuth(() => true), false],
  ])('%s', async (_what, guard, isLetIn) => {
    const opened = guarded(guard)
    const { agent } = await logIn(opened, claims)
    const { status } = await agent.get('/guarded').set(html)
    // Who has just logged in would come back the same.
    expect(status).toBe(isLetIn ? 200 : 403)
    const script = await agent.get('/guarded').set({ accept: 'application/json' })
    expect(script.status).toBe(isLetIn ? 200 : 401)
  })

  test.each<[string, () => unknown, RegExp]>([
    ['claimEquals(1)', () => claimEquals(1 as never, 1), /^claimEquals\(\): claim must be a string/],
    [
      'claimEquals of an object',
      () => claimEquals('a', {} as never),
      /must be a string, a number, a boolean or null/,
    ],
    ['claimIncludes of a list', () => claimIncludes('a', ['b'] as never), /must be a string, a number/],
    ['claimCheck of nothing', () => claimCheck(undefined as never), /must be a function/],
    ['claimCheck, async', () => claimCheck((async () => false) as never), /that is not async/],
  ])('%s is a mistake', (_what, make, sentence) => {
    expect(make).toThrow(sentence)
  })

  test('a promise lets nobody in', async () => {
    const opened = guarded(claimCheck((() => Promise.resolve(false)) as never))
    const { agent } = await logIn(opened)
    expect((await agent.get('/guarded')).body.error).toMatch(/must not return a promise/)
  })

  test('while nobody knows whether there is a session, nobody is sent to log in: 503', async () => {
    const there = open()
    const headers = { ...html, ...(await signedInHeaders(there.app, there.bff, { sub: 'alice' })) }
    for (const errorOnRequiredAuth of [false, true]) {
      const away = { redis: 'redis://127.0.0.1:1', redisTimeoutSeconds: 0.1, errorOnRequiredAuth }
      const { app, errors } = guarded(requiresAuth(), away)
      expect((await request(app).get('/guarded').set(headers)).status).toBe(503)
      expect(errors).toMatchObject([{ code: 'store_unavailable' }])
    }
  })

  test('without auth() above they say so; in tests a req.oidc of one’s own will do, in production none', async () => {
    const bare = express().use(((req, _res, next) => {
      if (req.query.stub)
        Object.assign(req, { oidc: { isAuthenticated: () => true, user: { sub: 'stub', admin: true } } })
      next()
    }) as RequestHandler)
    bare.get('/', requiresAuth(), claimEquals('admin', true), passes)
    bare.get('/silent', attemptSilentLogin(), passes)
    bare.use(
      ((error, _req, res, _next) =>
        void res.status(500).json(error.code)) satisfies express.ErrorRequestHandler,
    )
    expect((await request(bare).get('/')).body).toBe('auth_not_mounted')
    expect((await request(bare).get('/silent')).body).toBe('auth_not_mounted')
    expect((await request(bare).get('/?stub=1')).status).toBe(200)
    const { NODE_ENV } = process.env
    process.env.NODE_ENV = 'production'
    expect((await request(bare).get('/?stub=1')).body).toBe('auth_not_mounted')
    process.env.NODE_ENV = NODE_ENV
  })

  test.each<[what: string, guard: ReturnType<typeof requiresAuth>, code: string]>([
    ['requireAuth()', requireAuth(), 'login_required'],
    ['requireFresh()', requireFresh(), 'login_required'],
    ['requireStepUp()', requireStepUp({ acr: 'mfa' }), 'step_up'],
  ])('below this auth(), %s of this package’s own is answered as they are', async (_what, guard, code) => {
    const { app, errors } = guarded(guard)
    expect((await request(app).get('/guarded').set({ accept: 'application/json' })).status).toBe(401)
    const page = await request(app).get('/guarded').set(html)
    expect([page.status, errors.length]).toEqual(code === 'step_up' ? [401, 2] : [302, 1])
    expect(
      (
        await request(guarded(guard, { errorOnRequiredAuth: true }).app)
          .get('/guarded')
          .set(html)
      ).status,
    ).toBe(401)
  })

  test('nor does a renewal that cannot be send anybody in circles', async () => {
    const opened = guarded(requireFresh())
    const { agent } = await logIn(opened)
    expect((await agent.get('/guarded').set(html)).status).toBe(401)
    expect(opened.errors).toMatchObject([{ code: 'renewal_impossible' }])
  })

  test('they know whom an auth() of this package’s own logged in', async () => {
    const bff = ownAuth(testOptions({ logger: { warn() {} } }))
    opened.push(bff)
    const app = express().use(bff).get('/guarded', requiresAuth(), claimEquals('admin', true), passes)
    app.get('/silent', attemptSilentLogin(), passes)
    expect((await request(app).get('/guarded').set(html)).status).toBe(302)
    expect(askedIn((await request(app).get('/silent').set(html)).headers.location)).toMatchObject({
      prompt: 'none',
    })
    const agent = request.agent(app)
    await signedIn(agent, bff, { sub: 'alice', admin: true })
    expect((await agent.get('/guarded').set(html)).status).toBe(200)
  })
})

describe('the option attemptSilentLogin', () => {
  test('a browser is sent once, a script never, and a provider that is down shows the page', async () => {
    const { app } = open({ attemptSilentLogin: true }, () => 'home')
    const agent = request.agent(app)
    expect((await agent.get('/page').set({ 'sec-fetch-mode': 'cors' })).status).toBe(200)
    expect(askedIn((await agent.get('/page').set(html)).headers.location)).toMatchObject({ prompt: 'none' })
    expect((await agent.get('/page').set(html)).status).toBe(200)
    testProvider().down()
    const away = open({ attemptSilentLogin: true }, () => 'home')
    expect((await request(away.app).get('/page').set(html)).body).toBe('home')
    testProvider().up()
  })
})
