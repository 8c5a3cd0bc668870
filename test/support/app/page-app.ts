// The test app with a page on the module for the browser, under a strict content security policy.
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { browserModule } from '../browser/browser-module.ts'
import { type Chromium, passProvider } from '../browser/chromium.ts'
import { createLog } from '../evidence.ts'
import type { TestProvider } from '../provider/provider.ts'
import { type LoggedIn, logIn } from '../session/logged-in.ts'
import { startApp, type TestApp } from './app.ts'
import type { AppSetup } from './app-options.ts'

/**
 * Shows who is logged in, hides it when the session is over, and leaves the module to the test as `bff`. With `?quiet` it
 * asks nobody.
 */
const SCRIPT = `import * as bff from '/bff.js'
const who = document.querySelector('#who')
Object.assign(window, { bff, ends: [], stays: false })
bff.configure(JSON.parse(who.dataset.paths))
bff.onSessionEnd((event) => {
  who.textContent = 'nobody'
  ends.push(event.detail ?? 'elsewhere')
  if (stays) event.preventDefault()
})
if (location.search !== '?quiet') who.textContent = (await bff.me())?.user.email ?? 'nobody'
who.dataset.ready = ''`

const pageWith = (
  paths: object,
) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">
<h1 id="who" data-paths='${JSON.stringify(paths)}'>somebody</h1><script type="module" src="/page.js"></script></html>`

const POLICY = "default-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

/** @param paths for `configure()` */
export async function startPageApp(setup: AppSetup, paths = {}): Promise<TestApp> {
  const options = { logger: createLog().logger, ...setup.options }
  const started = await startApp({ ...setup, options })
  const code = await browserModule()
  const { app } = started
  app.get('/page', (_req, res) => {
    res.set('content-security-policy', POLICY).type('html').send(pageWith(paths))
  })
  app.get('/page.js', (_req, res) => void res.type('js').send(SCRIPT))
  app.get('/bff.js', (_req, res) => void res.type('js').send(code))
  return started
}

/** Somebody who logged in before this Chromium was started: in a window of their own, and as the other tests know them. */
export async function openLoggedIn(
  chromium: Chromium,
  app: TestApp,
  provider: TestProvider,
  path = '/page',
  options: BrowserContextOptions = {},
): Promise<LoggedIn & { context: BrowserContext; page: Page }> {
  const loggedIn = await logIn(provider, app.url)
  const cookies = await loggedIn.browser.cookies(app.url)
  const context = await chromium.open(options)
  await context.addCookies(
    cookies.map(({ key, value }) => ({
      name: key,
      value,
      url: app.url,
      httpOnly: true,
      sameSite: 'Lax' as const,
    })),
  )
  return { ...loggedIn, context, page: await openPage(context, app, path) }
}

/** The page, once it knows who is logged in. */
export async function openPage(context: BrowserContext, app: TestApp, path = '/page'): Promise<Page> {
  const page = await context.newPage()
  await page.goto(app.url + path)
  await ready(page)
  return page
}

/** Logs somebody in, by the provider's pages, and opens the page. */
export async function openAs(
  context: BrowserContext,
  app: TestApp,
  user: string,
  path = '/page',
): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${app.url}/login?return_to=${encodeURIComponent(path)}`)
  await passProvider(page, { user })
  await ready(page)
  return page
}

export async function ready(page: Page): Promise<void> {
  await page.locator('#who[data-ready]').waitFor()
}

export const who = (page: Page) => page.locator('#who').textContent()

/** How often, and why, the page was told that the session is over. */
export const endsOf = (page: Page) => page.evaluate<string[]>('ends')
