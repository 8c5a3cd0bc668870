// POST /backchannel-logout as a request: what may stand in it, how it may come, where it is mounted.
import express from 'express'
import { auth } from '../../src/index.ts'
import type { TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import type { Browser } from '../support/browser/browser.ts'
import { LOGOUT_EVENT, type LogoutRequest, sendLogout } from '../support/provider/logout-client.ts'
import type { Forgery } from '../support/provider/signing-key.ts'

const USER = 'somebody'
const ACCEPTED = { status: 200, body: '', headers: { 'cache-control': 'no-store' } }

let fixture: LogoutFixture
let app: TestApp
let browser: Browser
let sid: string

beforeAll(async () => {
  fixture = await startLogoutFixture()
  app = await fixture.start()
})
beforeEach(async () => {
  browser = await fixture.logIn(USER)
  sid = await fixture.sidOf(browser)
  fixture.lines.length = 0
})
afterAll(() => fixture?.stop())

const now = () => Math.floor(Date.now() / 1000)
const someone = () => ({ sub: USER, sid })
const form = (fields: [string, string][]) => `${new URLSearchParams(fields)}`

const forms: [string, (token: string) => LogoutRequest][] = [
  ['GET', (token) => ({ method: 'GET', path: `/backchannel-logout?logout_token=${token}`, body: undefined })],
  [
    'HEAD',
    (token) => ({ method: 'HEAD', path: `/backchannel-logout?logout_token=${token}`, body: undefined }),
  ],
  ['PUT', () => ({ method: 'PUT' })],
  ['DELETE', () => ({ method: 'DELETE' })],
  [
    'POST with the token in the query',
    (token) => ({ path: `/backchannel-logout?logout_token=${token}`, body: 'a=b' }),
  ],
  ['no body', () => ({ body: undefined })],
  ['an empty body', () => ({ body: '' })],
  [
    'a JSON body',
    (token) => ({ headers: type('application/json'), body: JSON.stringify({ logout_token: token }) }),
  ],
  ['a body that says it is JSON', () => ({ headers: type('application/json') })],
  ['the token as application/jwt', (token) => ({ headers: type('application/logout+jwt'), body: token })],
  ['text/plain', () => ({ headers: type('text/plain') })],
  ['no content type', () => ({ headers: type(undefined) })],
  [
    'a charset that nobody has',
    () => ({ headers: type('application/x-www-form-urlencoded; charset=utf-7') }),
  ],
  ['a compression that nobody has', () => ({ headers: { 'content-encoding': 'gzip' } })],
  [
    'multipart',
    (token) => ({
      headers: type('multipart/form-data; boundary=x'),
      body: `--x\r\nContent-Disposition: form-data; name="logout_token"\r\n\r\n${token}\r\n--x--\r\n`,
    }),
  ],
  [
    '5 MB',
    (token) => ({
      body: form([
        ['logout_token', token],
        ['more', 'x'.repeat(5_000_000)],
      ]),
    }),
  ],
  ['5 MB of token', () => ({ body: form([['logout_token', 'a.'.repeat(2_500_000)]]) })],
  ['thousands of fields', (token) => ({ body: `logout_token=${token}${'&a'.repeat(5000)}` })],
  [
    'the token twice',
    (token) => ({
      body: form([
        ['logout_token', token],
        ['logout_token', token],
      ]),
    }),
  ],
  [
    'two tokens, the wrong one first',
    (token) => ({
      body: form([
        ['logout_token', 'x'],
        ['logout_token', token],
      ]),
    }),
  ],
  [
    'two tokens, the wrong one last',
    (token) => ({
      body: form([
        ['logout_token', token],
        ['logout_token', 'x'],
      ]),
    }),
  ],
  ['another field twice', (token) => ({ body: `logout_token=${token}&a=1&a=2` })],
  ['an empty token', () => ({ body: form([['logout_token', '']]) })],
  ['logout_token[]', (token) => ({ body: form([['logout_token[]', token]]) })],
  ['logout_token[a]', (token) => ({ body: form([['logout_token[a]', token]]) })],
  ['__proto__[logout_token]', (token) => ({ body: form([['__proto__[logout_token]', token]]) })],
  ['another name', (token) => ({ body: form([['token', token]]) })],
]

function type(value: string | undefined) {
  return { 'content-type': value }
}

test.each(forms)('%s is refused, and the same token is still good', async (_name, make) => {
  const token = await fixture.client.token(someone())
  const request = make(token)
  const answer = await sendLogout(app.url, token, request)
  expect(answer).toMatchObject({ status: 400, headers: { 'cache-control': 'no-store' } })
  if (request.method !== 'HEAD') expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  expect(fixture.lines).toEqual([expect.stringContaining('back-channel logout failed')])
  for (const part of token.split('.')) expect(answer.body + fixture.lines).not.toContain(part)
  expect(await fixture.isIn(browser)).toBe(true)

  expect(await sendLogout(app.url, token)).toMatchObject(ACCEPTED)
  expect(await fixture.isIn(browser)).toBe(false)
})

test.each<[string, () => object, Forgery]>([
  ['sub', () => ({ sub: USER }), {}],
  ['sid', () => ({ sid }), {}],
  ['sub and sid', someone, {}],
  ['aud a list', () => ({ ...someone(), aud: ['other', fixture.client.options.clientID] }), {}],
  ['claims that nobody knows', () => ({ ...someone(), trace_id: 'x', 'https://x/y': { z: [1] } }), {}],
  ['more events', () => ({ ...someone(), events: { [LOGOUT_EVENT]: {}, 'https://x/other': 1 } }), {}],
  ['members in the event', () => ({ ...someone(), events: { [LOGOUT_EVENT]: { more: true } } }), {}],
  ['exp past by less than the tolerance', () => ({ ...someone(), iat: now() - 130, exp: now() - 10 }), {}],
  ['iat in the future by less than the tolerance', () => ({ ...someone(), iat: now() + 10 }), {}],
  ['typ JWT', someone, { header: { typ: 'JWT' } }],
  ['no typ', someone, { header: { typ: undefined } }],
  ['typ application/logout+jwt', someone, { header: { typ: 'application/logout+jwt' } }],
  ['typ Logout+JWT', someone, { header: { typ: 'Logout+JWT' } }],
  ['no kid', someone, { header: { kid: undefined } }],
])('a logout token with %s ends the session', async (_name, claims, forgery) => {
  const answer = await sendLogout(app.url, await fixture.client.token(claims(), forgery))
  expect(answer).toMatchObject(ACCEPTED)
  expect(answer.headers['set-cookie']).toBeUndefined()
  expect(fixture.lines).toEqual([])
  expect(await fixture.isIn(browser)).toBe(false)
})

test.each<[string, (token: string) => LogoutRequest]>([
  [
    'fields that nobody knows',
    (token) => ({
      body: form([
        ['iss', 'x'],
        ['logout_token', token],
        ['a', '1'],
      ]),
    }),
  ],
  ['a charset', () => ({ headers: type('application/x-www-form-urlencoded; charset=UTF-8') })],
  ['a slash at the end of the path', () => ({ path: '/backchannel-logout/' })],
  ['a query', () => ({ path: '/backchannel-logout?a=1' })],
  [
    'the headers of another site’s page',
    () => ({ headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } }),
  ],
  ['an opaque origin', () => ({ headers: { origin: 'null' } })],
  ['a cookie that is none of ours', () => ({ headers: { cookie: 'bff=s%3As-planted.forged' } })],
])('a logout with %s is carried out', async (_name, make) => {
  const token = await fixture.client.token(someone())
  const answer = await sendLogout(app.url, token, make(token))
  expect(answer).toMatchObject(ACCEPTED)
  expect(answer.headers['set-cookie']).toBeUndefined()
  expect(await fixture.isIn(browser)).toBe(false)
})

test('somebody else’s session cookie on the request changes nothing for them', async () => {
  const other = await fixture.logIn('somebody-else')
  const cookie = (await other.cookies(app.url)).map(String).join('; ')
  const token = await fixture.client.token(someone())
  expect(await sendLogout(app.url, token, { headers: { cookie } })).toMatchObject(ACCEPTED)
  expect(await Promise.all([browser, other].map((each) => fixture.isIn(each)))).toEqual([false, true])
})

test.each(['sub', 'sid'])('a logout of somebody who is logged out already, by %s, is 200', async (claim) => {
  await browser.request('POST', `${app.url}/logout`)
  const answer = await sendLogout(
    app.url,
    await fixture.client.token({ [claim]: claim === 'sub' ? USER : sid }),
  )
  expect(answer).toMatchObject(ACCEPTED)
  expect(fixture.lines).toEqual([])
})

describe('the route', () => {
  const start = (options: object) => fixture.start(options)

  test('is not there where it is unmounted: the app answers, and nobody is logged out', async () => {
    const without = await start({ routes: { backchannelLogout: false } })
    expect((await sendLogout(without.url, await fixture.client.token(someone()))).status).toBe(404)
    expect(await fixture.isIn(browser)).toBe(true)
  })

  test('may be at another path, and is not at the usual one then', async () => {
    const moved = await start({ routes: { backchannelLogout: '/from/the/provider' }, authRequired: true })
    const token = await fixture.client.token(someone())
    expect((await sendLogout(moved.url, token)).status).toBe(401)
    expect(await fixture.isIn(browser)).toBe(true)
    expect(await sendLogout(moved.url, token, { path: '/from/the/provider' })).toMatchObject(ACCEPTED)
    expect(await fixture.isIn(browser)).toBe(false)
  })

  test.each([true, false])('works below a parser of the app’s own (extended: %s)', async (extended) => {
    const { options: client } = fixture.client
    const own = await startOwnApp({ redisUrl: fixture.redis.url, options: client }, (options) => {
      const handler = auth({ ...options, logger: { warn: () => {} } })
      const parsers = [express.json(), express.urlencoded({ extended })]
      return { app: express().use(...parsers, handler), auth: handler }
    })
    const token = await fixture.client.token(someone())
    const twice = form([
      ['logout_token', token],
      ['logout_token', token],
    ])
    try {
      for (const body of [twice, form([['logout_token[a]', token]])]) {
        expect((await sendLogout(own.url, token, { body })).status).toBe(400)
      }
      const json = { headers: type('application/json'), body: JSON.stringify({ logout_token: token }) }
      expect((await sendLogout(own.url, token, json)).status).toBe(400)
      expect(await fixture.isIn(browser)).toBe(true)
      expect(await sendLogout(own.url, token)).toMatchObject(ACCEPTED)
    } finally {
      await own.stop()
    }
    expect(await fixture.isIn(browser)).toBe(false)
  })
})
