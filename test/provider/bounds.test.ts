// A provider that is out of all measure, in whatever it sends: refused by name, at login and at renewal, and nothing breaks.
import { randomUUID } from 'node:crypto'
import { CompactSign, importJWK } from 'jose'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { createLogoutClient, sendLogout, startLogoutProvider } from '../support/provider/logout-client.ts'
import { claimsOfToken, sharedSigningKey } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'
import { startElsewhere } from './elsewhere.ts'

const log = createLog()
const { provider, store, key, client, app, apps } = useParts(async (start) => {
  const [provider, redis, { jwk }] = await Promise.all([
    start(startLogoutProvider()),
    start(startRedis()),
    sharedSigningKey(),
  ])
  const open = (options: AuthOptions = {}) =>
    start(startApp({ provider, redisUrl: redis.url, options: { logger: log.logger, ...options } }))
  const client = createLogoutClient(provider)
  const app = await open(client.options)
  await client.register(app.url)
  return {
    provider,
    store: redis.connect(),
    key: { jwk, imported: await importJWK(jwk, 'RS256') },
    client,
    app,
    apps: {
      open,
      elsewhere: (change: (body: string) => string) => start(startElsewhere(provider.issuer, change)),
    },
  }
})
beforeEach(() => {
  log.lines.length = 0
  app.events.length = 0
})
afterEach(() => provider.normal())

const now = () => Math.floor(Date.now() / 1000)
const YEAR = 365 * 86_400
const nested = (levels: number): unknown => (levels === 0 ? 'x' : [nested(levels - 1)])

/** JSON that no object in memory could be written as. */
function rawly(member: string): Forge {
  return async ({ idToken }) => {
    const text = JSON.stringify(claimsOfToken(idToken)).replace(/}$/, `,${member}}`)
    const header = { alg: 'RS256', kid: String(key.jwk.kid) }
    return new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(key.imported)
  }
}
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

const OUT_OF_BOUNDS: [what: string, told: RegExp, Forge][] = [
  ['exp 1e308', /its exp is no time/, signed(() => ({ exp: 1e308 }))],
  ['exp 1e999', /its exp is no time/, rawly('"exp":1e999')],
  ['exp in milliseconds', /its exp is no time/, signed(() => ({ exp: (now() + 60) * 1000 }))],
  ['exp in two years', /its exp is more than a year/, signed(() => ({ exp: now() + 2 * YEAR }))],
  ['iat of the year 1970', /its exp is more than a year/, signed(() => ({ iat: 0 }))],
  ['iat -1e308', /its iat is no time/, signed(() => ({ iat: -1e308 }))],
  ['auth_time 1e308', /its auth_time is no time/, signed(() => ({ auth_time: 1e308 }))],
  ['a claim nested 60,000 deep', /of its claims deep is nested too deep/, rawly(`"deep":${deep(60_000)}`)],
  ['a claim nested 34 deep', /of its claims deep is nested too deep/, signed(() => ({ deep: nested(34) }))],
  [
    'a claim of 110 kB',
    /its claims are too large, most of all groups/,
    signed(() => ({ groups: ['g'.repeat(110_000)] })),
  ],
  [
    'very many claims',
    /its claims are too large, most of all/,
    signed(() => Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`claim${at}`, 'x'.repeat(20)]))),
  ],
  [
    'a claim whose name is another line',
    /of its claims one with a strange name is nested too deep/,
    signed(() => ({ 'a\nb': nested(34) })),
  ],
]

/** A callback while that is armed. */
async function comeBack(arm: () => unknown, { url }: TestApp = app) {
  const browser = new Browser()
  const user = `visitor-${randomUUID()}`
  const callback = await browser.startLogin(url, { user })
  app.events.length = 0
  void arm()
  return { browser, user, page: await browser.navigate(callback) }
}

async function expectNobody({ browser, page }: Awaited<ReturnType<typeof comeBack>>, status: number) {
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([status, undefined])
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
}

test.each(OUT_OF_BOUNDS)(
  'an ID token with %s logs nobody in, and the log says %s',
  async (_what, told, forge) => {
    const came = await comeBack(() => forgeNext(provider, forge))
    await expectNobody(came, 400)
    expect(refusalsIn(app.events)).toEqual([expect.stringMatching(told)])
    expect(refusalsIn(app.events)[0]).toContain('(login_failed)')
    await eventually('the revocation', () => provider.liveRefreshTokens(came.user).length === 0)
  },
)

test.each(OUT_OF_BOUNDS)(
  'H33: an ID token with %s renews nothing, says %s, and costs no refresh token',
  async (_what, told, forge) => {
    const { browser, get, user, renewals } = await logIn(provider, app.url)
    app.events.length = 0
    const rotated = forgeNext(provider, forge)
    for (let round = 0; round < 3; round += 1) {
      const refused = await get(`${app.url}/fresh`)
      expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
    }
    expect(renewals()).toBe(1)
    expect(app.events).toMatchObject([
      { name: 'renewed', event: { idToken: 'rejected', detail: expect.stringMatching(told) } },
    ])
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
    const stored = await storedRecord(store, await sessionIdOf(browser))
    expect(stored?.refreshToken).toBe(await rotated)
  },
)

test.each<[string, Forge]>([
  ['a life of a year less a day', signed(({ iat }) => ({ exp: Number(iat) + YEAR - 86_400 }))],
  // RFC 7519 §2
  ['fractions of seconds', signed(({ iat }) => ({ iat: Number(iat) - 0.5, auth_time: Number(iat) - 1.25 }))],
  ['claims nested 30 deep', signed(() => ({ deep: nested(30) }))],
  ['90 kB of groups', signed(() => ({ groups: Array.from({ length: 9000 }, (_, at) => `g${1e6 + at}`) }))],
])('an ID token with %s is taken, at login and at renewal', async (_what, forge) => {
  const { browser, page, user } = await comeBack(() => forgeNext(provider, forge))
  expect(page.json()).toMatchObject({ sub: user, generation: 1 })
  void forgeNext(provider, forge)
  const renewed = await browser.request('GET', `${app.url}/fresh`)
  expect(renewed.json()).toMatchObject({ sub: user, generation: 2 })
})

describe('a token answer', () => {
  const split = { access_token: 'a\r\nx-admin: yes' }

  test('with an access token that no header can hold logs nobody in, and leaves no refresh token', async () => {
    const came = await comeBack(() => provider.rewriteNext('token', (json) => ({ ...json, ...split })))
    await expectNobody(came, 400)
    expect(refusalsIn(app.events)).toEqual([expect.stringContaining('its access_token has letters')])
    await eventually('the revocation', () => provider.liveRefreshTokens(came.user).length === 0)
  })

  test('with such an access token renews nothing, and costs no refresh token', async () => {
    const { get, user } = await logIn(provider, app.url)
    provider.rewriteNext('token', (json) => ({ ...json, ...split }))
    expect((await get(`${app.url}/fresh`)).status).toBe(503)
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
  })
})

describe('what nobody understands, 60,000 deep', () => {
  const more = (body: string) => body.replace(/}$/, `,"more":${deep(60_000)}}`)

  /** The document says that this endpoint is there where the answers have more in them. */
  async function openTo(endpoint: 'token_endpoint' | 'jwks_uri', change: (body: string) => string) {
    const { url } = await apps.elsewhere(change)
    provider.rewriteNext('discovery', (json) => {
      const there = new URL(new URL(String(json[endpoint])).pathname, url)
      return { ...json, [endpoint]: there.href }
    })
    const opened = await apps.open()
    await opened.auth.ready()
    return opened
  }

  test('in a token answer is passed over', async () => {
    const opened = await openTo('token_endpoint', more)
    const { get, user } = await logIn(provider, opened.url)
    expect((await get(`${opened.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
  })

  test.each<[string, (body: string) => string]>([
    ['beside the keys', more],
    ['in a key', (body) => body.replace('"kty"', `"more":${deep(60_000)},"kty"`)],
  ])('%s is a login that works, or one to try later', async (_what, change) => {
    const opened = await openTo('jwks_uri', change)
    const { page } = await comeBack(() => undefined, opened)
    expect([200, 503]).toContain(page.status)
    expect(opened.errors.filter((error) => !('code' in (error as object)))).toEqual([])
  })

  test('in the discovery document is passed over', async () => {
    const url = `${provider.issuer}/.well-known/openid-configuration`
    const { body } = await new Browser().request('GET', url)
    const headers = { 'content-type': 'application/json' }
    provider.answerAll('discovery', { status: 200, headers, body: more(body) })
    const opened = await apps.open()
    const { get, user } = await logIn(provider, opened.url)
    expect((await get(`${opened.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
  })
})

test('a reference to a pushed request that is too long for any address is refused', async () => {
  const opened = await apps.open({ pushedAuthorizationRequests: true })
  provider.rewriteNext('pushed_request', (json) => ({ ...json, request_uri: 'urn:'.padEnd(9000, 'x') }))
  const page = await new Browser().navigate(`${opened.url}/login`)
  expect([page.status, page.headers.location]).toEqual([400, undefined])
  expect(log.lines).toEqual([expect.stringContaining('its request_uri is too long')])
})

test('of a logout token nothing is kept, so one that is out of all measure is as good as any', async () => {
  const claims = JSON.stringify(client.claims({ sub: 'somebody', exp: 1e308 }))
  const text = claims.replace(/}$/, `,"deep":${deep(10_000)}}`)
  const header = { alg: 'RS256', kid: String(key.jwk.kid), typ: 'logout+jwt' }
  const token = await new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(key.imported)
  expect((await sendLogout(app.url, token)).status).toBe(200)
  expect((await sendLogout(app.url, token)).status).toBe(400)
  expect(log.lines).toEqual([expect.stringContaining('it was used before')])
})
