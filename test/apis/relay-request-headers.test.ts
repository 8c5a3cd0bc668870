// Which request headers reach the API: a list of those that do, so that nothing else can be said in the gateway's name.
import { relay } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'

let fixture: RelayFixture

beforeAll(async () => {
  fixture = await startRelayFixture({ relay: { requestHeaders: ['X-Tenant', 'x-user-agent'] } })
  fixture.app.app.use('/plain', relay({ target: fixture.api.url }))
})
afterAll(() => fixture?.stop())

/** What the API sees of a request with these lines. */
async function seen(lines: string[], { path = '/api/x', method = 'GET', body }: Ask = {}) {
  const head = [`${method} ${path} HTTP/1.1`, `Cookie: ${fixture.cookie}`, ...lines]
  const { status } = await rawExchange(fixture.app.url, head, body)
  expect(status).toBe(200)
  const request = fixture.api.seen.at(-1)
  if (request === undefined) throw new Error('the API was not asked')
  return request
}

interface Ask {
  path?: string
  method?: string
  body?: string
}

const REACH = [
  ...['Accept: application/json', 'Accept-Encoding: gzip', 'Accept-Language: de', 'Accept-Profile: x'],
  ...['Content-Type: application/json', 'Content-Encoding: gzip', 'Content-Digest: sha-256=:AA==:'],
  ...[
    'If-Match: "1"',
    'If-None-Match: "2"',
    'If-Modified-Since: x',
    'If-Unmodified-Since: x',
    'If-Range: "3"',
  ],
  ...['Range: bytes=0-1', 'Cache-Control: no-cache', 'Pragma: no-cache', 'Prefer: return=minimal'],
  ...['User-Agent: test', 'X-Request-Id: 1', 'X-Correlation-Id: 2', 'Idempotency-Key: 3', 'Last-Event-Id: 4'],
  ...['Traceparent: 00-1', 'Tracestate: a=b', 'Baggage: a=b', 'X-Requested-With: XMLHttpRequest'],
  ...['Tus-Resumable: 1.0.0', 'Upload-Offset: 0', 'X-Tenant: acme', 'X-User-Agent: grpc-web'],
]

test.each(REACH)('%s reaches the API', async (line) => {
  const [name = '', value] = line.split(': ')
  const { headers } = await seen([line])
  expect(headers[name.toLowerCase()]).toBe(value)
})

const NEVER = [
  ...['Authorization: Bearer forged', 'Proxy-Authorization: Basic eA==', 'Cookie2: a=b', 'X-Api-Key: k'],
  ...['Forwarded: for=1.2.3.4', 'X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Host: evil.example'],
  ...[
    'X-Forwarded-Proto: https',
    'X-Forwarded-User: admin',
    'X-Forwarded-Client-Cert: x',
    'X-Real-IP: 1.2.3.4',
  ],
  ...['X-User: admin', 'X-User-Id: 1', 'X-Auth-Request-User: admin', 'X-Auth-Request-Access-Token: t'],
  ...['X-Remote-User: admin', 'Remote-User: admin', 'X-WebAuth-User: admin', 'X-Authenticated-Userid: 1'],
  ...['X-Amzn-Oidc-Data: x', 'X-Amzn-Oidc-Identity: x', 'X-Goog-Iap-Jwt-Assertion: x'],
  ...['X-Goog-Authenticated-User-Email: x', 'X-MS-Client-Principal: x', 'Cf-Access-Jwt-Assertion: x'],
  ...['Cf-Connecting-Ip: 1.2.3.4', 'True-Client-Ip: 1.2.3.4', 'X-Client-Ip: 1.2.3.4', 'X-Consumer-Id: 1'],
  ...['X-Credential-Identifier: x', 'Impersonate-User: admin', 'X-Scope-OrgID: other', 'X-Roles: admin'],
  ...['X-SSL-Client-Cert: x', 'SSL-Client-Verify: SUCCESS', 'X-Client-Cert: x', 'X-Envoy-Original-Path: /'],
  ...[
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
    'X-HTTP-Method-Override: DELETE',
    'X-Method-Override: PUT',
  ],
  ...['X_Forwarded_For: 1.2.3.4', 'Content_Type: x', 'Accept_User: x', 'Accept-User_Id: x'],
  ...[
    'Origin: {app}',
    'Referer: {app}/page',
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Mode: cors',
    'Sec-CH-UA: x',
  ],
  ...['Sec-WebSocket-Protocol: x', 'Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'TE: trailers'],
  ...[
    'Trailer: X-Sum',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
    'Max-Forwards: 1',
    'Priority: u=1',
    'Via: 1.1 x',
  ],
  ...['Anything-Else: x'],
]

test.each(NEVER)('%s does not reach the API', async (line) => {
  const [name = '', value = ''] = line.replace('{app}', fixture.app.url).split(': ')
  const { headers } = await seen([`${name}: ${value}`])
  if (name === 'Authorization') expect(headers.authorization).not.toContain('forged')
  else expect(headers).not.toHaveProperty([name.toLowerCase()])
})

test('all that the API gets of an ordinary request is this', async () => {
  const { rawHeaders, headers } = await seen(['X-Evil: 1', 'Accept: text/plain'])
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  expect(names.sort()).toEqual(['accept', 'authorization', 'connection', 'host'])
  expect(headers.host).toBe(new URL(fixture.api.url).host)
  expect(headers.connection).toBe('keep-alive')
  expect(fixture.provider.secretsSeen()).toContain(headers.authorization?.replace(/^Bearer /, ''))
})

test('what `Connection` names does not reach the API (RFC 9110 §7.6.1)', async () => {
  const lines = ['Connection: close, X-Request-ID , idempotency-key', 'X-Request-Id: 1', 'Idempotency-Key: 2']
  const { headers } = await seen([...lines, 'X-Correlation-Id: 3'])
  expect(headers).not.toHaveProperty('x-request-id')
  expect(headers).not.toHaveProperty('idempotency-key')
  expect(headers['x-correlation-id']).toBe('3')
})

test.each(['content-length', 'transfer-encoding', 'authorization', 'host', 'content-length, authorization'])(
  'naming %s in `Connection` takes nothing that is ours',
  async (named) => {
    const ask = { method: 'POST', body: 'GET /admin HTTP/1.1\r\n\r\n' }
    const before = fixture.api.seen.length
    const { headers, body } = await seen([`Connection: ${named}`], ask)
    expect([body, headers['content-length']]).toEqual([ask.body, String(ask.body.length)])
    expect(headers.authorization).toMatch(/^Bearer ./)
    expect(fixture.api.seen).toHaveLength(before + 1)
  },
)

test('an option lets further headers through, to that API alone', async () => {
  const lines = ['X-Tenant: acme']
  expect((await seen(lines)).headers).toHaveProperty('x-tenant', 'acme')
  expect((await seen(lines, { path: '/plain/x' })).headers).not.toHaveProperty('x-tenant')
})

test.each([
  ['GET', undefined],
  ['DELETE', undefined],
  ['POST', undefined],
  ['POST', ''],
  ['GET', 'a body'],
  ['DELETE', 'a body'],
  ['PATCH', 'a body'],
])('%s with the body %j is framed as it has to be', async (method, body) => {
  const { headers, body: received } = await seen([], { method, ...(body !== undefined && { body }) })
  expect(received).toBe(body ?? '')
  expect(headers).not.toHaveProperty('transfer-encoding')
  if (body) expect(headers['content-length']).toBe(String(body.length))
})

test.each(['GET', 'POST', 'DELETE', 'OPTIONS'])('%s in chunks stays in chunks', async (method) => {
  const body = '5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n'
  const before = fixture.api.seen.length
  const { headers, ...rest } = await seen(['Transfer-Encoding: chunked'], { method, body })
  expect(rest.body).toBe('hello world')
  expect([headers['transfer-encoding'], headers['content-length']]).toEqual(['chunked', undefined])
  expect(fixture.api.seen).toHaveLength(before + 1)
})

test.each([
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding: chunked, chunked'],
  ['Transfer-Encoding: identity, chunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 5'],
  ['Transfer-Encoding: chunked', 'Content-Length: 0'],
  ['Content-Length: 5', 'Content-Length: 6'],
])('what two servers could read as two different bodies is refused: %s %s', async (...lines) => {
  const before = fixture.api.seen.length
  const head = ['POST /api/x HTTP/1.1', `Cookie: ${fixture.cookie}`, ...lines]
  expect((await rawExchange(fixture.app.url, head, '0\r\n\r\n')).status).toBe(400)
  expect(fixture.api.seen).toHaveLength(before)
})
