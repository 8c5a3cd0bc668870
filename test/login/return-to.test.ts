// Where the browser ends after a login: on a page of ours (HOSTILE-INPUTS, return_to), whatever is hostile: `return_to`, the
// request line, a header, another site.
import express from 'express'
import { auth, requireAuth } from '../../src/index.ts'
import { startKnownApp } from '../support/app/known-app.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const { logger } = createLog()
const { provider, app, browser } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const app = await start(startKnownApp({ provider, redisUrl: redis.url, options: { logger } }, 'wanderer'))
  return { provider, app, browser: app.visitor() }
})

/** Logs in with that query at `/login`; where the callback sends the browser, as the browser understands it. */
async function landing(query: string): Promise<URL> {
  const callback = await browser.startLogin(app.url, { path: `/login?${query}` })
  const answer = await browser.navigate(callback, { stopAt: () => true })
  expect(answer.status).toBe(303)
  return new URL(answer.headers.location ?? '', callback)
}

const encoded = (value: string) => `return_to=${encodeURIComponent(value)}`

test.each([
  '//evil.example',
  '///evil.example',
  '////evil.example/x',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/pri\tvate',
  '/private\n',
  '/private\\page',
  '/private page',
  '/private\r\nSet-Cookie: bff=planted',
  '/private\r\n\r\n<script>alert(1)</script>',
  '/private\u007f',
  '/private%00',
  '/private%0d%0aSet-Cookie:%20bff=planted',
  '/private%7f',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/\u0000/evil.example',
  '/%09/evil.example',
  '/%0d%0aLocation:%20https://evil.example',
  '/%5cevil.example',
  '/%5Cevil.example',
  '/%2f%2fevil.example',
  '/%2Fevil.example',
  '/%2f/evil.example',
  '/..//evil.example',
  '/../..//evil.example',
  '/%2e%2e//evil.example',
  '/private/..//evil.example/%2e%2e',
  '/./%2fevil.example',
  '//evil.example/..',
  '//evil.example@localhost/',
  '//%65vil.example',
  '//localhost',
  '\u2028//evil.example',
  '\ufeff//evil.example',
  '／／evil.example',
  '__proto__',
  '/.//evil.example',
  '/./\\evil.example',
  '/a/..//evil.example',
  '/a/../\\evil.example',
  '/a/%2e%2e//evil.example',
  '/%2e//evil.example',
  '/%2E%2e//evil.example',
  '/.%2e//evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'http:evil.example',
  'https://evil.example',
  'HTTPS://evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'blob:https://evil.example/x',
  'about:blank',
  'evil.example',
  '?x',
  '#x',
  '@evil.example',
  ':80',
  '',
])('return_to=%j goes to the default page', async (value) => {
  expect((await landing(encoded(value))).href).toBe(`${app.url}/`)
})

test.each([
  ['a user name before our host', (url: URL) => `http://${url.host}@evil.example/`],
  ['us as the user name', (url: URL) => `http://us@${url.host}/`],
  ['our host as a prefix', (url: URL) => `http://${url.hostname}.evil.com/`],
  ['our origin as a prefix', (url: URL) => `${url.origin}.evil.com/`],
  ['our origin as a prefix, with @', (url: URL) => `${url.origin}@evil.com/`],
  ['another port', (url: URL) => `http://localhost:${Number(url.port) - 1}/`],
  ['no port', () => 'http://localhost/'],
  ['https for http', (url: URL) => `https://${url.host}/private`],
  ['our origin, then another', (url: URL) => `${url.origin}//evil.example`],
  ['our origin, then dots and another', (url: URL) => `${url.origin}/.//evil.example`],
  ['a sibling of our host', (url: URL) => `http://evil.${url.host}/`],
  ['our host with a dot', (url: URL) => `http://localhost.:${url.port}/`],
  ['our host in capitals', (url: URL) => `HTTP://LOCALHOST:${url.port}/private`],
  ['our address for our name', (url: URL) => `http://127.0.0.1:${url.port}/private`],
  ['a user name before our host alone', (url: URL) => `//evil@${url.host}/private`],
  ['a user name in our origin', (url: URL) => `http://evil@${url.host}/private`],
  ['a password in our origin', (url: URL) => `http://:evil@${url.host}/private`],
  ['our origin and a backslash', (url: URL) => `${url.origin}\\@evil.example`],
  ['our origin behind blob:', (url: URL) => `blob:${url.origin}/private`],
  ['another host by its scheme-relative name', (url: URL) => `//${url.hostname}.evil.com:${url.port}/`],
])('return_to with %s goes to the default page', async (_name, make) => {
  expect((await landing(encoded(make(new URL(app.url))))).href).toBe(`${app.url}/`)
})

test.each([
  '/login',
  '/LOGIN',
  '/login/',
  '/log%69n',
  '/x/../login',
  '/login?return_to=/login',
  '/logout',
  '/Logout/',
  '/logout#x',
  '/%6c%6f%67out',
  '/%2e/logout',
  '/private/../logout?x',
  '/callback',
  '/CALLBACK/',
  '/c%61llback?error=access_denied&state=x',
])('return_to=%s would log in or out again, and goes to the default page', async (path) => {
  expect((await landing(encoded(path))).href).toBe(`${app.url}/`)
})

test.each([
  ['a callback', encoded('/callback?code=x&state=y')],
  ['a list', 'return_to=/private&return_to=//evil.example'],
  ['a list of the same', 'return_to=/private&return_to=/private'],
  ['a list by an escaped name', 'return_to=/private&return%5Fto=//evil.example'],
  ['another name', 'Return_To=/private&returnTo=/private&next=/private'],
  ['an array in brackets', 'return_to[]=/private'],
  ['an array in escaped brackets', 'return_to%5B%5D=/private'],
  ['an object', 'return_to[path]=/private'],
  ['eight thousand characters', encoded(`/${'a'.repeat(8000)}`)],
  ['broken percent encoding', 'return_to=%ff%fe//evil.example'],
])('return_to as %s goes to the default page', async (_name, query) => {
  expect((await landing(query)).href).toBe(`${app.url}/`)
})

test.each([
  '/private',
  '/private?a=1&b=%2F%2Fevil.example&c=%20d',
  '/public?next=https://evil.example/',
  '/public#part',
  '/caf%C3%A9',
  '/a%20b',
  '/a/b/../c',
  '/login-help',
  '/users/login',
])('return_to=%s is where the browser ends', async (path) => {
  expect((await landing(encoded(path))).href).toBe(new URL(path, app.url).href)
})

test('our own absolute URL of a route that logs in or out is not kept', async () => {
  for (const path of ['/logout', '/login?return_to=/x', '/callback?code=x'])
    expect((await landing(encoded(`${app.url}${path}`))).href).toBe(`${app.url}/`)
})

test('our own absolute URL is kept', async () => {
  expect((await landing(encoded(`${app.url}/public?a=1`))).href).toBe(`${app.url}/public?a=1`)
})

describe('where it is not return_to that is hostile', () => {
  const { guarded } = useParts(async (start) => {
    const options = { logger, authRequired: true }
    const guarded = await start(startKnownApp({ provider, options }, 'visitor'))
    guarded.app.get('/ask', (_req, res) => res.oidc.login())
    guarded.app.get('/ask-for', (req, res) => res.oidc.login({ returnTo: req.query.page as string }))
    return { guarded }
  })

  const NAVIGATION = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']

  /** Where the browser ends, when it asked for a page of that request line and logged in. */
  async function landingOf(target: string, headers: string[] = []): Promise<string> {
    const { status, head } = await rawExchange(guarded.url, [
      `GET ${target} HTTP/1.1`,
      ...NAVIGATION,
      ...headers,
    ])
    const location = /^location: (.*)$/im.exec(head)?.[1] ?? ''
    // A path of our own, so that no browser takes it for another host's.
    expect([status, location]).toEqual([302, expect.stringMatching(/^\/login\?return_to=[^/\\]+$/)])
    const page = await guarded.visitor().logIn(guarded.url, { path: location })
    return page.url
  }

  test.each([
    '//evil.example/',
    '//evil.example/%2e%2e',
    '///evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%09/evil.example',
    '/%5cevil.example',
    '/\\evil.example',
    '/%2f/evil.example',
    '/%0d%0aSet-Cookie:%20bff=planted',
    'http://evil.example/private',
    'http://localhost/private',
    'http://localhost@evil.example/private',
  ])('a guarded page asked for as %s leads to the default page', async (target) => {
    expect(await landingOf(target)).toBe(`${guarded.url}/`)
  })

  test.each([
    ['Host', ['Host: evil.example']],
    ['X-Forwarded-Host', ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https']],
    ['Forwarded', ['Forwarded: host=evil.example;proto=https']],
    ['X-Original-URL', ['X-Original-URL: //evil.example', 'X-Rewrite-URL: //evil.example']],
    ['X-Forwarded-Prefix', ['X-Forwarded-Prefix: //evil.example', 'X-Forwarded-Path: //evil.example']],
    ['Referer', ['Referer: https://evil.example/', 'Origin: https://evil.example']],
  ])('%s of somebody else does not lead away', async (_name, headers) => {
    expect(await landingOf('/private?a=1', headers)).toBe(`${guarded.url}/private?a=1`)
  })

  test.each([
    '//evil.example',
    'https://evil.example',
    '/.//evil.example',
    '/\\evil.example',
    '/logout',
    'x',
  ])('a login that another site began, with target_link_uri=%s, leads to the default page', async (page) => {
    const asked = new URLSearchParams({ iss: provider.issuer, target_link_uri: page })
    const { url } = await guarded.visitor().logIn(guarded.url, { path: `/login?${asked}` })
    expect(url).toBe(`${guarded.url}/`)
  })

  test.each(['//evil.example', 'https://evil.example', '/logout', '/.//evil.example'])(
    'what an app hands to res.oidc.login() is checked too: %s',
    async (page) => {
      // Logged in, so that the guard lets it pass; logging in again is a redirect each way.
      const browser = guarded.visitor()
      await browser.logIn(guarded.url)
      const path = `/ask-for?page=${encodeURIComponent(page)}`
      const { url } = await browser.logIn(guarded.url, { path })
      expect(url).toBe(`${guarded.url}/`)
    },
  )

  test('res.oidc.login() comes back to no other host when the request line names one', async () => {
    const browser = guarded.visitor()
    await browser.logIn(guarded.url)
    const cookie = (await browser.cookies(guarded.url)).map((each) => each.cookieString()).join('; ')
    const { head } = await rawExchange(guarded.url, [
      'GET http://evil.example/ask HTTP/1.1',
      `Cookie: ${cookie}`,
      ...NAVIGATION,
    ])
    const [, line = ''] = /^set-cookie: (.*)$/im.exec(head) ?? []
    await browser.setCookie(line, guarded.url)
    const asked = /^location: (.*)$/im.exec(head)?.[1] ?? ''
    const page = await browser.finish(await browser.navigate(asked))
    expect(page.url).toBe(`${guarded.url}/`)
  })
})

describe('in an app below a path of its site', () => {
  const { below } = useParts(async (start) => ({
    below: await start(
      startOwnApp({ provider, basePath: '/app', options: { logger } }, (options) => {
        const handler = auth(options)
        const own = express()
        const router = express.Router().use(handler)
        router.get('/private', requireAuth(), (req, res) => void res.json({ sub: req.oidc.user?.sub }))
        own.use('/app', router)
        own.get(
          '/{*page}',
          (req, res) => void res.json({ at: req.originalUrl, sub: req.oidc?.user?.sub ?? null }),
        )
        return { app: own, auth: handler }
      }),
    ),
  }))

  test('logs in below the path and lands below it', async () => {
    const browser = new Browser()
    const page = await browser.logIn(below.url, { path: '/app/login', user: 'below' })
    expect(page.json()).toEqual({ at: '/app/', sub: 'below' })
    expect(provider.authorizationRequests().at(-1)?.params.redirect_uri).toBe(`${below.url}/app/callback`)
  })

  test('a guarded page is come back to exactly', async () => {
    const page = await new Browser().logIn(below.url, { path: '/app/private?x=1', user: 'guarded' })
    expect(page).toMatchObject({ status: 200, url: `${below.url}/app/private?x=1` })
  })

  test('a script is told where to log in', async () => {
    const page = await new Browser().request('GET', `${below.url}/app/private`)
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
    const page = await new Browser().logIn(below.url, { path, user: 'wanderer' })
    expect(page.url).toBe(`${below.url}/app/`)
  })

  test('another page of the same site may be returned to', async () => {
    const page = await new Browser().logIn(below.url, {
      path: '/app/login?return_to=/login',
      user: 'elsewhere',
    })
    expect(page.json()).toEqual({ at: '/login', sub: null })
  })

  test('the refused callback offers the login below the path', async () => {
    const page = await new Browser().navigate(`${below.url}/app/callback?code=x&state=y`)
    expect(page.status).toBe(400)
    expect(page.body).toContain('href="/app/login"')
  })

  test('logs out below the path and lands below it', async () => {
    const browser = new Browser()
    await browser.logIn(below.url, { path: '/app/login', user: 'leaving' })
    const page = await browser.request('POST', `${below.url}/app/logout`)
    const { searchParams } = new URL(page.headers.location ?? '')
    expect(searchParams.get('post_logout_redirect_uri')).toBe(`${below.url}/app/`)
    expect(setCookieLine(page, 'bff')).toMatch(/^bff=; Path=\//)
    const again = await browser.logOut(below.url, '/app/logout')
    expect(again.json()).toEqual({ at: '/app/', sub: null })
  })
})
