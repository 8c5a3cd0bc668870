// What is on a request, and the guards, as apps of express-openid-connect use them: also wrongly, and against an attacker.
import { inspect } from 'node:util'
import express, { type Request, type RequestHandler, type Response } from 'express'
import request from 'supertest'
import {
  attemptSilentLogin,
  auth,
  type ConfigParams,
  claimCheck,
  claimEquals,
  claimIncludes,
  requiresAuth,
  SessionExpiredError,
} from '../../src/express-openid-connect/index.ts'
import {
  type AuthHandler,
  auth as ownAuth,
  requireAuth,
  requireFresh,
  requireStepUp,
} from '../../src/index.ts'
import { signedIn, signedInHeaders, testOptions, testProvider } from '../../src/testing/index.ts'

const opened: AuthHandler[] = []
afterEach(async () => {
  for (const handler of opened.splice(0)) await handler.close()
})

type Handler = (req: Request, res: Response) => unknown

interface Opened {
  app: express.Express
  bff: AuthHandler
  errors: { message: string; code?: string }[]
}

/** An app with one handler for `/page`, and an error handler as apps have one. */
function open(
  options: ConfigParams = {},
  page: Handler = () => null,
  routes: Record<string, RequestHandler> = {},
): Opened {
  const errors: Opened['errors'] = []
  // What is asked for by itself is to be as there, and no refresh token is.
  const { authorizationParams: _, ...plain } = testOptions({ logger: { warn() {} } })
  const bff = auth({
    ...(plain as ConfigParams),
    authRequired: false,
    ...options,
  })
  opened.push(bff)
  const app = express().use(bff)
  for (const [path, handler] of Object.entries(routes)) app.use(path, handler)
  app.get('/page', async (req, res) => {
    const answer = await page(req, res)
    if (!res.headersSent && answer !== undefined) res.json(answer)
  })
  app.use(((error, _req, res, _next) => {
    errors.push(error)
    res.status(error.status ?? 500).json({ error: error.message })
  }) satisfies express.ErrorRequestHandler)
  return { app, bff, errors }
}

async function logIn(
  { app, bff }: Opened,
  person: { sub: string; [claim: string]: unknown } = { sub: 'alice' },
  more = {},
) {
  const agent = request.agent(app)
  await signedIn(agent, bff, person, more)
  return { agent, page: async () => (await agent.get('/page')).body }
}

const html = { accept: 'text/html' }
const askedIn = (location = '') => Object.fromEntries(new URL(location).searchParams)
const valuesOf = (req: Request, name = 'appSession') =>
  (req as unknown as Record<string, Record<string, unknown>>)[name] ?? {}

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

describe('res.oidc.login()', () => {
  const entered = (options: Parameters<Response['oidc']['login']>[0], config: ConfigParams = {}) => {
    const opened = open(config, (_req, res) => void res.oidc.login(options))
    return request(opened.app).get('/page').set(html)
  }

  test.each<[wanted: unknown, lands: string]>([
    [undefined, '/page'],
    ['/welcome?tab=1', '/welcome?tab=1'],
    ['http://localhost/welcome', '/welcome'],
    ['https://evil.example/', '/'],
    ['//evil.example/', '/'],
    ['/\\evil.example', '/'],
    ['/logout', '/'],
    ['https://www.example.com/login', 'https://www.example.com/login'],
    ['/LOGIN/', '/'],
  ])('returnTo %j lands on %s', async (returnTo, lands) => {
    const opened = open({ allowedReturnOrigins: ['https://www.example.com'] }, (req, res) =>
      req.oidc.isAuthenticated()
        ? { here: req.originalUrl }
        : void res.oidc.login({ returnTo: returnTo as string }),
    )
    const agent = request.agent(opened.app)
    const leaving = await agent.get('/page').set(html)
    const { url, params } = testProvider().logIn(leaving.headers.location ?? '', { sub: 'alice' })
    const landed = await agent.get(`${new URL(url).pathname}?${params}`).set(html)
    expect([landed.status, landed.headers.location]).toEqual([303, lands])
  })

  test('parameters are written out, and what is so for all logins may be said again', async () => {
    const redirect_uri = 'http://localhost/callback'
    const { headers } = await entered({
      authorizationParams: {
        response_type: 'code',
        response_mode: 'query',
        redirect_uri,
        max_age: 60,
        claims: { userinfo: {} },
      },
    })
    expect(askedIn(headers.location)).toMatchObject({
      response_type: 'code',
      redirect_uri,
      max_age: '60',
      claims: '{"userinfo":{}}',
    })
  })

  test('silent: true asks nobody anything', async () => {
    expect(askedIn((await entered({ silent: true })).headers.location)).toMatchObject({ prompt: 'none' })
  })

  test.each<[object, RegExp]>([
    [{ authorizationParams: { response_type: 'id_token' } }, /response_type is the same for all logins/],
    [
      { authorizationParams: { redirect_uri: 'https://evil.example/' } },
      /redirect_uri must be http:\/\/localhost\/callback/,
    ],
    [{ authorizationParams: { state: 'mine' } }, /state is made anew/],
    [{ returnsTo: '/' }, /returnsTo is not an option; did you mean returnTo\?/],
  ])('%j is refused, to the app’s error handling', async (options, sentence) => {
    const { status, body } = await entered(options)
    expect([status, body.error]).toEqual([500, expect.stringMatching(sentence)])
  })

  test.each<[string, ConfigParams['getLoginState'], RegExp]>([
    ['throws', () => Promise.reject(new Error('of the app')), /of the app/],
    ['returns no object', () => 'state' as never, /^getLoginState\(\): what it returns must be an object/],
  ])(
    'getLoginState that %s: the handler that waits for nothing goes on to the app’s error handling',
    async (_what, getLoginState, sentence) => {
      const { body } = await entered({}, { getLoginState })
      expect(body.error).toMatch(sentence)
    },
  )

  test('getLoginState says where the login ends, and is told what was asked', async () => {
    const told: unknown[] = []
    const states: unknown[] = []
    const opened = open({
      getLoginState: (req, options) => {
        told.push(options)
        return { returnTo: `/by?${req.query.x}`, custom: { is: 1 } }
      },
      afterCallback: (_req, _res, session, state) => {
        states.push(state)
        return session
      },
    })
    const agent = request.agent(opened.app)
    const leaving = await agent.get('/login?x=2').set(html)
    const { params } = testProvider().logIn(leaving.headers.location ?? '', { sub: 'alice' })
    expect((await agent.get(`/callback?${params}`).set(html)).headers.location).toBe('/by?2')
    expect(told).toEqual([{ returnTo: 'http://localhost/', authorizationParams: {} }])
    expect(states).toEqual([{ returnTo: '/by?2', custom: { is: 1 } }])
  })

  test('a page too long for the state is returned to all the same', async () => {
    const opened = open({}, (req, res) => (req.oidc.isAuthenticated() ? {} : void res.oidc.login()))
    const path = `/page?q=${'x'.repeat(1200)}`
    const agent = request.agent(opened.app)
    const leaving = await agent.get(path).set(html)
    const { params } = testProvider().logIn(leaving.headers.location ?? '', { sub: 'alice' })
    expect((await agent.get(`/callback?${params}`).set(html)).headers.location).toBe(path)
  })

  test('while the provider is down, a login goes on to the app’s error handling', async () => {
    testProvider().down()
    const { app, errors } = open()
    expect((await request(app).get('/login').set(html)).status).toBe(503)
    expect(errors).toMatchObject([{ code: 'provider_unavailable' }])
    testProvider().up()
  })

  test('below a path of its own, as baseURL says, everything has its place', async () => {
    const bff = auth({
      ...(testOptions({ logger: { warn() {} } }) as ConfigParams),
      baseURL: 'http://localhost/shop',
    })
    opened.push(bff)
    const app = express().use('/shop', bff, (req, res) => void res.json(req.oidc.user?.sub))
    const agent = request.agent(app)
    await signedIn(agent, bff, { sub: 'alice' }, { at: '/shop/orders' })
    expect((await agent.get('/shop/orders')).body).toBe('alice')
    expect((await agent.get('/shop/logout').set(html)).headers.location).toBe('/shop/')
    expect((await agent.get('/shop/orders').set(html)).status).toBe(302)
  })

  test('/login does nothing for a prefetch', async () => {
    const { app } = open()
    expect(
      (
        await request(app)
          .get('/login')
          .set({ ...html, 'sec-purpose': 'prefetch' })
      ).status,
    ).toBe(403)
  })
})

describe('the callback', () => {
  test('what fails goes to the app’s error handling, with its status', async () => {
    const opened = open()
    expect((await request(opened.app).get('/callback?state=none&code=none').set(html)).status).toBe(400)
    expect(opened.errors).toMatchObject([{ code: 'login_unknown' }])
  })

  test('on a route of the app’s own that the login names, by a form of the provider’s too', async () => {
    const redirect_uri = 'http://localhost/callback'
    const complete: RequestHandler = (_req, res) => void res.oidc.callback({ redirectUri: redirect_uri })
    const opened = open(
      { routes: { login: false, callback: false }, authorizationParams: { response_mode: 'form_post' } },
      ({ oidc }) => oidc.user?.sub,
      {
        '/enter': (_req, res) =>
          void res.oidc.login({ returnTo: '/page', authorizationParams: { redirect_uri } }),
        '/callback': [express.urlencoded({ extended: false }), complete] as never,
      },
    )
    const headers = await signedInHeaders(opened.app, opened.bff, { sub: 'alice' }, { at: '/enter' })
    expect((await request(opened.app).get('/page').set(headers)).body).toBe('alice')
  })

  test('on a route of the app’s own, in a router of its own, where it wants it', async () => {
    const order: string[] = []
    const router = express.Router().get('/back', async (req, res) => {
      order.push(`before ${req.oidc === undefined}`)
      await res.oidc.callback({
        redirectUri: req.query.odd ? 'https://evil.example/' : 'http://localhost/auth/back',
      })
      order.push('after')
    })
    const opened = open(
      {
        authRequired: true,
        routes: { callback: false },
        authorizationParams: { redirect_uri: 'http://localhost/auth/back' },
      },
      ({ oidc }) => oidc.user?.sub,
      { '/auth': router },
    )
    const { page } = await logIn(opened, { sub: 'alice' }, { at: '/page' })
    expect(await page()).toBe('alice')
    expect(order).toEqual(['before true', 'after'])
    const odd = await request(opened.app).get('/auth/back?odd=1')
    expect(odd.body.error).toMatch(/^res\.oidc\.callback\(\): redirectUri must be/)
    const failed = await request(opened.app).get('/auth/back?state=none&code=none').set(html)
    expect([failed.status, opened.errors.at(-1)?.code]).toEqual([400, 'login_unknown'])
  })

  test('res.oidc.callback() anywhere else is a mistake', async () => {
    const { app } = open({}, (_req, res) => res.oidc.callback())
    expect((await request(app).get('/page')).body.error).toMatch(/is for routes: \{ callback: false \}/)
  })

  test.each([[{ authorizationParams: { max_age: 60 } }], [{}]])(
    'with %j, whoever authenticated long ago is let in or not',
    async (options) => {
      const opened = open(options as ConfigParams)
      const login = logIn(opened, { sub: 'alice' }, { authenticatedSecondsAgo: 600 })
      if ('authorizationParams' in options)
        await expect(login).rejects.toThrow(/ended with 403: .*recently enough/)
      else await login
    },
  )
})

describe('afterCallback', () => {
  type Hook = NonNullable<ConfigParams['afterCallback']>
  const withHook = (
    afterCallback: Hook,
    page: Handler = (req) => ({ ...valuesOf(req), cookie: undefined, _afterCallback: undefined }),
  ) => open({ afterCallback }, page)

  test('sees the person as if they were logged in, with their tokens, and nobody else does', async () => {
    const seen: unknown[] = []
    const opened = withHook(async (req, res, session, state) => {
      const { oidc } = req
      const info = await oidc.fetchUserInfo()
      seen.push(
        oidc.isAuthenticated(),
        oidc.user?.sub,
        info.sub,
        oidc.idTokenClaims?.sub,
        res === req.res,
        state.returnTo,
      )
      seen.push(
        oidc.idToken === session.id_token,
        oidc.accessToken?.access_token === session.access_token,
        session.token_type,
      )
      seen.push(
        Number(session.expires_at) > Date.now() / 1000 + 3590,
        valuesOf(req).id_token === session.id_token,
      )
      return session
    })
    await logIn(opened)
    expect(seen).toEqual([
      true,
      'alice',
      'alice',
      'alice',
      true,
      'http://localhost/',
      true,
      true,
      'Bearer',
      true,
      true,
    ])
  })

  test('what it adds is in req.appSession from then on, the app’s to change; the next login’s is the newest', async () => {
    let count = 0
    const opened = open(
      { afterCallback: (_req, _res, session) => ({ ...session, profile: { visits: ++count } }) },
      (req) => {
        const values = valuesOf(req)
        if (req.query.drop) delete values.profile
        return [values.profile ?? null, values.cart ?? null, req.oidc.user]
      },
      { '/cart': (req, res) => void res.json(Object.assign(valuesOf(req), { cart: 'apples' })) },
    )
    const agent = request.agent(opened.app)
    await agent.get('/cart')
    await signedIn(agent, opened.bff, { sub: 'alice' })
    expect((await agent.get('/page')).body).toEqual([{ visits: 1 }, 'apples', { sub: 'alice' }])
    expect((await agent.get('/page?drop=1')).body).toEqual([null, 'apples', { sub: 'alice' }])
    expect((await agent.get('/page')).body[0]).toBeNull()
    await signedIn(agent, opened.bff, { sub: 'alice' }, { at: '/login?again' })
    expect((await agent.get('/page')).body).toEqual([{ visits: 2 }, 'apples', { sub: 'alice' }])
    await signedIn(agent, opened.bff, { sub: 'bob' })
    expect((await agent.get('/page')).body).toEqual([{ visits: 3 }, null, { sub: 'bob' }])
  })

  test.each<[what: string, hook: Hook, message: RegExp]>([
    ['throws', () => Promise.reject(new Error('not you')), /not you/],
    ['returns nothing', () => undefined as never, /ended with 403: .*You were not let in/],
    ['returns a session without a person', () => ({}) as never, /ended with 403/],
    [
      'returns another ID token',
      (_q, _s, session) => ({ ...session, id_token: 'a.b.c' }),
      /id_token cannot be another one/,
    ],
    [
      'returns another access token',
      (_q, _s, session) => ({ ...session, access_token: 'mine' }),
      /access_token cannot be another one/,
    ],
    [
      'adds a value with a name that is taken',
      (_q, _s, session) => ({ ...session, cookie: {} }),
      /cannot have a value 'cookie'/,
    ],
    [
      'adds a prototype',
      (_q, _s, session) =>
        JSON.parse(JSON.stringify({ ...session }).replace('{', '{"__proto__":{"admin":true},')),
      /cannot have a value '__proto__'/,
    ],
    [
      'reads the refresh token',
      (_q, _s, session) => ({ ...session, mine: session.refresh_token }),
      /session\.refresh_token stays on the server/,
    ],
  ])('%s: nobody is logged in', async (_what, hook, message) => {
    const opened = withHook(hook, ({ oidc }) => oidc.isAuthenticated())
    const agent = request.agent(opened.app)
    await expect(signedIn(agent, opened.bff, { sub: 'alice' })).rejects.toThrow(message)
    expect((await agent.get('/page')).body).toBe(false)
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

describe('a logout', () => {
  test('by a link ends the session here alone; another site’s page ends nothing', async () => {
    const opened = open({}, ({ oidc }) => oidc.isAuthenticated())
    const { agent, page } = await logIn(opened)
    const foreign = await agent
      .get('/logout')
      .set({ ...html, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })
    expect([foreign.status, await page()]).toEqual([403, true])
    expect(
      (await agent.get('/logout').set({ 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' })).status,
    ).toBe(403)
    const { status, headers } = await agent.get('/logout').set(html)
    expect([status, headers.location, await page()]).toEqual([303, '/', false])
  })

  test.each<[config: ConfigParams, given: Parameters<Response['oidc']['logout']>[0], lands: string]>([
    [{}, undefined, '/'],
    [{}, { returnTo: 'bye' }, '/bye'],
    [{}, { returnTo: '//evil.example/x' }, '/'],
    [{}, { returnTo: 'https://evil.example/x' }, '/'],
    [{ routes: { postLogoutRedirect: '/left' } }, undefined, '/left'],
    [
      { routes: { postLogoutRedirect: 'https://www.example.com/left' } },
      undefined,
      'https://www.example.com/left',
    ],
  ])('%j, res.oidc.logout(%j) lands on %s', async (config, given, lands) => {
    const opened = open(config, (_req, res) => void res.oidc.logout(given))
    const { agent } = await logIn(opened)
    expect((await agent.get('/page').set(html)).headers.location).toBe(lands)
  })

  test('at the provider it has the parameters of the options and of the call', async () => {
    const opened = open({ idpLogout: true, logoutParams: { federated: true } }, (req, res) =>
      req.query.odd
        ? void res.oidc.logout({ logoutParams: { post_logout_redirect_uri: 'https://evil.example' } })
        : void res.oidc.logout({ logoutParams: { ui_locales: 'de' } }),
    )
    const { agent } = await logIn(opened)
    expect((await agent.get('/page?odd=1').set(html)).body.error).toMatch(
      /logoutParams\.post_logout_redirect_uri is made at every logout/,
    )
    const { location } = (await agent.get('/page').set(html)).headers
    expect(location).toMatch(`${testProvider().issuer}/logout?`)
    expect(askedIn(location)).toMatchObject({
      ui_locales: 'de',
      post_logout_redirect_uri: 'http://localhost/',
      id_token_hint: expect.any(String),
    })
  })
})

describe('the routes', () => {
  test('/me is the app’s, and /backchannel-logout is there where it is asked for', async () => {
    const me: RequestHandler = (_req, res) => void res.json('mine')
    const without = open({}, undefined, { '/me': me }).app
    expect((await request(without).get('/me')).body).toBe('mine')
    expect(
      (await request(without).post('/backchannel-logout').type('form').send('logout_token=x')).status,
    ).toBe(404)
    const { app } = open({ backchannelLogout: true })
    expect((await request(app).post('/backchannel-logout').type('form').send('logout_token=x')).status).toBe(
      400,
    )
  })

  test('the handler has the members of ours, and stores may be made from auth', async () => {
    const { bff } = open()
    expect(bff.on('logged-in', () => {})).toBe(bff)
    await expect(bff.ready()).resolves.toBeUndefined()
    expect(await bff.sessions.list('nobody')).toEqual([])
    expect(new auth.Store()).toBeInstanceOf(auth.Store)
  })
})
