// The apps in docs/, run as they stand there: operating.md, relay.md, server-rendered-apps.md and single-page-apps.md.
import { startApiServer } from '../support/app/api-server.ts'
import { startBalancer } from '../support/app/balancer.ts'
import { Browser, type NavigateOptions, type Page } from '../support/browser/browser.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { type Start, useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { PAGE_SECRET, startPageScript } from './page-script.ts'
import { snippetsOf } from './snippets.ts'

const { provider, redis } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([
    // As providers do that need no `prompt=consent` for a refresh token.
    start(startProvider({ configure: (plain) => ({ ...plain, issueRefreshToken: async () => true }) })),
    start(startRedis()),
  ])
  return { provider, redis }
})
afterEach(() => provider.normal())

const clientSecret = 'a secret of that client'
const asClient = (clientId: string) => ({
  ISSUER_BASE_URL: provider.issuer,
  CLIENT_ID: clientId,
  CLIENT_SECRET: clientSecret,
})

/** The server of a page, a client of the provider by the page's name. */
async function startPage(start: Start, name: string, environment: Record<string, string> = {}) {
  const server = await start(startPageScript(`docs/${name}.md`, { ...asClient(name), ...environment }))
  await provider.registerClient({ clientId: name, clientSecret, baseURL: server.url })
  return server
}

describe('operating.md: two servers behind a balancer, a Redis user with few rights, an end in order', () => {
  const startServer = (environment: Record<string, string> = {}) =>
    startPageScript(
      'docs/operating.md',
      {
        ...asClient('deployed'),
        BASE_URL: balancer.url,
        REDIS_URL: redis.url.replace('//', '//bff:password@'),
        ...environment,
      },
      '/livez',
    )

  const { balancer } = useParts(async (start) => ({ balancer: await start(startBalancer()) }))
  const { one, other, leaving } = useParts(async (start) => {
    const rights =
      snippetsOf('docs/deploying.md').find(({ code }) => code.startsWith('ACL SETUSER'))?.code ?? ''
    const [command = '', ...words] = rights.trim().split(' ')
    await redis.connect().call(command, ...words)
    await provider.registerClient({ clientId: 'deployed', clientSecret, baseURL: balancer.url })
    const [one, other, leaving] = await Promise.all([
      start(startServer()),
      start(startServer()),
      start(startServer({ DRAIN_SECONDS: '3' })),
    ])
    balancer.targets = [one.url, other.url]
    return { one, other, leaving }
  })
  const servers = [one, other]

  const probe = (url: string) => exchange({ method: 'GET', url: `${url}/readyz` })

  test('who logs in through one server is known to the other, with the rights that the page gives to Redis’s user', async () => {
    const browser = new Browser()
    const before = provider.refreshCount()
    await browser.logIn(balancer.url, { user: 'ann' })
    for (const _ of servers) {
      expect((await browser.request('GET', `${balancer.url}/`)).json()).toEqual({ name: 'ann Example' })
    }
    await ageSession(redis.connect(), browser, 1000, { secret: PAGE_SECRET })
    expect((await browser.request('GET', `${balancer.url}/`)).status).toBe(200)
    expect(provider.refreshCount() - before).toBe(1)
    await browser.request('POST', `${balancer.url}/logout`)
    expect((await browser.request('GET', `${balancer.url}/`)).status).toBe(401)
    // They run as in development, and nothing is wrong.
    const addresses = expect.stringMatching(/^express-bff-session: to be entered at the provider, .*\n$/)
    expect(servers.map((server) => server.output())).toEqual([addresses, addresses])
  })

  test('the provider out of reach is no reason to take a server out, and is said in its output', async () => {
    const browser = new Browser()
    await browser.logIn(balancer.url, { user: 'bea' })
    await ageSession(redis.connect(), browser, 1000, { secret: PAGE_SECRET })
    provider.answerNext('token', { status: 503 })
    expect((await browser.request('GET', `${balancer.url}/`)).status).toBe(200)
    expect(servers.map((server) => server.output()).join()).toMatch(/renewal-failed \{[^}]*server-error/)
    for (const { url } of servers) expect((await probe(url)).status).toBe(200)
  })

  test('a server that is asked to end while it renews is not ready, serves on, stores the new token, and leaves with code 0', async () => {
    const browser = new Browser()
    const admin = redis.connect()
    await browser.logIn(balancer.url, { user: 'cleo' })
    const id = await sessionIdOf(browser)
    await ageSession(admin, browser, 850, { secret: PAGE_SECRET })
    const held = provider.holdNext('token', { mode: 'after' })
    expect((await browser.request('GET', `${leaving.url}/`)).status).toBe(200)
    await held.processed
    const code = leaving.sigterm()
    await eventually('it to be ready no more', async () => (await probe(leaving.url)).status === 503)
    const late = await browser.request('GET', `${leaving.url}/`)
    expect([late.status, late.headers.connection]).toEqual([200, 'close'])
    await eventually('it to take no more requests', () =>
      probe(leaving.url).then(
        () => false,
        () => true,
      ),
    )
    expect(await storedRecord(admin, id, PAGE_SECRET)).toMatchObject({ generation: 1 })
    held.release()
    expect(await code).toBe(0)
    expect(await storedRecord(admin, id, PAGE_SECRET)).toMatchObject({ generation: 2 })
  })

  test('a server whose provider is not there does not start', async () => {
    await expect(startServer({ ISSUER_BASE_URL: 'http://127.0.0.1:1' })).rejects.toThrow(/the script ended/)
  })
})

describe('relay.md', () => {
  const { server } = useParts(async (start) => {
    const api = await start(startApiServer())
    return { server: await startPage(start, 'relay', { API_URL: api.url }) }
  })

  test('the page’s server hands on what it says', async () => {
    const browser = new Browser()
    await browser.logIn(server.url, { user: 'ann' })
    const before = provider.refreshCount()
    const ask = (method: string, path: string) =>
      browser.request(method, server.url + path, { json: { a: 1 } })
    expect((await browser.request('GET', `${server.url}/api/accounts?open=1`)).json()).toMatchObject({
      method: 'GET',
      url: '/v1/accounts?open=1',
    })
    expect((await ask('POST', '/api/accounts')).status).toBe(405)
    expect((await ask('POST', '/api/transfers')).json()).toMatchObject({
      url: '/v1/transfers',
      body: '{"a":1}',
    })
    expect(provider.refreshCount() - before).toBe(1)
    expect((await ask('POST', '/notes')).json()).toEqual({ a: 1 })
  })
})

describe('server-rendered-apps.md: pages, forms, and a POST that needs a login and loses nothing', () => {
  const { app } = useParts(async (start) => ({
    app: await startPage(start, 'server-rendered-apps', { REDIS_URL: redis.url }),
  }))

  const order = (browser: Browser, article: string, options: NavigateOptions = {}): Promise<Page> =>
    browser.submit(`${app.url}/orders`, { article }, { from: app.url, ...options })

  const TYPED = 'a chair with "arms" & <legs>'
  const ESCAPED = 'value="a chair with &#34;arms&#34; &amp; &lt;legs&gt;"'

  test('the home page shows who is logged in, or a link to log in that comes back to the form', async () => {
    const browser = new Browser()
    const before = await browser.navigate(app.url)
    expect(before.body).toContain('href="/login?return_to=/orders/new"')
    const form = await browser.logIn(app.url, { user: 'ann', returnTo: '/orders/new' })
    expect(form.url).toBe(`${app.url}/orders/new`)
    expect(form.body).toContain('Logged in as ann Example')
    expect((await browser.navigate(app.url)).body).toContain('Hello ann Example')
  })

  test('a form is taken after the provider was asked, and one with a mistake keeps what was typed', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'bea' })
    const before = provider.refreshCount()
    const ordered = await order(browser, TYPED)
    expect([ordered.status, ordered.body]).toEqual([201, expect.stringContaining('&lt;legs&gt;')])
    expect(provider.refreshCount() - before).toBe(1)
    const empty = await order(browser, '')
    expect([empty.status, empty.body]).toEqual([422, expect.stringContaining('Which article?')])
  })

  test.each<[string, (browser: Browser) => Promise<unknown>]>([
    ['has never been there', async () => {}],
    [
      'was blocked at the provider',
      async (browser) => {
        await browser.logIn(app.url, { user: 'cleo' })
        provider.blockAccount('cleo')
      },
    ],
    [
      'was logged out in another tab',
      async (browser) => {
        await browser.logIn(app.url, { user: 'cleo' })
        await browser.tab().logOut(app.url)
      },
    ],
  ])('what somebody typed who %s is in the form again after the login', async (_who, prepare) => {
    const browser = new Browser()
    await prepare(browser)
    const { headers } = await order(browser, TYPED, { stopAt: () => true })
    provider.unblockAccount('cleo')
    const form = await browser.finish(await browser.navigate(headers.location ?? ''), { user: 'cleo' })
    expect(form.url).toBe(`${app.url}/orders/new`)
    expect(form.body).toContain(ESCAPED)
    expect((await order(browser, TYPED)).status).toBe(201)
    expect((await browser.navigate(`${app.url}/orders/new`)).body).not.toContain(ESCAPED)
  })

  test('while the provider is out of reach, the form says so and keeps what was typed', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'dan' })
    provider.answerNext('token', { status: 503 })
    const page = await order(browser, TYPED)
    expect([page.status, page.body]).toEqual([503, expect.stringContaining(ESCAPED)])
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('another site’s form is refused, and the logout button works', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'eve' })
    const foreign = await browser.submit(
      `${app.url}/orders`,
      { article: 'x' },
      { from: 'https://evil.example' },
    )
    expect(foreign.status).toBe(403)
    await browser.logOut(app.url)
    expect((await browser.navigate(app.url)).body).toContain('Log in')
  })
})

describe('single-page-apps.md, in Chromium', () => {
  const { chromium, server } = useParts(async (start) => ({
    chromium: await start(startChromium()),
    server: await startPage(start, 'single-page-apps'),
  }))

  test('somebody logs in by the button, sees the balance, and logs out', async () => {
    const context = await chromium.open()
    const page = await context.newPage()
    const shown = (where: string, hasText: string) => page.locator(where, { hasText }).waitFor()
    const before = provider.refreshCount()
    await page.goto(server.url)
    await shown('#who', 'Nobody is logged in.')
    await page.click('#login')
    await page.waitForURL(`${provider.issuer}/**`)
    await passProvider(page, { user: 'ann' })
    await shown('#who', 'ann Example')
    await shown('#balance', '100')
    expect(
      await page.evaluate(
        "import('/bff.js').then(({ fetch }) => fetch('/api/transfer', { method: 'POST' })).then((r) => r.json())",
      ),
    ).toEqual({ done: true })
    expect(provider.refreshCount() - before).toBe(1)
    await page.click('#logout')
    await page.waitForURL(`${provider.issuer}/**`)
    await passProvider(page)
    expect(page.url()).toBe(`${server.url}/`)
    await shown('#who', 'Nobody is logged in.')
    expect(await page.textContent('#balance')).toBe('')
    expect(chromium.complaints).toEqual([])
  })
})
