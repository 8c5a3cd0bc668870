// Which headers pass the relay. Of a request a list of those that do, so that nothing else can be said in the gateway's name;
// of an answer too, so that nothing else is said to a cache, to a web server, or for the origin.
import { relay } from '../../src/index.ts'
import { startRelayFixture } from '../support/app/relay-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { useStarted } from '../support/servers.ts'

const fixture = useStarted(async () => {
  const started = await startRelayFixture({
    relay: { requestHeaders: ['X-Tenant', 'x-user-agent'], responseHeaders: ['X-Total-Count', 'x-hop'] },
  })
  const { app } = started.app
  const target = started.api.url
  app.use('/plain', relay({ target }))
  app.use('/open', relay({ target, token: 'user-or-none' }))
  app.use('/helmeted', (_req, res, next) => {
    res.set({ 'content-security-policy': "default-src 'self'", 'cache-control': 'no-store', vary: 'Accept' })
    next()
  })
  app.use('/helmeted', relay({ target }))
  return started
})

describe('of a request', () => {
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
    ...[
      'User-Agent: test',
      'X-Request-Id: 1',
      'X-Correlation-Id: 2',
      'Idempotency-Key: 3',
      'Last-Event-Id: 4',
    ],
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
    const lines = [
      'Connection: close, X-Request-ID , idempotency-key',
      'X-Request-Id: 1',
      'Idempotency-Key: 2',
    ]
    const { headers } = await seen([...lines, 'X-Correlation-Id: 3'])
    expect(headers).not.toHaveProperty('x-request-id')
    expect(headers).not.toHaveProperty('idempotency-key')
    expect(headers['x-correlation-id']).toBe('3')
  })

  test.each([
    'content-length',
    'transfer-encoding',
    'authorization',
    'host',
    'content-length, authorization',
  ])('naming %s in `Connection` takes nothing that is ours', async (named) => {
    const ask = { method: 'POST', body: 'GET /admin HTTP/1.1\r\n\r\n' }
    const before = fixture.api.seen.length
    const { headers, body } = await seen([`Connection: ${named}`], ask)
    expect([body, headers['content-length']]).toEqual([ask.body, String(ask.body.length)])
    expect(headers.authorization).toMatch(/^Bearer ./)
    expect(fixture.api.seen).toHaveLength(before + 1)
  })

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
})

describe('of an answer', () => {
  /** What the browser gets of an answer with these headers. */
  async function received(given: Record<string, string | string[]>, path = '/api/x', status = 200) {
    fixture.api.answer((_req, res) => res.writeHead(status, given).end(status === 204 ? undefined : 'body'))
    const lines = [`GET ${path} HTTP/1.1`, `Cookie: ${fixture.cookie}`]
    const answer = await rawExchange(fixture.app.url, lines)
    const headers = answer.head.split('\r\n').slice(1)
    const pairs = headers.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
    return {
      ...answer,
      headers: Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])),
    }
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
    ...[
      'link: </a>; rel=next',
      'x-total-count: 7',
      'x-request-id: 1',
      'ratelimit: "a";r=1',
      'deprecation: @1',
    ],
    ...[
      'content-security-policy: sandbox',
      'x-frame-options: DENY',
      'x-content-type-options: nosniff',
      'allow: GET',
    ],
    ...['server-timing: db', 'content-digest: sha-256=:AA==:', 'date: Tue, 15 Nov 1994 08:12:31 GMT'],
    ...['content-language: de', 'accept-patch: a/b', 'preference-applied: x', 'sunset: x', 'repr-digest: x'],
    ...['ratelimit-policy: "a";q=9', 'ratelimit-remaining: 3', 'traceresponse: 00-1', 'x-correlation-id: 1'],
    ...['tus-resumable: 1.0.0', 'upload-offset: 70', 'upload-expires: x'],
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
    // To caches in front of the app.
    ...['edge-control: public', 'akamai-cache-control: max-age=9', 'fastly-cache-control: max-age=9'],
    ...['netlify-cdn-cache-control: public', 'vercel-cdn-cache-control: public', 'x-cache-control: public'],
    ...['x-litespeed-cache-control: public,max-age=9', 'x-litespeed-tag: a', 'x-litespeed-purge: *'],
    ...['x-litespeed-vary: cookie=a', 'surrogate-key: a', 'cache-tag: a', 'edge-cache-tag: a', 'xkey: a'],
    ...['x-drupal-dynamic-cache: HIT', 'x-esi: 1', 'surrogate-capability: a="ESI/1.0"', 'x-varnish-ttl: 9'],
    ...['no-vary-search: params', 'key: x', 'x-magento-tags: a', 'cache-status: hit', 'pragma: cache'],
    // To web servers there.
    ...['x-reproxy-url: http://169.254.169.254/', 'x-reproxy-file: /etc/passwd', 'x-sendfile2: /x 0-9'],
    ...['x-rewrite-url: /admin', 'x-original-url: /admin', 'x-litespeed-alt-svc: x', 'status: 200'],
    ...[
      'x-envoy-upstream-service-time: 1',
      'x-envoy-ratelimited: true',
      'x-amz-cf-id: x',
      'x-nginx-proxy: 1',
    ],
    // For the origin, or what runs on it.
    ...['secure-session-registration: (ES256);path="/x"', 'sec-session-registration: (ES256);path="/x"'],
    ...['secure-session-challenge: "x"', 'activate-storage-access: load', 'set-txn-id: 1'],
    ...[
      'use-as-dictionary: match="/*"',
      'dictionary-id: "x"',
      'speculation-rules: "/x.json"',
      'sourcemap: /x',
    ],
    ...[
      'x-sourcemap: /x',
      'refresh: 0;url=https://evil.example',
      'content-location-x: /',
      'accept-ch-lifetime: 9',
    ],
    ...['permissions-policy: camera=*', 'feature-policy: camera *', 'referrer-policy: unsafe-url'],
    ...['document-policy: x', 'supports-loading-mode: credentialed-prerender', 'tk: N', 'p3p: CP="x"'],
    ...['cross-origin-opener-policy: unsafe-none', 'cross-origin-embedder-policy: unsafe-none'],
    ...['integrity-policy: x', 'observe-browsing-topics: ?1', 'attribution-reporting-register-source: {}'],
    ...['attribution-reporting-eligible: x', 'ad-auction-signals: {}', 'supports-fenced-frame: x'],
    ...['shared-storage-write: clear', 'x-permitted-cross-domain-policies: all', 'x-xss-protection: 0'],
    ...['x-dns-prefetch-control: on', 'x-ua-compatible: IE=7', 'content-security-policy-report-only: x'],
    ...['x-runtime: 1', 'x-aspnet-version: 4', 'x-generator: x', 'x-anything: else'],
  ])('%s does not reach the browser', async (line) => {
    const [name = '', value = ''] = line.split(/: (.*)/s)
    const { headers, body } = await received({ [name]: value })
    expect([headers[name], body]).toEqual([undefined, expect.stringContaining('body')])
  })

  test('an option lets further headers through, of that API alone', async () => {
    const given = { 'x-total-count': '7' }
    expect((await received(given)).headers).toHaveProperty('x-total-count', '7')
    expect((await received(given, '/plain/x')).headers).not.toHaveProperty('x-total-count')
  })

  test('whatever the API says of that, its answer is for pages of our origin', async () => {
    const given = { 'cross-origin-resource-policy': 'cross-origin' }
    expect((await received(given)).headers['cross-origin-resource-policy']).toBe('same-origin')
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
    const { status: got, body, headers } = await received({ 'x-request-id': '1' }, '/api/x', status)
    expect([got, headers['x-request-id']]).toEqual([status, '1'])
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
})
