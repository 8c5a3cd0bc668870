// docs/server-rendered-apps.md, run as it stands there: pages, forms, and a POST that needs a login and loses nothing.
import { Browser, type NavigateOptions, type Page } from '../support/browser/browser.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { type PageScript, startPageScript } from './page-script.ts'

let provider: TestProvider
let redis: RedisServer
let app: PageScript

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([
    // As providers do that need no `prompt=consent` for a refresh token.
    startProvider({ configure: (plain) => ({ ...plain, issueRefreshToken: async () => true }) }),
    startRedis(),
  ])
  const client = { clientId: 'orders', clientSecret: 'a secret of that client' }
  app = await startPageScript('docs/server-rendered-apps.md', {
    ISSUER_BASE_URL: provider.issuer,
    CLIENT_ID: client.clientId,
    CLIENT_SECRET: client.clientSecret,
    REDIS_URL: redis.url,
  })
  await provider.registerClient({ ...client, baseURL: app.url })
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider, redis].map((each) => each?.stop()))
})

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
