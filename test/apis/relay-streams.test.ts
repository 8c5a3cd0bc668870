// Bodies go through as they come, in both directions; what breaks on one side breaks on the other.
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { relay } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { endOf, nextPiece, openRequest } from '../support/browser/open-request.ts'
import { createSignal, eventually, type Signal, within } from '../support/deadline.ts'

interface AtApi {
  req: IncomingMessage
  res: ServerResponse
}

let fixture: RelayFixture
let arrived: Signal<AtApi>
let headers: { cookie: string }

beforeAll(async () => {
  fixture = await startRelayFixture()
  headers = { cookie: fixture.cookie }
})
afterAll(() => fixture?.stop())
beforeEach(() => {
  fixture.lines.length = 0
  arrived = createSignal()
  fixture.api.answer((req, res) => {
    req.on('error', () => {})
    arrived.resolve({ req, res })
  })
})

const atApi = () => within(arrived.promise, 'the request at the API')
const open = (method: string, more = {}, agent?: Agent) =>
  openRequest(method, fixture.url('/x'), { ...headers, ...more }, agent)
const closed = (stream: { closed: boolean }) =>
  eventually('the other side to hear of it', () => stream.closed)

test.each([{}, { 'content-length': '10' }])('an upload arrives as it is sent: %j', async (more) => {
  const { sent, response } = open('POST', { ...more, 'content-type': 'text/plain' })
  sent.write('first')
  // Small ones are read first, so that they can be sent again.
  if ('content-length' in more) sent.end('later')
  const { req, res } = await atApi()
  expect(await nextPiece(req)).toMatch(/^first/)
  sent.end()
  expect(await endOf(req)).toBe('whole')
  res.end('thanks')
  expect(`${await buffer(await response())}`).toBe('thanks')
})

test('an event stream’s headers come before its first event, and each event when it is sent', async () => {
  const { sent, response } = open('GET', { accept: 'text/event-stream' })
  sent.end()
  const { res } = await atApi()
  res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  const body = await response()
  expect(body.headers['content-type']).toBe('text/event-stream')
  for (const event of ['data: one\n\n', 'data: two\n\n']) {
    res.write(event)
    expect(await nextPiece(body)).toBe(event)
  }
  sent.destroy()
  await closed(res)
})

test('three hundred open event streams leave room for a request', async () => {
  const streams: ServerResponse[] = []
  fixture.api.answer((req, res) => {
    if (req.headers.accept !== 'text/event-stream') return res.end()
    return streams.push(res.writeHead(200)) && res.flushHeaders()
  })
  const opened = Array.from({ length: 300 }, () => open('GET', { accept: 'text/event-stream' }))
  for (const { sent } of opened) sent.end()
  await Promise.all(opened.map(({ response }) => response()))
  expect((await exchange({ method: 'GET', url: fixture.url('/x'), headers })).status).toBe(200)
  for (const { sent } of opened) sent.destroy()
  await eventually('the streams to end', () => streams.every(({ closed }) => closed))
})

test('an answer may begin while the upload goes on', async () => {
  const { sent, response } = open('POST')
  sent.write('ping')
  const { req, res } = await atApi()
  res.write('pong')
  const body = await response()
  expect([await nextPiece(req), await nextPiece(body)]).toEqual(['ping', 'pong'])
  sent.end('ping again')
  expect(await nextPiece(req)).toBe('ping again')
  res.end('pong again')
  expect(await nextPiece(body)).toBe('pong again')
})

describe('a browser that goes away', () => {
  // It is no fault of the API's.
  afterEach(() => expect(fixture.lines).toEqual([]))

  test('while it waits ends the request to the API', async () => {
    const { sent } = open('GET')
    sent.end()
    const { res } = await atApi()
    sent.destroy()
    await closed(res)
  })

  test('while it sends breaks the upload off at the API', async () => {
    const { sent } = open('POST')
    sent.write('half')
    const { req } = await atApi()
    await nextPiece(req)
    sent.destroy()
    expect(await endOf(req)).toBe('broken')
  })

  test('while it reads ends the answer', async () => {
    const { sent, response } = open('GET')
    sent.end()
    const { res } = await atApi()
    res.write('half')
    await nextPiece(await response())
    sent.destroy()
    await closed(res)
  })

  test('before its small body was read never reaches the API, and nothing waits for it', async () => {
    const [arrived, done] = [createSignal<IncomingMessage>(), createSignal()]
    const forward = relay({ target: fixture.api.url })
    fixture.app.app.post('/watched', async (req, res, next) => {
      arrived.resolve(req)
      await forward(req, res, next)
      done.resolve()
    })
    const before = fixture.api.seen.length
    const { sent } = openRequest('POST', `${fixture.app.url}/watched`, { ...headers, 'content-length': '10' })
    sent.write('half')
    await within(arrived.promise, 'the request at the app')
    sent.destroy()
    await within(done.promise, 'the relay to be done')
    expect(fixture.api.seen).toHaveLength(before)
  })
})

describe('an API that breaks off', () => {
  test.each([{}, { 'content-length': 100 }])(
    'its answer: the browser does not take it for whole: %j',
    async (more) => {
      const { sent, response } = open('GET')
      sent.end()
      const { res } = await atApi()
      res.writeHead(200, more).write('half')
      const body = await response()
      await nextPiece(body)
      res.destroy()
      expect(await endOf(body)).toBe('broken')
    },
  )

  test('while it reads: 503, and the browser’s connection goes on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const { sent, response } = open('POST', {}, agent)
    sent.write('half')
    const { req } = await atApi()
    await nextPiece(req)
    req.destroy()
    sent.end('the rest')
    const body = await response()
    expect(body.statusCode).toBe(503)
    expect(JSON.parse(`${await buffer(body)}`)).toMatchObject({ code: 'api_unavailable' })
    const again = await exchange({ method: 'GET', url: `${fixture.app.url}/ping`, agent })
    expect(again.status).toBe(200)
    agent.destroy()
  })
})

test('an answer before the end of an upload arrives, and the rest of the upload is thrown away', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const atApp = new Promise<IncomingMessage>((resolve) => fixture.app.server.once('request', resolve))
  const pieces = [1, 2, 3].map(() => Buffer.alloc(8_000_000))
  const { sent, response } = open('POST', { 'content-length': '24000000' }, agent)
  for (const piece of pieces) sent.write(piece)
  const { req } = await atApi()
  // It reads nothing, and does not even throw it away, as Node.js would after an answer of its own.
  req.pause()
  const relayed = await within(atApp, 'the request at the app')
  await eventually('the upload to stop', () => relayed.isPaused())
  req.socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large')
  const body = await response()
  expect([body.statusCode, `${await buffer(body)}`]).toEqual([413, 'too large'])
  sent.end()
  expect((await exchange({ method: 'GET', url: `${fixture.app.url}/ping`, agent })).status).toBe(200)
  agent.destroy()
})
