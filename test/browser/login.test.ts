// In Chromium: a login from one site to another and back, cookies as the browser keeps them, other sites, a step-up.
import { createServer } from 'node:http'
import { createServer as createTLSServer } from 'node:https'
import type { BrowserContext } from 'playwright-core'
import type { TestApp } from '../support/app/app.ts'
import { openAs, openLoggedIn, openPage, ready, startPageApp, who } from '../support/app/page-app.ts'
import { type Chromium, passProvider, startChromium } from '../support/browser/chromium.ts'
import { closeServer, listen } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp
let chromium: Chromium
let context: BrowserContext

beforeAll(async () => {
  ;[provider, chromium] = await Promise.all([startProvider(), startChromium()])
  app = await startPageApp({ provider })
})
beforeEach(async () => {
  context = await chromium.open()
})
afterEach(() => context?.close())
afterAll(async () => {
  await chromium?.stop()
  await app?.stop()
  await provider?.stop()
})

const complaints = () => chromium.complaints.splice(0)
const WEEK = 604_800

test('somebody logs in at a provider on another site and is back on the page', async () => {
  const page = await openAs(context, app, 'ada', '/page?tab=2#top')
  expect(page.url()).toBe(`${app.url}/page?tab=2#top`)
  expect(await who(page)).toBe('ada@example.com')
  expect(complaints()).toEqual([])
})

test('the browser keeps one cookie, for this host alone, and shows it to no script', async () => {
  const page = await openAs(context, app, 'ada')
  const cookies = await context.cookies(app.url)
  expect(cookies).toMatchObject([
    { name: 'bff', domain: 'localhost', path: '/', httpOnly: true, secure: false, sameSite: 'Lax' },
  ])
  const lives = Number(cookies[0]?.expires) - Date.now() / 1000
  expect(lives).toBeGreaterThan(WEEK - 60)
  expect(lives).toBeLessThanOrEqual(WEEK)
  expect(await page.evaluate('document.cookie')).toBe('')
})

test('over https the browser keeps it with its prefix, and Secure', async () => {
  const { selfSigned } = await createCertificates()
  const server = createTLSServer(selfSigned)
  const url = `https://localhost:${await listen(server, 'localhost')}`
  const secure = await startPageApp({ provider, options: { baseURL: url } })
  server.on('request', secure.app)
  const own = await chromium.open({ ignoreHTTPSErrors: true })
  try {
    const page = await openAs(own, { ...secure, url }, 'ada')
    expect(await who(page)).toBe('ada@example.com')
    expect(await own.cookies(url)).toMatchObject([
      { name: '__Host-Http-bff', path: '/', httpOnly: true, secure: true, sameSite: 'Lax' },
    ])
    expect(complaints()).toEqual([])
  } finally {
    await own.close()
    await closeServer(server)
    await secure.stop()
  }
})

test('an app with other routes tells the page of them', async () => {
  const routes = { login: '/in', user: '/somebody', logout: '/out' }
  const paths = { login: '/in', me: '/somebody', logout: '/out' }
  const moved = await startPageApp({ provider, options: { routes } }, paths)
  try {
    const page = await openPage(context, moved)
    expect(await who(page)).toBe('nobody')
    await Promise.all([page.waitForNavigation(), page.evaluate('bff.login()')])
    await passProvider(page, { user: 'ada' })
    await ready(page)
    expect([page.url(), await who(page)]).toEqual([`${moved.url}/page`, 'ada@example.com'])
    await Promise.all([page.waitForNavigation(), page.evaluate('bff.logout()')])
    await passProvider(page)
    expect(page.url()).toBe(`${moved.url}/`)
    expect(await who(await openPage(context, moved))).toBe('nobody')
    expect(complaints()).toEqual([])
  } finally {
    await moved.stop()
  }
})

test('nothing but this app and its provider is reached: the web font of the provider’s pages is not', async () => {
  const page = await context.newPage()
  await page.goto(`${app.url}/login`)
  // Chromium itself would find this one on loopback.
  const url = app.url.replace('localhost', 'elsewhere.localhost')
  await expect(page.goto(`${url}/ping`)).rejects.toThrow('ERR_NAME_NOT_RESOLVED')
  const hosts = new Set(chromium.strangers.map((url) => new URL(url).hostname))
  expect([...hosts]).toEqual(['fonts.googleapis.com', 'elsewhere.localhost'])
})

describe('a page of another site', () => {
  let otherURL: string
  const other = createServer((_req, res) => {
    const forms = ['/cart', '/logout'].map((path) => `<form method="post" action="${app.url}${path}"></form>`)
    res.setHeader('content-type', 'text/html')
    res.end(`${forms.join('')}<a href="${app.url}/private">go</a><link rel="icon" href="data:,">`)
  })
  beforeAll(async () => {
    otherURL = `http://127.0.0.1:${await listen(other, '127.0.0.1')}`
  })
  afterAll(() => closeServer(other))

  test.each([0, 1])('posts form %i without the session, and is refused', async (form) => {
    const { context, page, user } = await openLoggedIn(chromium, app, provider)
    await page.goto(otherURL)
    const asked = page.waitForRequest((request) => request.method() === 'POST')
    await Promise.all([page.waitForNavigation(), page.evaluate(`document.forms[${form}].submit()`)])
    const request = await asked
    expect(await request.headerValue('cookie')).toBeNull()
    expect((await request.response())?.status()).toBe(403)
    expect(await who(await openPage(context, app))).toBe(`${user}@example.com`)
    complaints()
    await context.close()
  })

  test('reads nothing of it by a script, and logs nobody out by an image', async () => {
    const { context, page, user } = await openLoggedIn(chromium, app, provider)
    await page.goto(otherURL)
    const read = page.evaluate(`fetch('${app.url}/me', { credentials: 'include' })`)
    await expect(read).rejects.toThrow(/Failed to fetch/)
    const image = `new Promise((done) => Object.assign(new Image(), { onerror: done, src: '${app.url}/logout' }))`
    await page.evaluate(`${image}.then(() => 0)`)
    expect(await who(await openPage(context, app))).toBe(`${user}@example.com`)
    complaints()
    await context.close()
  })

  test('leads to a page of ours by a link, and the session comes along', async () => {
    const { context, page, user } = await openLoggedIn(chromium, app, provider)
    await page.goto(otherURL)
    await page.getByText('go').click()
    await page.waitForURL(`${app.url}/private`)
    expect(JSON.parse((await page.textContent('body')) ?? '')).toMatchObject({ sub: user })
    await context.close()
  })
})

test('a step-up leads to the provider and back to the page, where it is enough', async () => {
  const page = await openAs(context, app, 'ada', '/page?form=password')
  const change = "bff.fetch('/step-up?seconds=300&acr=mfa', { method: 'POST' })"
  const before = provider.authorizationRequests().length
  await page.evaluate(`void ${change}.catch((error) => bff.stepUp(error))`)
  await page.waitForURL(`${provider.issuer}/**`)
  nextIdToken(provider, { acr: 'mfa' })
  await passProvider(page, { user: 'ada' })
  await ready(page)
  expect(page.url()).toBe(`${app.url}/page?form=password`)
  expect(await page.evaluate(`${change}.then((response) => response.json())`)).toMatchObject({ passed: true })
  const [request] = provider.authorizationRequests().slice(before)
  expect(request?.params).toMatchObject({ max_age: '300', acr_values: 'mfa' })
  expect(complaints()).toEqual([expect.stringContaining('/step-up?seconds=300&acr=mfa: Failed to load')])
})
