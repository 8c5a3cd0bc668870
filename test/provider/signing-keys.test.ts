// The provider's keys and what they sign with: they change, they lack a kid, there are too many, they are of another algorithm.
import type { JWK } from 'jose'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import {
  accessTokenHash,
  type Forge,
  flipped,
  forgeNext,
  signed,
} from '../support/provider/forge-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { createSigningKey, type SigningKey, sharedSigningKey } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'

interface Comer {
  app: Pick<TestApp, 'url'>
  provider: TestProvider
  forge: Forge
  /** what the provider does after it showed the login page */
  beforeSigning?(): void
}

/** A callback by that ID token, in a browser of its own. */
async function comeBack({ app, provider, forge, beforeSigning = () => {} }: Comer) {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'alice' })
  beforeSigning()
  void forgeNext(provider, forge)
  return { browser, page: await browser.navigate(callback) }
}

describe('keys', () => {
  const client = { clientId: 'two-apps', clientSecret: 'known to both of them' }
  const { provider, store, old, next, apps } = useParts(async (start) => {
    const [provider, redis, old, next] = await Promise.all([
      start(startProvider()),
      start(startRedis()),
      sharedSigningKey(),
      createSigningKey(),
    ])
    const open = () => {
      const options = {
        issuerBaseURL: provider.issuer,
        clientID: client.clientId,
        clientSecret: client.clientSecret,
        logger: createLog().logger,
      }
      return start(startApp({ redisUrl: redis.url, options }))
    }
    return { provider, store: redis.connect(), old, next, apps: { open } }
  })
  /** two processes as far as anybody can tell, new for each test: neither has asked for the keys yet */
  let app: TestApp
  let other: TestApp

  beforeEach(async () => {
    ;[app, other] = await Promise.all([apps.open(), apps.open()])
    await provider.registerClient({ ...client, baseURL: app.url })
    await Promise.all([app.auth.ready(), other.auth.ready()])
  })
  afterEach(() => provider.normal())

  const keyRequests = () => provider.requests({ endpoint: 'jwks' }).length
  const byKey = ({ jwk }: SigningKey): Forge => signed(undefined, { key: jwk, header: { kid: jwk.kid } })
  const withoutKid = signed(undefined, { header: { kid: undefined } })

  function publish(...keys: unknown[]): void {
    provider.normal('jwks')
    provider.answerAll('jwks', { status: 200, body: { keys } })
  }

  const logIn = (forge: Forge = signed(), beforeSigning = () => {}) =>
    comeBack({ app, provider, forge, beforeSigning })

  async function expectNoSession({ browser, page }: Awaited<ReturnType<typeof logIn>>, status: number) {
    expect([page.status, setCookieLine(page, 'bff')]).toEqual([status, undefined])
    expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  }

  /** A renewal by a process that needs the keys first: it does not count, and the refresh token beside it is kept. */
  async function expectRenewalKept(browser: Browser, forge: Forge) {
    const before = (await browser.request('GET', `${app.url}/private`)).json()
    const rotated = forgeNext(provider, forge)
    const refused = await browser.request('GET', `${other.url}/fresh`)
    expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
    const after = (await browser.request('GET', `${app.url}/private`)).json()
    expect(after).toMatchObject({ sub: 'alice', generation: 2, renewedAt: before.renewedAt })
    const stored = await storedRecord(store, await sessionIdOf(browser))
    expect(stored?.refreshToken).toBe(await rotated)
  }

  // OpenID Connect Core §10.1.1: an unfamiliar kid is the sign to ask for the keys again.
  test('signing-key-rotation: the second login comes by a new key, and is accepted', async () => {
    expect((await logIn()).page.status).toBe(200)
    publish(next.publicJwk)
    const { page } = await logIn(byKey(next))
    expect(page.status).toBe(200)
    expect(page.json()).toMatchObject({ sub: 'alice' })
  })

  test('signing-key-rotation: a renewal after the login comes by a new key, and counts', async () => {
    const { browser } = await logIn()
    publish(next.publicJwk)
    void forgeNext(provider, byKey(next))
    const page = await browser.request('GET', `${app.url}/fresh`)
    expect(page.json()).toMatchObject({ sub: 'alice', generation: 2 })
  })

  test('signing-key-rotation-just-before-signing: a login is accepted, and so is a renewal', async () => {
    const { browser, page } = await logIn(byKey(next), () => publish(next.publicJwk))
    expect(page.json()).toMatchObject({ sub: 'alice', generation: 1 })
    publish(old.publicJwk)
    expect((await browser.request('GET', `${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  })

  test('a key that the provider does not show any more logs nobody in', async () => {
    publish(next.publicJwk)
    await expectNoSession(await logIn(), 400)
  })

  test('kids that nobody knows do not make the app ask for the keys again and again', async () => {
    const began = performance.now()
    await logIn()
    const before = keyRequests()
    for (let round = 0; round < 8; round += 1) {
      await expectNoSession(await logIn(signed(undefined, { header: { kid: `unknown-${round}` } })), 400)
    }
    // Once, and again after each ten seconds.
    const coolDowns = Math.floor((performance.now() - began) / 10_000)
    expect(keyRequests() - before).toBeLessThanOrEqual(1 + coolDowns)
    expect((await logIn()).page.json()).toMatchObject({ sub: 'alice' })
  })

  test('kid-absent-multiple-jwks: no crash, no session, and with a kid the next one is logged in', async () => {
    publish(old.publicJwk, next.publicJwk)
    await expectNoSession(await logIn(withoutKid), 400)
    const { browser, page } = await logIn()
    expect(page.json()).toMatchObject({ sub: 'alice' })
    await expectRenewalKept(browser, withoutKid)
  })

  test('kid-absent-multiple-jwks: one key that can have signed is enough', async () => {
    const elliptic = await createSigningKey('ES256')
    publish(elliptic.publicJwk, { ...next.publicJwk, use: 'enc' }, old.publicJwk)
    expect((await logIn(withoutKid)).page.json()).toMatchObject({ sub: 'alice' })
  })

  const tenThousand = (key: JWK) => Array.from({ length: 10_000 }, (_, at) => ({ ...key, kid: `key-${at}` }))
  const tiny = { kty: 'RSA', n: 'AQAB', e: 'AQAB' }

  const KEY_SETS: [string, status: number, Forge, keys: () => unknown[]][] = [
    ['10,000 small keys and ours', 200, signed(), () => [...tenThousand(tiny), old.publicJwk]],
    [
      '10,000 small keys and ours, to a token without kid',
      400,
      withoutKid,
      () => [...tenThousand(tiny), old.publicJwk],
    ],
    ['10,000 keys of 2048 bits', 503, signed(), () => [old.publicJwk, ...tenThousand(next.publicJwk)]],
    ['ours twice', 400, signed(), () => [old.publicJwk, { ...next.publicJwk, kid: old.publicJwk.kid }]],
    ['ours with another modulus', 400, signed(), () => [{ ...old.publicJwk, n: 'AQAB' }]],
    ['ours for encryption', 400, signed(), () => [{ ...old.publicJwk, use: 'enc' }]],
    ['nothing that is a key', 503, signed(), () => [null, 1, 'key']],
  ]

  test.each(KEY_SETS)('JWKS with %s makes a login %s, in no time', async (_what, status, forge, keys) => {
    publish(...keys())
    // It ends before the browser gives up.
    const { browser, page } = await logIn(forge)
    if (status === 200) expect(page.json()).toMatchObject({ sub: 'alice' })
    else await expectNoSession({ browser, page }, status)
  })

  test.each(KEY_SETS.filter(([, status]) => status !== 200))(
    'JWKS with %s makes no renewal, and loses no refresh token',
    async (_what, _status, forge, keys) => {
      const { browser } = await logIn()
      publish(...keys())
      await expectRenewalKept(browser, forge)
    },
  )
})

describe('idTokenSigningAlg: what is configured is accepted, at login and at renewal, and nothing else is', () => {
  // With the hash that its at_hash is made by (OpenID Connect Core §3.1.3.6).
  const ALGORITHMS = [
    ['ES256', 'sha256'],
    ['PS256', 'sha256'],
    ['ES384', 'sha384'],
    ['Ed25519', 'sha512'],
  ] as const
  type Algorithm = (typeof ALGORITHMS)[number][0]
  const clientSecret = 'a client secret that leaked to somebody'

  const { provider, keys, apps } = useParts(async (start) => {
    const keys = {} as Record<Algorithm, SigningKey>
    for (const [alg] of ALGORITHMS) keys[alg] = await createSigningKey(alg)
    const provider = await start(
      startProvider({
        configure: ({ jwks, ...same }) => ({
          ...same,
          jwks: { keys: [...(jwks?.keys ?? []), ...Object.values(keys).map(({ jwk }) => jwk)] },
          enabledJWA: { idTokenSigningAlgValues: ['RS256', ...ALGORITHMS.map(([alg]) => alg)] },
        }),
      }),
    )
    const apps = {} as Record<Algorithm, TestApp>
    for (const [alg] of ALGORITHMS) {
      const options = { clientID: alg, clientSecret, idTokenSigningAlg: alg, logger: createLog().logger }
      apps[alg] = await start(startApp({ provider, options }))
      const metadata = { id_token_signed_response_alg: alg }
      await provider.registerClient({ clientId: alg, clientSecret, baseURL: apps[alg].url, metadata })
    }
    return { provider, keys, apps }
  })
  afterEach(() => provider.normal())

  const logIn = (app: TestApp, forge: Forge) => comeBack({ app, provider, forge })

  const headerOf = (idToken: string) =>
    JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString())

  test.each(ALGORITHMS)('an ID token by %s is accepted where that is configured', async (alg, hash) => {
    const app = apps[alg]
    const { jwk } = keys[alg]
    const seen: unknown[] = []
    const asItIs: Forge = ({ idToken }) => {
      seen.push(headerOf(idToken))
      return idToken
    }
    const hashed = (by: string) =>
      signed((_, { accessToken }) => ({ at_hash: accessTokenHash(accessToken, by) }), {
        alg,
        key: jwk,
        header: { kid: jwk.kid },
      })
    const { browser, page } = await logIn(app, asItIs)
    expect(page.json()).toMatchObject({ sub: 'alice', generation: 1 })
    for (const [generation, forge] of [asItIs, hashed(hash)].entries()) {
      void forgeNext(provider, forge)
      const renewed = await browser.request('POST', `${app.url}/fresh`)
      expect(renewed.json()).toMatchObject({ sub: 'alice', generation: generation + 2 })
    }
    void forgeNext(provider, hashed(hash === 'sha512' ? 'sha256' : 'sha512'))
    expect((await browser.request('POST', `${app.url}/fresh`)).status).toBe(503)
    const own = { alg, kid: jwk.kid }
    expect(seen).toMatchObject([own, own])
  })

  const FORGED: [string, Forge][] = [
    ['one bit of the signature changed', ({ idToken }) => idToken.replace(/[^.]+$/, flipped)],
    ['RS256, by a key of the provider', signed()],
    ['alg none', signed(undefined, { alg: 'none' })],
    ['HS256, keyed with the client secret', signed(undefined, { alg: 'HS256', key: clientSecret })],
  ]

  describe.each([
    ['invalid-sig-es256', 'ES256'],
    ['invalid-sig-ps256', 'PS256'],
  ] as const)('%s', (_module, alg) => {
    test.each(FORGED)('%s makes no session, and no renewal', async (_what, forge) => {
      const app = apps[alg]
      const { page } = await logIn(app, forge)
      expect([page.status, setCookieLine(page, 'bff')]).toEqual([400, undefined])
      const { browser } = await logIn(app, ({ idToken }) => idToken)
      app.events.length = 0
      void forgeNext(provider, forge)
      expect((await browser.request('POST', `${app.url}/fresh`)).status).toBe(503)
      expect(app.events).toMatchObject([{ name: 'renewed', event: { idToken: 'rejected', generation: 2 } }])
    })
  })
})
