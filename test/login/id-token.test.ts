// ID tokens that must not make a session, named after the relying-party tests of the OpenID Foundation.
import type { Redis } from 'ioredis'
import { Browser } from '../support/browser.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import { type KnownApp, startKnownApp } from '../support/known-app.ts'
import { startProvider, type TestProvider } from '../support/provider.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { claimsOfToken, createSigningKey, type Forgery } from '../support/signing-key.ts'

let provider: TestProvider
let redis: RedisServer
let app: KnownApp
let store: Redis
const log = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  app = await startKnownApp({ provider, redisUrl: redis.url, options: { logger: log.logger } }, 'alice')
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

type Claims = Record<string, unknown>
const seconds = () => Math.floor(Date.now() / 1000)

/** Logs in while the provider's ID token is replaced; the callback's answer. */
async function logInWith(make: (idToken: string) => string | undefined | Promise<string | undefined>) {
  const browser = app.visitor()
  const callback = await browser.startLogin(app.url, { returnTo: '/private' })
  provider.rewriteNext('token', async (json) => ({ ...json, id_token: await make(String(json.id_token)) }))
  log.lines.length = 0
  const answer = await browser.navigate(callback, { stopAt: () => true })
  return { browser, answer }
}

async function expectNoSession(make: Parameters<typeof logInWith>[0], status = 400): Promise<void> {
  const keys = await authKeys(store)
  const { browser, answer } = await logInWith(make)
  expect(answer.status).toBe(status)
  expect(setCookieLine(answer, 'bff')).toBeUndefined()
  expect(await authKeys(store)).toEqual(keys)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  const said = answer.body + log.lines.join() + JSON.stringify(app.events)
  for (const secret of provider.secretsSeen()) expect(said).not.toContain(secret)
}

const signed = (change: (claims: Claims) => Claims, forgery?: Forgery) => (idToken: string) =>
  provider.signIdToken(change(claimsOfToken(idToken)), forgery)

test.each<[string, (claims: Claims) => Claims]>([
  ['invalid-iss: + "1"', (claims) => ({ ...claims, iss: `${claims.iss}1` })],
  ['invalid-iss: with a slash', (claims) => ({ ...claims, iss: `${claims.iss}/` })],
  ['invalid-iss: in other case', (claims) => ({ ...claims, iss: String(claims.iss).toUpperCase() })],
  ['missing-iss', (claims) => ({ ...claims, iss: undefined })],
  ['missing-sub', (claims) => ({ ...claims, sub: undefined })],
  ['an empty sub', (claims) => ({ ...claims, sub: '' })],
  ['sub a number', (claims) => ({ ...claims, sub: 1 })],
  ['sub an object', (claims) => ({ ...claims, sub: { toString: 'alice' } })],
  ['sub null', (claims) => ({ ...claims, sub: null })],
  ['invalid-aud: + "1"', (claims) => ({ ...claims, aud: `${claims.aud}1` })],
  ['invalid-aud: an empty list', (claims) => ({ ...claims, aud: [] })],
  ['missing-aud', (claims) => ({ ...claims, aud: undefined })],
  ['aud of several without azp', (claims) => ({ ...claims, aud: [claims.aud, 'other'] })],
  [
    'aud of several with the azp of another',
    (claims) => ({ ...claims, aud: [claims.aud, 'other'], azp: 'other' }),
  ],
  ['missing-exp', (claims) => ({ ...claims, exp: undefined })],
  ['exp a string', (claims) => ({ ...claims, exp: String(claims.exp) })],
  ['exp negative', (claims) => ({ ...claims, exp: -1 })],
  ['exp past', (claims) => ({ ...claims, exp: seconds() - 60 })],
  ['missing-iat', (claims) => ({ ...claims, iat: undefined })],
  ['iat a string', (claims) => ({ ...claims, iat: String(claims.iat) })],
  ['iat in an hour', (claims) => ({ ...claims, iat: seconds() + 3600, exp: seconds() + 7200 })],
  ['nbf in an hour', (claims) => ({ ...claims, nbf: seconds() + 3600 })],
  ['nonce-invalid: + "1"', (claims) => ({ ...claims, nonce: `${claims.nonce}1` })],
  ['missing-nonce', (claims) => ({ ...claims, nonce: undefined })],
  ['invalid-athash', (claims) => ({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' })],
])('%s makes no session', async (_name, change) => {
  await expectNoSession(signed(change))
})

const same = (claims: Claims) => claims

test.each<[string, Parameters<typeof logInWith>[0]]>([
  ['no ID token', () => undefined],
  ['idtoken-sig-none', signed(same, { alg: 'none' })],
  ['idtoken-sig-none, with the old signature', withHeader({ alg: 'none' })],
  [
    'invalid-sig-rs256: the payload changed',
    (idToken) => withPayload(idToken, (claims) => ({ ...claims, sub: 'bob' })),
  ],
  [
    'invalid-sig-rs256: one byte of the signature',
    (idToken) => idToken.replace(/.{3}$/, (end) => [...end].reverse().join('x').slice(0, 3)),
  ],
  ['invalid-sig-rs256: the signature cut off', (idToken) => idToken.replace(/[^.]+$/, '')],
  ['invalid-sig-hs256: keyed with the client secret', signed(same, { alg: 'HS256', key: 'client secret' })],
])('%s makes no session', async (_name, make) => {
  await expectNoSession(make)
})

test('an ID token that is none is an answer that was not understood', async () => {
  await expectNoSession(() => 'not.a.token', 503)
})

test('invalid-sig-rs256: a key of somebody else under the same kid makes no session', async () => {
  const { jwk } = await createSigningKey()
  await expectNoSession(signed(same, { key: { ...jwk, kid: '' } }))
})

test('invalid-sig-es256: another algorithm than the registered one makes no session', async () => {
  const { jwk } = await createSigningKey('ES256')
  await expectNoSession(signed(same, { alg: 'ES256', key: jwk }))
})

test('invalid-sig-hs256: keyed with the public key makes no session', async () => {
  const jwks = JSON.parse((await new Browser().request('GET', `${provider.issuer}/jwks`)).body)
  for (const key of [JSON.stringify(jwks.keys[0]), jwks.keys[0].n]) {
    await expectNoSession(signed(same, { alg: 'HS256', key }))
  }
})

test.each<[string, Parameters<typeof logInWith>[0]]>([
  ['idtoken-sig-rs256', signed(same)],
  ['kid-absent-single-jwks', signed(same, { header: { kid: undefined } })],
  ['aud a list of one', signed((claims) => ({ ...claims, aud: [claims.aud] }))],
  [
    'aud of several with our azp',
    signed((claims) => ({ ...claims, aud: [claims.aud, 'other'], azp: claims.aud })),
  ],
  [
    'exp past by less than the clock tolerance',
    signed((claims) => ({ ...claims, iat: seconds() - 3610, exp: seconds() - 10 })),
  ],
  [
    'claims that nobody knows',
    signed((claims) => ({ ...claims, __proto__x: { a: [1] }, 'https://x/y': true })),
  ],
])('%s is accepted', async (_name, make) => {
  const { browser, answer } = await logInWith(make)
  expect(answer).toMatchObject({ status: 303, headers: { location: '/private' } })
  expect((await browser.request('GET', `${app.url}/me`)).json()).toMatchObject({
    authenticated: true,
    user: { sub: 'alice' },
  })
})

test('after a refused ID token the same browser can log in', async () => {
  const { browser } = await logInWith(signed(same, { alg: 'none' }))
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
})

function withPayload(idToken: string, change: (claims: Claims) => Claims): string {
  const [header, , signature] = idToken.split('.')
  return [header, base64(change(claimsOfToken(idToken))), signature].join('.')
}

function withHeader(header: object) {
  return (idToken: string) => [base64(header), ...idToken.split('.').slice(1)].join('.')
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
