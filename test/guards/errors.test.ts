// Mistakes of the app and errors of the session, as the app's own error handling sees them.
import { inspect } from 'node:util'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { auth, isAuthError, requireAuth, requireFresh } from '../../src/index.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: OwnApp
const errors: unknown[] = []
const keep: ErrorRequestHandler = (error, _req, _res, next) => {
  errors.push(error)
  next(error)
}

beforeAll(async () => {
  provider = await startProvider({ accessToken: 1 })
  app = await startOwnApp({ provider, options: { logger: createLog().logger } }, (options) => {
    const handler = auth(options)
    const own = express()
    own.get('/unguarded', requireAuth(), (_req, res) => void res.json({ passed: true }))
    own.get('/unfresh', requireFresh(), (_req, res) => void res.json({ passed: true }))
    own.use(handler)
    own.get('/token', async (req, res) => void res.json({ length: (await req.oidc.getAccessToken()).length }))
    own.get('/renew', async (req, res) => {
      await req.oidc.renew()
      res.json({ generation: req.oidc.session?.generation })
    })
    own.get('/', (_req, res) => void res.json({}))
    own.use(keep)
    return { app: own, auth: handler }
  })
})
beforeEach(() => {
  errors.length = 0
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

const get = (browser: Browser, path: string) => browser.request('GET', `${app.url}${path}`)

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
  await browser.logIn(app.url, { user: 'trouble' })
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
  await browser.logIn(app.url, { user: 'revoked' })
  provider.revokeGrants('revoked')
  const page = await get(browser, '/renew')
  expect(page.status).toBe(401)
  expect(errors).toEqual([expect.objectContaining({ code: 'session_ended' })])
  const shown = page.body + JSON.stringify(page.headers) + inspect(errors, { depth: 20, showHidden: true })
  for (const secret of provider.secretsSeen()) expect(shown).not.toContain(secret)
})

test('req.oidc and res.oidc show no token, however deeply a request is printed', async () => {
  const seen: string[] = []
  const printing = await startOwnApp({ provider }, (options) => {
    const handler = auth(options)
    const own = express().use(handler)
    own.get('/', (req, res) => {
      seen.push(inspect(req, { depth: 30, showHidden: true, getters: true }))
      seen.push(inspect(res.oidc, { depth: 30, showHidden: true }), JSON.stringify(req.oidc))
      res.json({ sub: req.oidc.user?.sub })
    })
    return { app: own, auth: handler }
  })
  try {
    const page = await new Browser().logIn(printing.url, { user: 'printed' })
    expect(page.json()).toEqual({ sub: 'printed' })
    expect(seen.join()).toContain('isAuthenticated')
    for (const secret of provider.secretsSeen()) expect(seen.join()).not.toContain(secret)
  } finally {
    await printing.stop()
  }
})
