// requireAuth() and authRequired: who may pass, and what everybody else sees. Mistakes of the app and errors of the
// session, as the app's own error handling sees them.
import { inspect } from 'node:util'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { auth, isAuthError, requireAuth, requireFresh } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { useParts, useServers } from '../support/servers.ts'

const { provider, app, log } = useServers()
const { closed } = useParts(async (start) => ({
  closed: await start(startApp({ provider, options: { authRequired: true } })),
}))

const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }

test.each([
  '/private',
  '/private?a=1&b=%2F%2Fx&c=%20d',
  '/private?next=https://x.example/&d=é',
  '/PRIVATE/?x=1',
])('a page is sent to log in, and comes back to %s exactly', async (path) => {
  const browser = new Browser()
  const url = new URL(path, app.url).href
  const refused = await browser.navigate(url, { stopAt: () => true })
  expect(refused).toMatchObject({ status: 302, headers: { 'cache-control': 'no-store' } })
  expect(refused.headers.location).toMatch(/^\/login\?return_to=/)
  const page = await browser.logIn(app.url, { path: url, user: 'visitor' })
  expect(page).toMatchObject({ status: 200, url })
  expect(page.json()).toMatchObject({ sub: 'visitor' })
})

test('a page asked for by a browser that sends no fetch metadata is sent to log in too', async () => {
  const browser = new Browser({ secFetch: false })
  const page = await browser.logIn(app.url, { path: '/private?old', user: 'old' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/private?old` })
})

/** 401 for a script: problem+json that says where to log in, and no redirect. */
async function expectProblem(
  method: string,
  headers: Record<string, string> = {},
  at: TestApp = app,
  path = '/private',
) {
  const page = await new Browser().request(method, `${at.url}${path}`, { headers })
  expect(page.status).toBe(401)
  expect(page.headers.location).toBeUndefined()
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(page.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(page.headers.vary).toMatch(/Sec-Fetch-Mode/i)
  if (method === 'HEAD') return expect(page.body).toBe('')
  expect(page.json()).toEqual({
    type: 'urn:express-bff-session:docs/errors.md#login_required',
    title: 'You are not logged in',
    status: 401,
    code: 'login_required',
    detail: expect.any(String),
    login_url: '/login',
  })
}

test.each<[string, Record<string, string>]>([
  ['a script', {}],
  ['a script that accepts anything', { accept: '*/*' }],
  ['a script that says it accepts HTML', { accept: 'text/html' }],
  ['XMLHttpRequest of an old browser', { accept: 'application/json', 'x-requested-with': 'XMLHttpRequest' }],
  ['an iframe', { ...NAVIGATION, 'sec-fetch-dest': 'iframe' }],
  ['a frame', { ...NAVIGATION, 'sec-fetch-dest': 'frame' }],
  ['an object', { ...NAVIGATION, 'sec-fetch-dest': 'object' }],
  ['an image', { accept: 'image/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
  ['a style sheet', { accept: 'text/css', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'style' }],
  ['a service worker', { 'sec-fetch-mode': 'same-origin', 'sec-fetch-dest': 'serviceworker' }],
  ['a WebSocket', { 'sec-fetch-mode': 'websocket', 'sec-fetch-dest': 'websocket' }],
])('%s gets 401 and is not redirected', async (_name, headers) => {
  await expectProblem('GET', headers)
})

test('a program without any browser headers gets 401', async () => {
  const page = await new Browser({ secFetch: false }).request('GET', `${app.url}/private`, {
    headers: { accept: undefined },
  })
  expect(page.json()).toMatchObject({ status: 401, code: 'login_required' })
})

test('HEAD gets 401 without a body', async () => {
  await expectProblem('HEAD')
  await expectProblem('HEAD', NAVIGATION)
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s gets 401', async (method) => {
  await expectProblem(method, {}, app, '/fresh')
})

test('a form that was posted by navigation gets 401 and is never sent again', async () => {
  const browser = new Browser()
  const page = await browser.submit(
    `${app.url}/fresh?amount=100`,
    { amount: '100' },
    { from: app.url, stopAt: () => true },
  )
  expect(page.status).toBe(401)
  expect(page.headers.location).toBeUndefined()
  expect(page.body).not.toContain('amount')
  expect(provider.authorizationRequests().filter(({ params }) => params.amount)).toEqual([])
})

test('the guard lets through who is logged in, whatever the method', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'inside' })
  expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: 'inside' })
  expect((await browser.request('HEAD', `${app.url}/private`)).status).toBe(200)
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ sub: 'inside' })
})

test('authRequired: every route below needs a login, and comes back to where it was', async () => {
  await expectProblem('GET', {}, closed, '/public')
  await expectProblem('POST', {}, closed, '/cart')
  await expectProblem('GET', {}, closed, '/nothing-here')
  const browser = new Browser()
  const page = await browser.logIn(closed.url, { path: '/public?x=1', user: 'member' })
  expect(page).toMatchObject({ status: 200, url: `${closed.url}/public?x=1` })
  expect(page.json()).toMatchObject({ sub: 'member' })
})

test('authRequired: what stands above auth() and the routes of auth() stay open', async () => {
  const browser = new Browser()
  expect((await browser.request('GET', `${closed.url}/ping`)).status).toBe(200)
  expect((await browser.request('GET', `${closed.url}/me`)).json()).toEqual({ authenticated: false })
  expect((await browser.navigate(`${closed.url}/login`, { stopAt: () => true })).status).toBe(302)
  expect((await browser.request('POST', `${closed.url}/logout`)).status).toBe(303)
})

describe("as the app's own error handling sees it", () => {
  const errors: unknown[] = []
  const seen: string[] = []
  const keep: ErrorRequestHandler = (error, _req, _res, next) => {
    errors.push(error)
    next(error)
  }
  const { own } = useParts(async (start) => ({
    own: await start(
      startOwnApp({ provider, options: { logger: log.logger } }, (options) => {
        const handler = auth(options)
        const built = express()
        built.get('/unguarded', requireAuth(), (_req, res) => void res.json({ passed: true }))
        built.get('/unfresh', requireFresh(), (_req, res) => void res.json({ passed: true }))
        built.use(handler)
        built.get(
          '/token',
          async (req, res) => void res.json({ length: (await req.oidc.getAccessToken()).length }),
        )
        built.get('/renew', async (req, res) => {
          await req.oidc.renew()
          res.json({ generation: req.oidc.session?.generation })
        })
        built.get('/printed', (req, res) => {
          seen.push(inspect(req, { depth: 30, showHidden: true, getters: true }))
          seen.push(inspect(res.oidc, { depth: 30, showHidden: true }), JSON.stringify(req.oidc))
          res.json({ sub: req.oidc.user?.sub })
        })
        built.get('/', (_req, res) => void res.json({}))
        built.use(keep)
        return { app: built, auth: handler }
      }),
    ),
  }))
  beforeEach(() => {
    errors.length = 0
  })

  const get = (browser: Browser, path: string) => browser.request('GET', `${own.url}${path}`)

  test.each(['/unguarded', '/unfresh'])(
    'the guard of %s, without auth() above it, says what is missing',
    async (path) => {
      const page = await get(new Browser(), path)
      expect(page.status).toBe(500)
      expect(errors).toEqual([
        expect.objectContaining({ name: 'ConfigurationError', code: 'auth_not_mounted' }),
      ])
      expect(String(errors[0])).toContain('app.use(auth())')
    },
  )

  test.each([-1, Number.NaN, 'soon', {}, Number.NEGATIVE_INFINITY])(
    'requireFresh({ maxAgeSeconds: %p }) is refused when the route is made',
    (maxAgeSeconds) => {
      const make = (): RequestHandler => requireFresh({ maxAgeSeconds: maxAgeSeconds as number })
      expect(make).toThrow(/requireFresh\(\): maxAgeSeconds must be/)
    },
  )

  test.each([0, 1.5, 3600, undefined])('requireFresh({ maxAgeSeconds: %p }) is taken', (maxAgeSeconds) => {
    expect(requireFresh({ maxAgeSeconds })).toBeInstanceOf(Function)
  })

  test('guards are named, so that a stack shows them', () => {
    expect([requireAuth().name, requireFresh().name]).toEqual(['requireAuth', 'requireFresh'])
  })

  test.each(['/token', '/renew'])('%s for nobody is a 401 of Express’s own error handler', async (path) => {
    const page = await get(new Browser(), path)
    expect(page.status).toBe(401)
    expect(errors).toEqual([
      expect.objectContaining({ name: 'LoginRequiredError', code: 'login_required', status: 401 }),
    ])
  })

  test('getAccessToken() while the provider is in trouble is a 503 with Retry-After, and shows no token', async () => {
    const browser = new Browser()
    provider.lifetimes.accessToken = 1
    await browser.logIn(own.url, { user: 'trouble' })
    provider.lifetimes.accessToken = 3600
    provider.answerAll('token', { status: 500, body: 'oops' }, { grantType: 'refresh_token' })
    const page = await eventually('the access token to expire', async () => {
      const answer = await get(browser, '/token')
      return answer.status === 200 ? undefined : answer
    })
    expect(page.status).toBe(503)
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
    const shown = page.body + JSON.stringify(page.headers) + inspect(errors, { depth: 20, showHidden: true })
    for (const secret of provider.secretsSeen()) expect(shown).not.toContain(secret)
    expect(errors.every(isAuthError)).toBe(true)
  })

  test('renew() after the grant was revoked is a 401, and shows no token', async () => {
    const browser = new Browser()
    await browser.logIn(own.url, { user: 'revoked' })
    provider.revokeGrants('revoked')
    const page = await get(browser, '/renew')
    expect(page.status).toBe(401)
    expect(errors).toEqual([expect.objectContaining({ code: 'session_ended' })])
    const shown = page.body + JSON.stringify(page.headers) + inspect(errors, { depth: 20, showHidden: true })
    for (const secret of provider.secretsSeen()) expect(shown).not.toContain(secret)
  })

  test('req.oidc and res.oidc show no token, however deeply a request is printed', async () => {
    const page = await new Browser().logIn(own.url, { user: 'printed', returnTo: '/printed' })
    expect(page.json()).toEqual({ sub: 'printed' })
    expect(seen.join()).toContain('isAuthenticated')
    for (const secret of provider.secretsSeen()) expect(seen.join()).not.toContain(secret)
  })
})
