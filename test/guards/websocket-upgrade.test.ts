// WebSocket handshakes that are handed to Express, as express-ws does: a page of another site opens none with our cookie.
// Browsers send them cross-site, with cookies and without asking (RFC 6455 §10.2): the Origin is all there is to check.
import { type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Express } from 'express'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import type { HeaderValues } from '../support/browser/http-exchange.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

const ADMIN = 'https://admin.example.com'
const log = createLog()
const opened: unknown[] = []
let provider: TestProvider
let app: TestApp
/** Nobody listens to upgrades there: Node hands them on as ordinary requests. */
let plain: TestApp
let cookie = ''

beforeAll(async () => {
  provider = await startProvider()
  const options = { logger: log.logger, allowedOrigins: [ADMIN] }
  ;[app, plain] = await Promise.all([startApp({ provider, options }), startApp({ provider, options })])
  handUpgradesOn(app.server, app.app)
  app.app.all('/socket', (req, res) => {
    opened.push(req.oidc.user?.sub ?? 'anonymous')
    res.status(101).set({ connection: 'Upgrade', upgrade: 'websocket' }).end()
  })
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'target' })
  cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
})
beforeEach(() => {
  log.lines.length = 0
  opened.length = 0
})
afterAll(async () => {
  await Promise.all([app?.stop(), plain?.stop()])
  await provider?.stop()
})

function handUpgradesOn(server: Server, handler: Express): void {
  server.on('upgrade', (req, socket) => {
    const res = new ServerResponse(req)
    res.assignSocket(socket as Socket)
    res.once('finish', () => socket.end())
    handler(req, res)
  })
}

/** The handshake (RFC 6455 §4.1) with the session's cookie and the headers of the row. */
function handshake(path: string, headers: HeaderValues, at = app.url, upgrade = 'websocket') {
  const given = Object.entries({
    upgrade,
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
    cookie,
    ...headers,
  })
  const lines = given.map(([name, value]) => `${name}: ${value}`)
  return rawExchange(at, [`GET ${path} HTTP/1.1`, 'Connection: Upgrade', ...lines])
}

const hostile: [string, () => HeaderValues][] = [
  ['a foreign Origin', () => ({ origin: 'https://evil.example' })],
  [
    'a foreign Origin, cross-site',
    () => ({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
  ],
  ['Origin null', () => ({ origin: 'null' })],
  ['an empty Origin', () => ({ origin: '' })],
  ['a sibling below our host', () => ({ origin: app.url.replace('localhost', 'sibling.localhost') })],
  ['our host on another port', () => ({ origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' })],
  ['our Origin on https', () => ({ origin: app.url.replace('http:', 'https:') })],
  ['our Origin as ws:', () => ({ origin: app.url.replace('http:', 'ws:') })],
  ['our Origin as a prefix', () => ({ origin: `${app.url}.evil.example` })],
  ['an allowed origin as a prefix', () => ({ origin: `${ADMIN}.evil.example` })],
  ['no Origin, but Sec-Fetch-Site', () => ({ 'sec-fetch-site': 'cross-site' })],
  [
    'a foreign Origin and Host',
    () => ({ origin: 'http://evil.example', host: 'evil.example', 'x-forwarded-host': 'evil.example' }),
  ],
]

test.each(hostile)('a handshake with %s is refused at every route', async (_name, headers) => {
  const paths = ['/socket', '/public', '/private', '/me', '/cart', '/logout', '/fresh', '/nothing-here']
  for (const path of paths) {
    const { status, head, body } = await handshake(path, headers())
    expect([path, status]).toEqual([path, 403])
    expect(JSON.parse(body)).toMatchObject({ status: 403, code: 'cross_site' })
    expect(head).not.toMatch(/^set-cookie:|evil/im)
  }
  expect(opened).toEqual([])
  expect(log.lines).toHaveLength(paths.length)
})

test.each(['WebSocket', 'WEBSOCKET', 'websocket, h2c', 'h2c, websocket', ' websocket'])(
  'the handshake is known by Upgrade: %s too',
  async (upgrade) => {
    const headers = { origin: 'https://evil.example' }
    expect(await handshake('/socket', headers, app.url, upgrade)).toMatchObject({ status: 403 })
    expect(opened).toEqual([])
  },
)

test('it is refused as an ordinary request too, where nobody listens to upgrades', async () => {
  const foreign = { origin: 'https://evil.example' }
  expect((await handshake('/public', foreign, plain.url)).status).toBe(403)
  expect((await handshake('/public', { origin: plain.url }, plain.url)).status).toBe(200)
  expect((await handshake('/public', {}, plain.url)).status).toBe(200)
})

test.each<[string, () => HeaderValues]>([
  ['our Origin', () => ({ origin: app.url })],
  ['our Origin, same-origin', () => ({ origin: app.url, 'sec-fetch-site': 'same-origin' })],
  ['an allowed origin', () => ({ origin: ADMIN, 'sec-fetch-site': 'cross-site' })],
  ['no Origin at all, as programs send it', () => ({})],
])('a handshake with %s reaches its route, logged in', async (_name, headers) => {
  const { status, head } = await handshake('/socket', headers())
  expect([status, opened]).toEqual([101, ['target']])
  expect(head).toMatch(/^upgrade: websocket$/im)
  expect(log.lines).toEqual([])
})

test('another site’s page can still be linked from: without Upgrade the same GET passes', async () => {
  const lines = [`Cookie: ${cookie}`, 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site']
  expect((await rawExchange(app.url, ['GET /private HTTP/1.1', ...lines])).status).toBe(200)
})
