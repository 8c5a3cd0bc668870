// Requests that another site's page sends with our cookie: refused, and nothing changed (RFC 10017 §6.1.3.3).
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

const ADMIN = 'https://admin.example.com'
let provider: TestProvider
let app: TestApp
let target: Browser
const log = createLog()

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({ provider, options: { logger: log.logger, allowedOrigins: [ADMIN] } })
  target = await logIn()
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

async function logIn(): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'target' })
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'own' } })
  return browser
}

/** The very headers that the row says, with the session's cookie. */
const BARE = {
  'sec-fetch-site': undefined,
  'sec-fetch-mode': undefined,
  'sec-fetch-dest': undefined,
  origin: undefined,
}
const send = (browser: Browser, method: string, path: string, headers: Record<string, string | undefined>) =>
  browser.request(method, `${app.url}${path}`, { headers: { ...BARE, ...headers } })

const hostile: [string, () => Record<string, string>][] = [
  ['Sec-Fetch-Site cross-site', () => ({ 'sec-fetch-site': 'cross-site' })],
  [
    'Sec-Fetch-Site cross-site and a foreign Origin',
    () => ({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }),
  ],
  ['Sec-Fetch-Site same-site', () => ({ 'sec-fetch-site': 'same-site', origin: 'http://sibling.localhost' })],
  [
    'Sec-Fetch-Site same-site from a sibling below our host',
    () => ({ 'sec-fetch-site': 'same-site', origin: app.url.replace('localhost', 'evil.localhost') }),
  ],
  ['the Origin of a sibling alone', () => ({ origin: app.url.replace('localhost', 'evil.localhost') })],
  ['Sec-Fetch-Site in capitals', () => ({ 'sec-fetch-site': 'SAME-ORIGIN' })],
  ['an empty Sec-Fetch-Site', () => ({ 'sec-fetch-site': '' })],
  ['Sec-Fetch-Site of no known kind', () => ({ 'sec-fetch-site': 'trust-me' })],
  ['Sec-Fetch-Site twice', () => ({ 'sec-fetch-site': 'same-origin, cross-site' })],
  ['Origin null', () => ({ origin: 'null' })],
  ['Origin NULL', () => ({ origin: 'NULL' })],
  ['Origin null, cross-site', () => ({ origin: 'null', 'sec-fetch-site': 'cross-site' })],
  ['a foreign Origin alone', () => ({ origin: 'https://evil.example' })],
  ['our Origin on another port', () => ({ origin: 'http://localhost:1' })],
  ['our Origin on https', () => ({ origin: app.url.replace('http:', 'https:') })],
  ['our Origin as a prefix', () => ({ origin: `${app.url}.evil.example` })],
  ['our Origin after a user name', () => ({ origin: app.url.replace('//', '//evil@') })],
  ['our Origin as a user name', () => ({ origin: `${app.url}@evil.example` })],
  ['our Origin in capitals', () => ({ origin: app.url.toUpperCase() })],
  ['our Origin with a slash', () => ({ origin: `${app.url}/` })],
  ['our Origin without its port', () => ({ origin: 'http://localhost' })],
  ['our Origin in a list', () => ({ origin: `${app.url} https://evil.example` })],
  ['an allowed origin as a prefix', () => ({ origin: `${ADMIN}.evil.example` })],
  ['an allowed origin on http', () => ({ origin: ADMIN.replace('https', 'http') })],
  ['an empty Origin', () => ({ origin: '' })],
]

test.each(hostile)(
  'a POST with %s is refused at every route, and nothing changes',
  async (_name, headers) => {
    const browser = target.clone()
    log.lines.length = 0
    const paths = ['/cart', '/logout', '/renew', '/fresh', '/login', '/me', '/nothing-here']
    for (const path of paths) {
      const page = await send(browser, 'POST', path, headers())
      expect(page.status).toBe(403)
      expect(page.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(page.json()).toMatchObject({ status: 403, code: 'cross_site' })
      expect(page.headers['cache-control']).toBe('no-store')
      expect(page.headers['access-control-allow-origin']).toBeUndefined()
      expect(setCookieLines(page)).toEqual([])
      expect(page.body + JSON.stringify(page.headers)).not.toContain('evil')
    }
    expect(log.lines).toHaveLength(paths.length)
    expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({
      sub: 'target',
      generation: 1,
    })
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'own' })
  },
)

test.each(['PUT', 'PATCH', 'DELETE', 'PROPFIND', 'LINK', 'M-SEARCH'])(
  '%s from another site is refused like POST',
  async (method) => {
    const page = await send(target, method, '/fresh', { 'sec-fetch-site': 'cross-site' })
    expect(page).toMatchObject({ status: 403 })
  },
)

test.each<[string, () => Record<string, string>]>([
  ['Sec-Fetch-Site same-origin', () => ({ 'sec-fetch-site': 'same-origin', origin: app.url })],
  ['Sec-Fetch-Site same-origin without Origin', () => ({ 'sec-fetch-site': 'same-origin' })],
  [
    'Sec-Fetch-Site same-origin and Origin null (no-referrer)',
    () => ({ 'sec-fetch-site': 'same-origin', origin: 'null' }),
  ],
  ['Sec-Fetch-Site none', () => ({ 'sec-fetch-site': 'none' })],
  ['our Origin', () => ({ origin: app.url })],
  ['an allowed origin', () => ({ origin: ADMIN, 'sec-fetch-site': 'cross-site' })],
  ['an allowed origin of an old browser', () => ({ origin: ADMIN })],
  ['no headers at all, as programs send it', () => ({})],
])('a POST with %s passes', async (_name, headers) => {
  const browser = await logIn()
  expect((await send(browser, 'POST', '/fresh', headers())).json()).toMatchObject({ sub: 'target' })
  expect((await send(browser, 'POST', '/logout', headers())).status).toBe(303)
})

test.each(['GET', 'HEAD', 'OPTIONS'])(
  '%s from another site reaches the app: it changes nothing',
  async (method) => {
    const page = await send(target, method, '/public', { 'sec-fetch-site': 'cross-site' })
    expect(page.status).toBe(200)
  },
)

test('a link from another site leads to a page, logged in', async () => {
  const browser = await logIn()
  const page = await browser.navigate(`${app.url}/private`, { from: 'https://news.example/' })
  expect(page.json()).toMatchObject({ sub: 'target' })
})

test("a form on another site's page is refused, with or without its Lax cookie", async () => {
  const browser = target.clone()
  const [cookie] = await browser.cookies(app.url)
  for (const headers of [{}, { cookie: cookie?.cookieString() ?? '' }]) {
    const page = await browser.submit(`${app.url}/logout`, {}, { from: 'https://evil.example/', headers })
    expect(page.status).toBe(403)
    expect(setCookieLines(page)).toEqual([])
  }
  expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: 'target' })
})

test('Host and X-Forwarded-Host of somebody else make their origin none of ours', async () => {
  const headers = { origin: 'https://evil.example', host: 'evil.example', 'x-forwarded-host': 'evil.example' }
  expect((await send(target, 'POST', '/fresh', headers)).status).toBe(403)
})
