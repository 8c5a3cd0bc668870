// Bodies go through as they come, in both directions; what breaks on one side breaks on the other.
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { relay } from '../../src/index.ts'
import { startRelayFixture } from '../support/app/relay-fixture.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { endOf, nextPiece, openRequest } from '../support/browser/open-request.ts'
import { createSignal, eventually, type Signal, within } from '../support/deadline.ts'
import { closeServer, listen } from '../support/listen.ts'
import { useParts, useStarted } from '../support/servers.ts'

const fixture = useStarted(startRelayFixture)

describe('streams', () => {
  interface AtApi {
    req: IncomingMessage
    res: ServerResponse
  }

  let arrived: Signal<AtApi>

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
    openRequest(method, fixture.url('/x'), { cookie: fixture.cookie, ...more }, agent)
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
    expect(
      (await exchange({ method: 'GET', url: fixture.url('/x'), headers: { cookie: fixture.cookie } })).status,
    ).toBe(200)
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
      const { sent } = openRequest('POST', `${fixture.app.url}/watched`, {
        cookie: fixture.cookie,
        'content-length': '10',
      })
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
})

// A browser's body waits until the API wants it (RFC 9110 §10.1.1).
describe('`Expect: 100-continue`', () => {
  const agent = new Agent({ keepAlive: true })
  /** The app again. Where nobody listens, Node.js itself says "100 Continue", before the app sees the request. */
  const { server } = useParts(async (start) => {
    const { app } = fixture.app
    const server = createServer(app).on('checkContinue', app)
    const port = await listen(server, 'localhost')
    await start({
      async stop() {
        agent.destroy()
        await closeServer(server)
      },
    })
    return { server: { port } }
  })

  beforeEach(() => {
    fixture.api.seen.length = 0
  })

  /** Larger than what is read before it is sent. */
  const SIZE = 100_000

  function upload({ url = `http://localhost:${server.port}/api/x`, cookie = fixture.cookie } = {}) {
    const expect = { expect: '100-continue', 'content-length': String(SIZE) }
    const { sent, response } = openRequest('POST', url, { cookie, ...expect }, agent)
    const told = { times: 0 }
    const allowed = createSignal()
    sent.on('continue', () => {
      told.times += 1
      allowed.resolve()
    })
    return { sent, response, told, allowed: () => within(allowed.promise, 'to be told to continue') }
  }

  test('the word comes when the API gives it, and then the body goes through', async () => {
    const arrived = createSignal<() => void>()
    fixture.api.answer((req, res) => {
      arrived.resolve(() => {
        res.writeContinue()
        void buffer(req).then((body) => res.end(`${body.length}`))
      })
    })
    const { sent, response, told, allowed } = upload()
    const allow = await within(arrived.promise, 'the request at the API')
    expect([fixture.api.seen[0]?.headers.expect, told.times]).toEqual(['100-continue', 0])
    allow()
    await allowed()
    sent.end(Buffer.alloc(SIZE))
    const answer = await response()
    expect([answer.headers.connection, `${await buffer(answer)}`]).toEqual(['keep-alive', `${SIZE}`])
    expect(told.times).toBe(1)
  })

  test('an API that does not want the body says so before it was sent, and the connection ends', async () => {
    fixture.api.answer((_req, res) => res.writeHead(413).end('too large'))
    const { response, told } = upload()
    const answer = await response()
    expect([answer.statusCode, answer.headers.connection, told.times]).toEqual([413, 'close', 0])
    expect(`${await buffer(answer)}`).toBe('too large')
  })

  test('who may not pass hears it before the body was sent', async () => {
    const { response, told } = upload({ cookie: '' })
    const answer = await response()
    expect([answer.statusCode, answer.headers.connection, told.times]).toEqual([401, 'close', 0])
    expect(fixture.api.seen).toEqual([])
  })

  test('a token that the API refuses costs no second upload: nothing of the body was read', async () => {
    let refusals = 1
    fixture.api.answer((req, res) => {
      refusals -= 1
      if (refusals >= 0) return res.writeHead(401).end()
      res.writeContinue()
      return buffer(req).then((body) => res.end(`${body.length}`))
    })
    const before = fixture.provider.refreshCount()
    const { sent, response, told, allowed } = upload()
    await allowed()
    sent.end(Buffer.alloc(SIZE))
    expect(`${await buffer(await response())}`).toBe(`${SIZE}`)
    expect([told.times, fixture.api.seen.length, fixture.provider.refreshCount() - before]).toEqual([1, 2, 1])
  })

  test('an API that never gives the word gets the body after a second', async () => {
    fixture.api.answer(async (req, res) => res.end(`${(await buffer(req)).length}`))
    const { sent, response, allowed } = upload()
    await allowed()
    sent.end(Buffer.alloc(SIZE))
    expect(`${await buffer(await response())}`).toBe(`${SIZE}`)
  })

  test('a browser that goes away before the word ends the request to the API', async () => {
    const [arrived, closed] = [createSignal(), createSignal()]
    fixture.api.answer((_req, res) => {
      arrived.resolve()
      res.once('close', () => closed.resolve())
    })
    const { sent } = upload()
    await within(arrived.promise, 'the request at the API')
    sent.destroy()
    await within(closed.promise, 'the end of the request at the API')
  })

  test('where Node.js has given the word already, it is given once', async () => {
    fixture.api.answer(async (req, res) => {
      res.writeContinue()
      res.end(`${(await buffer(req)).length}`)
    })
    const { sent, response, told, allowed } = upload({ url: fixture.url('/x') })
    await allowed()
    sent.end(Buffer.alloc(SIZE))
    const answer = await response()
    expect(await nextPiece(answer)).toBe(`${SIZE}`)
    expect([told.times, fixture.api.seen[0]?.headers.expect]).toEqual([1, '100-continue'])
  })
})

describe('a connection that the API closes just when it is used again', () => {
  beforeEach(resetSecondUse)

  /** The API answers once, then resets that connection when the next request comes on it. */
  function resetSecondUse(): void {
    const used = new WeakSet<object>()
    fixture.api.answer((req, res) => {
      if (used.has(req.socket)) req.socket.resetAndDestroy()
      else req.resume().once('end', () => res.end('taken'))
      used.add(req.socket)
    })
  }

  async function ask(method: string, body?: string) {
    const headers = { cookie: fixture.cookie }
    return (await exchange({ method, url: fixture.url('/x'), headers, body })).status
  }

  test.each<[method: string, body?: string]>([['GET'], ['DELETE'], ['PUT', 'a small body']])(
    'it is replaced for %s',
    async (...asked) => {
      await ask('GET')
      expect(await ask(...asked)).toBe(200)
    },
  )

  test.each(['POST', 'PATCH'])('it is a failure for %s (RFC 9110 §9.2.2)', async (method) => {
    await ask('GET')
    const before = fixture.api.seen.length
    expect(await ask(method, 'body')).toBe(503)
    expect(fixture.api.seen).toHaveLength(before + 1)
  })
})
