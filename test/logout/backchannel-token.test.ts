// POST /backchannel-logout: tokens that must end nothing (HOSTILE-INPUTS, "Logout tokens"; Back-Channel Logout 1.0 §2.6),
// what may stand in a request, how it may come, where it is mounted.
import express from 'express'
import { auth } from '../../src/index.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { useLogoutFixture } from '../support/app/logout-fixture.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { LOGOUT_EVENT, type LogoutRequest, sendLogout } from '../support/provider/logout-client.ts'
import {
  claimsOfToken,
  createSigningKey,
  type Forgery,
  type SigningKey,
  sharedSigningKey,
} from '../support/provider/signing-key.ts'

const USER = 'somebody-who-stays'
const ACCEPTED = { status: 200, body: '', headers: { 'cache-control': 'no-store' } }

let listed: SigningKey
let stranger: SigningKey
const { fixture, app, strict } = useLogoutFixture(
  async (fixture) => ({
    app: await fixture.start(),
    strict: await fixture.start({ requireLogoutTokenType: true }),
  }),
  async () => {
    ;[listed, stranger] = await Promise.all([createSigningKey('ES256'), createSigningKey()])
    const jwks = { keys: [(await sharedSigningKey()).jwk, listed.jwk] as never[] }
    return { configure: (given) => ({ ...given, jwks }) }
  },
)
let browser = new Browser()
let sid: string

beforeEach(async () => {
  if (!(await fixture.isIn(browser))) {
    browser = await fixture.seedLogin(USER)
    sid = await fixture.sidOf(browser)
  }
  fixture.lines.length = 0
})

const now = () => Math.floor(Date.now() / 1000)
const someone = () => ({ sub: USER, sid })
const form = (fields: [string, string][]) => `${new URLSearchParams(fields)}`

const keys = async () => (await fixture.store.keys('*')).sort()

/** 400, nothing touched, nothing remembered, nothing said that was sent; one line for operators. */
async function expectRefused(token: string, at = app, secrets: string[] = []): Promise<void> {
  const before = await keys()
  for (const said of [fixture.lines, at.events]) said.length = 0
  const answer = await sendLogout(at.url, token)
  const { headers } = answer
  expect(answer.status).toBe(400)
  expect(headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(headers['content-type']).toMatch('application/json')
  expect(headers['set-cookie']).toBeUndefined()
  expect(JSON.parse(answer.body)).toEqual({ error: 'invalid_request', error_description: expect.any(String) })
  expect(refusalsIn(at.events)).toEqual([expect.stringMatching(/^refused \(logout_token_invalid\): .*$/)])
  expect(at.events.map(({ name }) => name)).toEqual(['refused'])
  const said = answer.body + JSON.stringify([headers, fixture.lines, at.events])
  for (const sent of [token, ...token.split('.'), USER, sid, ...secrets]) {
    if (sent.length > 8) expect(said).not.toContain(sent)
  }
  expect(await keys()).toEqual(before)
  expect(await fixture.isIn(browser)).toBe(true)
}

test.each<[string, () => object]>([
  ['iss + "1"', () => ({ iss: `${fixture.provider.issuer}1` })],
  ['iss of another case', () => ({ iss: fixture.provider.issuer.replace('http', 'HTTP') })],
  ['iss with a slash', () => ({ iss: `${fixture.provider.issuer}/` })],
  ['iss a list', () => ({ iss: [fixture.provider.issuer] })],
  ['no iss', () => ({ iss: undefined })],
  ['aud + "1"', () => ({ aud: `${fixture.client.options.clientID}1` })],
  ['aud with one byte changed', () => ({ aud: fixture.client.options.clientID.replace('l', 'L') })],
  ['aud of others', () => ({ aud: ['other', 'another'] })],
  ['aud an empty list', () => ({ aud: [] })],
  ['no aud', () => ({ aud: undefined })],
  ['no exp, and an iat of three minutes ago', () => ({ exp: undefined, iat: now() - 180 })],
  ['no exp, and an iat in a minute', () => ({ exp: undefined, iat: now() + 60 })],
  ['neither exp nor iat', () => ({ exp: undefined, iat: undefined })],
  ['exp past', () => ({ exp: now() - 60 })],
  ['exp a string', () => ({ exp: String(now() + 120) })],
  ['exp null', () => ({ exp: null })],
  ['no iat', () => ({ iat: undefined })],
  ['iat in an hour', () => ({ iat: now() + 3600, exp: now() + 7200 })],
  ['iat a string', () => ({ iat: String(now()) })],
  ['nbf in an hour', () => ({ nbf: now() + 3600 })],
  ['no jti', () => ({ jti: undefined })],
  ['jti a number', () => ({ jti: 7 })],
  ['jti empty', () => ({ jti: '' })],
  ['jti null', () => ({ jti: null })],
  ['no events', () => ({ events: undefined })],
  ['events a list', () => ({ events: [LOGOUT_EVENT] })],
  ['events a string', () => ({ events: LOGOUT_EVENT })],
  ['events null', () => ({ events: null })],
  ['events of another kind', () => ({ events: { [`${LOGOUT_EVENT}1`]: {} } })],
  ['events empty', () => ({ events: {} })],
  ['the event a string', () => ({ events: { [LOGOUT_EVENT]: 'yes' } })],
  ['the event true', () => ({ events: { [LOGOUT_EVENT]: true } })],
  ['the event a list', () => ({ events: { [LOGOUT_EVENT]: [] } })],
  ['the event null', () => ({ events: { [LOGOUT_EVENT]: null } })],
  ['a nonce', () => ({ nonce: 'n' })],
  ['a nonce that is null', () => ({ nonce: null })],
  ['neither sub nor sid', () => ({ sub: undefined, sid: undefined })],
  ['sub a number', () => ({ sub: 7, sid: undefined })],
  ['sub a number beside a sid', () => ({ sub: 7 })],
  ['sub empty', () => ({ sub: '', sid: undefined })],
  ['sub a list', () => ({ sub: [USER], sid: undefined })],
  ['sub null', () => ({ sub: null, sid: undefined })],
  ['sid a number', () => ({ sid: 7 })],
  ['sid empty', () => ({ sid: '' })],
  ['sid null', () => ({ sid: null })],
])('a logout token with %s ends nothing', async (_name, changes) => {
  await expectRefused(await fixture.client.token({ ...someone(), ...changes() }))
})

const forged = (forgery: Forgery) => () => fixture.client.token(someone(), forgery)
const tampered = (part: number, change: (text: string) => string) => async () => {
  const parts = (await fixture.client.token(someone())).split('.')
  return parts.map((text, at) => (at === part ? change(text) : text)).join('.')
}
const recoded = (change: (json: object) => object) => (text: string) =>
  Buffer.from(JSON.stringify(change(JSON.parse(`${Buffer.from(text, 'base64url')}`)))).toString('base64url')

test.each<[string, () => string | Promise<string>]>([
  ['alg none', forged({ alg: 'none' })],
  [
    'alg none over a good signature',
    tampered(
      0,
      recoded((header) => ({ ...header, alg: 'none' })),
    ),
  ],
  [
    'another listed key and its algorithm',
    () => forged({ alg: 'ES256', key: listed.jwk, header: { kid: listed.jwk.kid } })(),
  ],
  [
    'the listed key with PS256',
    async () => forged({ alg: 'PS256', key: { ...(await sharedSigningKey()).jwk, alg: 'PS256' } })(),
  ],
  [
    'HS256 keyed with the client secret',
    () => forged({ alg: 'HS256', key: fixture.client.options.clientSecret })(),
  ],
  [
    'HS256 keyed with the public key',
    async () => forged({ alg: 'HS256', key: JSON.stringify((await sharedSigningKey()).publicJwk) })(),
  ],
  [
    'HS256 keyed with the modulus',
    async () => forged({ alg: 'HS256', key: String((await sharedSigningKey()).publicJwk.n) })(),
  ],
  ['a key of somebody else under the same kid', () => forged({ key: stranger.jwk })()],
  [
    'a key of its own in the header',
    () => forged({ key: stranger.jwk, header: { jwk: stranger.publicJwk, kid: undefined } })(),
  ],
  ['one byte of the signature changed', tampered(2, (text) => (text[0] === 'A' ? 'B' : 'A') + text.slice(1))],
  ['its signature cut off', tampered(2, () => '')],
  [
    'its claims changed',
    tampered(
      1,
      recoded((claims) => ({ ...claims, extra: 1 })),
    ),
  ],
  [
    'claims that are no object',
    () => fixture.provider.signIdToken([someone()], { header: { typ: 'logout+jwt' } }),
  ],
  ['typ at+jwt', forged({ header: { typ: 'at+jwt' } })],
  ['typ logout+jwt1', forged({ header: { typ: 'logout+jwt1' } })],
  ['typ a number', forged({ header: { typ: 5 } })],
  ['typ null', forged({ header: { typ: null } })],
  ['an ID token in its place', idTokenOf],
  [
    'an ID token of typ logout+jwt in its place',
    async () =>
      fixture.provider.signIdToken(claimsOfToken(await idTokenOf()), { header: { typ: 'logout+jwt' } }),
  ],
  ['no token at all', () => 'not-a-token-at-all'],
  ['five parts', async () => `${await fixture.client.token(someone())}.a.b`],
])('%s ends nothing', async (_name, make) => {
  await expectRefused(await make())
})

async function idTokenOf(): Promise<string> {
  await fixture.logIn(USER)
  const isIdToken = (secret: string) => secret.split('.').length === 3 && claimsOfToken(secret).sub === USER
  return String(fixture.provider.secretsSeen().find(isIdToken))
}

test('an extension that a token says is critical is not shown in the log', async () => {
  const crit = ['x\nlevel=error msg="a line of a stranger"']
  const make = tampered(
    0,
    recoded((header) => ({ ...header, crit })),
  )
  await expectRefused(await make(), app, ['of a stranger'])
})

test.each([
  ['JWT', 'JWT'],
  ['jwt', 'jwt'],
  ['nothing', undefined],
])('a strict app refuses a logout token whose typ says %s', async (_name, typ) => {
  strict.events.length = 0
  await expectRefused(await fixture.client.token(someone(), { header: { typ } }), strict)
})

test.each([
  ['of the person', () => ({ sub: USER })],
  ['of the session', () => ({ sid })],
])('a logout token %s that was used is refused, and the next login stays', async (_name, changes) => {
  const token = await fixture.client.token(changes())
  expect(await sendLogout(app.url, token)).toMatchObject({ status: 200 })
  expect(await fixture.isIn(browser)).toBe(false)
  browser = await fixture.seedLogin(USER)
  sid = await fixture.sidOf(browser)
  for (const each of [app, strict]) await expectRefused(token, each)
})

test('a jti that was used is refused in another token', async () => {
  const jti = 'a jti that comes twice'
  expect(await sendLogout(app.url, await fixture.client.token({ sub: 'nobody', jti }))).toMatchObject({
    status: 200,
  })
  await expectRefused(await fixture.client.token({ ...someone(), jti }), app, [jti])
})

test('a used token is remembered for as long as it would pass', async () => {
  const before = await keys()
  await sendLogout(app.url, await fixture.client.token({ sub: 'nobody', exp: now() - 5 }))
  const used = (await keys()).filter((key) => /^bff:once:[^:]+:logout:/.test(key) && !before.includes(key))
  expect(used).toHaveLength(1)
  // Five seconds of the thirty that clocks may differ are gone.
  expect(await fixture.store.pttl(used[0] ?? '')).toBeGreaterThan(20_000)
})

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
  app.events.length = 0
  const answer = await sendLogout(app.url, token, request)
  expect(answer).toMatchObject({ status: 400, headers: { 'cache-control': 'no-store' } })
  if (request.method !== 'HEAD') expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  expect(refusalsIn(app.events)).toEqual([expect.any(String)])
  for (const part of token.split('.'))
    expect(answer.body + fixture.lines + refusalsIn(app.events)).not.toContain(part)
  expect(await fixture.isIn(browser)).toBe(true)

  expect(await sendLogout(app.url, token)).toMatchObject(ACCEPTED)
  expect(await fixture.isIn(browser)).toBe(false)
})

test.each<[string, () => object, Forgery]>([
  ['sub', () => ({ sub: USER }), {}],
  ['sid', () => ({ sid }), {}],
  ['sub and sid', someone, {}],
  ['aud a list', () => ({ ...someone(), aud: ['other', fixture.client.options.clientID] }), {}],
  [
    'aud a list, and the azp of another',
    () => ({ ...someone(), aud: ['other', fixture.client.options.clientID], azp: 'other' }),
    {},
  ],
  ['no exp, as Hydra and Glewlwyd', () => ({ ...someone(), exp: undefined }), {}],
  ['no exp, and an iat of two minutes ago', () => ({ ...someone(), exp: undefined, iat: now() - 120 }), {}],
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

test('a logout token without exp passes once, and is remembered for as long as it could pass', async () => {
  const iat = now() + 20
  const token = await fixture.client.token({ ...someone(), exp: undefined, iat })
  const before = await keys()
  expect(await sendLogout(app.url, token)).toMatchObject(ACCEPTED)
  const [remembered = '', ...others] = (await keys()).filter(
    (key) => key.startsWith('bff:once:') && !before.includes(key),
  )
  expect(others).toEqual([])
  // Two minutes after its iat, and half a minute that clocks may differ.
  const lastSecond = Date.now() / 1000 + (await fixture.store.pttl(remembered)) / 1000
  expect(lastSecond).toBeGreaterThanOrEqual(iat + 150 - 1)
  expect(lastSecond).toBeLessThan(iat + 160)
  browser = await fixture.seedLogin(USER)
  sid = await fixture.sidOf(browser)
  app.events.length = 0
  expect((await sendLogout(app.url, token)).status).toBe(400)
  expect(app.events).toMatchObject([{ name: 'refused', event: { detail: 'it was used before' } }])
  expect(await fixture.isIn(browser)).toBe(true)
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
  const other = await fixture.seedLogin('somebody-else')
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
  test('is not there where it is unmounted: the app answers, and nobody is logged out', async () => {
    const without = await fixture.start({ routes: { backchannelLogout: false } })
    expect((await sendLogout(without.url, await fixture.client.token(someone()))).status).toBe(404)
    expect(await fixture.isIn(browser)).toBe(true)
  })

  test('may be at another path, and is not at the usual one then', async () => {
    const moved = await fixture.start({
      routes: { backchannelLogout: '/from/the/provider' },
      authRequired: true,
    })
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
