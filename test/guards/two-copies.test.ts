// Two copies of the package in one process, as where an app loads it by `import` and a library by `require()`: what one of
// them leaves on a request, and throws, the other knows.
import { once } from 'node:events'
import { request } from 'node:http'
import { pathToFileURL } from 'node:url'
import * as own from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

let other: typeof own

const { api, app } = useParts(async (start) => {
  other = await import(pathToFileURL(process.env.TEST_PACKAGE ?? '').href)
  const provider = await start(startProvider())
  const api = await start(startApiServer())
  const app = await start(startApp({ provider }))
  const pages = [other.requireAuth(), other.requireFresh(), other.requireClaim('sub', 'alice')]
  app.app.get('/theirs', ...pages, (req, res) => void res.json({ sub: req.oidc.user?.sub }))
  app.app.use('/api', other.relay({ target: api.url, token: 'user-or-none' }))
  app.app.use('/sockets', own.relay({ target: api.url, token: 'user-or-none' }))
  app.server.on('upgrade', other.handleUpgrade(app.app))
  return { api, app }
})

test('it is another copy', () => {
  expect(other.auth).not.toBe(own.auth)
})

test('a guard of the other copy knows who is logged in, and who is not', async () => {
  const browser = new Browser()
  const refused = await browser.request('GET', `${app.url}/theirs`, {
    headers: { accept: 'application/json' },
  })
  expect([refused.status, refused.json()]).toEqual([401, expect.objectContaining({ code: 'login_required' })])
  await browser.logIn(app.url)
  const page = await browser.request('GET', `${app.url}/theirs`)
  expect([page.status, page.json()]).toEqual([200, { sub: 'alice' }])
})

test('a relay of the other copy has the token of whoever is logged in', async () => {
  const browser = new Browser()
  await browser.logIn(app.url)
  await browser.request('GET', `${app.url}/api/orders`)
  expect(api.seen.at(-1)?.headers.authorization).toMatch(/^Bearer ./)
})

test('a handshake that came by handleUpgrade() of the other copy is handed on', async () => {
  api.server.once('upgrade', (_req, socket) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
  )
  const headers = {
    connection: 'upgrade',
    upgrade: 'websocket',
    origin: app.url,
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  const handshake = request(`${app.url}/sockets/rates`, { headers })
  const [answer, socket] = await Promise.race([once(handshake.end(), 'upgrade'), once(handshake, 'response')])
  expect(answer.statusCode).toBe(101)
  socket.destroy()
})

test('an error of the other copy is of the class by its name, and of no other', () => {
  const thrown = errorOf(() => other.auth({}))
  expect(own.isAuthError(thrown)).toBe(true)
  expect(thrown instanceof own.ConfigurationError).toBe(true)
  expect(thrown instanceof own.LoginRequiredError).toBe(false)
  class OfTheApp extends own.ConfigurationError {}
  expect(thrown instanceof OfTheApp).toBe(false)
  expect(new OfTheApp('invalid_option', 'mine') instanceof own.ConfigurationError).toBe(true)
  const alike = Object.assign(new Error('alike'), {
    name: 'ConfigurationError',
    code: 'invalid_option',
    status: 500,
  })
  expect([own.isAuthError(alike), alike instanceof own.ConfigurationError]).toEqual([false, false])
})

function errorOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}
