// docs/single-page-apps.md, its set-up run as it stands there, in Chromium.
import type { BrowserContext, Page } from 'playwright-core'
import { browserModule } from '../support/browser/browser-module.ts'
import { type Chromium, passProvider, startChromium } from '../support/browser/chromium.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type PageScript, startPageScript } from './page-script.ts'

const client = { clientId: 'spa', clientSecret: 'a secret of that client' }

let provider: TestProvider
let server: PageScript
let chromium: Chromium
let context: BrowserContext
let page: Page

beforeAll(async () => {
  ;[provider, chromium] = await Promise.all([
    // As providers do that need no `prompt=consent` for a refresh token.
    startProvider({ configure: (plain) => ({ ...plain, issueRefreshToken: async () => true }) }),
    startChromium(),
  ])
  server = await startPageScript('docs/single-page-apps.md', {
    ISSUER_BASE_URL: provider.issuer,
    CLIENT_ID: client.clientId,
    CLIENT_SECRET: client.clientSecret,
  })
  await provider.registerClient({ ...client, baseURL: server.url })
  context = await chromium.open()
  // In place of the built one, so that the test needs no build.
  await context.route(`${server.url}/bff.js`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: browserModule() }),
  )
  page = await context.newPage()
}, 40_000)
afterAll(async () => {
  await chromium?.stop()
  await server?.stop()
  await provider?.stop()
})

const shown = (where: string, hasText: string) => page.locator(where, { hasText }).waitFor()

test('somebody logs in by the button, sees the balance, and logs out', async () => {
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
  expect(provider.refreshCount()).toBe(1)
  await page.click('#logout')
  await page.waitForURL(`${provider.issuer}/**`)
  await passProvider(page)
  expect(page.url()).toBe(`${server.url}/`)
  await shown('#who', 'Nobody is logged in.')
  expect(await page.textContent('#balance')).toBe('')
  expect(chromium.complaints).toEqual([])
})
