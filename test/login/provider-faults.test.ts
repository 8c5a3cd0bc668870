// A provider that is out of reach while somebody logs in: 503 and nothing changed, and back to normal by itself (H27).
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
})
// A fresh app for each test: it has not discovered the provider yet.
beforeEach(async () => {
  app = await startApp({ provider, options: { httpTimeoutSeconds: 1, logger: createLog().logger } })
})
afterEach(async () => {
  provider.normal()
  await provider.up()
  await app.stop()
})
afterAll(() => provider?.stop())

const discoveries = () => provider.requests({ endpoint: 'discovery' }).length
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()

/** A provider whose discovery failed is left alone for a second. */
const discovered = () => eventually('the provider to be asked again', () => app.auth.ready().then(() => true))

test('an app starts while its provider is down, answers 503 at /login, and works when it comes up', async () => {
  await provider.down()
  const browser = new Browser()
  const page = await browser.navigate(`${app.url}/login?return_to=/private`)
  expect(page).toMatchObject({ status: 503, headers: { 'cache-control': 'no-store' } })
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
  expect(setCookieLines(page)).toEqual([])
  expect((await browser.request('GET', `${app.url}/public`)).status).toBe(200)
  await provider.up()
  await discovered()
  expect((await browser.logIn(app.url, { user: 'patient' })).json()).toMatchObject({ sub: 'patient' })
})

test('a script that asks for /login while the provider is down gets problem+json', async () => {
  await provider.down()
  const page = await new Browser().request('GET', `${app.url}/login`)
  expect(page.status).toBe(503)
  expect(page.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(page.json()).toMatchObject({ status: 503, code: 'provider_unavailable' })
})

test('ready() says that the provider is down, and that it is up again', async () => {
  await provider.down()
  await expect(app.auth.ready()).rejects.toThrow('The login provider is out of reach')
  await provider.up()
  await discovered()
})

test('20 logins at once share one discovery', async () => {
  const before = discoveries()
  const hold = provider.holdNext('discovery')
  const pages = Array.from({ length: 20 }, () =>
    new Browser().navigate(`${app.url}/login`, { stopAt: () => true }),
  )
  await hold.arrived
  hold.release()
  expect((await Promise.all(pages)).map(({ status }) => status)).toEqual(Array(20).fill(302))
  await new Browser().logIn(app.url)
  expect(discoveries()).toBe(before + 1)
})

test.each([
  ['an error', { status: 500, body: 'oops' }],
  ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>hello</h1>' }],
  ['nothing', { status: 200, headers: { 'content-type': 'application/json' }, body: '' }],
  ['a list', { status: 200, body: [] }],
  ['another issuer (discovery-issuer-mismatch)', { status: 200, body: { issuer: 'https://evil.example' } }],
  ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }],
  ['2 MB', { status: 200, body: { issuer: 'x'.repeat(2_000_000) } }],
])('discovery that answers %s is 503, and is asked again a second later', async (_name, answer) => {
  provider.answerNext('discovery', answer)
  const before = discoveries()
  const page = await new Browser().navigate(`${app.url}/login`)
  expect(page.status).toBe(503)
  expect(setCookieLines(page)).toEqual([])
  await discovered()
  expect((await new Browser().logIn(app.url, { user: 'next' })).json()).toMatchObject({ sub: 'next' })
  expect(discoveries()).toBe(before + 2)
})

test('discovery that hangs is given up after httpTimeoutSeconds', async () => {
  provider.holdNext('discovery')
  const began = performance.now()
  expect((await new Browser().navigate(`${app.url}/login`)).status).toBe(503)
  expect(performance.now() - began).toBeLessThan(5000)
})

test.each([
  ['answers 500', () => provider.answerNext('token', { status: 500, body: 'oops' })],
  [
    'answers 429',
    () => provider.answerNext('token', { status: 429, headers: { 'retry-after': '7' }, body: '' }),
  ],
  ['resets the connection', () => provider.cutNext('token', 'after')],
  ['breaks off', () => provider.cutNext('token', 'midway')],
  ['hangs', () => void provider.holdNext('token')],
  [
    'sends a page',
    () =>
      provider.answerNext('token', { status: 200, headers: { 'content-type': 'text/html' }, body: '<b>' }),
  ],
  [
    'sends 2 MB',
    () => provider.answerNext('token', { status: 200, body: { access_token: 'x'.repeat(2_000_000) } }),
  ],
])(
  'a token endpoint that %s at the callback is 503, with no session, and one token request',
  async (_name, arm) => {
    const browser = new Browser()
    const callback = await browser.startLogin(app.url, { user: 'unlucky' })
    const before = provider.tokenRequests().length
    arm()
    const page = await browser.navigate(callback)
    expect(page.status).toBe(503)
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
    expect(setCookieLine(page, 'bff')).toBeUndefined()
    expect(provider.tokenRequests()).toHaveLength(before + 1)
    expect(await whoIs(browser)).toMatchObject({ authenticated: false })
    provider.normal()
    expect((await browser.logIn(app.url, { user: 'unlucky' })).json()).toMatchObject({ sub: 'unlucky' })
  },
)

test('JWKS that is out of reach at the callback is 503 with no session, and the next login works', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'keyless' })
  provider.answerAll('jwks', { status: 500, body: 'oops' })
  const page = await browser.navigate(callback)
  expect(page.status).toBe(503)
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(await whoIs(browser)).toMatchObject({ authenticated: false })
  provider.normal()
  expect((await browser.logIn(app.url, { user: 'keyless' })).json()).toMatchObject({ sub: 'keyless' })
})

test('a login that fails with 503 leaves the session that was there as it is', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'stays' })
  const callback = await browser.startLogin(app.url)
  provider.answerNext('token', { status: 500, body: 'oops' })
  const page = await browser.navigate(callback)
  expect(page.status).toBe(503)
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(await whoIs(browser)).toMatchObject({ sub: 'stays', generation: 1 })
})
