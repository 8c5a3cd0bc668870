// onError: the app answers whatever this package would answer with an error, hands it to Express, or leaves it to the package.
import type { ErrorRequestHandler } from 'express'
import { type AuthError, type AuthOptions, relay, requireClaim } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

type Hook = NonNullable<AuthOptions['onError']>

let hook: Hook
let told: AuthError[] = []
const answer: Hook = (error, _req, res) => void res.status(418).json({ code: error.code })
const byDefault: Hook = (_error, _req, _res, next) => next()
const toExpress: Hook = (error, _req, _res, next) => next(error)

const onError: Hook = (error, req, res, next) => {
  told.push(error)
  return hook(error, req, res, next)
}

const { provider, app, closed, both, browser } = useParts(async (start) => {
  const provider = await start(startProvider())
  const app = await start(startApp({ provider, options: { onError } }))
  app.app.get('/admin', requireClaim('role', 'admin'), (_req, res) => void res.send('let in'))
  app.app.use('/api', relay({ target: 'http://127.0.0.1:9' }))
  app.app.use((_req, res) => void res.send('let in'))
  const last: ErrorRequestHandler = (error, _req, _res, next) => {
    app.errors.push(error)
    next(error)
  }
  app.app.use(last)
  const closed = await start(startApp({ provider, options: { onError, authRequired: true } }))
  closed.app.use((_req, res) => void res.send('let in'))
  const onCallbackError: Hook = (error, _req, _res, next) =>
    next(error.code === 'callback_malformed' ? undefined : error)
  const both = await start(startApp({ provider, options: { onError, onCallbackError } }))
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
  return { provider, app, closed, both, browser }
})
beforeEach(() => {
  hook = answer
  told = []
  for (const { errors } of [app, closed, both]) errors.length = 0
})
afterEach(() => provider.normal())

const PAGE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
const nobody = () => new Browser()
const asked = (path: string) => browser.request('GET', `${app.url}${path}`)

const refusals: [code: string, status: number, where: string, ask: () => Promise<Page>][] = [
  ['login_required', 401, 'requireAuth()', () => nobody().request('GET', `${app.url}/private`)],
  ['login_required', 401, 'requireFresh()', () => nobody().request('GET', `${app.url}/fresh`)],
  ['login_required', 401, 'authRequired', () => nobody().request('GET', `${closed.url}/public`)],
  ['step_up_required', 401, 'requireStepUp()', () => asked('/step-up?acr=mfa')],
  ['claim_required', 403, 'requireClaim()', () => asked('/admin')],
  [
    'provider_unavailable',
    503,
    'a provider that is away',
    () => {
      provider.cutNext('token')
      return asked('/fresh')
    },
  ],
  ['api_unavailable', 503, 'relay()', () => asked('/api/orders')],
  ['request_malformed', 400, 'relay()', () => asked('/api/%5c')],
  ['login_malformed', 400, '/login', () => nobody().navigate(`${app.url}/login?max_age=soon`)],
  ['callback_malformed', 400, '/callback', () => nobody().navigate(`${app.url}/callback`)],
  ['method_not_allowed', 405, '/me', () => browser.request('PUT', `${app.url}/me`)],
  [
    'cross_site',
    403,
    '/logout',
    () => browser.request('POST', `${app.url}/logout`, { from: 'https://evil.example' }),
  ],
  [
    'cross_site',
    403,
    'a route of the app',
    () => browser.request('POST', `${app.url}/cart`, { json: {}, from: 'https://evil.example' }),
  ],
]

/** Of the app's own two error handlers, one after the other. */
const errors = () => [...new Set([...app.errors, ...closed.errors])]

test.each(refusals)(
  '%s (%i) of %s is told once, and answered by the app',
  async (code, status, _where, ask) => {
    const page = await ask()
    expect(page).toMatchObject({ status: 418, body: JSON.stringify({ code }) })
    expect(told).toMatchObject([{ code, status, statusCode: status }])
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', ...told[0]?.headers })
    expect(errors()).toEqual([])
  },
)

test.each(refusals)('%s (%i) of %s is answered as ever after next()', async (code, status, where, ask) => {
  hook = byDefault
  const page = await ask()
  expect(page.status).toBe(status)
  if (where === '/callback' || where === '/login') expect(page.headers['content-type']).toMatch(/^text\/html/)
  else expect(page.json()).toMatchObject({ code, status })
  expect(told).toHaveLength(1)
  expect(errors()).toEqual([])
})

test.each(refusals)('%s (%i) of %s goes to Express by next(error)', async (_code, status, _where, ask) => {
  hook = toExpress
  const page = await ask()
  expect(page.status).toBe(status)
  expect(page.headers).toMatchObject({ ...told[0]?.headers })
  expect(errors()).toEqual(told)
  expect(told).toHaveLength(1)
})

test('a page is sent to log in only where the app leaves that to the package', async () => {
  const open = () => nobody().request('GET', `${app.url}/private`, { headers: PAGE })
  expect(await open()).toMatchObject({ status: 418 })
  hook = byDefault
  expect(await open()).toMatchObject({ status: 302, headers: { location: '/login?return_to=%2Fprivate' } })
  hook = toExpress
  expect(await open()).toMatchObject({ status: 401 })
})

test('it may begin a login', async () => {
  hook = (_error, req, res) => res.oidc.login({ returnTo: req.originalUrl })
  const page = await nobody().logIn(app.url, { path: '/private', user: 'again' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/private` })
})

test.each(['route', 'router'])('next(%j) lets nobody through', async (word) => {
  hook = (_error, _req, _res, next) => next(word)
  for (const url of [`${app.url}/private`, `${closed.url}/elsewhere`, `${app.url}/api/orders`]) {
    const page = await nobody().request('GET', url)
    expect(page.status).toBe(500)
    expect(page.body).not.toContain('let in')
  }
})

test.each<[string, Hook]>([
  [
    'throws',
    () => {
      throw new Error('no template')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no template'))],
  ['rejects with nothing', () => Promise.reject()],
])('one that %s ends at the error handler of Express', async (_name, fault) => {
  hook = fault
  for (const [, , , ask] of refusals.slice(0, 3)) expect((await ask()).status).toBe(500)
  expect(errors()).toHaveLength(3)
})

test('one that answered and calls next() too harms nobody', async () => {
  hook = (error, req, res, next) => {
    answer(error, req, res, next)
    next()
  }
  expect(await asked('/admin')).toMatchObject({ status: 418 })
  expect(errors()).toEqual([])
})

test('a failed login goes to onCallbackError first, and to onError by its next()', async () => {
  expect(await nobody().navigate(`${both.url}/callback`)).toMatchObject({ status: 418 })
  expect(told).toMatchObject([{ code: 'callback_malformed' }])
  const unknown = await nobody().navigate(`${both.url}/callback?state=x&code=y`)
  expect(unknown.status).toBe(400)
  expect(both.errors).toMatchObject([{ code: 'login_unknown' }])
  expect(told).toHaveLength(1)
})

test("the provider's own requests are answered as its standard wants it", async () => {
  const url = `${app.url}/backchannel-logout`
  const page = await nobody().request('POST', url, { form: { logout_token: 'x' } })
  expect(page).toMatchObject({ status: 400 })
  expect(page.json()).toMatchObject({ error: 'invalid_request' })
  expect(told).toEqual([])
})
