// Where a relayed request goes: below the target, however its path is written, or nowhere.
import express from 'express'
import { relay } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'

let fixture: RelayFixture

beforeAll(async () => {
  fixture = await startRelayFixture()
  const { app, api } = fixture
  app.app.use('/slash', relay({ target: `${api.url}/v1/` }))
  app.app.use('/top', relay({ target: api.url }))
  app.app.use('/deep', express.Router().use('/er/:tenant', relay({ target: new URL(`${api.url}/v2/x`) })))
})
afterAll(() => fixture?.stop())
beforeEach(() => {
  fixture.api.seen.length = 0
  fixture.lines.length = 0
})

const ask = (target: string, method = 'GET') =>
  rawExchange(fixture.app.url, [`${method} ${target} HTTP/1.1`, `Cookie: ${fixture.cookie}`])

test.each([
  ['/api', '/v1'],
  ['/api/', '/v1/'],
  ['/api?x=1', '/v1?x=1'],
  ['/api/accounts', '/v1/accounts'],
  ['/API/Accounts/', '/v1/Accounts/'],
  ["/api/a%20b/%C3%A9/c+d,e:f@g=h&i!$*()'~/x", "/v1/a%20b/%C3%A9/c+d,e:f@g=h&i!$*()'~/x"],
  ['/api/100%25/50%2525', '/v1/100%25/50%2525'],
  ['/api/.../..a/a../.well-known', '/v1/.../..a/a../.well-known'],
  ['/api/latin-%E9/what%3Fis%23this%3B', '/v1/latin-%E9/what%3Fis%23this%3B'],
  [`/api/a?b=../..//&c=%2e%2e%2f%00%0d&'"<\\;?d`, `/v1/a?b=../..//&c=%2e%2e%2f%00%0d&'"<\\;?d`],
  ['/slash', '/v1/'],
  ['/slash/', '/v1/'],
  ['/slash/a/?b', '/v1/a/?b'],
  ['/top', '/'],
  ['/top/a', '/a'],
  ['/deep/er/t%201', '/v2/x'],
  ['/deep/er/t1/a?b', '/v2/x/a?b'],
])('%s becomes %s', async (asked, expected) => {
  const { status, body } = await ask(asked)
  expect([status, JSON.parse(body).url]).toEqual([200, expected])
})

const HOSTILE: [path: string, reason: RegExp][] = [
  ['/api/%7Eadmin', /needs no escape/],
  ['/..', /dot segment/],
  ['/../admin', /dot segment/],
  ['/a/../../admin', /dot segment/],
  ['/./a', /dot segment/],
  ['/a/.', /dot segment/],
  ['/..%2f..%2fadmin', /escaped slash/],
  ['/..%2F..%2Fadmin', /escaped slash/],
  ['/a%2fb', /escaped slash/],
  ['/%2e%2e/x', /needs no escape/],
  ['/%2E./x', /needs no escape/],
  ['/.%2e/x', /needs no escape/],
  ['/%61dmin', /needs no escape/],
  ['/adm%49n', /needs no escape/],
  ['/a%5fb%2db', /needs no escape/],
  ['/%252e%252e/x', /dot segment/],
  ['/%25252e%25252e%25252fx', /dot segment|escaped slash/],
  ['/..%252f..%252fadmin', /escaped slash/],
  ['/%2525252525252e%2525252525252e/x', /escapes of escapes/],
  ['/%25zz/%252e%252e/x', /dot segment/],
  ['//evil/', /empty segment/],
  ['//evil.example/a', /empty segment/],
  ['///', /empty segment/],
  ['/a//b', /empty segment/],
  ['/\\evil', /has to be escaped/],
  ['/..\\..\\admin', /has to be escaped/],
  ['/%5cevil', /backslash/],
  ['/..%5c..%5cadmin', /backslash/],
  ['/%255c..%255cadmin', /backslash/],
  ['/..;/admin', /semicolon/],
  ['/admin;x=1/y', /semicolon/],
  ['/..%3b/admin', /dot segment/],
  ['/..%20/admin', /dot segment/],
  ['/%20../admin', /dot segment/],
  ['/a%00', /control character/],
  ['/a%2500', /control character/],
  ['/a%0d%0aX-Evil:%201', /control character/],
  ['/a%250d%250aX-Evil:%201', /control character/],
  ['/a%7f', /control character/],
  ['/%c0%ae%c0%ae/x', /disguised/],
  ['/%25c0%25ae%25c0%25ae/x', /disguised/],
  ['/%e0%80%ae%e0%80%ae/x', /disguised/],
  ['/%c0%afadmin', /disguised/],
  ['/%25u002e%25u002e/x', /disguised/],
  ['/%u002e%u002e/x', /broken escape/],
  ['/a%', /broken escape/],
  ['/a%2', /broken escape/],
  ['/a%zz', /broken escape/],
  ['/a#b', /has to be escaped/],
  ['/caf\xe9', /has to be escaped/],
  ['/a?b#c', /query/],
  ['/a?\x7f', /query/],
]

test.each(HOSTILE)('/api%s is refused', async (path, reason) => {
  for (const mount of ['/api', '/slash', '/top', '/deep/er/t']) {
    fixture.lines.length = 0
    const { status, head, body } = await ask(mount + path)
    expect([mount, status]).toEqual([mount, 400])
    // What Node.js's own parser refuses needs no word of ours.
    if (body !== '') {
      expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'request_malformed' })
      expect(fixture.lines).toEqual([expect.stringMatching(reason)])
    }
    expect(head).not.toMatch(/^x-evil/im)
  }
  expect(fixture.api.seen).toEqual([])
})

test.each([
  'GET http://127.0.0.1/api/a HTTP/1.1',
  'GET http://evil.example/api/a HTTP/1.1',
  'GET //evil.example/api/a HTTP/1.1',
  'GET /api/a b HTTP/1.1',
  'GET /api/\tx HTTP/1.1',
  'GET /api/\0x HTTP/1.1',
  'OPTIONS * HTTP/1.1',
])('the request line %j reaches no API', async (line) => {
  const { status } = await rawExchange(fixture.app.url, [line, `Cookie: ${fixture.cookie}`])
  expect([400, 404]).toContain(status)
  expect(fixture.api.seen).toEqual([])
})

test.each(['GET http://api.example/api/a HTTP/1.1', 'GET HTTP://LOCALHOST/api/a HTTP/1.1'])(
  'an absolute address is refused: %s',
  async (line) => {
    const { status, body } = await rawExchange(fixture.app.url, [line, `Cookie: ${fixture.cookie}`])
    expect([status, JSON.parse(body).code]).toEqual([400, 'request_malformed'])
    expect(fixture.lines).toEqual([expect.stringMatching(/no slash at its beginning/)])
    expect(fixture.api.seen).toEqual([])
  },
)

test.each([
  ['/v1/accounts/7', '/api/accounts/7'],
  ['accounts/7?a=1#b', '/api/a/accounts/7?a=1#b'],
  ['../x', '/api/x'],
  ['?page=2', '/api/a/b?page=2'],
  ['/v1', '/api'],
  ['/v1/', '/api/'],
  ['{api}/v1/x', '/api/x'],
  ['//{host}/v1/x', '/api/x'],
  ['/v1/a/../../v1/x', '/api/x'],
  ['/v10/x', '{api}/v10/x'],
  ['/other', '{api}/other'],
  ['../../other', '{api}/other'],
  ['https://login.example/?next=/v1', 'https://login.example/?next=/v1'],
  ['//elsewhere.example/v1/x', 'http://elsewhere.example/v1/x'],
  ['http://[broken', 'http://[broken'],
])('the address %s in an answer comes to the browser as %s', async (given, expected) => {
  const { api, browser, url } = fixture
  const fill = (text: string) => text.replace('{api}', api.url).replace('{host}', new URL(api.url).host)
  api.answer((_req, res) =>
    res.writeHead(307, { location: fill(given), 'content-location': fill(given) }).end(),
  )
  const { status, headers } = await browser.request('GET', url('/a/b'))
  api.echo()
  expect([status, headers.location, headers['content-location']]).toEqual([
    307,
    fill(expected),
    fill(expected),
  ])
  expect(api.seen).toHaveLength(1)
})

test('an API cannot make of its own address one that a browser reads as another site', async () => {
  const { api, browser, app } = fixture
  app.app.use(relay({ target: `${api.url}/v3` }))
  api.answer((_req, res) => res.writeHead(302, { location: '/v3//evil.example/x' }).end())
  const { headers } = await browser.request('GET', `${app.url}/nowhere-else`)
  api.echo()
  expect(headers.location).toBe(`${api.url}/v3//evil.example/x`)
})
