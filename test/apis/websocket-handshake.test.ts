// Handshakes of WebSockets: requests of the app like all others, answered and closed where they are refused.
import express from 'express'
import { relay } from '../../src/index.ts'
import {
  type AtApi,
  ended,
  startWebSocketFixture,
  takeHandshake,
  type WebSocketFixture,
} from '../support/app/websocket-fixture.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'

let fixture: WebSocketFixture

beforeAll(async () => {
  fixture = await startWebSocketFixture()
  fixture.app.app.use('/open', relay({ target: fixture.api.url, token: 'user-or-none' }))
  fixture.app.app.get('/page', (_req, res) => void res.send('a page'))
  fixture.app.app.post('/form', express.json(), (_req, res) => void res.send('a form'))
})
afterAll(() => fixture?.stop())
beforeEach(() => {
  fixture.answerHandshakes()
  fixture.api.seen.length = 0
  fixture.lines.length = 0
})

test('a handshake is refused for who is not logged in', async () => {
  const { status, head, body } = await fixture.refused('/api/socket', { cookie: undefined })
  expect([status, JSON.parse(body).code]).toEqual([401, 'login_required'])
  expect(head).toMatch(/^connection: close$/im)
  expect(fixture.api.seen).toEqual([])
})

test('a handshake is refused for a page of another site', async () => {
  const { status, body } = await fixture.refused('/api/socket', { origin: 'https://evil.example' })
  expect([status, JSON.parse(body).code]).toEqual([403, 'cross_site'])
  expect(fixture.api.seen).toEqual([])
})

test('a handshake is refused where nobody takes it: 404', async () => {
  expect((await fixture.refused('/nowhere')).status).toBe(404)
  expect((await fixture.refused('/page')).status).toBe(200)
  expect((await fixture.refused('/form')).status).toBe(404)
})

test('a handshake is refused where its path leads elsewhere', async () => {
  expect((await fixture.refused('/api/..%2fadmin')).status).toBe(400)
  expect(fixture.api.seen).toEqual([])
})

test('a handshake is refused where it is no GET, or has a body', async () => {
  const [, ...lines] = fixture.handshakeLines()
  expect((await rawExchange(fixture.app.url, ['POST /api/socket HTTP/1.1', ...lines])).status).toBe(400)
  expect((await rawExchange(fixture.app.url, ['GET /api/x HTTP/1.1', ...lines], 'body')).status).toBe(400)
  expect(fixture.api.seen).toEqual([])
})

test('a handshake is refused where the API refuses it, by the rules of every answer', async () => {
  fixture.answerHandshakes(({ socket }) => {
    socket.end('HTTP/1.1 403 F\r\nSet-Cookie: bff=evil\r\nX-Mark: 1\r\nContent-Length: 2\r\n\r\nno')
  })
  const { status, head, body } = await fixture.refused()
  expect([status, body]).toEqual([403, 'no'])
  expect(head).toMatch(/^x-mark: 1$/im)
  expect(head).not.toMatch(/^set-cookie/im)
})

test('a handshake is refused where the API refuses it and does not come to an end: with the browser it does', async () => {
  fixture.answerHandshakes(({ socket }) => {
    socket.write('HTTP/1.1 403 F\r\nContent-Length: 100\r\n\r\nand')
  })
  const { socket, api } = await fixture.open()
  socket.destroy()
  api.socket.resume()
  await ended(api.socket)
})

test.each([
  ['hangs up', ({ socket }: AtApi) => void socket.destroy()],
  ['hangs', () => {}],
])('a handshake is refused where the API %s', async (_how, how) => {
  fixture.answerHandshakes(how)
  const { status, body } = await fixture.refused()
  expect([status, JSON.parse(body).code]).toEqual([503, 'api_unavailable'])
})

test('a handshake is refused where the API wants more of the person’s authentication', async () => {
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="60"'
  fixture.answerHandshakes(({ socket }) => {
    socket.end(`HTTP/1.1 401 U\r\nWWW-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`)
  })
  const { status, body } = await fixture.refused()
  expect([status, JSON.parse(body).code]).toEqual([401, 'step_up_required'])
})

test('a token that the API refuses is renewed, and the handshake sent again', async () => {
  const before = fixture.provider.refreshCount()
  fixture.answerHandshakes((at) => {
    if (fixture.api.seen.length > 1) takeHandshake(at)
    else at.socket.end('HTTP/1.1 401 U\r\nContent-Length: 0\r\n\r\n')
  })
  const { socket } = await fixture.open()
  expect(fixture.provider.refreshCount() - before).toBe(1)
  const [first, second, ...more] = fixture.api.seen.map(({ headers }) => headers.authorization)
  expect([first === second, more]).toEqual([false, []])
  socket.destroy()
})

test('who is not logged in passes where that is asked for, without a token', async () => {
  fixture.answerHandshakes(({ socket }) => {
    socket.end('HTTP/1.1 400 B\r\nContent-Length: 0\r\n\r\n')
  })
  expect((await fixture.refused('/open/socket', { cookie: undefined })).status).toBe(400)
  expect(fixture.api.seen.map(({ headers }) => headers.authorization)).toEqual([undefined])
})

test('an upgrade to anything else is an ordinary request (RFC 9110 §7.8)', async () => {
  fixture.api.echo()
  const { status, head } = await fixture.refused('/api/x', { upgrade: 'h2c', 'http2-settings': 'AAMAAABk' })
  expect([status, /^upgrade/im.test(head)]).toEqual([200, false])
  expect(fixture.api.seen[0]?.headers).not.toHaveProperty('upgrade')
})

test.each([
  ['h2c', 'content-length: 500'],
  ['anything', 'transfer-encoding: chunked'],
  ['websocket, h2c', 'content-length: 500'],
])(
  'an upgrade to %s with a body (%s) reaches no API: the body would be taken for its next request',
  async (upgrade, framing) => {
    fixture.api.echo()
    const [, ...lines] = fixture.handshakeLines('', { upgrade })
    const request = ['POST /api/x HTTP/1.1', ...lines, framing]
    expect((await rawExchange(fixture.app.url, request)).status).toBe(400)
    expect(fixture.api.seen).toEqual([])
  },
)

test('a browser that goes away in the middle of a handshake leaves nothing behind', async () => {
  fixture.answerHandshakes(() => {})
  const socket = fixture.begin()
  const { socket: apiSocket } = await fixture.atApi()
  apiSocket.resume()
  socket.resetAndDestroy()
  await ended(apiSocket)
  expect((await fixture.browser.request('GET', `${fixture.app.url}/ping`)).status).toBe(200)
})

test('without handleUpgrade() a handshake is refused, and the log says what lacks', async () => {
  fixture.app.server.removeAllListeners('upgrade')
  const { status } = await fixture.refused()
  expect([status, fixture.lines]).toEqual([
    400,
    [expect.stringContaining("server.on('upgrade', handleUpgrade(app))")],
  ])
})
