// An app that lives below a path of its site: baseURL has the path, and auth() is mounted there.
import express from 'express'
import { auth, requireAuth } from '../../src/index.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: OwnApp

beforeAll(async () => {
  provider = await startProvider()
  const setup = { provider, basePath: '/app', options: { logger: createLog().logger } }
  app = await startOwnApp(setup, (options) => {
    const handler = auth(options)
    const own = express()
    const below = express.Router().use(handler)
    below.get('/private', requireAuth(), (req, res) => void res.json({ sub: req.oidc.user?.sub }))
    own.use('/app', below)
    own.get(
      '/{*page}',
      (req, res) => void res.json({ at: req.originalUrl, sub: req.oidc?.user?.sub ?? null }),
    )
    return { app: own, auth: handler }
  })
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

test('logs in below the path and lands below it', async () => {
  const browser = new Browser()
  const page = await browser.logIn(app.url, { path: '/app/login', user: 'below' })
  expect(page.json()).toEqual({ at: '/app/', sub: 'below' })
  expect(provider.authorizationRequests().at(-1)?.params.redirect_uri).toBe(`${app.url}/app/callback`)
})

test('a guarded page is come back to exactly', async () => {
  const page = await new Browser().logIn(app.url, { path: '/app/private?x=1', user: 'guarded' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/app/private?x=1` })
})

test('a script is told where to log in', async () => {
  const page = await new Browser().request('GET', `${app.url}/app/private`)
  expect(page.json()).toMatchObject({ code: 'login_required', login_url: '/app/login' })
})

test.each([
  '/app/login',
  '/app/LOGIN/',
  '/app/logout',
  '/app/callback?code=x',
  '//evil.example',
  '/.//evil.example',
])('return_to=%s goes to the page below the path', async (returnTo) => {
  const path = `/app/login?return_to=${encodeURIComponent(returnTo)}`
  const page = await new Browser().logIn(app.url, { path, user: 'wanderer' })
  expect(page.url).toBe(`${app.url}/app/`)
})

test('another page of the same site may be returned to', async () => {
  const page = await new Browser().logIn(app.url, { path: '/app/login?return_to=/login', user: 'elsewhere' })
  expect(page.json()).toEqual({ at: '/login', sub: null })
})

test('the refused callback offers the login below the path', async () => {
  const page = await new Browser().navigate(`${app.url}/app/callback?code=x&state=y`)
  expect(page.status).toBe(400)
  expect(page.body).toContain('href="/app/login"')
})

test('logs out below the path and lands below it', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { path: '/app/login', user: 'leaving' })
  const page = await browser.request('POST', `${app.url}/app/logout`)
  const { searchParams } = new URL(page.headers.location ?? '')
  expect(searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/app/`)
  expect(setCookieLine(page, 'bff')).toMatch(/^bff=; Path=\//)
  const again = await browser.logOut(app.url, '/app/logout')
  expect(again.json()).toEqual({ at: '/app/', sub: null })
})
