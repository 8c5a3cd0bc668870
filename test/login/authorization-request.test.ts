// What GET /login asks of the provider.
import { startApp, type TestApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  app = await startApp({ provider, redisUrl: redis.url, options: { logger: createLog().logger } })
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

/** The authorization request that `/login` sends the browser on, not followed. */
async function askToLogIn(url = `${app.url}/login`, headers: Record<string, string> = {}): Promise<URL> {
  const page = await new Browser().navigate(url, { headers, stopAt: () => true })
  expect(page.status).toBe(302)
  return new URL(page.headers.location ?? '')
}

test('a login asks for a code, with PKCE S256, state, nonce and offline_access', async () => {
  const url = await askToLogIn()
  const { scope, ...params } = Object.fromEntries(url.searchParams)
  const secret = expect.stringMatching(/^[\w-]{43}$/)
  expect(`${url.origin}${url.pathname}`).toBe(`${provider.issuer}/auth`)
  expect(scope?.split(' ')).toEqual(['openid', 'profile', 'email', 'offline_access'])
  expect(params).toEqual({
    client_id: expect.any(String),
    redirect_uri: `${app.url}/callback`,
    response_type: 'code',
    code_challenge: secret,
    code_challenge_method: 'S256',
    state: secret,
    nonce: secret,
    prompt: 'consent',
  })
})

test('no parameter may come twice in the authorization request', async () => {
  const names = [...(await askToLogIn()).searchParams.keys()]
  expect(names).toEqual([...new Set(names)])
})

test('the redirect to the provider is not kept by any cache and has no body', async () => {
  const page = await new Browser().navigate(`${app.url}/login`, { stopAt: () => true })
  expect(page).toMatchObject({ status: 302, body: '', headers: { 'cache-control': 'no-store' } })
})

test('no two logins share state, nonce or challenge', async () => {
  const urls = await Promise.all(Array.from({ length: 10 }, () => askToLogIn()))
  const secrets = urls.flatMap(({ searchParams }) =>
    ['state', 'nonce', 'code_challenge'].map((name) => searchParams.get(name)),
  )
  expect(new Set(secrets).size).toBe(30)
})

test('the verifier that reaches the token endpoint is that of the challenge', async () => {
  // The provider wants PKCE of everybody and compares the two.
  const browser = new Browser()
  const before = provider.tokenRequests('authorization_code').length
  const page = await browser.logIn(app.url, { user: 'pkce' })
  expect(page.json()).toMatchObject({ home: true, authenticated: true, sub: 'pkce' })
  const exchanges = provider.tokenRequests('authorization_code').slice(before)
  expect(exchanges).toMatchObject([{ status: 200, params: { redirect_uri: `${app.url}/callback` } }])
})

test.each([
  ['Host', { host: 'evil.example' }],
  ['X-Forwarded-Host', { 'x-forwarded-host': 'evil.example' }],
  ['X-Forwarded-Proto', { 'x-forwarded-proto': 'https' }],
  ['Forwarded', { forwarded: 'host=evil.example;proto=https' }],
])('redirect_uri is the configured one whatever %s says', async (_name, headers) => {
  const url = await askToLogIn(`${app.url}/login`, headers)
  expect(url.searchParams.get('redirect_uri')).toBe(`${app.url}/callback`)
})

test.each([
  'redirect_uri=https://evil.example/',
  'state=fixed',
  'nonce=fixed',
  'scope=openid',
  'prompt=none',
  'client_id=other',
])('the browser cannot put %s into the authorization request', async (query) => {
  const url = await askToLogIn(`${app.url}/login?${query}`)
  const [name = '', value = ''] = query.split('=')
  expect(url.searchParams.getAll(name)).not.toContain(value)
  expect(url.searchParams.get('redirect_uri')).toBe(`${app.url}/callback`)
})

test('authorizationParams go over the defaults, one by one', async () => {
  const authorizationParams = { audience: 'https://api.example.com', login_hint: 'alice', prompt: 'login' }
  const other = await startApp({ provider, redisUrl: redis.url, options: { authorizationParams } })
  try {
    const { searchParams } = await askToLogIn(`${other.url}/login`)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      ...authorizationParams,
      scope: 'openid profile email offline_access',
    })
  } finally {
    await other.stop()
  }
})

// RFC 8707 §2.1
test('resource in authorizationParams reaches the provider, and the access token is for it', async () => {
  const resource = 'https://api.example.com/v1'
  const strict = await startProvider({
    configure: ({ features, ...same }) => ({
      ...same,
      features: {
        ...features,
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: (_ctx, audience) => ({
            scope: 'openid',
            audience,
            accessTokenFormat: 'jwt',
          }),
        },
      },
    }),
  })
  const other = await startApp({ provider: strict, options: { authorizationParams: { resource } } })
  const audiences: unknown[] = []
  strict.rewriteNext('token', (json) => {
    audiences.push(claimsOfToken(String(json.access_token)).aud)
    return json
  })
  try {
    expect((await new Browser().logIn(other.url, { user: 'reader' })).json()).toMatchObject({ sub: 'reader' })
    expect(strict.authorizationRequests()[0]?.params).toMatchObject({ resource })
    expect(audiences).toEqual([resource])
  } finally {
    await other.stop()
    await strict.stop()
  }
})

test('AUDIENCE and SCOPE of the environment reach the provider', async () => {
  const env = { AUDIENCE: 'https://api.example.com', SCOPE: 'openid offline_access' }
  const other = await startAppProcess({ provider, redisUrl: redis.url, env })
  try {
    const page = await new Browser().logIn(other.url, { user: 'audience' })
    expect(page.json()).toMatchObject({ sub: 'audience' })
    const [request] = provider.authorizationRequests().filter(({ params }) => params.audience !== undefined)
    expect(request?.params).toMatchObject({ audience: env.AUDIENCE, scope: env.SCOPE })
  } finally {
    await other.stop()
  }
})

test.each(['PUT', 'DELETE', 'HEAD', 'OPTIONS'])('%s /login begins nothing', async (method) => {
  const page = await new Browser().request(method, `${app.url}/login`)
  expect(page).toMatchObject({ status: 405, headers: { allow: 'GET, POST' } })
  expect(page.headers['set-cookie']).toBeUndefined()
})
