// auth() above an app and above its router too: the same one is enough once, another one is a mistake that is told.
import express from 'express'
import { type AuthOptions, auth, isAuthError, requireAuth } from '../../src/index.ts'
import type { Auth } from '../support/app/app-routes.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { setCookieLine } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const errors: unknown[] = []

const { provider, twice, two, apart } = useParts(async (start) => {
  const provider = await start(startProvider())
  const open = (mount: (site: express.Express, given: AuthOptions) => Auth) =>
    start(
      startOwnApp({ provider }, (given) => {
        const site = express()
        const handler = mount(site, given)
        site.use(((error, _req, res, _next) => {
          errors.push(error)
          res.status(500).json({ code: error.code })
        }) satisfies express.ErrorRequestHandler)
        return { app: site, auth: handler }
      }),
    )
  const pages = () =>
    express
      .Router()
      .get('/private', requireAuth(), (req, res) => void res.json({ sub: req.oidc.user?.sub }))
      .get('/who', (req, res) => void res.json({ in: req.oidc.isAuthenticated() }))
      .post('/cart', (req, res) => {
        req.session.cart = 'full'
        res.json({})
      })
      .get('/cart', (req, res) => void res.json({ cart: req.session.cart ?? null }))
  return {
    provider,
    twice: await open((site, given) => {
      const handler = auth(given)
      site.use(handler, handler).use('/area', handler, express.Router().use(handler, pages()))
      return handler
    }),
    two: await open((site, given) => {
      const handler = auth(given)
      site.use(handler).use('/area', auth({ ...given, session: { name: 'other' } }), pages())
      return handler
    }),
    apart: await open((site, given) => {
      const handler = auth(given)
      site.use('/area', auth({ ...given, session: { name: 'other' } }), pages())
      site.use(handler, pages())
      return handler
    }),
  }
})
beforeEach(() => {
  errors.length = 0
})

test('the same auth() again is a no-op: a page below it is reached by one login, and keeps its data', async () => {
  const browser = new Browser()
  await browser.request('POST', `${twice.url}/area/cart`)
  const before = provider.authorizationRequests().length
  const page = await browser.logIn(twice.url, { path: '/area/private' })
  expect(page).toMatchObject({ status: 200, url: `${twice.url}/area/private` })
  expect(page.json()).toEqual({ sub: 'alice' })
  expect(provider.authorizationRequests()).toHaveLength(before + 1)
  expect((await browser.request('GET', `${twice.url}/area/cart`)).json()).toEqual({ cart: 'full' })
  expect(errors).toEqual([])
})

test('another auth() on the same request is an error that says so, and no redirect', async () => {
  const browser = new Browser()
  const page = await browser.navigate(`${two.url}/area/private`)
  expect([page.status, page.json()]).toEqual([500, { code: 'auth_mounted_twice' }])
  expect(setCookieLine(page, 'other')).toBeUndefined()
  expect(errors).toEqual([
    expect.objectContaining({ message: expect.stringContaining('Two auth() ran for this request') }),
  ])
  expect(errors.every(isAuthError)).toBe(true)
})

test('a handler that asks by itself who is logged in is told so too, and a page that nobody has is not found', async () => {
  const browser = new Browser()
  const asking = await browser.request('GET', `${two.url}/area/who`)
  expect([asking.status, asking.json()]).toEqual([500, { code: 'auth_mounted_twice' }])
  expect((await browser.request('GET', `${two.url}/area/nothing`)).status).toBe(404)
})

test('another auth() on paths of its own is none', async () => {
  const browser = new Browser()
  for (const path of ['/area/cart', '/cart']) await browser.request('POST', apart.url + path)
  const names = (await browser.cookies(apart.url)).map(({ key }) => key)
  expect(names.sort()).toEqual(['bff', 'other'])
  // What the first has no page for comes to the one below it.
  expect((await browser.request('GET', `${apart.url}/area/nothing`)).status).toBe(404)
  expect(errors).toEqual([])
})
