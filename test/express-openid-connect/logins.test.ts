// How people come in and go, as apps of express-openid-connect have it: also wrongly, and against an attacker.
import express, { type RequestHandler, type Response } from 'express'
import request from 'supertest'
import { auth, type ConfigParams } from '../../src/express-openid-connect/index.ts'
import { signedIn, signedInHeaders, testOptions, testProvider } from '../../src/testing/index.ts'
import { askedIn, type Handler, html, logIn, open, opened, valuesOf } from './layered-app.ts'

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
    expect(await bff.health()).toMatchObject({ ok: true })
    expect(await bff.sessions.list('nobody')).toEqual([])
    expect(new auth.Store()).toBeInstanceOf(auth.Store)
  })
})
