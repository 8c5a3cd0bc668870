// The attributes of the session's cookie (RFC 10017 §6.1.3.2), by the Set-Cookie header, on http and on https. Behind a
// proxy that ends TLS baseURL says what is https, and no header of anybody's changes a cookie or an address.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange, type HeaderValues } from '../support/browser/http-exchange.ts'
import { cookieAttributes, cookiePair, idIn, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'

const HTTPS = 'https://app.example.test'

const { provider, app: plain, log } = useServers()
/** As behind a proxy that ends TLS: the app itself is reached by http, and trusts nobody's X-Forwarded-Proto. */
const { secure } = useParts(async (start) => ({
  secure: await start(startApp({ provider, options: { baseURL: HTTPS, logger: log.logger } })),
}))

const SIGNED_ID = /^s%3As-[\w-]{43}\.[\w%]+$/

/** The provider's answer to a login at the https app, and the cookies of `/login`. */
async function startSecureLogin() {
  const browser = new Browser()
  const stopAt = (url: URL) => url.origin === HTTPS
  const page = await browser.navigate(`${secure.url}/login`, { stopAt })
  const last = await browser.finish(page, { user: 'secure' }, stopAt)
  return { callback: new URL(last.headers.location ?? ''), login: page.hops[0] ?? page }
}

/** As the proxy would send it on. */
const send = (path: string, cookie?: string, method = 'GET', headers = {}) =>
  exchange({ method, url: `${secure.url}${path}`, headers: { cookie, ...headers } })

test('on http: HttpOnly, Lax, for the whole site, no longer than a session can live', async () => {
  const browser = new Browser()
  const answer = await browser.navigate(await browser.startLogin(plain.url), { stopAt: () => true })
  const line = setCookieLine(answer, 'bff')
  expect(cookiePair(line).split('=')[1]).toMatch(SIGNED_ID)
  expect(cookieAttributes(line)).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Lax'])
})

test('on https: __Host-Http-, Secure, HttpOnly, Lax, Path=/, no Domain', async () => {
  const { callback, login } = await startSecureLogin()
  const [remembered = ''] = setCookieLines(login)
  expect(remembered).toMatch(/^__Host-Http-bff-login-[0-4]=/)
  expect(cookieAttributes(remembered)).toEqual([
    'HttpOnly',
    'Max-Age=600',
    'Path=/',
    'SameSite=Lax',
    'Secure',
  ])

  const answer = await send(`/callback${callback.search}`, cookiePair(remembered))
  const line = setCookieLine(answer, '__Host-Http-bff')
  expect(answer.status).toBe(303)
  expect(cookieAttributes(line)).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Lax', 'Secure'])

  const page = await send('/public', cookiePair(line))
  expect(JSON.parse(page.body)).toMatchObject({ sub: 'secure' })
  expect(page.headers['set-cookie']).toBeUndefined()
})

test('what drops a cookie has the attributes of what set it', async () => {
  const { callback, login } = await startSecureLogin()
  const answer = await send(`/callback${callback.search}`, cookiePair(setCookieLines(login)[0]))
  const [dropped = ''] = setCookieLines(answer).filter((line) => line.includes('-login-'))
  expect(cookieAttributes(dropped)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  expect(cookiePair(dropped)).toMatch(/=$/)

  const cookie = cookiePair(setCookieLine(answer, '__Host-Http-bff'))
  const out = await send('/logout', cookie, 'POST', { origin: HTTPS })
  const ended = setCookieLine(out, '__Host-Http-bff')
  expect(cookiePair(ended)).toBe('__Host-Http-bff=')
  expect(cookieAttributes(ended)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
})

const JSON_TYPE = { 'content-type': 'application/json' }

test("an anonymous visitor's req.session has the same cookie, without Max-Age", async () => {
  const page = await new Browser().request('POST', `${plain.url}/cart`, { json: { cart: 'apples' } })
  const line = setCookieLine(page, 'bff')
  expect(idIn(cookiePair(line).split('=')[1] ?? '')).toMatch(/^a-[\w-]{43}$/)
  expect(cookieAttributes(line)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax'])
})

test("an anonymous visitor's req.session works on https behind a proxy, whatever the app trusts", async () => {
  const page = await send('/cart', undefined, 'POST', JSON_TYPE)
  const line = setCookieLine(page, '__Host-Http-bff')
  expect(cookieAttributes(line)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  expect(JSON.parse((await send('/cart', cookiePair(line))).body)).toEqual({ cart: 'full' })
})

test.each([
  ['an anonymous', false],
  ['a logged-in', true],
])(
  'an app that gives %s req.session.cookie a lifetime changes no other attribute',
  async (_name, loggedIn) => {
    for (const app of [plain, secure]) {
      app.app.get('/remember', (req, res) => {
        req.session.cart = 'kept'
        req.session.cookie.maxAge = 60_000
        res.json({})
      })
    }
    const { callback, login } = await startSecureLogin()
    const answer =
      loggedIn && (await send(`/callback${callback.search}`, cookiePair(setCookieLines(login)[0])))
    const cookie = answer ? cookiePair(setCookieLine(answer, '__Host-Http-bff')) : undefined
    const onHttps = setCookieLine(await send('/remember', cookie), '__Host-Http-bff')
    const browser = new Browser()
    if (loggedIn) await browser.logIn(plain.url)
    const onHttp = setCookieLine(await browser.request('GET', `${plain.url}/remember`), 'bff')
    // An anonymous visitor's is new, and must be sent; a logged-in one's is there already.
    if (!loggedIn) expect([onHttp, onHttps]).toEqual(Array(2).fill(expect.stringContaining('Expires=')))
    if (onHttp) expect(cookieAttributes(onHttp)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax'])
    if (onHttps) expect(cookieAttributes(onHttps)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  },
)

test('X-Forwarded-Proto of a stranger takes no attribute away', async () => {
  const { callback, login } = await startSecureLogin()
  const headers = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example' }
  const answer = await send(
    `/callback${callback.search}`,
    cookiePair(setCookieLines(login)[0]),
    'GET',
    headers,
  )
  expect(cookieAttributes(setCookieLine(answer, '__Host-Http-bff'))).toContain('Secure')
  expect(answer.headers.location).toBe('/')
})

test.each(['/public', '/', '/me', '/login', '/cart'])(
  'GET %s gives an anonymous visitor no session',
  async (path) => {
    const page = await new Browser().navigate(`${plain.url}${path}`, { stopAt: () => true })
    expect(setCookieLine(page, 'bff')).toBeUndefined()
  },
)

test('an ordinary request of a logged-in session sets no cookie', async () => {
  const browser = new Browser()
  await browser.logIn(plain.url)
  for (const path of ['/private', '/me', '/cart']) {
    expect(setCookieLines(await browser.request('GET', `${plain.url}${path}`))).toEqual([])
  }
  const saved = await browser.request('POST', `${plain.url}/cart`, { json: { cart: 'pears' } })
  expect(setCookieLines(saved)).toEqual([])
})

const inOrder = (line = '') => line.replace(/^[^;]*|Expires=[^;]*/g, '').match(/[\w-]+(=[^;]*)?/g)

const forwarded: [string, HeaderValues][] = [
  ['nothing', {}],
  ['https of our host', { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.example.test' }],
  ['http', { 'x-forwarded-proto': 'http' }],
  ['http, then https', { 'x-forwarded-proto': 'http, https' }],
  [
    'nonsense',
    { 'x-forwarded-proto': 'javascript:', 'x-forwarded-host': '"><script>', 'x-forwarded-port': 'x' },
  ],
  [
    'another host by every name',
    {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-port': '8443',
      'x-forwarded-for': '127.0.0.1, 6.6.6.6',
      'x-forwarded-prefix': '/evil',
      'x-original-host': 'evil.example',
      forwarded: 'for=6.6.6.6;host=evil.example;proto=http',
    },
  ],
]
const trusted: [string, unknown][] = [
  ['trusts nobody', false],
  ['trusts everybody', true],
  ['trusts others than this peer', '10.0.0.0/8'],
]
const rows = trusted.flatMap(([who, trust]) =>
  forwarded.map(([what, headers]) => ({ who, trust, what, headers })),
)

/** A whole session by hand, with those headers on every request: what was set, and where it led. */
async function live(app: TestApp, baseURL: string, headers: HeaderValues) {
  const name = baseURL === HTTPS ? '__Host-Http-bff' : 'bff'
  const send = (method: string, path: string, cookie?: string, more: HeaderValues = {}) =>
    exchange({ method, url: `${app.url}${path}`, headers: { cookie, ...headers, ...more } })

  const login = await send('GET', '/login')
  const asked = new URL(login.headers.location ?? '')
  const browser = new Browser()
  const stopAt = (url: URL) => url.origin === baseURL
  const page = await browser.navigate(asked.href, { stopAt })
  const last = page.headers.location?.startsWith(baseURL)
    ? page
    : await browser.finish(page, { user: 'proxied' }, stopAt)
  const { search } = new URL(last.headers.location ?? '')
  const callback = await send('GET', `/callback${search}`, cookiePair(setCookieLines(login)[0]))
  const cookie = cookiePair(setCookieLine(callback, name))
  const me = JSON.parse((await send('GET', '/me', cookie)).body)
  const cart = await send('POST', '/cart', undefined, { origin: baseURL, 'content-type': 'application/json' })
  const foreign = await send('POST', '/logout', cookie, { origin: 'http://evil.example' })
  const logout = await send('POST', '/logout', cookie, { origin: baseURL })
  const left = new URL(logout.headers.location ?? '')
  return {
    redirectURI: asked.searchParams.get('redirect_uri'),
    landing: callback.headers.location,
    sub: me.user?.sub,
    foreign: foreign.status,
    left: left.searchParams.get('post_logout_redirect_uri'),
    cookies: [
      setCookieLines(login)[0],
      setCookieLine(callback, name),
      setCookieLine(cart, name),
      setCookieLine(logout, name),
    ].map((line) => [
      cookiePair(line)
        .split('=')[0]
        ?.replace(/-login-.*/, '-login-'),
      inOrder(line),
    ]),
  }
}

const briefly = ['Path=/', 'HttpOnly', 'SameSite=Lax']
const lasting = (seconds: number) => [`Max-Age=${seconds}`, ...briefly]
const secured = (names: string[]) => [...names.slice(0, -1), 'Secure', 'SameSite=Lax']

test.each(rows)(
  'on https, an app that $who gives the same cookies to a request that says $what',
  async (row) => {
    secure.app.set('trust proxy', row.trust)
    expect(await live(secure, HTTPS, row.headers)).toEqual({
      redirectURI: `${HTTPS}/callback`,
      landing: '/',
      sub: 'proxied',
      foreign: 403,
      left: `${HTTPS}/`,
      cookies: [
        ['__Host-Http-bff-login-', secured(lasting(600))],
        ['__Host-Http-bff', secured(lasting(604_800))],
        ['__Host-Http-bff', secured(briefly)],
        ['__Host-Http-bff', secured(briefly)],
      ],
    })
  },
)

test.each(rows)(
  'on http, an app that $who is made nothing else by a request that says $what',
  async (row) => {
    plain.app.set('trust proxy', row.trust)
    expect(await live(plain, plain.url, row.headers)).toEqual({
      redirectURI: `${plain.url}/callback`,
      landing: '/',
      sub: 'proxied',
      foreign: 403,
      left: `${plain.url}/`,
      cookies: [
        ['bff-login-', lasting(600)],
        ['bff', lasting(604_800)],
        ['bff', briefly],
        ['bff', briefly],
      ],
    })
  },
)
