// What options and handlers make of a logout: without the provider, without revocation, to another page.
import express from 'express'
import { type AuthOptions, auth } from '../../src/index.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useStarted } from '../support/servers.ts'

const provider = useStarted(() => startProvider())
const apps: OwnApp[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop()
})

/** An app that logs in and out from its own handlers, to wherever its query says. */
function startLeading(options: AuthOptions = {}): Promise<OwnApp> {
  const { logger } = createLog()
  return startOwnApp({ provider, options: { ...options, logger } }, (given) => {
    const handler = auth(given)
    const own = express().use(handler)
    const to = (url: string) => new URL(url, 'http://localhost').searchParams.get('to') ?? undefined
    own.get('/in', async (req, res) => res.oidc.login({ returnTo: to(req.url) }))
    own.get('/in-here', async (_req, res) => res.oidc.login())
    own.get('/out', async (req, res) => res.oidc.logout({ returnTo: to(req.url) }))
    own.get('/{*page}', (req, res) => void res.json({ at: req.originalUrl, sub: req.oidc.user?.sub ?? null }))
    return { app: own, auth: handler }
  })
}

/** For one test. */
async function start(options?: AuthOptions): Promise<OwnApp> {
  const app = await startLeading(options)
  apps.push(app)
  return app
}

async function logIn(app: OwnApp, user: string): Promise<Browser> {
  const browser = new Browser()
  expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user })
  return browser
}

test('idpLogout: false ends the session here, and lands home at once', async () => {
  const app = await start({ idpLogout: false })
  const browser = await logIn(app, 'here')
  const page = await browser.request('POST', `${app.url}/logout`)
  expect(page).toMatchObject({ status: 303, headers: { location: '/' } })
  expect(setCookieLine(page, 'bff')).toMatch(/^bff=;/)
  await eventually('the revocation', () => provider.liveRefreshTokens('here').length === 0)
  expect(provider.requests({ endpoint: 'end_session' })).toEqual([])
})

test('revokeOnLogout: false leaves the refresh token to the provider', async () => {
  const app = await start({ revokeOnLogout: false })
  const browser = await logIn(app, 'kept')
  const before = provider.revocations().length
  const page = await browser.request('POST', `${app.url}/logout`)
  expect(page.headers.location).toContain('/session/end')
  await app.stop() // waits for what is in flight
  expect(provider.revocations()).toHaveLength(before)
  expect(provider.liveRefreshTokens('kept')).toHaveLength(1)
})

test('a provider without revocation or end_session lands home', async () => {
  provider.rewriteNext('discovery', ({ revocation_endpoint: _, end_session_endpoint: __, ...rest }) => rest)
  const app = await start()
  const browser = await logIn(app, 'plain')
  const before = provider.revocations().length
  const page = await browser.request('POST', `${app.url}/logout`)
  expect(page).toMatchObject({ status: 303, headers: { location: '/' } })
  await app.stop()
  expect(provider.revocations()).toHaveLength(before)
})

test('routes.postLogoutRedirect is where the browser lands', async () => {
  const routes = { postLogoutRedirect: '/goodbye' }
  const app = await start({ routes })
  const browser = await logIn(app, 'leaving')
  const { headers } = await browser.request('POST', `${app.url}/logout`)
  const { searchParams } = new URL(headers.location ?? '')
  expect(searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/goodbye`)
  const local = await start({ routes, idpLogout: false })
  const other = await logIn(local, 'leaving')
  expect((await other.submit(`${local.url}/logout`, {}, { from: local.url })).json()).toMatchObject({
    at: '/goodbye',
    sub: null,
  })
})

test('routes: false unmounts /logout, /login and /me', async () => {
  const app = await start({ routes: { logout: false, login: false, user: false } })
  for (const path of ['/logout', '/login', '/me']) {
    expect((await new Browser().request('GET', `${app.url}${path}`)).json()).toEqual({ at: path, sub: null })
  }
  const page = await new Browser().logIn(app.url, { path: '/in?to=/landed', user: 'by-handler' })
  expect(page.json()).toEqual({ at: '/landed', sub: 'by-handler' })
})

test('routes can have other names', async () => {
  const routes = { login: '/enter', callback: '/back', logout: '/logout', user: '/whoami' }
  const client = await provider.registerClient({ baseURL: 'http://localhost:1' })
  const app = await start({ routes, clientID: client.clientId, clientSecret: client.clientSecret })
  await provider.registerClient({
    ...client,
    clientSecret: client.clientSecret ?? '',
    redirectUris: [`${app.url}/back`],
    postLogoutRedirectUris: [`${app.url}/`],
  })
  const browser = new Browser()
  const page = await browser.logIn(app.url, { path: '/enter?return_to=/login', user: 'renamed' })
  expect(page.json()).toEqual({ at: '/login', sub: 'renamed' })
  expect((await browser.request('GET', `${app.url}/whoami`)).json()).toMatchObject({ authenticated: true })
  expect((await browser.logOut(app.url, '/logout')).json()).toEqual({ at: '/', sub: null })
})

const HOSTILE = [
  '//evil.example',
  'https://evil.example/',
  '/\\evil.example',
  '/.//evil.example',
  'javascript:alert(1)',
  '/logout',
]

describe('res.oidc', () => {
  const app = useStarted(() => startLeading())

  test('login() comes back to the page that asked', async () => {
    const browser = new Browser()
    const callback = await browser.startLogin(app.url, { path: '/in-here?x=1', user: 'asked' })
    const answer = await browser.navigate(callback, { stopAt: () => true })
    expect(answer).toMatchObject({ status: 303, headers: { location: '/in-here?x=1' } })
  })

  test('login({ returnTo }) comes back there', async () => {
    const page = await new Browser().logIn(app.url, { path: '/in?to=/there?x=1', user: 'there' })
    expect(page.json()).toEqual({ at: '/there?x=1', sub: 'there' })
  })

  test.each(HOSTILE)('login({ returnTo: %j }) comes back home', async (to) => {
    const page = await new Browser().logIn(app.url, {
      path: `/in?to=${encodeURIComponent(to)}`,
      user: 'safe',
    })
    expect(page.json()).toEqual({ at: '/', sub: 'safe' })
  })

  test('logout({ returnTo }) names that page to the provider', async () => {
    const browser = await logIn(app, 'out')
    const page = await browser.request('GET', `${app.url}/out?to=/bye`)
    const { searchParams } = new URL(page.headers.location ?? '')
    expect(page.status).toBe(303)
    expect(searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/bye`)
    expect((await browser.request('GET', `${app.url}/seen`)).json()).toMatchObject({ sub: null })
  })

  test.each(HOSTILE)('logout({ returnTo: %j }) lands home, logged in or not', async (to) => {
    const browser = await logIn(app, 'out')
    const path = `${app.url}/out?to=${encodeURIComponent(to)}`
    const { searchParams } = new URL((await browser.request('GET', path)).headers.location ?? '')
    expect(searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/`)
    expect((await browser.request('GET', path)).headers.location).toBe('/')
  })
})
