// How this server gets to the provider: a CA of its own, a proxy, a fetch of the app's, plain http where it is named for it.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici'
import type { AuthOptions, ProviderFetch } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import { createSignal, within } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { startProvider } from '../support/provider/provider.ts'
import { createStarted, useParts } from '../support/servers.ts'
import { logIn } from '../support/session/logged-in.ts'
import { startElsewhere } from './elsewhere.ts'

const { certificates, others, secure, plain, proxy } = useParts(async (start) => {
  const [certificates, others] = await Promise.all([createCertificates(), createCertificates()])
  const tls = { ...certificates.server, ca: certificates.ca }
  return {
    certificates,
    /** of somebody else's CA */
    others,
    secure: await start(startProvider({ tls })),
    plain: await start(startProvider()),
    proxy: await start(startConnectProxy()),
  }
})
const apps = createStarted()
afterEach(async () => {
  secure.normal()
  plain.normal()
  await apps.stop()
})

const open = (provider: typeof plain, options: AuthOptions, logger = createLog().logger): Promise<TestApp> =>
  apps.start(startApp({ provider, options: { logger, ...options } }))

/** From login to logout; how often the provider was asked by the app itself. */
async function expectAllOfIt(provider: typeof plain, app: TestApp): Promise<number> {
  const before = provider.requests().length
  await app.auth.ready()
  const { browser, get, user } = await logIn(provider, app.url)
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
  await browser.logOut(app.url)
  await app.auth.close()
  expect(provider.liveRefreshTokens(user)).toEqual([])
  return provider
    .requests()
    .slice(before)
    .filter(({ endpoint }) => ['discovery', 'token', 'jwks', 'revocation'].includes(endpoint)).length
}

/** Nobody gets there; with what is told to operators. */
async function expectOutOfReach(app: TestApp, told: RegExp) {
  await expect(app.auth.ready()).rejects.toMatchObject({ code: 'provider_unavailable' })
  expect((await new Browser().navigate(`${app.url}/login`)).status).toBe(503)
  expect(app.events[0]).toEqual({
    name: 'provider-unavailable',
    event: { detail: expect.stringMatching(told) },
  })
}

describe('a provider whose certificate is of a CA of its own', () => {
  test('is trusted by provider.ca, and no certificate is shown', async () => {
    const app = await open(secure, { provider: { ca: Buffer.from(certificates.ca) } })
    expect(await expectAllOfIt(secure, app)).toBe(5)
    expect(secure.requests(({ certificate }) => certificate !== undefined)).toEqual([])
  })

  test('is trusted by provider.ca with mutualTLS too', async () => {
    const { cert, key } = certificates.client
    const app = await open(secure, {
      provider: { ca: certificates.ca },
      mutualTLS: { cert, key },
      clientAuthMethod: 'client_secret_basic',
    })
    const before = secure.requests(({ certificate }) => certificate !== undefined).length
    const asked = await expectAllOfIt(secure, app)
    expect(secure.requests(({ certificate }) => certificate !== undefined)).toHaveLength(before + asked)
  })

  test.each<[string, () => AuthOptions]>([
    ['without it', () => ({})],
    ['by the CA of another', () => ({ provider: { ca: others.ca } })],
  ])('is not trusted %s', async (_how, options) => {
    const from = secure.requests().length
    await expectOutOfReach(await open(secure, options()), /SELF_SIGNED_CERT_IN_CHAIN|CERT_SIGNATURE_FAILURE/)
    expect(secure.requests().slice(from)).toEqual([])
  })
})

describe('through a proxy', () => {
  const host = ({ issuer }: { issuer: string }) => new URL(issuer).host
  const proxied = (to: string) => proxy.targets().filter((target) => target === to).length

  test('by a provider.fetch with undici’s EnvHttpProxyAgent', async () => {
    const dispatcher = new EnvHttpProxyAgent({ httpsProxy: proxy.url, requestTls: { ca: certificates.ca } })
    let sent = 0
    const app = await open(secure, {
      provider: {
        fetch(url, request) {
          sent += 1
          return undiciFetch(url, { ...request, dispatcher })
        },
      },
    })
    const before = proxied(host(secure))
    expect(await expectAllOfIt(secure, app)).toBe(sent)
    expect(proxied(host(secure))).toBeGreaterThan(before)
    await dispatcher.close()
  })

  test('by the environment, with provider.ca', async () => {
    process.env.NODE_USE_ENV_PROXY = '1'
    process.env.HTTPS_PROXY = proxy.url
    try {
      const before = proxied(host(secure))
      const app = await open(secure, { provider: { ca: certificates.ca } })
      expect(await expectAllOfIt(secure, app)).toBe(5)
      expect(proxied(host(secure))).toBeGreaterThan(before)
    } finally {
      delete process.env.NODE_USE_ENV_PROXY
      delete process.env.HTTPS_PROXY
    }
  })

  test('by the environment alone, where Node.js itself does so: from version 24 on', async () => {
    const script = `
      import { pathToFileURL } from 'node:url'
      const { auth } = await import(pathToFileURL(process.env.PACKAGE))
      await auth(JSON.parse(process.env.OPTIONS)).ready()`
    const options = {
      issuerBaseURL: plain.issuer,
      baseURL: 'http://localhost',
      clientID: 'client',
      secret: 's'.repeat(32),
    }
    const env = {
      PATH: process.env.PATH,
      PACKAGE: process.env.TEST_PACKAGE,
      OPTIONS: JSON.stringify(options),
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: proxy.url,
    }
    const before = plain.requests({ endpoint: 'discovery' }).length
    const asked = proxied(host(plain))
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
    expect(plain.requests({ endpoint: 'discovery' })).toHaveLength(before + 1)
    const [major] = process.versions.node.split('.')
    expect(proxied(host(plain)) > asked).toBe(Number(major) >= 24)
  })
})

describe('a provider.fetch of the app’s', () => {
  const SECRET = 'what nobody should read'
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100_000)) })
  const stuck = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) })
  type Row = [what: string, fetch: () => Promise<unknown>, told: RegExp, options?: AuthOptions]
  const HASTY = { httpTimeoutSeconds: 0.3 }

  test.each<Row>([
    ['never answers', () => new Promise(() => {}), /did not answer in time/, HASTY],
    ['never ends its answer', async () => new Response(stuck), /did not answer in time/, HASTY],
    ['answers without end', async () => new Response(endless), /ANSWER_TOO_LARGE/],
    ['throws', () => Promise.reject(new Error(SECRET)), /provider\.fetch failed \(Error\)$/],
    [
      'throws what the network said',
      () => Promise.reject(new TypeError(SECRET, { cause: { code: 'ECONNREFUSED' } })),
      /provider\.fetch failed \(ECONNREFUSED\)$/,
    ],
    [
      'throws a code that is none',
      () => Promise.reject({ code: SECRET }),
      /provider\.fetch failed \(no code\)$/,
    ],
    ['gives nothing', async () => undefined, /provider\.fetch failed \(it gave no Response\)$/],
    ['gives an object', async () => ({ status: 200, json: {} }), /it gave no Response/],
    [
      'followed a redirect',
      async () => ({ status: 200, headers: new Headers(), body: null, redirected: true }),
      /it followed a redirect/,
    ],
  ])('that %s: 503, in time, and told in our words', async (_what, own, told, options = {}) => {
    const log = createLog()
    const app = await open(plain, { ...options, provider: { fetch: own as ProviderFetch } }, log.logger)
    await expectOutOfReach(app, told)
    expect(JSON.stringify([log.lines, app.events])).not.toContain(SECRET)
  })

  test('that knows of no deadline is not read from any longer', async () => {
    const cancelled = createSignal()
    const dripping = new ReadableStream({
      pull: (controller) =>
        new Promise<void>((resolve) => {
          setTimeout(() => resolve(controller.enqueue(new Uint8Array(1))), 20).unref()
        }),
      cancel: () => cancelled.resolve(),
    })
    const own: ProviderFetch = async () => new Response(dripping)
    const app = await open(plain, { ...HASTY, provider: { fetch: own } })
    await expectOutOfReach(app, /did not answer in time/)
    await within(cancelled.promise, 'the end of the stream')
  })

  test('that fails at a renewal keeps the session, and what it throws is not told', async () => {
    let isBroken = false
    const own: ProviderFetch = async (url, request) => {
      if (isBroken) throw new Error(`${SECRET}: ${request.body}`)
      return fetch(url, request)
    }
    const log = createLog()
    const app = await open(plain, { provider: { fetch: own } }, log.logger)
    const { get, user } = await logIn(plain, app.url)
    isBroken = true
    expect((await get(`${app.url}/fresh`)).status).toBe(503)
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 1 })
    expect(JSON.stringify([log.lines, app.events])).not.toMatch(/what nobody|refresh_token=/)
    expect(app.events.at(-1)).toMatchObject({
      name: 'renewal-failed',
      event: { outcome: 'unreachable', detail: 'provider.fetch failed (Error)' },
    })
  })

  test('is given all that fetch() takes, and a redirect is no answer', async () => {
    const seen: unknown[] = []
    const own: ProviderFetch = async (url, request) => {
      seen.push(request)
      return fetch(url, request)
    }
    plain.answerNext('discovery', { status: 302, headers: { location: '/elsewhere' } })
    const app = await open(plain, { provider: { fetch: own } })
    await expect(app.auth.ready()).rejects.toMatchObject({ code: 'invalid_option' })
    expect(seen).toEqual([
      {
        method: 'GET',
        headers: { accept: 'application/json' },
        body: null,
        redirect: 'manual',
        signal: expect.any(AbortSignal),
      },
    ])
  })
})

describe('plain http beside an https issuer', () => {
  test('is spoken to the origins that are named for it', async () => {
    const inside = await apps.start(startElsewhere(secure.issuer))
    const metadata = {
      token_endpoint: `${inside.url}/token`,
      jwks_uri: `${inside.url}/jwks`,
      revocation_endpoint: `${inside.url}/token/revocation`,
    }
    const discoveryURL = `${inside.url}/.well-known/openid-configuration`
    const browsers = {
      authorization_endpoint: `${secure.issuer}/auth`,
      end_session_endpoint: `${secure.issuer}/session/end`,
    }
    const app = await open(secure, {
      provider: {
        discoveryURL,
        metadata: { ...metadata, ...browsers },
        allowInsecureHTTP: [inside.url],
      },
    })
    expect(await expectAllOfIt(secure, app)).toBe(5)
  })

  test('is spoken to nobody else, though the document says so', async () => {
    secure.rewriteNext('discovery', (json) => ({ ...json, token_endpoint: 'http://127.0.0.1:9/token' }))
    const app = await open(secure, {
      provider: { ca: certificates.ca, allowInsecureHTTP: ['http://127.0.0.1:10'] },
    })
    await expect(app.auth.ready()).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(
        /token_endpoint is no https URL; .*allowInsecureHTTP: \['http:\/\/127\.0\.0\.1:9'\]/,
      ),
    })
  })
})
