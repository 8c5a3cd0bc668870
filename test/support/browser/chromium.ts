// A real browser: Chromium, in which a test opens pages, and which reaches nothing but loopback.
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { chromiumPath } from '../../../scripts/chromium-path.mjs'
import { within } from '../deadline.ts'

declare global {
  var loadPlaywright: (() => Promise<typeof import('playwright-core')>) | undefined
}

const { chromium } = await (globalThis.loadPlaywright?.() ?? import('playwright-core'))

export interface Chromium {
  /** A window of somebody who has not been here: cookies and storage of its own, gone with the browser. */
  open(options?: BrowserContextOptions): Promise<BrowserContext>
  /** Errors that pages threw or wrote to the console; a test that provokes some takes them out. */
  readonly complaints: string[]
  /** Requests to hosts that are not loopback. None was answered. */
  readonly strangers: string[]
  stop(): Promise<void>
}

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  // Not by routes of playwright: with them there is no HTTP cache, which may hold what a test looks for.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]
/** Nothing on loopback takes so long, even on a busy machine. */
const STEP_MS = 15_000
const LAUNCH_MS = 30_000

/** @param options `whole` where a page has to come back as it was left */
export async function startChromium(options: { whole?: boolean } = {}): Promise<Chromium> {
  const executablePath = chromiumPath(options)
  if (executablePath === undefined) throw new Error('no Chromium here: node scripts/ensure-chromium.mjs')
  // Its profile is a temporary folder, which playwright removes at the end.
  const browser = await chromium.launch({
    executablePath,
    args: ARGUMENTS,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    timeout: LAUNCH_MS,
  })
  const complaints: string[] = []
  const strangers: string[] = []
  return {
    complaints,
    strangers,
    async open(options = {}) {
      const context = await browser.newContext(options)
      context.setDefaultTimeout(STEP_MS)
      context.on('request', (request) => {
        if (isStranger(request.url())) strangers.push(request.url())
      })
      context.on('weberror', (thrown) => complaints.push(`${thrown.page()?.url()}: ${thrown.error()}`))
      context.on('console', (message) => {
        const { url } = message.location()
        // Nobody asked for an icon but the browser.
        const isOurs = !isStranger(url) && !url.endsWith('/favicon.ico')
        if (message.type() === 'error' && isOurs) complaints.push(`${url}: ${message.text()}`)
      })
      return context
    },
    stop: () => stop(browser),
  }
}

async function stop(browser: Browser): Promise<void> {
  await within(browser.close(), 'Chromium to end')
}

function isStranger(url: string): boolean {
  return /^(?:http|ws)s?:/.test(url) && !['localhost', '127.0.0.1'].includes(new URL(url).hostname)
}

export interface PersonAtProvider {
  /** the name that they log in with */
  user?: string
}

/** Fills in the provider's pages (log in, consent, log out), which are on 127.0.0.1, until the app's page is there. */
export async function passProvider(page: Page, { user = 'alice' }: PersonAtProvider = {}): Promise<void> {
  for (let forms = 0; forms < 5; forms += 1) {
    await page.waitForLoadState()
    if (new URL(page.url()).hostname === 'localhost') return
    const name = page.locator('input[name=login]')
    if ((await name.count()) > 0) {
      await name.fill(user)
      const password = page.locator('input[name=password]')
      if ((await password.count()) > 0) await password.fill('any')
    }
    await Promise.all([page.waitForNavigation(), page.evaluate('document.forms[0].requestSubmit()')])
  }
  throw new Error(`the provider keeps asking, last at ${page.url()}`)
}
