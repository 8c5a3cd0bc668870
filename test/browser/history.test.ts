// In a whole Chromium, which keeps a page for the way back: what comes back from the history knows whether somebody is logged in.
import type { BrowserContext, Page } from 'playwright-core'
import { endsOf, openLoggedIn, ready, startPageApp } from '../support/app/page-app.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { provider, app, chromium } = useParts(async (start) => {
  const [provider, chromium] = await Promise.all([
    start(startProvider()),
    start(startChromium({ whole: true })),
  ])
  return { provider, chromium, app: await start(startPageApp({ provider })) }
})
let context: BrowserContext
let page: Page
let user: string

beforeEach(async () => {
  ;({ context, page, user } = await openLoggedIn(chromium, app, provider))
})
afterEach(async () => {
  await context.close()
  expect(chromium.complaints.splice(0)).toEqual([])
})

const hearsOfTheEnd = () => page.locator('#who', { hasText: 'nobody' }).waitFor()

test('the back button shows no personal data after a logout in this tab', async () => {
  await Promise.all([page.waitForNavigation(), page.evaluate('void bff.logout()')])
  await passProvider(page)
  while (!page.url().endsWith('/page')) await page.goBack({ waitUntil: 'commit' })
  await hearsOfTheEnd()
  expect(await page.textContent('body')).not.toContain(user)
})

test.each(['/page', '/page?quiet'])(
  '%s comes back as it was, and learns that the session has ended meanwhile',
  async (path) => {
    await page.goto(app.url + path)
    await ready(page)
    await page.evaluate('window.mark = true')
    await page.goto(`${app.url}/public`)
    await app.auth.sessions.revokeAll(user)
    await page.goBack({ waitUntil: 'commit' })
    expect(await page.evaluate('window.mark')).toBe(true)
    await hearsOfTheEnd()
    expect(await endsOf(page)).toEqual(['elsewhere'])
  },
)
