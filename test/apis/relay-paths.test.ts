// Where a relayed request goes: below the target, however its path is written, or nowhere.
import express from 'express'
import fc from 'fast-check'
import { targetPath } from '../../src/apis/target-path.ts'
import { isAuthError } from '../../src/errors/errors.ts'
import { relay } from '../../src/index.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { startRelayFixture } from '../support/app/relay-fixture.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { anyText, holds } from '../support/property.ts'
import { useStarted } from '../support/servers.ts'

const fixture = useStarted(async () => {
  const started = await startRelayFixture()
  const { app, api } = started
  app.app.use('/slash', relay({ target: `${api.url}/v1/` }))
  app.app.use('/top', relay({ target: api.url }))
  app.app.use('/deep', express.Router().use('/er/:tenant', relay({ target: new URL(`${api.url}/v2/x`) })))
  return started
})

beforeEach(() => {
  fixture.api.seen.length = 0
  fixture.app.events.length = 0
  fixture.api.echo()
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
    fixture.app.events.length = 0
    const { status, head, body } = await ask(mount + path)
    expect([mount, status]).toEqual([mount, 400])
    // What Node.js's own parser refuses needs no word of ours.
    if (body !== '') {
      expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'request_malformed' })
      expect(refusalsIn(fixture.app.events)).toEqual([expect.stringMatching(reason)])
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
    expect(refusalsIn(fixture.app.events)).toEqual([expect.stringMatching(/no slash at its beginning/)])
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
  expect(headers.location).toBe(`${api.url}/v3//evil.example/x`)
})

// What is handed on is below the target, however often and however carelessly it is decoded.
describe('thirty thousand nasty paths', () => {
  const COUNT = 30_000
  const TARGET = new URL('http://api.example/v1/x')

  const PIECES = [
    ...'/ / / . .. ... \\ ; : @ ? # % a b admin ~ + * = & , ! $ ( ) < > " | ^ ` { } [ ]'.split(' '),
    ...'%2f %2F %5c %5C %2e %2E %00 %09 %0a %0d %20 %7f %25 %2525 %3b %3f %23 %41 %61 %5f %2d %7e %c3%a9 %e9'.split(
      ' ',
    ),
    ...'%252e %252f %255c %2500 %25252e %25252f %c0%ae %c0%af %e0%80%ae %f0%80%80%ae %25c0%25ae %u002e %25u002e'.split(
      ' ',
    ),
    ...'\t \r \n \0 \x7f \xa0 é ／ ＼ ． 。 \ud800'.split(' '),
    ' ',
  ]
  const piece = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...PIECES) },
    { weight: 1, arbitrary: anyText(3) },
  )
  const path = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`)

  /** What is handed on, without its query; undefined where it is refused. */
  function handedOn(url: string): string | undefined {
    try {
      return targetPath(url, url, TARGET).replace(/\?.*/s, '')
    } catch (error) {
      if (isAuthError(error)) return undefined
      throw error
    }
  }

  /** As the careless do it: whatever is no escape stays, `\` is a slash, what follows a `;` is none of the path. */
  function decoded(text: string): string {
    return text
      .replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_, wide, narrow) =>
        String.fromCharCode(Number.parseInt(wide ?? narrow, 16)),
      )
      .replace(/\\/g, '/')
      .replace(/(?<=[^/]);[^/]*/g, '')
      .replace(/\xc0\xae|\xe0\x80\xae|\xf0\x80\x80\xae/g, '.')
      .replace(/\xc0\xaf/g, '/')
  }

  /** Where the file of that name is. */
  function normalised(text: string): string[] {
    const names: string[] = []
    for (const name of text.split('/').map((each) => each.trim())) {
      if (name === '..') names.pop()
      else if (name !== '.') names.push(name)
    }
    return names
  }

  test('it stays below the target, at the same depth', () => {
    const reached = { count: 0 }
    holds(COUNT, path, (url) => {
      let read = handedOn(url)
      if (read === undefined) return true
      reached.count += 1
      const depth = read.split('/').length
      for (let times = 0; times < 8; times += 1) {
        const names = normalised(read)
        if (names.length !== depth || names.slice(0, 3).join('/') !== '/v1/x') return false
        if (/[\0-\x1f\x7f]|\/\//.test(read)) return false
        read = decoded(read)
      }
      return true
    })
    // Not because everything is refused.
    expect(reached.count).toBeGreaterThan(COUNT / 20)
  })

  test('what is a plain letter to the API was one to the guards of the app', () => {
    holds(COUNT, path, (url) => {
      const once = handedOn(url)?.replace(/%([0-9a-f]{2})/gi, (whole, code: string) => {
        const letter = String.fromCharCode(Number.parseInt(code, 16))
        return /[\w.-]/.test(letter) ? `${letter}!` : whole
      })
      return once === undefined || !once.includes('!') || url.includes('!')
    })
  })
})
