// Behind a proxy that ends TLS: baseURL says what is https, and no header of anybody's changes a cookie or an address.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange, type HeaderValues } from '../support/browser/http-exchange.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

const HTTPS = 'https://app.example.test'
let provider: TestProvider
let secure: TestApp
let plain: TestApp

beforeAll(async () => {
  provider = await startProvider()
  const { logger } = createLog()
  secure = await startApp({ provider, options: { baseURL: HTTPS, logger } })
  plain = await startApp({ provider, options: { logger } })
})
afterAll(async () => {
  await Promise.all([secure?.stop(), plain?.stop()])
  await provider?.stop()
})

const pair = (line = '') => line.split(';')[0] ?? ''
const attributes = (line = '') => line.replace(/^[^;]*|Expires=[^;]*/g, '').match(/[\w-]+(=[^;]*)?/g)

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
  const callback = await send('GET', `/callback${search}`, pair(setCookieLines(login)[0]))
  const cookie = pair(setCookieLine(callback, name))
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
      pair(line)
        .split('=')[0]
        ?.replace(/-login-.*/, '-login-'),
      attributes(line),
    ]),
  }
}

const briefly = ['Path=/', 'HttpOnly', 'SameSite=Lax']
const lasting = (seconds: number) => [`Max-Age=${seconds}`, ...briefly]
const secured = (attributes: string[]) => [...attributes.slice(0, -1), 'Secure', 'SameSite=Lax']

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
