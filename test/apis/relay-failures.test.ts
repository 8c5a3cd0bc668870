// What goes wrong: the set-up is said at start-up by its name, or to the app's error handler; an API that cannot be reached, or
// does not answer in time, is 503, and what lasts once it has begun may last.
import { createServer as createTLSServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { inspect } from 'node:util'
import express, { type ErrorRequestHandler, type Request, type Response } from 'express'
import { ConfigurationError, type RelayOptions, relay } from '../../src/index.ts'
import { startRelayFixture } from '../support/app/relay-fixture.ts'
import { openRequest } from '../support/browser/open-request.ts'
import { createSignal, within } from '../support/deadline.ts'
import { closeServer, freePort, listen } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { useParts } from '../support/servers.ts'

const TIMEOUT_SECONDS = 1

/** What it says to whoever connects, at once. */
let greeting: (socket: Socket) => void
const errors: unknown[] = []

const { fixture } = useParts(async (start) => {
  const fixture = await start(startRelayFixture())
  const raw = createServer((socket) => {
    socket.on('error', () => {})
    greeting(socket)
  })
  const tls = createTLSServer((await createCertificates()).server, (_req, res) => res.end())
  await start({ stop: () => closeServer(tls as never) })
  await start({ stop: () => raw.close() })
  const { app } = fixture.app
  const target = fixture.api.url
  app.use('/hasty', relay({ target, timeoutSeconds: TIMEOUT_SECONDS }))
  app.use('/nobody', relay({ target: `http://127.0.0.1:${await freePort()}` }))
  app.use('/raw', relay({ target: `http://127.0.0.1:${await listen(raw as never, '127.0.0.1')}` }))
  app.use('/tls', relay({ target: `https://127.0.0.1:${await listen(tls as never, '127.0.0.1')}` }))
  app.use('/no-tls', relay({ target: target.replace('http:', 'https:') }))
  app.use('/parsed', express.json(), express.urlencoded(), relay({ target }))
  app.use('/foreign', relay({ target, audience: 'https://foreign.example' }))
  app.use(['/parsed', '/foreign'], ((error, _req, res, _next) => {
    errors.push(error)
    res.status(error.status ?? 500).end()
  }) satisfies ErrorRequestHandler)
  return { fixture }
})

const target = 'https://api.example.com/v1'

test.each<[unknown, RegExp]>([
  [undefined, /relay\(\): needs options: give it a target/],
  ['https://api.example.com', /relay\(\): needs options/],
  [{}, /relay\(\): target must be an absolute http\(s\) URL such as/],
  [{ target: '' }, /target must be an absolute/],
  [{ target: '/v1' }, /target must be an absolute/],
  [{ target: 'api.example.com' }, /target must be an absolute/],
  [{ target: 'ws://api.example.com' }, /target must be an absolute/],
  [{ target: 'file:///etc' }, /target must be an absolute/],
  [{ target: 'https://user:pw@api.example.com' }, /target must have no user name, query or fragment/],
  [{ target: `${target}?a=b` }, /target must have no user name/],
  [{ target: `${target}?` }, /target must have no user name/],
  [{ target: new URL(`${target}#a`) }, /target must have no user name/],
  [{ target, audiance: 'x' }, /relay\(\): audiance is not an option; did you mean audience\?/],
  [{ target, followRedirects: true }, /followRedirects is not an option; the options are target, audience/],
  [{ target, audience: '' }, /must have an audience that is a string/],
  [{ target, audience: 7 }, /must have an audience that is a string/],
  [{ target, scope: 'a  b' }, /must have a scope of words/],
  [{ target, methods: [] }, /methods must be a list of methods/],
  [{ target, methods: 'GET' }, /methods must be a list/],
  [{ target, methods: [7] }, /methods must be a list/],
  [{ target, methods: ['GET', 'TRACE'] }, /methods has TRACE, which is not handed on/],
  [{ target, methods: ['connect'] }, /methods has CONNECT/],
  [{ target, methods: ['FETCH'] }, /methods has FETCH/],
  [{ target, token: 'none' }, /token must be 'user' or 'user-or-none'/],
  [{ target, timeoutSeconds: 0 }, /timeoutSeconds must be a number of seconds/],
  [{ target, timeoutSeconds: '30' }, /timeoutSeconds must be/],
  [{ target, timeoutSeconds: Number.NaN }, /timeoutSeconds must be/],
  [{ target, timeoutSeconds: 3601 }, /timeoutSeconds must be/],
  [{ target, requestHeaders: 'x-a' }, /requestHeaders must be a list of header names/],
  [{ target, requestHeaders: ['x a'] }, /requestHeaders must be a list/],
  [{ target, requestHeaders: ['X-Forwarded-For'] }, /requestHeaders has x-forwarded-for, which never goes/],
  [{ target, requestHeaders: ['x-ok', 'Cookie'] }, /requestHeaders has cookie/],
  [{ target, requestHeaders: ['authorization'] }, /requestHeaders has authorization/],
  [{ target, requestHeaders: ['connection'] }, /requestHeaders has connection/],
  [{ target, requestHeaders: ['content-length'] }, /requestHeaders has content-length/],
  [{ target, requestHeaders: ['x_user'] }, /requestHeaders has x_user/],
  [{ target, responseHeaders: 'x-a' }, /responseHeaders must be a list of header names such as \['x-total/],
  [{ target, responseHeaders: ['x a'] }, /responseHeaders must be a list/],
  [
    { target, responseHeaders: ['x-ok', 'Set-Cookie'] },
    /responseHeaders has set-cookie, which never goes from the API/,
  ],
  [
    { target, responseHeaders: ['Access-Control-Allow-Origin'] },
    /responseHeaders has access-control-allow-origin/,
  ],
  [{ target, responseHeaders: ['X-Accel-Redirect'] }, /responseHeaders has x-accel-redirect/],
  [{ target, responseHeaders: ['transfer-encoding'] }, /responseHeaders has transfer-encoding/],
  [
    { target, responseHeaders: ['cross-origin-resource-policy'] },
    /responseHeaders has cross-origin-resource-p/,
  ],
  [{ target, requestHeaders: ['Sec-Fetch-Site'] }, /requestHeaders has sec-fetch-site/],
])('relay(%j) is a mistake', (options, message) => {
  const make = () => relay(options as RelayOptions)
  expect(make).toThrow(message)
  expect(make).toThrow(ConfigurationError)
})

test('relay() is a named handler of three arguments, and leaves its options alone', () => {
  const options = Object.freeze({
    target,
    methods: Object.freeze(['GET']),
    requestHeaders: Object.freeze(['X-A']),
  })
  expect([relay(options).name, relay(options).length]).toEqual(['relay', 3])
})

test('a relay without auth() above it says so', async () => {
  const said = await new Promise((resolve) => {
    relay({ target })({ method: 'GET', url: '/', headers: {} } as Request, {} as Response, resolve)
  })
  expect(said).toMatchObject({ name: 'ConfigurationError', code: 'auth_not_mounted' })
})

describe('in an app', () => {
  beforeEach(() => {
    errors.length = 0
    fixture.api.seen.length = 0
    fixture.api.echo()
  })

  test('a body parser above the relay has taken the body: an error that says so, and no waiting', async () => {
    const page = await fixture.browser.request('POST', `${fixture.app.url}/parsed/x`, { json: { a: 1 } })
    expect(page.status).toBe(500)
    expect(errors).toEqual([
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'body_already_read',
        message: expect.stringMatching(/mount relay\(\) above express\.json\(\)/),
      }),
    ])
    expect(fixture.api.seen).toEqual([])
  })

  test.each([
    ['without a body', 'GET', {}],
    ['with a body that it leaves alone', 'POST', { body: 'text', headers: { 'content-type': 'text/plain' } }],
    ['with an empty body', 'POST', { body: '', headers: { 'content-type': 'application/json' } }],
  ])('a request %s passes a body parser', async (_what, method, options) => {
    const page = await fixture.browser.request(method, `${fixture.app.url}/parsed/x`, options)
    expect([page.status, errors]).toEqual([200, []])
  })

  test('no token is to be seen in a request or an answer while they are relayed', async () => {
    const seen = createSignal<{ req: Request; res: Response }>()
    fixture.app.app.use('/watched', (req, res, next) => {
      seen.resolve({ req, res })
      next()
    })
    fixture.app.app.use('/watched', relay({ target: fixture.api.url }))
    const arrived = createSignal()
    fixture.api.answer((req, res) => {
      req.once('data', () => res.write('half'))
      arrived.resolve()
    })
    const { sent, response } = openRequest('POST', `${fixture.app.url}/watched/x`, { cookie: fixture.cookie })
    sent.write('half')
    await response()
    await within(arrived.promise, 'the request at the API')
    const { req, res } = await within(seen.promise, 'the request at the app')
    const all = {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      maxStringLength: null,
      maxArrayLength: null,
    }
    const shown = inspect(req, all) + inspect(res, all)
    sent.destroy()
    const token = fixture.api.seen[0]?.headers.authorization?.replace('Bearer ', '')
    expect(fixture.provider.secretsSeen()).toContain(token)
    expect(shown).toContain('/watched')
    expect(shown).not.toContain(token)
  })
})

describe('an API that is no answer', () => {
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

  test('that it fails now and then is a few lines, and not one for each time', async () => {
    fixture.api.answer((req, res) => (req.method === 'POST' ? req.socket.destroy() : res.end('ok')))
    for (let round = 0; round < 40; round += 1) {
      expect((await fixture.browser.request('POST', fixture.url('/x'))).status).toBe(503)
      expect((await fixture.browser.request('GET', fixture.url('/x'))).status).toBe(200)
    }
    expect(fixture.lines[0]).toContain('the API at http://127')
    expect(fixture.lines.length).toBeLessThanOrEqual(10)
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
    await expectUnavailable('/hasty/x')
    await within(closed.promise, 'the end of the request at the API')
  })

  test('an API that stops taking an upload is given up', async () => {
    fixture.api.answer((req) => req.pause())
    const { sent, response } = openRequest('POST', `${fixture.app.url}/hasty/x`, { cookie: fixture.cookie })
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
    const longer = () => new Promise((resolve) => setTimeout(resolve, 1200 * TIMEOUT_SECONDS))
    fixture.api.answer(async (req, res) => {
      res.write(`got ${(await buffer(req)).length}`)
      if (req.method === 'GET') await longer()
      res.end('and more')
    })
    const ask = (method: string) =>
      openRequest(method, `${fixture.app.url}/hasty/x`, { cookie: fixture.cookie })
    const [slow, lasting] = [ask('POST'), ask('GET')]
    lasting.sent.end()
    slow.sent.write('slow')
    await longer()
    slow.sent.end('ly')
    const answers = await Promise.all([slow.response(), lasting.response()])
    const bodies = await Promise.all(answers.map(async (answer) => `${await buffer(answer)}`))
    expect(bodies).toEqual(['got 6and more', 'got 0and more'])
  })
})
