// Logout tokens that must end nothing (HOSTILE-INPUTS, "Logout tokens"; Back-Channel Logout 1.0 §2.6).
import type { TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { LOGOUT_EVENT, sendLogout } from '../support/provider/logout-client.ts'
import {
  claimsOfToken,
  createSigningKey,
  type Forgery,
  type SigningKey,
  sharedSigningKey,
} from '../support/provider/signing-key.ts'

const USER = 'somebody-who-stays'

let fixture: LogoutFixture
let app: TestApp
let strict: TestApp
let browser = new Browser()
let sid: string
let listed: SigningKey

beforeAll(async () => {
  listed = await createSigningKey('ES256')
  const jwks = { keys: [(await sharedSigningKey()).jwk, listed.jwk] as never[] }
  fixture = await startLogoutFixture({ configure: (given) => ({ ...given, jwks }) })
  app = await fixture.start()
  strict = await fixture.start({ requireLogoutTokenType: true })
})
beforeEach(async () => {
  if (await fixture.isIn(browser)) return
  browser = await fixture.logIn(USER)
  sid = await fixture.sidOf(browser)
})
afterAll(() => fixture?.stop())

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
  expect(fixture.lines).toEqual([expect.stringMatching(/^.*logout failed \(logout_token_invalid\): .*$/)])
  expect(at.events.map(({ name }) => name)).toEqual(['refused'])
  const said = answer.body + JSON.stringify([headers, fixture.lines, at.events])
  for (const sent of [token, ...token.split('.'), USER, sid, ...secrets]) {
    if (sent.length > 8) expect(said).not.toContain(sent)
  }
  expect(await keys()).toEqual(before)
  expect(await fixture.isIn(browser)).toBe(true)
}

const now = () => Math.floor(Date.now() / 1000)
const someone = () => ({ sub: USER, sid })

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
  ['no exp', () => ({ exp: undefined })],
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
  [
    'a key of somebody else under the same kid',
    async () => forged({ key: (await createSigningKey()).jwk })(),
  ],
  [
    'a key of its own in the header',
    async () => {
      const { jwk, publicJwk } = await createSigningKey()
      return forged({ key: jwk, header: { jwk: publicJwk, kid: undefined } })()
    },
  ],
  ['one byte of the signature changed', tampered(2, (text) => (text[9] === 'A' ? 'B' : 'A') + text.slice(1))],
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
  ['an ID token in its place', () => String(fixture.provider.secretsSeen().find(isIdToken))],
  [
    'an ID token of typ logout+jwt in its place',
    async () => {
      const idToken = String(fixture.provider.secretsSeen().find(isIdToken))
      return fixture.provider.signIdToken(claimsOfToken(idToken), { header: { typ: 'logout+jwt' } })
    },
  ],
  ['no token at all', () => 'not-a-token-at-all'],
  ['five parts', async () => `${await fixture.client.token(someone())}.a.b`],
])('%s ends nothing', async (_name, make) => {
  await expectRefused(await make())
})

function isIdToken(secret: string): boolean {
  return secret.split('.').length === 3 && claimsOfToken(secret).sub === USER
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
  browser = await fixture.logIn(USER)
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
  const used = (await keys()).filter((key) => key.startsWith('bff:once:logout:') && !before.includes(key))
  expect(used).toHaveLength(1)
  // Five seconds of the thirty that clocks may differ are gone.
  expect(await fixture.store.pttl(used[0] ?? '')).toBeGreaterThan(20_000)
})
