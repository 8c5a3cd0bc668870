// Requests that another site's page sends with our cookie: refused, and nothing changed (RFC 10017 §6.1.3.3). Those that no
// client library sends too: a header twice, odd methods, other people's request lines. And WebSocket handshakes that are
// handed to Express, as express-ws does.
import { type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import express, { type Express } from 'express'
import { auth } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import type { HeaderValues } from '../support/browser/http-exchange.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { setCookieLines } from '../support/evidence.ts'
import { useParts, useServers, useStarted } from '../support/servers.ts'

const ADMIN = 'https://admin.example.com'
const FOREIGN = ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site']
const { provider, app, log } = useServers({ options: { allowedOrigins: [ADMIN] } })
const { target } = useParts(async () => ({ target: await logIn() }))

beforeEach(() => {
  app.events.length = 0
})

async function logIn(url = app.url): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(url, { user: 'target' })
  await browser.request('POST', `${url}/cart`, { json: { cart: 'own' } })
  return browser
}

const cookieOf = async (browser: Browser, url = app.url) =>
  (await browser.cookies(url)).map((each) => each.cookieString()).join('; ')

async function expectUntouched(): Promise<void> {
  const page = await target.request('GET', `${app.url}/private`)
  expect(page.json()).toMatchObject({ sub: 'target', generation: 1 })
  expect((await target.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'own' })
}

/** The very headers that the row says, with the session's cookie. */
const BARE = {
  'sec-fetch-site': undefined,
  'sec-fetch-mode': undefined,
  'sec-fetch-dest': undefined,
  origin: undefined,
}
const send = (browser: Browser, method: string, path: string, headers: Record<string, string | undefined>) =>
  browser.request(method, `${app.url}${path}`, { headers: { ...BARE, ...headers } })

const hostile: [string, () => Record<string, string>][] = [
  ['Sec-Fetch-Site cross-site', () => ({ 'sec-fetch-site': 'cross-site' })],
  [
    'Sec-Fetch-Site cross-site and a foreign Origin',
    () => ({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }),
  ],
  ['Sec-Fetch-Site same-site', () => ({ 'sec-fetch-site': 'same-site', origin: 'http://sibling.localhost' })],
  [
    'Sec-Fetch-Site same-site from a sibling below our host',
    () => ({ 'sec-fetch-site': 'same-site', origin: app.url.replace('localhost', 'evil.localhost') }),
  ],
  ['the Origin of a sibling alone', () => ({ origin: app.url.replace('localhost', 'evil.localhost') })],
  ['Sec-Fetch-Site in capitals', () => ({ 'sec-fetch-site': 'SAME-ORIGIN' })],
  ['an empty Sec-Fetch-Site', () => ({ 'sec-fetch-site': '' })],
  ['Sec-Fetch-Site of no known kind', () => ({ 'sec-fetch-site': 'trust-me' })],
  ['Sec-Fetch-Site twice', () => ({ 'sec-fetch-site': 'same-origin, cross-site' })],
  ['Origin null', () => ({ origin: 'null' })],
  ['Origin NULL', () => ({ origin: 'NULL' })],
  ['Origin null, cross-site', () => ({ origin: 'null', 'sec-fetch-site': 'cross-site' })],
  ['a foreign Origin alone', () => ({ origin: 'https://evil.example' })],
  ['our Origin on another port', () => ({ origin: 'http://localhost:1' })],
  ['our Origin on https', () => ({ origin: app.url.replace('http:', 'https:') })],
  ['our Origin as a prefix', () => ({ origin: `${app.url}.evil.example` })],
  ['our Origin after a user name', () => ({ origin: app.url.replace('//', '//evil@') })],
  ['our Origin as a user name', () => ({ origin: `${app.url}@evil.example` })],
  ['our Origin in capitals', () => ({ origin: app.url.toUpperCase() })],
  ['our Origin with a slash', () => ({ origin: `${app.url}/` })],
  ['our Origin without its port', () => ({ origin: 'http://localhost' })],
  ['our Origin in a list', () => ({ origin: `${app.url} https://evil.example` })],
  ['an allowed origin as a prefix', () => ({ origin: `${ADMIN}.evil.example` })],
  ['an allowed origin on http', () => ({ origin: ADMIN.replace('https', 'http') })],
  ['an empty Origin', () => ({ origin: '' })],
]

test.each(hostile)(
  'a POST with %s is refused at every route, and nothing changes',
  async (_name, headers) => {
    const browser = target.clone()
    const paths = ['/cart', '/logout', '/renew', '/fresh', '/login', '/me', '/nothing-here']
    for (const path of paths) {
      const page = await send(browser, 'POST', path, headers())
      expect(page.status).toBe(403)
      expect(page.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(page.json()).toMatchObject({ status: 403, code: 'cross_site' })
      expect(page.headers['cache-control']).toBe('no-store')
      expect(page.headers['access-control-allow-origin']).toBeUndefined()
      expect(setCookieLines(page)).toEqual([])
      expect(page.body + JSON.stringify(page.headers)).not.toContain('evil')
    }
    expect(refusalsIn(app.events)).toHaveLength(paths.length)
    await expectUntouched()
  },
)

test.each(['PUT', 'PATCH', 'DELETE', 'PROPFIND', 'LINK', 'M-SEARCH'])(
  '%s from another site is refused like POST',
  async (method) => {
    const page = await send(target, method, '/fresh', { 'sec-fetch-site': 'cross-site' })
    expect(page).toMatchObject({ status: 403 })
  },
)

test.each<[string, () => Record<string, string>]>([
  ['Sec-Fetch-Site same-origin', () => ({ 'sec-fetch-site': 'same-origin', origin: app.url })],
  ['Sec-Fetch-Site same-origin without Origin', () => ({ 'sec-fetch-site': 'same-origin' })],
  [
    'Sec-Fetch-Site same-origin and Origin null (no-referrer)',
    () => ({ 'sec-fetch-site': 'same-origin', origin: 'null' }),
  ],
  ['Sec-Fetch-Site none', () => ({ 'sec-fetch-site': 'none' })],
  ['our Origin', () => ({ origin: app.url })],
  ['an allowed origin', () => ({ origin: ADMIN, 'sec-fetch-site': 'cross-site' })],
  ['an allowed origin of an old browser', () => ({ origin: ADMIN })],
  ['no headers at all, as programs send it', () => ({})],
])('a POST with %s passes', async (_name, headers) => {
  const browser = await logIn()
  expect((await send(browser, 'POST', '/fresh', headers())).json()).toMatchObject({ sub: 'target' })
  expect((await send(browser, 'POST', '/logout', headers())).status).toBe(303)
})

test.each(['GET', 'HEAD', 'OPTIONS'])(
  '%s from another site reaches the app: it changes nothing',
  async (method) => {
    const page = await send(target, method, '/public', { 'sec-fetch-site': 'cross-site' })
    expect(page.status).toBe(200)
  },
)

test('a link from another site leads to a page, logged in', async () => {
  const browser = await logIn()
  const page = await browser.navigate(`${app.url}/private`, { from: 'https://news.example/' })
  expect(page.json()).toMatchObject({ sub: 'target' })
})

test("a form on another site's page is refused, with or without its Lax cookie", async () => {
  const browser = target.clone()
  const [cookie] = await browser.cookies(app.url)
  for (const headers of [{}, { cookie: cookie?.cookieString() ?? '' }]) {
    const page = await browser.submit(`${app.url}/logout`, {}, { from: 'https://evil.example/', headers })
    expect(page.status).toBe(403)
    expect(setCookieLines(page)).toEqual([])
  }
  expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: 'target' })
})

test('Host and X-Forwarded-Host of somebody else make their origin none of ours', async () => {
  const headers = { origin: 'https://evil.example', host: 'evil.example', 'x-forwarded-host': 'evil.example' }
  expect((await send(target, 'POST', '/fresh', headers)).status).toBe(403)
})

/** With the session's cookie. */
const sendRaw = async (line: string, headers: string[] = []) =>
  rawExchange(app.url, [`${line} HTTP/1.1`, `Cookie: ${await cookieOf(target)}`, ...headers])

test.each<[string, () => string[]]>([
  ['Origin twice, ours first', () => [`Origin: ${app.url}`, 'Origin: https://evil.example']],
  ['Origin twice, ours last', () => ['Origin: https://evil.example', `Origin: ${app.url}`]],
  ['Origin twice, ours both times', () => [`Origin: ${app.url}`, `Origin: ${app.url}`]],
  ['Sec-Fetch-Site twice', () => ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site']],
  ['Sec-Fetch-Site twice, the other way', () => ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: none']],
  ['a foreign Origin and one in another case', () => ['ORIGIN: https://evil.example']],
  ['a byte that is no letter after our Origin', () => [`Origin: ${app.url}\xa0`]],
  ['a foreign Host', () => ['Host: evil.example', 'Origin: http://evil.example']],
  [
    'everything that says it is ours but the Origin',
    () => ['Origin: https://evil.example', `Referer: ${app.url}/`, 'X-Requested-With: XMLHttpRequest'],
  ],
  ['a method override to GET', () => [...FOREIGN, 'X-HTTP-Method-Override: GET']],
  ['other overrides', () => [...FOREIGN, 'X-HTTP-Method: GET', 'X-Method-Override: GET']],
])('a POST with %s is refused', async (_name, headers) => {
  for (const path of ['/cart', '/logout', '/renew', '/logout?_method=GET', '/LOGOUT/', '/%6cogout']) {
    const { status, body } = await sendRaw(`POST ${path}`, headers())
    expect([path, status]).toEqual([path, 403])
    expect(JSON.parse(body)).toMatchObject({ code: 'cross_site' })
  }
  await expectUntouched()
})

test.each(['X-HTTP-Method-Override: POST', 'X-HTTP-Method: POST', 'X-Method-Override: DELETE'])(
  'a GET of another site with %s stays a GET',
  async (override) => {
    expect((await sendRaw('GET /cart?_method=POST', [...FOREIGN, override])).body).toBe('{"cart":"own"}')
    expect((await sendRaw('GET /logout', [...FOREIGN, override])).status).toBe(403)
    expect((await sendRaw('GET /renew', [...FOREIGN, override])).status).toBe(404)
    await expectUntouched()
  },
)

describe('above auth()', () => {
  const own = useStarted(() =>
    startOwnApp({ provider, options: { logger: log.logger } }, (options) => {
      const handler = auth(options)
      const built = express()
      built.use((req, _res, next) => {
        req.method = String(req.headers['x-http-method-override'] ?? req.method)
        next()
      })
      built.use(handler, (_req, res) => void res.json({}))
      return { app: built, auth: handler }
    }),
  )

  test('a method that was overridden above auth() is the one that is checked', async () => {
    for (const method of ['DELETE', 'post', 'Get']) {
      const lines = ['GET /thing HTTP/1.1', ...FOREIGN, `X-HTTP-Method-Override: ${method}`]
      expect([method, (await rawExchange(own.url, lines)).status]).toEqual([method, 403])
    }
    expect((await rawExchange(own.url, ['GET /thing HTTP/1.1', ...FOREIGN])).status).toBe(200)
  })
})

test.each(['post', 'Post', 'get', 'dELETE', 'POST\x00', 'EVIL'])(
  'a method spelled %j reaches no route',
  async (method) => {
    expect((await sendRaw(`${method} /logout`)).status).toBe(400)
    await expectUntouched()
  },
)

test.each(['TRACE', 'OPTIONS', 'HEAD'])(
  '%s shows nothing of the request and changes nothing',
  async (method) => {
    for (const path of ['/cart', '/logout', '/login', '/callback', '/me', '*']) {
      const { status, head, body } = await sendRaw(`${method} ${path}`, FOREIGN)
      expect([path, status < 500]).toEqual([path, true])
      expect(head + body).not.toMatch(/evil|s%3A|set-cookie/i)
    }
    await expectUntouched()
  },
)

test.each([
  'POST http://evil.example/logout',
  'POST http://localhost/logout',
  'POST http://evil.example/%6cogout?x',
  'POST /logout#x',
  'POST /logout/?return_to=/',
  'POST /Logout//',
])('%s is refused like /logout', async (line) => {
  expect((await sendRaw(line, FOREIGN)).status).toBe(403)
  await expectUntouched()
})

test('a refusal is one log line, whatever was sent', async () => {
  await sendRaw('POST /logout?%0d%0aevil=1', ['Origin: https://evil\x9b31m', 'X: %0aevil'])
  expect(refusalsIn(app.events)).toEqual([expect.stringMatching(/^[ -~]+$/)])
  expect(refusalsIn(app.events).join() + log.lines.join()).not.toContain('evil')
})

// Browsers send WebSocket handshakes cross-site, with cookies and without asking (RFC 6455 §10.2): the Origin is all
// there is to check.
describe('WebSocket handshakes', () => {
  const opened: unknown[] = []
  /** Nobody listens to upgrades at the other app: Node hands them on as ordinary requests there. */
  const { sockets, visitor } = useParts(async (start) => {
    const options = { logger: log.logger, allowedOrigins: [ADMIN] }
    const sockets = await start(startApp({ provider, options }))
    handUpgradesOn(sockets.server, sockets.app)
    sockets.app.all('/socket', (req, res) => {
      opened.push(req.oidc.user?.sub ?? 'anonymous')
      res.status(101).set({ connection: 'Upgrade', upgrade: 'websocket' }).end()
    })
    return { sockets, visitor: await logIn(sockets.url) }
  })
  beforeEach(() => {
    opened.length = 0
    sockets.events.length = 0
  })

  /** The handshake (RFC 6455 §4.1) with the session's cookie and the headers of the row. */
  async function handshake(path: string, headers: HeaderValues, at = sockets.url, upgrade = 'websocket') {
    const given = Object.entries({
      upgrade,
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
      cookie: await cookieOf(visitor, sockets.url),
      ...headers,
    })
    const lines = given.map(([name, value]) => `${name}: ${value}`)
    return rawExchange(at, [`GET ${path} HTTP/1.1`, 'Connection: Upgrade', ...lines])
  }

  const hostileHandshakes: [string, () => HeaderValues][] = [
    ['a foreign Origin', () => ({ origin: 'https://evil.example' })],
    [
      'a foreign Origin, cross-site',
      () => ({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
    ],
    ['Origin null', () => ({ origin: 'null' })],
    ['an empty Origin', () => ({ origin: '' })],
    ['a sibling below our host', () => ({ origin: sockets.url.replace('localhost', 'sibling.localhost') })],
    ['our host on another port', () => ({ origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' })],
    ['our Origin on https', () => ({ origin: sockets.url.replace('http:', 'https:') })],
    ['our Origin as ws:', () => ({ origin: sockets.url.replace('http:', 'ws:') })],
    ['our Origin as a prefix', () => ({ origin: `${sockets.url}.evil.example` })],
    ['an allowed origin as a prefix', () => ({ origin: `${ADMIN}.evil.example` })],
    ['no Origin, but Sec-Fetch-Site', () => ({ 'sec-fetch-site': 'cross-site' })],
    [
      'a foreign Origin and Host',
      () => ({ origin: 'http://evil.example', host: 'evil.example', 'x-forwarded-host': 'evil.example' }),
    ],
  ]

  test.each(hostileHandshakes)('a handshake with %s is refused at every route', async (_name, headers) => {
    const paths = ['/socket', '/public', '/private', '/me', '/cart', '/logout', '/fresh', '/nothing-here']
    for (const path of paths) {
      const { status, head, body } = await handshake(path, headers())
      expect([path, status]).toEqual([path, 403])
      expect(JSON.parse(body)).toMatchObject({ status: 403, code: 'cross_site' })
      expect(head).not.toMatch(/^set-cookie:|evil/im)
    }
    expect(opened).toEqual([])
    expect(refusalsIn(sockets.events)).toHaveLength(paths.length)
  })

  test.each(['WebSocket', 'WEBSOCKET', 'websocket, h2c', 'h2c, websocket', ' websocket'])(
    'the handshake is known by Upgrade: %s too',
    async (upgrade) => {
      const headers = { origin: 'https://evil.example' }
      expect(await handshake('/socket', headers, sockets.url, upgrade)).toMatchObject({ status: 403 })
      expect(opened).toEqual([])
    },
  )

  test('it is refused as an ordinary request too, where nobody listens to upgrades', async () => {
    const foreign = { origin: 'https://evil.example' }
    expect((await handshake('/public', foreign, app.url)).status).toBe(403)
    expect((await handshake('/public', { origin: app.url }, app.url)).status).toBe(200)
    expect((await handshake('/public', {}, app.url)).status).toBe(200)
  })

  test.each<[string, () => HeaderValues]>([
    ['our Origin', () => ({ origin: sockets.url })],
    ['our Origin, same-origin', () => ({ origin: sockets.url, 'sec-fetch-site': 'same-origin' })],
    ['an allowed origin', () => ({ origin: ADMIN, 'sec-fetch-site': 'cross-site' })],
    ['no Origin at all, as programs send it', () => ({})],
  ])('a handshake with %s reaches its route, logged in', async (_name, headers) => {
    const { status, head } = await handshake('/socket', headers())
    expect([status, opened]).toEqual([101, ['target']])
    expect(head).toMatch(/^upgrade: websocket$/im)
    expect(refusalsIn(sockets.events)).toEqual([])
  })

  test('another site’s page can still be linked from: without Upgrade the same GET passes', async () => {
    const lines = [
      `Cookie: ${await cookieOf(visitor, sockets.url)}`,
      'Origin: https://evil.example',
      'Sec-Fetch-Site: cross-site',
    ]
    expect((await rawExchange(sockets.url, ['GET /private HTTP/1.1', ...lines])).status).toBe(200)
  })
})

function handUpgradesOn(server: Server, handler: Express): void {
  server.on('upgrade', (req, socket) => {
    const res = new ServerResponse(req)
    res.assignSocket(socket as Socket)
    res.once('finish', () => socket.end())
    handler(req, res)
  })
}
