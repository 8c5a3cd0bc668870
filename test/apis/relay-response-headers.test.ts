// Which of the API's response headers reach the browser: all but those that speak for a connection, a server or the origin.
import { relay } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'

let fixture: RelayFixture

beforeAll(async () => {
  fixture = await startRelayFixture()
  const { app, api } = fixture
  const target = api.url
  app.app.use('/open', relay({ target, token: 'user-or-none' }))
  app.app.use('/helmeted', (_req, res, next) => {
    res.set({ 'content-security-policy': "default-src 'self'", 'cache-control': 'no-store', vary: 'Accept' })
    next()
  })
  app.app.use('/helmeted', relay({ target }))
})
afterAll(() => fixture?.stop())

/** What the browser gets of an answer with these headers. */
async function received(given: Record<string, string | string[]>, path = '/api/x', status = 200) {
  fixture.api.answer((_req, res) => res.writeHead(status, given).end(status === 204 ? undefined : 'body'))
  const lines = [`GET ${path} HTTP/1.1`, `Cookie: ${fixture.cookie}`]
  const answer = await rawExchange(fixture.app.url, lines)
  const headers = answer.head.split('\r\n').slice(1)
  const pairs = headers.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
  return { ...answer, headers: Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])) }
}

test.each([
  ...[
    'content-type: application/xml',
    'content-disposition: attachment',
    'content-encoding: br',
    'etag: "1"',
  ],
  ...[
    'last-modified: x',
    'age: 1',
    'expires: 0',
    'retry-after: 7',
    'accept-ranges: bytes',
    'content-range: bytes 0-1/9',
  ],
  ...['link: </a>; rel=next', 'x-total-count: 7', 'x-request-id: 1', 'ratelimit: "a";r=1', 'deprecation: @1'],
  ...[
    'content-security-policy: sandbox',
    'x-frame-options: DENY',
    'x-content-type-options: nosniff',
    'allow: GET',
  ],
  ...['server-timing: db', 'content-digest: sha-256=:AA==:', 'date: Tue, 15 Nov 1994 08:12:31 GMT'],
])('%s reaches the browser', async (line) => {
  const [name = '', value = ''] = line.split(': ')
  expect((await received({ [name]: value })).headers[name]).toBe(value)
})

test.each([
  ...['set-cookie: bff=evil; Path=/', 'set-cookie2: a=b', 'clear-site-data: "*"', 'set-login: logged-out'],
  ...[
    'strict-transport-security: max-age=1',
    'public-key-pins: x',
    'public-key-pins-report-only: x',
    'expect-ct: x',
  ],
  ...[
    'alt-svc: h3=":443"',
    'origin-agent-cluster: ?1',
    'service-worker-allowed: /',
    'accept-ch: DPR',
    'critical-ch: DPR',
  ],
  ...['nel: {}', 'report-to: {}', 'reporting-endpoints: a="https://x"', 'timing-allow-origin: *'],
  ...[
    'access-control-allow-origin: *',
    'access-control-allow-credentials: true',
    'access-control-max-age: 1',
  ],
  ...[
    'www-authenticate: Basic realm="x"',
    'proxy-authenticate: Basic',
    'authentication-info: x',
    'proxy-status: x',
  ],
  ...[
    'x-accel-redirect: /private',
    'x-accel-expires: 60',
    'x-sendfile: /etc/passwd',
    'x-lighttpd-send-file: /x',
  ],
  ...['x-litespeed-location: /x', 'surrogate-control: max-age=9', 'cdn-cache-control: max-age=9'],
  ...['cloudflare-cdn-cache-control: max-age=9', 'server: nginx/1.0', 'via: 1.1 x', 'trailer: x-sum'],
  ...[
    'keep-alive: timeout=77',
    'proxy-connection: keep-alive',
    'te: x',
    'upgrade: h2c',
    'sec-websocket-accept: x',
  ],
])('%s does not reach the browser', async (line) => {
  const [name = '', value = ''] = line.split(/: (.*)/s)
  const { headers, body } = await received({ [name]: value })
  expect([headers[name], body]).toEqual([undefined, expect.stringContaining('body')])
})

test('neither does what `Connection` names, nor what the API is built with', async () => {
  const { headers, head } = await received({
    connection: 'close, X-Hop',
    'x-hop': '1',
    'x-powered-by': 'PHP',
  })
  expect(headers).not.toHaveProperty('x-hop')
  expect(head).not.toContain('PHP')
})

test('of several cookies, none', async () => {
  const { head } = await received({ 'set-cookie': ['a=b', '__Host-Http-bff=evil; Secure; Path=/', 'c=d'] })
  expect(head).not.toMatch(/^set-cookie/im)
})

test.each<[given: string | undefined, expected: string]>([
  [undefined, 'no-store'],
  ['', 'no-store'],
  ['no-store', 'no-store'],
  ['max-age=60, No-Store', 'max-age=60, No-Store'],
  ['max-age=60', 'private, max-age=60'],
  ['private, max-age=60', 'private, max-age=60'],
  ['public, max-age=60', 'private, max-age=60'],
  ['Public,s-maxage=60,max-age=5, proxy-revalidate', 'private, max-age=5'],
  ['no-cache', 'private, no-cache'],
  ['private="x-a", max-age=1', 'private, max-age=1'],
  ['max-age=0, must-revalidate', 'private, max-age=0, must-revalidate'],
])('with a token, Cache-Control %j becomes %j', async (given, expected) => {
  const headers = given === undefined ? {} : { 'cache-control': given }
  expect((await received(headers)).headers).toMatchObject({ 'cache-control': expected, vary: 'Cookie' })
})

test('without a token Cache-Control is the API’s, and caches still tell people apart', async () => {
  fixture.api.answer((_req, res) => res.writeHead(200, { 'cache-control': 'public', vary: 'Accept' }).end())
  const { headers } = await new Browser().request('GET', `${fixture.app.url}/open/x`)
  expect(headers).toMatchObject({ 'cache-control': 'public', vary: 'Accept, Cookie' })
})

test('what a middleware above has set stays', async () => {
  const given = {
    'content-security-policy': 'none',
    'cache-control': 'max-age=60',
    vary: 'Origin',
    'x-frame-options': 'DENY',
  }
  const { headers } = await received(given, '/helmeted/x')
  expect(headers).toMatchObject({
    'content-security-policy': "default-src 'self'",
    'cache-control': 'no-store',
    vary: 'Accept, Origin, Cookie',
    'x-frame-options': 'DENY',
  })
})

test('an answer without a type is not guessed to be a page', async () => {
  expect((await received({})).headers).toHaveProperty('x-content-type-options', 'nosniff')
})

test.each([
  201, 204, 206, 299, 301, 304, 307, 400, 403, 404, 409, 410, 418, 422, 429, 451, 500, 502, 503, 599,
])('the status %d is handed on', async (status) => {
  const { status: got, body, headers } = await received({ 'x-mark': '1' }, '/api/x', status)
  expect([got, headers['x-mark']]).toEqual([status, '1'])
  if (status === 204 || status === 304) expect(body).toBe('')
  else expect(body).toContain('body')
})

test('204 says no length, though the API does (RFC 9110 §8.6)', async () => {
  fixture.api.answer((_req, res) => res.socket?.end('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'))
  const { status, head } = await rawExchange(fixture.app.url, [
    'GET /api/x HTTP/1.1',
    `Cookie: ${fixture.cookie}`,
  ])
  expect([status, /^content-length/im.test(head)]).toEqual([204, false])
})

test('HEAD has the length and no body; trailers and early hints end here', async () => {
  fixture.api.answer((_req, res) => {
    res.writeEarlyHints({ link: '</evil.js>; rel=preload; as=script' })
    res.writeHead(200, { 'content-length': 5 }).end()
  })
  const head = await rawExchange(fixture.app.url, ['HEAD /api/x HTTP/1.1', `Cookie: ${fixture.cookie}`])
  expect(head).toMatchObject({ status: 200, body: '' })
  expect(head.head).toMatch(/^content-length: 5$/im)

  fixture.api.answer((_req, res) => {
    res.writeHead(200, { trailer: 'x-sum' }).write('body')
    res.addTrailers({ 'x-sum': 'evil' })
    res.end()
  })
  const get = await rawExchange(fixture.app.url, ['GET /api/x HTTP/1.1', `Cookie: ${fixture.cookie}`])
  expect(get.body).toBe('4\r\nbody\r\n0\r\n\r\n')
})

test('a browser that speaks HTTP/1.0 gets no chunks', async () => {
  fixture.api.answer((_req, res) => {
    res.write('one ')
    res.end('two')
  })
  const answer = await rawExchange(fixture.app.url, ['GET /api/x HTTP/1.0', `Cookie: ${fixture.cookie}`])
  expect(answer).toMatchObject({ status: 200, body: 'one two' })
})

test.each([
  ['', 'Cookie'],
  ['Origin,', 'Origin, Cookie'],
  ['Accept, (what), Origin', 'Accept, Origin, Cookie'],
])('a Vary that cannot be read (%j) breaks nothing', async (given, expected) => {
  expect((await received({ vary: given })).headers).toMatchObject({ vary: expected })
})
