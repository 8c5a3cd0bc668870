// The attributes of the session's cookie (RFC 10017 §6.1.3.2), by the Set-Cookie header, on http and on https.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { idIn, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

const HTTPS = 'https://app.example.test'

let provider: TestProvider
let plain: TestApp
let secure: TestApp

beforeAll(async () => {
  provider = await startProvider()
  plain = await startApp({ provider })
  // As behind a proxy that ends TLS: the app itself is reached by http, and trusts nobody's X-Forwarded-Proto.
  secure = await startApp({ provider, options: { baseURL: HTTPS } })
})
afterAll(async () => {
  await Promise.all([plain?.stop(), secure?.stop()])
  await provider?.stop()
})

const pair = (line = '') => line.split(';')[0] ?? ''
const attributes = (line = '') =>
  line
    .split('; ')
    .slice(1)
    .filter((each) => !each.startsWith('Expires='))
    .sort()
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
  expect(pair(line).split('=')[1]).toMatch(SIGNED_ID)
  expect(attributes(line)).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Lax'])
})

test('on https: __Host-Http-, Secure, HttpOnly, Lax, Path=/, no Domain', async () => {
  const { callback, login } = await startSecureLogin()
  const [remembered = ''] = setCookieLines(login)
  expect(remembered).toMatch(/^__Host-Http-bff-login-[\w-]{16}=/)
  expect(attributes(remembered)).toEqual(['HttpOnly', 'Max-Age=600', 'Path=/', 'SameSite=Lax', 'Secure'])

  const answer = await send(`/callback${callback.search}`, pair(remembered))
  const line = setCookieLine(answer, '__Host-Http-bff')
  expect(answer.status).toBe(303)
  expect(attributes(line)).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Lax', 'Secure'])

  const page = await send('/public', pair(line))
  expect(JSON.parse(page.body)).toMatchObject({ sub: 'secure' })
  expect(page.headers['set-cookie']).toBeUndefined()
})

test('what drops a cookie has the attributes of what set it', async () => {
  const { callback, login } = await startSecureLogin()
  const answer = await send(`/callback${callback.search}`, pair(setCookieLines(login)[0]))
  const [dropped = ''] = setCookieLines(answer).filter((line) => line.includes('-login-'))
  expect(attributes(dropped)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  expect(pair(dropped)).toMatch(/=$/)

  const cookie = pair(setCookieLine(answer, '__Host-Http-bff'))
  const out = await send('/logout', cookie, 'POST', { origin: HTTPS })
  const ended = setCookieLine(out, '__Host-Http-bff')
  expect(pair(ended)).toBe('__Host-Http-bff=')
  expect(attributes(ended)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
})

const JSON_TYPE = { 'content-type': 'application/json' }

test("an anonymous visitor's req.session has the same cookie, without Max-Age", async () => {
  const page = await new Browser().request('POST', `${plain.url}/cart`, { json: { cart: 'apples' } })
  const line = setCookieLine(page, 'bff')
  expect(idIn(pair(line).split('=')[1] ?? '')).toMatch(/^a-[\w-]{43}$/)
  expect(attributes(line)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax'])
})

test("an anonymous visitor's req.session works on https behind a proxy, whatever the app trusts", async () => {
  const page = await send('/cart', undefined, 'POST', JSON_TYPE)
  const line = setCookieLine(page, '__Host-Http-bff')
  expect(attributes(line)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  expect(JSON.parse((await send('/cart', pair(line))).body)).toEqual({ cart: 'full' })
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
    const answer = loggedIn && (await send(`/callback${callback.search}`, pair(setCookieLines(login)[0])))
    const cookie = answer ? pair(setCookieLine(answer, '__Host-Http-bff')) : undefined
    const onHttps = setCookieLine(await send('/remember', cookie), '__Host-Http-bff')
    const browser = new Browser()
    if (loggedIn) await browser.logIn(plain.url)
    const onHttp = setCookieLine(await browser.request('GET', `${plain.url}/remember`), 'bff')
    // An anonymous visitor's is new, and must be sent; a logged-in one's is there already.
    if (!loggedIn) expect([onHttp, onHttps]).toEqual(Array(2).fill(expect.stringContaining('Expires=')))
    if (onHttp) expect(attributes(onHttp)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax'])
    if (onHttps) expect(attributes(onHttps)).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
  },
)

test('X-Forwarded-Proto of a stranger takes no attribute away', async () => {
  const { callback, login } = await startSecureLogin()
  const headers = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example' }
  const answer = await send(`/callback${callback.search}`, pair(setCookieLines(login)[0]), 'GET', headers)
  expect(attributes(setCookieLine(answer, '__Host-Http-bff'))).toContain('Secure')
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
