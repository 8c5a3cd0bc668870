// An API that cannot be reached, or does not answer in time, is 503; what lasts once it has begun may last.
import { createServer as createTLSServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { relay } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { nextPiece, openRequest } from '../support/browser/open-request.ts'
import { createSignal, within } from '../support/deadline.ts'
import { closeServer, freePort, listen } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'

const TIMEOUT_SECONDS = 0.3

let fixture: RelayFixture
let raw: Server
let tls: ReturnType<typeof createTLSServer>
/** What it says to whoever connects, at once. */
let greeting: (socket: Socket) => void

beforeAll(async () => {
  fixture = await startRelayFixture({ relay: { timeoutSeconds: TIMEOUT_SECONDS } })
  raw = createServer((socket) => {
    socket.on('error', () => {})
    greeting(socket)
  })
  tls = createTLSServer((await createCertificates()).server, (_req, res) => res.end())
  const { app, api } = fixture
  app.app.use('/nobody', relay({ target: `http://127.0.0.1:${await freePort()}` }))
  app.app.use('/raw', relay({ target: `http://127.0.0.1:${await listen(raw as never, '127.0.0.1')}` }))
  app.app.use('/tls', relay({ target: `https://127.0.0.1:${await listen(tls as never, '127.0.0.1')}` }))
  app.app.use('/no-tls', relay({ target: api.url.replace('http:', 'https:') }))
})
afterAll(async () => {
  await fixture?.stop()
  await closeServer(tls as never)
  raw?.close()
})
beforeEach(() => {
  fixture.lines.length = 0
})

async function expectUnavailable(path: string): Promise<void> {
  const page = await fixture.browser.request('GET', fixture.app.url + path)
  expect([page.status, page.json().code]).toEqual([503, 'api_unavailable'])
  expect(page.headers).toMatchObject({ 'retry-after': '5', 'cache-control': 'no-store' })
  expect(page.headers).not.toHaveProperty('set-cookie')
  for (const secret of fixture.provider.secretsSeen()) expect(fixture.lines.join()).not.toContain(secret)
}

test('that nobody listens is said to operators once, until it answers again', async () => {
  await expectUnavailable('/nobody/x')
  await expectUnavailable('/nobody/x')
  expect(fixture.lines).toEqual([expect.stringMatching(/the API at http:\/\/127.* ECONNREFUSED$/)])

  fixture.api.answer((_req, res) => res.destroy())
  await expectUnavailable('/api/x')
  fixture.api.echo()
  expect((await fixture.browser.request('GET', fixture.url('/x'))).status).toBe(200)
  fixture.api.answer((_req, res) => res.destroy())
  await expectUnavailable('/api/x')
  expect(fixture.lines).toHaveLength(3)
})

test('an address of IPv6 is no name for the DNS', async () => {
  fixture.app.app.use('/six', relay({ target: `http://[::1]:${await freePort()}` }))
  await expectUnavailable('/six/x')
  expect(fixture.lines).toEqual([
    expect.stringMatching(/http:\/\/\[::1\]:\d+ .* E(?:CONNREFUSED|ADDRNOTAVAIL)$/),
  ])
})

test.each([
  ['a certificate that nobody vouches for', '/tls/x'],
  ['no TLS', '/no-tls/x'],
])('an API with %s gets no token', async (_what, path) => {
  const before = fixture.api.seen.length
  await expectUnavailable(path)
  expect(fixture.api.seen).toHaveLength(before)
})

test.each([
  ['garbage', (socket: Socket) => void socket.end('garbage\r\n\r\n')],
  ['nothing', (socket: Socket) => void socket.end()],
  ['half a head', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-')],
  ['a reset', (socket: Socket) => void socket.resetAndDestroy()],
  [
    '100 kB of headers',
    (socket: Socket) => void socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`),
  ],
  [
    'both lengths',
    (socket: Socket) =>
      void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'),
  ],
  [
    'an upgrade that nobody asked for',
    (socket: Socket) =>
      void socket.end('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  ],
])('an API that answers %s is no answer', async (_what, greet) => {
  greeting = (socket) => socket.once('data', () => greet(socket))
  await expectUnavailable('/raw/x')
})

test('an API that does not begin its answer in time is given up', async () => {
  const closed = createSignal()
  fixture.api.answer((_req, res) => res.once('close', () => closed.resolve()))
  await expectUnavailable('/api/x')
  await within(closed.promise, 'the end of the request at the API')
})

test('an API that stops taking an upload is given up', async () => {
  fixture.api.answer((req) => req.pause())
  const { sent, response } = openRequest('POST', fixture.url('/x'), { cookie: fixture.cookie })
  const piece = Buffer.alloc(1_000_000)
  const pour = () => {
    while (!sent.destroyed && sent.write(piece));
  }
  sent.on('drain', pour)
  pour()
  expect((await response()).statusCode).toBe(503)
  sent.destroy()
})

test('a browser that sends slowly, and an answer that lasts, are not', async () => {
  fixture.api.answer(async (req, res) => {
    const sizes = (await buffer(req)).length
    res.write(`got ${sizes}`)
    setTimeout(() => res.end('and more'), 2500 * TIMEOUT_SECONDS)
  })
  const { sent, response } = openRequest('POST', fixture.url('/x'), { cookie: fixture.cookie })
  sent.write('slow')
  setTimeout(() => sent.end('ly'), 2500 * TIMEOUT_SECONDS)
  const answer = await response()
  expect([await nextPiece(answer), await nextPiece(answer)]).toEqual(['got 6', 'and more'])
})
