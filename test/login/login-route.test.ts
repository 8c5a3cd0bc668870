// /login: what it asks of the provider, and who may begin it. The provider or another site may (OpenID Connect Core §4), and
// nobody may do with it what they like.
import { requireClaim, requireStepUp } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { authKeys, createLog, setCookieLines } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { withResources } from '../support/provider/resources.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts, useStarted } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const log = createLog()
const { provider, app, redis, store } = useParts(async (start) => {
  const provider = await start(startProvider({ configure: withResources }))
  const redis = await start(startRedis())
  const app = await start(startApp({ provider, redisUrl: redis.url, options: { logger: log.logger } }))
  app.app.post('/confirmed', requireStepUp({ acr: 'mfa', maxAgeSeconds: 300 }), (_req, res) => void res.end())
  app.app.get('/at-once', requireStepUp({ maxAgeSeconds: 1 }), (_req, res) => void res.json({ opened: true }))
  app.app.get('/strong', requireClaim('acr', 'mfa'), (_req, res) => void res.json({ opened: true }))
  return { provider, app, redis, store: redis.connect() }
})
beforeEach(() => {
  app.events.length = 0
})
afterEach(() => provider.normal())

/** The authorization request that `/login` sends the browser on, not followed. */
async function askToLogIn(url = `${app.url}/login`, headers: Record<string, string> = {}): Promise<URL> {
  const page = await new Browser().navigate(url, { headers, stopAt: () => true })
  expect(page.status).toBe(302)
  return new URL(page.headers.location ?? '')
}

test('ADFS: a resource that is a URN, and the scope allatclaims, are asked for as they are written', async () => {
  const params = { scope: 'openid allatclaims', resource: 'urn:microsoft:userinfo' }
  const options = { logger: log.logger, authorizationParams: params }
  const other = await startApp({ provider, options })
  try {
    const { searchParams } = await askToLogIn(`${other.url}/login`)
    expect(Object.fromEntries(searchParams)).toMatchObject(params)
  } finally {
    await other.stop()
  }
})

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

describe('with other parameters', () => {
  const authorizationParams = { audience: 'https://api.example.com', login_hint: 'alice', prompt: 'login' }
  // RFC 8707 §2.1
  const resource = 'https://api.example.com/v1'
  const env = { AUDIENCE: 'https://api.example.com', SCOPE: 'openid offline_access' }
  const { other, indicating, byEnvironment } = useParts(async (start) => ({
    other: await start(startApp({ provider, redisUrl: redis.url, options: { authorizationParams } })),
    indicating: await start(startApp({ provider, options: { authorizationParams: { resource } } })),
    byEnvironment: await start(startAppProcess({ provider, redisUrl: redis.url, env })),
  }))

  test('authorizationParams go over the defaults, one by one', async () => {
    const { searchParams } = await askToLogIn(`${other.url}/login`)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      ...authorizationParams,
      scope: 'openid profile email offline_access',
    })
  })

  test('resource in authorizationParams reaches the provider, and the access token is for it', async () => {
    const audiences: unknown[] = []
    provider.rewriteNext('token', (json) => {
      audiences.push(claimsOfToken(String(json.access_token)).aud)
      return json
    })
    const before = provider.authorizationRequests().length
    const page = await new Browser().logIn(indicating.url, { user: 'reader' })
    expect(page.json()).toMatchObject({ sub: 'reader' })
    expect(provider.authorizationRequests()[before]?.params).toMatchObject({ resource })
    expect(audiences).toEqual([resource])
  })

  test('AUDIENCE and SCOPE of the environment reach the provider', async () => {
    const before = provider.authorizationRequests().length
    const page = await new Browser().logIn(byEnvironment.url, { user: 'audience' })
    expect(page.json()).toMatchObject({ sub: 'audience' })
    const [request] = provider
      .authorizationRequests()
      .slice(before)
      .filter(({ params }) => params.audience !== undefined)
    expect(request?.params).toMatchObject({ audience: env.AUDIENCE, scope: env.SCOPE })
  })
})

test.each(['PUT', 'DELETE', 'HEAD', 'OPTIONS'])('%s /login begins nothing', async (method) => {
  const page = await new Browser().request(method, `${app.url}/login`)
  expect(page).toMatchObject({ status: 405, headers: { allow: 'GET, POST' } })
  expect(page.headers['set-cookie']).toBeUndefined()
})

describe('begun elsewhere', () => {
  type Fields = Record<string, string>
  const ELSEWHERE = 'https://portal.example/'
  const METHODS = ['GET', 'POST'] as const
  type Method = (typeof METHODS)[number]
  const stopAt = (url: URL) => url.origin === provider.issuer

  /** As a link or a form of that site, or as the person's own address bar. */
  function begin(browser: Browser, method: Method, fields: Fields, from = ELSEWHERE): Promise<Page> {
    if (method === 'POST') return browser.submit(`${app.url}/login`, fields, { from, stopAt })
    return browser.navigate(`${app.url}/login?${new URLSearchParams(fields)}`, { from, stopAt })
  }

  const request = ({ headers }: Page) => new URL(headers.location ?? '').searchParams

  async function expectRefused(page: Page, status: number, code: string): Promise<void> {
    expect(page).toMatchObject({ status, hops: { length: 1 } })
    expect(setCookieLines(page)).toEqual([])
    expect(page.headers.location).toBeUndefined()
    expect(refusalsIn(app.events)).toEqual([expect.stringMatching(`^refused \\(${code}\\): [^\\r\\n]*$`)])
  }

  test.each(METHODS)(
    '3rd-party-init-login: a %s with the known iss logs in, on the page it names',
    async (method) => {
      const browser = new Browser()
      const iss = provider.issuer
      const fields = {
        iss,
        login_hint: 'invited@example.com',
        target_link_uri: `${app.url}/public?from=portal`,
      }
      const asked = await begin(browser, method, fields)
      expect(asked).toMatchObject({ status: 302, body: '' })
      expect(request(asked).get('login_hint')).toBe('invited@example.com')
      expect(request(asked).get('redirect_uri')).toBe(`${app.url}/callback`)
      expect([...request(asked).keys()]).not.toEqual(expect.arrayContaining(['iss', 'target_link_uri']))
      const page = await browser.finish(await browser.navigate(asked.headers.location ?? ''), {
        user: 'invited',
      })
      expect(page).toMatchObject({ status: 200, url: `${app.url}/public?from=portal` })
      expect(page.json()).toMatchObject({ sub: 'invited' })
    },
  )

  test.each(METHODS)(
    '3rd-party-init-login: a %s with iss alone lands on the default page',
    async (method) => {
      const asked = await begin(new Browser(), method, { iss: provider.issuer })
      expect(asked.status).toBeGreaterThanOrEqual(302)
      expect(request(asked).has('login_hint')).toBe(false)
    },
  )

  test('3rd-party-init-login: the state, nonce and challenge are ours, whatever is sent', async () => {
    const planted = {
      state: 'planted',
      nonce: 'planted',
      code_challenge: 'planted',
      prompt: 'planted',
      redirect_uri: ELSEWHERE,
    }
    for (const method of METHODS) {
      const asked = await begin(new Browser(), method, { iss: provider.issuer, ...planted })
      expect(request(asked).get('redirect_uri')).toBe(`${app.url}/callback`)
      expect(String(asked.headers.location)).not.toMatch(/planted|portal/)
    }
  })

  const issuers: [string, () => string][] = [
    ['of somebody else', () => 'https://evil.example'],
    ['+ "1"', () => `${provider.issuer}1`],
    ['with a slash at its end', () => `${provider.issuer}/`],
    ['in other case', () => provider.issuer.toUpperCase()],
    ['by another name of the host', () => provider.issuer.replace('127.0.0.1', 'localhost')],
    ['with a user name', () => provider.issuer.replace('//', '//us@')],
    ['with a space before it', () => ` ${provider.issuer}`],
    ['with a null byte', () => `${provider.issuer}\u0000`],
    ['that is empty', () => ''],
    ['with line breaks', () => `${provider.issuer}\r\nSet-Cookie: bff=planted`],
  ]

  describe.each(METHODS)('%s', (method) => {
    test.each(issuers)('3rd-party-init-login: an iss %s is refused', async (_name, iss) => {
      await expectRefused(await begin(new Browser(), method, { iss: iss() }, app.url), 400, 'login_malformed')
    })
  })

  test.each(issuers)(
    '3rd-party-init-login: another site that posts an iss %s is refused as one',
    async (_name, iss) => {
      await expectRefused(await begin(new Browser(), 'POST', { iss: iss() }), 403, 'cross_site')
    },
  )

  test('3rd-party-init-login: a form without iss is refused, and a link without it is an ordinary login', async () => {
    await expectRefused(
      await begin(new Browser(), 'POST', { target_link_uri: '/' }, app.url),
      400,
      'login_malformed',
    )
    app.events.length = 0
    await expectRefused(await begin(new Browser(), 'POST', { target_link_uri: '/' }), 403, 'cross_site')
    const asked = await begin(new Browser(), 'GET', { target_link_uri: `${app.url}/public`, login_hint: 'x' })
    expect(request(asked).has('login_hint')).toBe(false)
  })

  const FORM = 'application/x-www-form-urlencoded'

  test.each(['iss', 'target_link_uri', 'login_hint'])(
    '3rd-party-init-login: %s twice is refused',
    async (name) => {
      const iss = encodeURIComponent(provider.issuer)
      const query = `iss=${iss}&${name}=x&${name}=${name === 'iss' ? iss : 'x'}`
      await expectRefused(await new Browser().navigate(`${app.url}/login?${query}`), 400, 'login_malformed')
      for (const [from, status] of [
        [app.url, 400],
        [ELSEWHERE, 403],
      ] as const) {
        app.events.length = 0
        const headers = { 'content-type': FORM }
        const page = await new Browser().request('POST', `${app.url}/login`, { headers, body: query, from })
        await expectRefused(page, status, status === 400 ? 'login_malformed' : 'cross_site')
      }
    },
  )

  test.each([
    ['text/plain', 'text/plain', 415, 'unsupported_media_type'],
    ['JSON', 'application/json', 415, 'unsupported_media_type'],
    ['multipart', 'multipart/form-data; boundary=x', 415, 'unsupported_media_type'],
    ['no type', undefined, 415, 'unsupported_media_type'],
    ['an unknown charset', `${FORM}; charset=utf-7`, 400, 'login_malformed'],
    ['a form of 100 kB', FORM, 413, 'content_too_large'],
  ])(
    '3rd-party-init-login: a body as %s is refused, to another site as one',
    async (_name, type, status, code) => {
      const known = `iss=${encodeURIComponent(provider.issuer)}`
      const body = status === 413 ? `${known}&x=${'x'.repeat(100_000)}` : known
      const post = (from: string) =>
        new Browser().request('POST', `${app.url}/login`, { headers: { 'content-type': type }, body, from })
      await expectRefused(await post(app.url), status, code)
      app.events.length = 0
      await expectRefused(await post(ELSEWHERE), 403, 'cross_site')
    },
  )

  test.each([
    ['//evil.example'],
    ['https://evil.example/'],
    ['/\\evil.example'],
    ['/%09/evil.example'],
    ['/.//evil.example'],
    ['javascript:alert(1)'],
    ['/login?iss=x'],
    ['/logout'],
    ['/callback?code=x'],
    [`/${'a'.repeat(2048)}`],
    ['OURS.evil.example/'],
    ['OURS@evil.example/'],
  ])('3rd-party-init-login: target_link_uri %s lands on the default page', async (wanted) => {
    const browser = new Browser()
    const target = wanted.replace('OURS', app.url)
    const asked = await begin(browser, 'POST', { iss: provider.issuer, target_link_uri: target })
    const page = await browser.finish(await browser.navigate(asked.headers.location ?? ''), {
      user: 'linked',
    })
    expect(page).toMatchObject({ status: 200, url: `${app.url}/` })
  })

  test.each(METHODS)(
    '3rd-party-init-login: a login_hint sent by %s is passed on as it is, up to a length',
    async (method) => {
      const iss = provider.issuer
      for (const hint of ['a@b.example', 'é"&=#<', 'x\r\nSet-Cookie: bff=planted', 'h'.repeat(512)]) {
        const asked = await begin(new Browser(), method, { iss, login_hint: hint })
        expect(request(asked).get('login_hint')).toBe(hint)
        expect(setCookieLines(asked).join()).not.toContain('planted')
      }
      await expectRefused(
        await begin(new Browser(), method, { iss, login_hint: 'h'.repeat(513) }, app.url),
        400,
        'login_malformed',
      )
    },
  )

  test.each(METHODS)(
    '3rd-party-init-login: by %s, a live session stays as it is until the login is complete',
    async (method) => {
      const { browser, user } = await logIn(provider, app.url)
      const [id, keys] = [await sessionIdOf(browser), await authKeys(store)]
      const asked = await begin(browser, method, { iss: provider.issuer })
      expect(setCookieLines(asked)).toEqual([expect.stringMatching(/^bff-login-/)])
      await begin(browser, 'POST', { iss: 'https://evil.example' })
      expect([await sessionIdOf(browser), await authKeys(store)]).toEqual([id, keys])
      expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({
        sub: user,
        generation: 1,
      })
    },
  )

  const issuerBaseURL = 'http://127.0.0.1:9'
  const unknowing = useStarted(() =>
    startApp({ options: { issuerBaseURL, clientID: 'x', clientSecret: 'x', logger: log.logger } }),
  )

  test('3rd-party-init-login: while the provider cannot be asked who it is, 503, and nothing begins', async () => {
    for (const from of [unknowing.url, ELSEWHERE]) {
      const headers = { accept: 'text/html' }
      const form = { iss: issuerBaseURL }
      const posted = await new Browser().request('POST', `${unknowing.url}/login`, { form, headers, from })
      const linked = await new Browser().navigate(`${unknowing.url}/login?iss=${issuerBaseURL}`, { from })
      for (const page of [posted, linked]) {
        expect([page.status, page.headers['retry-after'], setCookieLines(page)]).toEqual([503, '5', []])
      }
    }
  })

  test('forms of another site, by the dozen, leave a browser that can still log in', async () => {
    const browser = new Browser()
    const fields = { iss: provider.issuer, target_link_uri: `${app.url}/public?${'x'.repeat(1500)}` }
    const stopAt = (url: URL) => url.origin === provider.issuer
    for (let count = 0; count < 40; count += 1) {
      await browser.submit(`${app.url}/login`, fields, { from: 'https://evil.example/', stopAt })
    }
    const bytes = (await browser.cookies(app.url)).map((cookie) => cookie.cookieString()).join('; ').length
    expect(bytes).toBeLessThan(5000)
    expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
  })
})

describe('from a page that wants more of a person', () => {
  test('a form that needs a step-up leads to it by a link', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'alice' })
    const page = await browser.submit(`${app.url}/confirmed`, {}, { from: app.url })
    expect(page.status).toBe(401)
    expect(page.body).toMatch(/<a href="\/login\?max_age=300&#38;acr_values=mfa">Confirm your identity<\/a>/)
  })

  test('who has just come back is let in, however short the time that the guard allows', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'alice', returnTo: '/public' })
    const asked = provider.authorizationRequests().length
    // Two seconds on the way to the page: their authentication is older than the guard's one second by then.
    nextIdToken(provider, (claims) => ({ ...claims, auth_time: Math.floor(Date.now() / 1000) }))
    const page = await browser.logIn(app.url, { user: 'alice', path: '/at-once' })
    expect(page.json()).toEqual({ opened: true })
    expect(provider.authorizationRequests().length - asked).toBe(1)
  })

  test("a claim of the protocol can be required too: the person's acr", async () => {
    const browser = new Browser()
    nextIdToken(provider, { acr: 'mfa' })
    await browser.logIn(app.url, { user: 'strong' })
    expect((await browser.request('GET', `${app.url}/strong`)).json()).toEqual({ opened: true })
    const weak = new Browser()
    await weak.logIn(app.url, { user: 'weak' })
    expect((await weak.request('GET', `${app.url}/strong`)).status).toBe(403)
  })
})
