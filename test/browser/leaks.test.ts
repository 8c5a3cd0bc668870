// In Chromium: no token in anything that a page can get at: storage, the document, answers, its history.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Page } from 'playwright-core'
import { createHaystack, type Haystack, withoutLogoutHint } from '../leaks/search.ts'
import type { TestApp } from '../support/app/app.ts'
import { openAs, openPage, ready, startPageApp } from '../support/app/page-app.ts'
import { type Chromium, passProvider, startChromium } from '../support/browser/chromium.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp
let chromium: Chromium

beforeAll(async () => {
  ;[provider, chromium] = await Promise.all([startProvider(), startChromium()])
  app = await startPageApp({ provider })
})
afterAll(async () => {
  await chromium?.stop()
  await app?.stop()
  await provider?.stop()
})

/** All that a script of the page finds without asking a server. */
const INSIDE = `(async () => {
  const databases = await indexedDB.databases()
  const workers = await navigator.serviceWorker.getRegistrations()
  return JSON.stringify({
    local: { ...localStorage }, session: { ...sessionStorage }, databases, caches: await caches.keys(), workers: workers.length,
    cookie: document.cookie, referrer: document.referrer, address: location.href, name: window.name, state: history.state,
    entries: performance.getEntries(), html: document.documentElement.outerHTML,
  })
})()`

/** Every answer of the app, taken where it leaves: Chromium forgets the bodies of a page that it has left. */
function collectAnswers(haystack: Haystack): void {
  app.server.prependListener('request', (req: IncomingMessage, res: ServerResponse) => {
    const body: string[] = []
    const kept =
      (send: (...args: never[]) => unknown) =>
      (...args: unknown[]) => {
        const [chunk] = args
        if (typeof chunk === 'string' || chunk instanceof Uint8Array) body.push(Buffer.from(chunk).toString())
        return send.apply(res, args as never[])
      }
    Object.assign(res, { write: kept(res.write), end: kept(res.end) })
    res.once('finish', () => {
      const { location, ...headers } = res.getHeaders()
      const [path = ''] = req.url?.split('?') ?? []
      // A navigation's redirect, which no script reads.
      const leads =
        path === '/logout' ? withoutLogoutHint(`${location}`, `${provider.issuer}/session/end`) : location
      haystack.add(`${path} ${res.statusCode}`, {
        headers: { ...headers, location: leads },
        body: body.join(''),
      })
    })
  })
}

test('a whole life in the browser leaves no token, no code and no session id where a script could find it', async () => {
  const context = await chromium.open()
  const [inside, answers] = [createHaystack(), createHaystack()]
  collectAnswers(answers)
  const look = async (page: Page, when: string) => inside.add(when, await page.evaluate<string>(INSIDE))

  const page = await openAs(context, app, 'ada')
  await look(page, 'logged in')
  const ids = (await context.cookies(app.url)).map(({ value }) => value)
  const paths = ['/private', '/fresh', '/token', '/cart', '/public']
  await page.evaluate(`Promise.all(${JSON.stringify(paths)}.map((path) => bff.fetch(path)))`)
  expect(await page.evaluate("bff.fetch('/renew', { method: 'POST' }).then((r) => r.json())")).toMatchObject({
    sub: 'ada',
    generation: expect.any(Number),
  })
  await look(page, 'renewed')

  await page.evaluate("void bff.fetch('/step-up?acr=mfa').catch((error) => bff.stepUp(error))")
  await page.waitForURL(`${provider.issuer}/**`)
  nextIdToken(provider, { acr: 'mfa' })
  await passProvider(page, { user: 'ada' })
  await ready(page)
  await look(page, 'stepped up')
  ids.push(...(await context.cookies(app.url)).map(({ value }) => value))

  const other = await openPage(context, app)
  await Promise.all([page.waitForNavigation(), page.evaluate('void bff.logout()')])
  await passProvider(page)
  await look(page, 'logged out')
  await other.locator('#who', { hasText: 'nobody' }).waitFor()
  await look(other, 'logged out in another tab')
  await context.close()

  // There was something to find, and much to look at.
  const secrets = provider.secretsSeen()
  expect(provider.refreshCount()).toBeGreaterThanOrEqual(2)
  expect(secrets.length).toBeGreaterThanOrEqual(10)
  expect(ids.length).toBe(2)
  expect([inside.size(), answers.size()]).toEqual([5, expect.any(Number)])
  expect(answers.size()).toBeGreaterThan(20)
  for (const haystack of [inside, answers]) expect(haystack.find(['ada@example.com'])).not.toEqual([])
  expect(answers.find(secrets)).toEqual([])
  expect(inside.find([...secrets, ...ids, ...ids.map(decodeURIComponent)])).toEqual([])
})
