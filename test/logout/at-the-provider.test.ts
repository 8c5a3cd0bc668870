// How a logout is asked of providers that differ: their own addresses and parameters, long ID tokens, pages elsewhere, none at all.
import express, { type ErrorRequestHandler } from 'express'
import { type AuthOptions, auth, isAuthError } from '../../src/index.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { useStarted } from '../support/servers.ts'

const provider = useStarted(() => startProvider())
const ELSEWHERE = 'https://www.example.com'
const { lines, logger } = createLog()
let app: OwnApp & { clientID: string; ready(): Promise<void> }
let params: unknown

beforeEach(() => {
  lines.length = 0
  params = undefined
})
afterEach(async () => {
  provider.normal()
  await app.stop()
})

/** Logs out at `/out?to=…`, with `params`. */
async function start(options: AuthOptions = {}): Promise<void> {
  const client = await provider.registerClient({ baseURL: 'http://localhost:1' })
  const { clientId: clientID, clientSecret = '' } = client
  const own = await startOwnApp(
    { options: { issuerBaseURL: provider.issuer, clientID, clientSecret } },
    (given) => {
      const handler = auth({ ...given, ...options, logger })
      const routes = express().use(handler)
      routes.get('/out', (req, res) => {
        const returnTo = new URL(req.url, 'http://localhost').searchParams.get('to') ?? undefined
        return res.oidc.logout({ returnTo, params: params as never })
      })
      routes.get('/{*page}', (req, res) => void res.json({ sub: req.oidc.user?.sub ?? null }))
      routes.use(((error, _req, res, next) => {
        if (!isAuthError(error)) return next(error)
        res.status(error.status).json({ code: error.code, message: error.message })
      }) satisfies ErrorRequestHandler)
      ready = () => handler.ready()
      return { app: routes, auth: handler }
    },
  )
  app = { ...own, clientID, ready }
  await provider.registerClient({
    ...client,
    clientSecret,
    redirectUris: [`${app.url}/callback`],
    postLogoutRedirectUris: [`${app.url}/`, `${ELSEWHERE}/bye`],
  })
}
let ready: () => Promise<void>

async function logIn(): Promise<Browser> {
  const browser = new Browser()
  expect((await browser.logIn(app.url, { user: 'leaving' })).json()).toEqual({ sub: 'leaving' })
  return browser
}

/** Where a logout leads, of somebody who is logged in. */
async function logOut(to?: string, browser?: Browser): Promise<URL> {
  const path = to === undefined ? '/out' : `/out?to=${encodeURIComponent(to)}`
  const page = await (browser ?? (await logIn())).request('GET', app.url + path)
  expect(page.status).toBe(303)
  return new URL(page.headers.location ?? '', app.url)
}
const paramsOf = ({ searchParams }: URL) => Object.fromEntries(searchParams)
const isIn = async (browser: Browser) => (await browser.request('GET', `${app.url}/who`)).json().sub !== null

test('Auth0: its own address, with client_id and returnTo, and no ID token', async () => {
  const endpoint = 'https://tenant.eu.auth0.com/v2/logout'
  await start({ logout: { endpoint, returnToParam: 'returnTo', params: { federated: '' } } })
  const url = await logOut('/bye')
  expect(url.href).toMatch(/^https:\/\/tenant\.eu\.auth0\.com\/v2\/logout\?/)
  expect(paramsOf(url)).toEqual({ returnTo: `${app.url}/bye`, client_id: app.clientID, federated: '' })
})

test('Cognito: its own address, with client_id and logout_uri', async () => {
  const endpoint = 'https://shop.auth.eu-central-1.amazoncognito.com/logout'
  // Nobody asks a provider that is down, and nobody asks again what it says of itself once it is up.
  await start({ revokeOnLogout: false, logout: { endpoint, returnToParam: 'logout_uri' } })
  const browser = await logIn()
  await provider.down()
  try {
    const url = await logOut(undefined, browser)
    expect(url.origin + url.pathname).toBe(endpoint)
    expect(paramsOf(url)).toEqual({ logout_uri: `${app.url}/`, client_id: app.clientID })
  } finally {
    await provider.up()
  }
})

test('an endpoint that discovery does not name, and the standard’s parameters', async () => {
  provider.rewriteNext('discovery', ({ end_session_endpoint: _, ...rest }) => rest)
  await start({ logout: { endpoint: `${provider.issuer}/session/end` } })
  const browser = await logIn()
  expect((await browser.logOut(app.url)).url).toBe(`${app.url}/`)
  expect((await browser.navigate(`${app.url}/login`)).body).toContain('name="login"')
  expect(lines).toEqual([])
})

test('parameters of the option, and over them those of the call; null leaves one out', async () => {
  await start({ logout: { params: { id_token_hint: null, ui_locales: 'de', logout_hint: 'a' } } })
  expect(paramsOf(await logOut())).toEqual({
    post_logout_redirect_uri: `${app.url}/`,
    client_id: app.clientID,
    ui_locales: 'de',
    logout_hint: 'a',
  })
  params = {
    ui_locales: 'fr',
    logout_hint: null,
    post_logout_redirect_uri: null,
    client_id: null,
    x: undefined,
  }
  expect(paramsOf(await logOut())).toEqual({ ui_locales: 'fr' })
})

test.each<[unknown, RegExp]>([
  [{ id_token_hint: 'x' }, /res\.oidc\.logout\(\): params\.id_token_hint is made at every logout/],
  [{ client_id: 'x' }, /params\.client_id is made at every logout/],
  [{ post_logout_redirect_uri: 'https://evil.example' }, /params\.post_logout_redirect_uri is made/],
  [{ logout_uri: 'https://evil.example' }, /params\.logout_uri is made/],
  [{ ui_locales: 7 }, /params\.ui_locales must be a string, or null/],
  [{ ui_locales: ['de'] }, /params\.ui_locales must be a string, or null/],
  [null, /params must be an object/],
  ['x', /params must be an object/],
])('logout({ params: %j }) is a mistake, and nobody is logged out by it', async (given, message) => {
  await start({ logout: { returnToParam: 'logout_uri' } })
  const browser = await logIn()
  params = given
  const page = await browser.request('GET', `${app.url}/out`)
  expect([page.status, page.json()]).toEqual([
    500,
    { code: 'invalid_option', message: expect.stringMatching(message) },
  ])
  expect(await isIn(browser)).toBe(true)
})

describe('a page on a listed origin', () => {
  test('is where the provider sends the browser', async () => {
    await start({ allowedReturnOrigins: [ELSEWHERE] })
    const browser = await logIn()
    const url = await logOut(`${ELSEWHERE}/bye`, browser)
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${ELSEWHERE}/bye`)
    const stopAt = ({ origin }: URL) => origin === ELSEWHERE
    const page = await browser.finish(await browser.navigate(url.href), {}, stopAt)
    expect(page.headers.location).toBe(`${ELSEWHERE}/bye`)
  })

  test('is where the browser goes at once without the provider, and who was not logged in', async () => {
    await start({ idpLogout: false, allowedReturnOrigins: [ELSEWHERE] })
    for (const browser of [await logIn(), new Browser()])
      expect((await logOut(`${ELSEWHERE}/bye?a=ü`, browser)).href).toBe(`${ELSEWHERE}/bye?a=%C3%BC`)
  })

  test.each([
    'https://www.example.com.evil.example/',
    'https://evil.example/?https://www.example.com',
    'http://www.example.com/',
    'https://www.example.com:444/',
    'https://example.com/',
    'HTTPS://www.example.com/',
    'https://WWW.example.com/',
    'https://www.example.com./',
    'https://www.example.com\\@evil.example/',
    'https://www.example.com/\t',
    'https://ｗｗｗ.example.com/',
    'https://me@www.example.com/',
    'https://:x@www.example.com/',
    'https://www.example.com@evil.example/',
    '//www.example.com/',
    'javascript://www.example.com/%0aalert(1)',
    `https://www.example.com/${'x'.repeat(3000)}`,
    `https://www.example.com/${'ü'.repeat(1500)}`,
  ])('is none like %j: that lands home', async (to) => {
    await start({ idpLogout: false, allowedReturnOrigins: [ELSEWHERE] })
    expect((await logOut(to, new Browser())).href).toBe(`${app.url}/`)
  })
})

describe('an ID token that is too long for an address', () => {
  const groups = Array.from({ length: 60 }, (_, at) => `00000000-0000-0000-0000-0000000000${at}`)

  test('stays here: client_id and logout_hint go, the provider still returns, and the log says so once', async () => {
    await start()
    for (const _ of [1, 2]) {
      nextIdToken(provider, { groups })
      const browser = await logIn()
      const url = await logOut(undefined, browser)
      expect(url.href.length).toBeLessThanOrEqual(2048)
      expect(paramsOf(url)).toEqual({
        post_logout_redirect_uri: `${app.url}/`,
        client_id: app.clientID,
        logout_hint: 'leaving',
      })
      expect((await browser.finish(await browser.navigate(url.href))).url).toBe(`${app.url}/`)
    }
    expect(lines).toEqual([
      expect.stringMatching(/too long.*logout\.maxURLBytes, 2048.*without id_token_hint/),
    ])
  })

  test('goes where maxURLBytes allows it, to the byte', async () => {
    await start({ logout: { maxURLBytes: 20_000 } })
    nextIdToken(provider, { groups })
    const url = await logOut()
    const hint = url.searchParams.get('id_token_hint') ?? ''
    expect(claimsOfToken(hint)).toMatchObject({ groups })
    expect(url.searchParams.has('logout_hint')).toBe(false)
    const bytes = Buffer.byteLength(url.href)
    expect(bytes).toBeGreaterThan(2048)
    for (const [maxURLBytes, goes] of [
      [bytes, true],
      [bytes - 1, false],
    ] as const) {
      await app.stop()
      await start({ logout: { maxURLBytes } })
      nextIdToken(provider, (claims) => ({ ...claims, groups }))
      // Names and ports that are drawn anew have the same lengths.
      expect((await logOut()).searchParams.has('id_token_hint')).toBe(goes)
    }
  })

  test.each<[name: string, claims: object, hint: string | undefined]>([
    ['login_hint, as Entra ID has it', { login_hint: 'O.abc', preferred_username: 'b' }, 'O.abc'],
    ['email', { preferred_username: undefined, email: 'c@example.com' }, 'c@example.com'],
    ['nothing that is a text', { login_hint: 7, preferred_username: '', email: null }, undefined],
  ])('is named by %s', async (_name, claims, hint) => {
    await start()
    nextIdToken(provider, { groups, ...claims })
    const url = await logOut()
    expect(url.searchParams.has('id_token_hint')).toBe(false)
    expect(url.searchParams.get('logout_hint') ?? undefined).toBe(hint)
  })

  test('is no matter where none was to be sent', async () => {
    await start({ logout: { maxURLBytes: 256, params: { id_token_hint: null } } })
    const url = await logOut(`/${'x'.repeat(300)}`)
    expect(Object.keys(paramsOf(url)).sort()).toEqual(['client_id', 'post_logout_redirect_uri'])
    expect(lines).toEqual([])
  })

  test('a logout_hint of the app goes before', async () => {
    await start({ logout: { params: { logout_hint: 'by the app' } } })
    nextIdToken(provider, { groups })
    expect((await logOut()).searchParams.get('logout_hint')).toBe('by the app')
  })
})

describe('a provider without an end-session endpoint, as Google', () => {
  const google = () => provider.rewriteNext('discovery', ({ end_session_endpoint: _, ...rest }) => rest)
  const SAID = expect.stringMatching(/no end_session_endpoint.*single sign-on there.*select_account/)

  test('is told at the start, once, and the logout lands home', async () => {
    google()
    await start()
    await app.ready()
    expect(lines).toEqual([SAID])
    expect((await logOut()).href).toBe(`${app.url}/`)
    expect((await logOut(undefined, await logIn())).href).toBe(`${app.url}/`)
    expect(lines).toEqual([SAID])
  })

  test('is told at the first login where nobody asked whether it is ready', async () => {
    google()
    await start()
    await new Browser().navigate(`${app.url}/login`)
    expect(lines).toEqual([SAID])
  })

  test('is nothing to be told where idpLogout is false', async () => {
    google()
    await start({ idpLogout: false })
    await app.ready()
    await logIn()
    expect(lines).toEqual([])
  })
})
