// Handshakes of WebSockets: requests of the app like all others, answered and closed where they are refused.
import express from 'express'
import { relay } from '../../src/index.ts'
import { rawExchange } from '../support/raw-exchange.ts'
import {
  type AtApi,
  ended,
  startWebSocketBench,
  takeHandshake,
  type WebSocketBench,
} from '../support/websocket-bench.ts'

let bench: WebSocketBench

beforeAll(async () => {
  bench = await startWebSocketBench()
  bench.app.app.use('/open', relay({ target: bench.api.url, token: 'user-or-none' }))
  bench.app.app.get('/page', (_req, res) => void res.send('a page'))
  bench.app.app.post('/form', express.json(), (_req, res) => void res.send('a form'))
})
afterAll(() => bench?.stop())
beforeEach(() => {
  bench.answerHandshakes()
  bench.api.seen.length = 0
  bench.lines.length = 0
})

test('a handshake is refused for who is not logged in', async () => {
  const { status, head, body } = await bench.refused('/api/socket', { cookie: undefined })
  expect([status, JSON.parse(body).code]).toEqual([401, 'login_required'])
  expect(head).toMatch(/^connection: close$/im)
  expect(bench.api.seen).toEqual([])
})

test('a handshake is refused for a page of another site', async () => {
  const { status, body } = await bench.refused('/api/socket', { origin: 'https://evil.example' })
  expect([status, JSON.parse(body).code]).toEqual([403, 'cross_site'])
  expect(bench.api.seen).toEqual([])
})

test('a handshake is refused where nobody takes it: 404', async () => {
  expect((await bench.refused('/nowhere')).status).toBe(404)
  expect((await bench.refused('/page')).status).toBe(200)
  expect((await bench.refused('/form')).status).toBe(404)
})

test('a handshake is refused where its path leads elsewhere', async () => {
  expect((await bench.refused('/api/..%2fadmin')).status).toBe(400)
  expect(bench.api.seen).toEqual([])
})

test('a handshake is refused where it is no GET, or has a body', async () => {
  const [, ...lines] = bench.handshakeLines()
  expect((await rawExchange(bench.app.url, ['POST /api/socket HTTP/1.1', ...lines])).status).toBe(400)
  expect((await rawExchange(bench.app.url, ['GET /api/x HTTP/1.1', ...lines], 'body')).status).toBe(400)
  expect(bench.api.seen).toEqual([])
})

test('a handshake is refused where the API refuses it, by the rules of every answer', async () => {
  bench.answerHandshakes(({ socket }) => {
    socket.end('HTTP/1.1 403 F\r\nSet-Cookie: bff=evil\r\nX-Mark: 1\r\nContent-Length: 2\r\n\r\nno')
  })
  const { status, head, body } = await bench.refused()
  expect([status, body]).toEqual([403, 'no'])
  expect(head).toMatch(/^x-mark: 1$/im)
  expect(head).not.toMatch(/^set-cookie/im)
})

test('a handshake is refused where the API refuses it and does not come to an end: with the browser it does', async () => {
  bench.answerHandshakes(({ socket }) => {
    socket.write('HTTP/1.1 403 F\r\nContent-Length: 100\r\n\r\nand')
  })
  const { socket, api } = await bench.open()
  socket.destroy()
  api.socket.resume()
  await ended(api.socket)
})

test.each([
  ['hangs up', ({ socket }: AtApi) => void socket.destroy()],
  ['hangs', () => {}],
])('a handshake is refused where the API %s', async (_how, how) => {
  bench.answerHandshakes(how)
  const { status, body } = await bench.refused()
  expect([status, JSON.parse(body).code]).toEqual([503, 'api_unavailable'])
})

test('a handshake is refused where the API wants more of the person’s authentication', async () => {
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="60"'
  bench.answerHandshakes(({ socket }) => {
    socket.end(`HTTP/1.1 401 U\r\nWWW-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`)
  })
  const { status, body } = await bench.refused()
  expect([status, JSON.parse(body).code]).toEqual([401, 'step_up_required'])
})

test('a token that the API refuses is renewed, and the handshake sent again', async () => {
  const before = bench.provider.refreshCount()
  bench.answerHandshakes((at) => {
    if (bench.api.seen.length > 1) takeHandshake(at)
    else at.socket.end('HTTP/1.1 401 U\r\nContent-Length: 0\r\n\r\n')
  })
  const { socket } = await bench.open()
  expect(bench.provider.refreshCount() - before).toBe(1)
  const [first, second, ...more] = bench.api.seen.map(({ headers }) => headers.authorization)
  expect([first === second, more]).toEqual([false, []])
  socket.destroy()
})

test('who is not logged in passes where that is asked for, without a token', async () => {
  bench.answerHandshakes(({ socket }) => {
    socket.end('HTTP/1.1 400 B\r\nContent-Length: 0\r\n\r\n')
  })
  expect((await bench.refused('/open/socket', { cookie: undefined })).status).toBe(400)
  expect(bench.api.seen.map(({ headers }) => headers.authorization)).toEqual([undefined])
})

test('an upgrade to anything else is an ordinary request (RFC 9110 §7.8)', async () => {
  bench.api.echo()
  const { status, head } = await bench.refused('/api/x', { upgrade: 'h2c', 'http2-settings': 'AAMAAABk' })
  expect([status, /^upgrade/im.test(head)]).toEqual([200, false])
  expect(bench.api.seen[0]?.headers).not.toHaveProperty('upgrade')
})

test.each([
  ['h2c', 'content-length: 500'],
  ['anything', 'transfer-encoding: chunked'],
  ['websocket, h2c', 'content-length: 500'],
])(
  'an upgrade to %s with a body (%s) reaches no API: the body would be taken for its next request',
  async (upgrade, framing) => {
    bench.api.echo()
    const [, ...lines] = bench.handshakeLines('', { upgrade })
    const request = ['POST /api/x HTTP/1.1', ...lines, framing]
    expect((await rawExchange(bench.app.url, request)).status).toBe(400)
    expect(bench.api.seen).toEqual([])
  },
)

test('a browser that goes away in the middle of a handshake leaves nothing behind', async () => {
  bench.answerHandshakes(() => {})
  const socket = bench.begin()
  const { socket: apiSocket } = await bench.atApi()
  apiSocket.resume()
  socket.resetAndDestroy()
  await ended(apiSocket)
  expect((await bench.browser.request('GET', `${bench.app.url}/ping`)).status).toBe(200)
})

test('without handleUpgrade() a handshake is refused, and the log says what lacks', async () => {
  bench.app.server.removeAllListeners('upgrade')
  const { status } = await bench.refused()
  expect([status, bench.lines]).toEqual([
    400,
    [expect.stringContaining("server.on('upgrade', handleUpgrade(app))")],
  ])
})
