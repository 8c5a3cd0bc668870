// idTokenSigningAlg: what is configured is accepted, at login and at renewal, and nothing else is.
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
import { createSigningKey, type SigningKey } from '../support/provider/signing-key.ts'

// With the hash that its at_hash is made by (OpenID Connect Core §3.1.3.6).
const ALGORITHMS = [
  ['ES256', 'sha256'],
  ['PS256', 'sha256'],
  ['ES384', 'sha384'],
  ['Ed25519', 'sha512'],
] as const
type Algorithm = (typeof ALGORITHMS)[number][0]
const clientSecret = 'a client secret that leaked to somebody'

let provider: TestProvider
const keys = {} as Record<Algorithm, SigningKey>
const apps = {} as Record<Algorithm, TestApp>

beforeAll(async () => {
  for (const [alg] of ALGORITHMS) keys[alg] = await createSigningKey(alg)
  provider = await startProvider({
    configure: ({ jwks, ...same }) => ({
      ...same,
      jwks: { keys: [...(jwks?.keys ?? []), ...Object.values(keys).map(({ jwk }) => jwk)] },
      enabledJWA: { idTokenSigningAlgValues: ['RS256', ...ALGORITHMS.map(([alg]) => alg)] },
    }),
  })
  for (const [alg] of ALGORITHMS) {
    const options = { clientID: alg, clientSecret, idTokenSigningAlg: alg, logger: createLog().logger }
    apps[alg] = await startApp({ provider, options })
    const metadata = { id_token_signed_response_alg: alg }
    await provider.registerClient({ clientId: alg, clientSecret, baseURL: apps[alg].url, metadata })
  }
})
afterEach(() => provider.normal())
afterAll(async () => {
  await Promise.all(Object.values(apps).map((app) => app.stop()))
  await provider?.stop()
})

/** A callback by that ID token, in a browser of its own. */
async function logIn({ url }: TestApp, forge: Forge) {
  const browser = new Browser()
  const callback = await browser.startLogin(url, { user: 'alice' })
  void forgeNext(provider, forge)
  return { browser, page: await browser.navigate(callback) }
}

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
