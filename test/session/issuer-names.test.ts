// An issuer whose ID tokens name it otherwise than it is configured: Azure AD B2C, Microsoft Entra by the tenant's domain, a
// port or capital letters in `issuer`. Its people stay logged in.
import type { ProviderFetch } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { createStarted, useParts } from '../support/servers.ts'

const DISCOVERY = '/.well-known/openid-configuration'
const GUID = '11111111-2222-3333-4444-555555555555'

const { provider, redis } = useParts(async (start) => ({
  provider: await start(startProvider()),
  redis: await start(startRedis()),
}))
afterEach(() => provider.normal())

/** Hosts that no test can have: what is sent there goes to the provider on loopback. */
const toLoopback: ProviderFetch = (asked, request) => {
  const { pathname } = new URL(asked)
  return fetch(provider.issuer + (pathname.endsWith(DISCOVERY) ? DISCOVERY : pathname), request)
}

function nameProvider(issuer: string): void {
  const { origin } = new URL(issuer)
  const always = { times: Number.POSITIVE_INFINITY }
  const there = (value: unknown) =>
    typeof value === 'string' ? value.replace(provider.issuer, origin) : value
  provider.rewriteNext(
    'discovery',
    (json) => ({
      ...Object.fromEntries(Object.entries(json).map(([name, value]) => [name, there(value)])),
      issuer,
    }),
    always,
  )
  void forgeNext(
    provider,
    signed(() => ({ iss: issuer })),
    always,
  )
}

test.each([
  [
    'Azure AD B2C',
    'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_in/v2.0/',
    `https://contoso.b2clogin.com/${GUID}/v2.0/`,
  ],
  [
    'Microsoft Entra by the tenant’s domain',
    'https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0',
    `https://login.microsoftonline.com/${GUID}/v2.0`,
  ],
  ['with a default port', 'https://auth.example.com/realms/x', 'https://auth.example.com:443/realms/x'],
  ['with capital letters', 'https://auth.example.com', 'https://Auth.Example.com'],
  ['with a slash', 'https://auth.example.com/x/', 'https://auth.example.com/x/'],
])('%s: who logged in is logged in, at every process, and is renewed', async (_what, configured, issuer) => {
  nameProvider(issuer)
  const { start, stop } = createStarted()
  const { origin } = new URL(issuer)
  const client = { clientId: `of-${origin}`.replace(/\W/g, '-'), clientSecret: 'known to both of them' }
  const open = () =>
    start(
      startApp({
        redisUrl: redis.url,
        options: {
          issuerBaseURL: configured,
          clientID: client.clientId,
          clientSecret: client.clientSecret,
          // Where its document is another issuer's than its address says, both are named.
          provider: { fetch: toLoopback, metadata: { issuer } },
          logger: createLog().logger,
        },
      }),
    )
  try {
    const [app, peer] = [await open(), await open()]
    await provider.registerClient({ ...client, baseURL: app.url })
    const browser = new Browser()
    const begun = await browser.navigate(`${app.url}/login`, { stopAt: () => true })
    const asking = new URL(begun.headers.location ?? '')
    expect(asking.origin).toBe(origin)
    let back: URL | undefined
    const stopAt = (url: URL) => {
      if (url.origin === app.url) back = url
      return back !== undefined
    }
    const atProvider = provider.issuer + asking.pathname + asking.search
    await browser.finish(await browser.navigate(atProvider, { stopAt }), {}, stopAt)
    back?.searchParams.set('iss', issuer)
    expect((await browser.navigate(back?.href ?? '')).json()).toMatchObject({ sub: 'alice', generation: 1 })
    for (const at of [app, peer]) {
      expect((await browser.request('GET', `${at.url}/private`)).json()).toMatchObject({ sub: 'alice' })
      expect((await browser.request('GET', `${at.url}/fresh`)).status).toBe(200)
      expect(await at.auth.sessions.list('alice')).toHaveLength(1)
    }
  } finally {
    await stop()
  }
})
