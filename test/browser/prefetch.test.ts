// What Chromium loads before anybody has clicked: links to /logout and /login that are prefetched and prerendered, from our own
// page and from a sibling's, log nobody out and begin nothing.
import { createServer } from 'node:http'
import type { BrowserContext, Page } from 'playwright-core'
import { openLoggedIn, startPageApp, who } from '../support/app/page-app.ts'
import { startChromium } from '../support/browser/chromium.ts'
import { eventually } from '../support/deadline.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

/** What the requests for /logout were for. */
const seen: string[] = []

const { provider, app, sibling, chromium } = useParts(async (start) => {
  const provider = await start(startProvider())
  const app = await start(startPageApp({ provider }))
  app.server.prependListener('request', ({ url = '', headers }) => {
    if (url === '/logout') seen.push(String(headers['sec-purpose']))
  })
  for (const [name, head] of Object.entries(HEADS))
    app.app.get(`/${name}`, (_req, res) => void res.type('html').send(pageWith(head(''))))
  return {
    provider,
    app,
    sibling: await start(startSibling(() => app.url)),
    chromium: await start(startChromium()),
  }
})
beforeEach(() => {
  seen.length = 0
})

const rules = (kind: string, urls: string[]) =>
  `<script type="speculationrules">${JSON.stringify({ [kind]: [{ source: 'list', urls, eagerness: 'immediate' }] })}</script>`

const HEADS: Record<string, (origin: string) => string> = {
  link: (origin) => `<link rel="prefetch" href="${origin}/logout">`,
  prefetch: (origin) => rules('prefetch', [`${origin}/logout`]),
  prerender: (origin) => rules('prerender', [`${origin}/logout`]),
}

function pageWith(head: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Links</title><link rel="icon" href="data:,">${head}<p>Links</p></html>`
}

/** A page on another port: same site, with our cookies, and not ours. */
async function startSibling(origin: () => string) {
  const server = createServer((req, res) => {
    const head = HEADS[req.url?.slice(1) ?? '']
    res.setHeader('content-type', 'text/html')
    res.end(pageWith(head?.(origin()) ?? ''))
  })
  const url = `http://localhost:${await listen(server, 'localhost')}`
  return { url, stop: () => closeServer(server) }
}

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

describe.each([
  ['our own page', () => app.url],
  ['a sibling', () => sibling.url],
])('of %s', (where, origin) => {
  test.each(Object.keys(HEADS))('a %s of /logout logs nobody out', async (name) => {
    // Chromium prerenders only what is of the same origin without being asked by headers.
    const comes = !(name === 'prerender' && where === 'a sibling')
    const { context, page } = await openLoggedIn(chromium, app, provider)
    await open(context, `${origin()}/${name}`)
    if (comes) await eventually('Chromium to load it', () => seen.length > 0)
    for (const purpose of seen) expect(purpose).toMatch(/^prefetch/)
    await page.reload()
    await page.locator('#who[data-ready]').waitFor()
    expect(await who(page)).toContain('@')
    await context.close()
  })
})
