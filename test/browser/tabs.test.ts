// In Chromium: tabs agree on whether somebody is logged in, and so does a page that comes back from the history.
import type { BrowserContext, Page } from 'playwright-core'
import type { TestApp } from '../support/app/app.ts'
import { endsOf, openLoggedIn, openPage, ready, startPageApp, who } from '../support/app/page-app.ts'
import { type Chromium, passProvider, startChromium } from '../support/browser/chromium.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp
let chromium: Chromium
let context: BrowserContext
let page: Page
let user: string

beforeAll(async () => {
  ;[provider, chromium] = await Promise.all([startProvider(), startChromium()])
  app = await startPageApp({ provider })
})
beforeEach(async () => {
  ;({ context, page, user } = await openLoggedIn(chromium, app, provider))
})
afterEach(async () => {
  await context.close()
  expect(chromium.complaints.splice(0)).toEqual([])
})
afterAll(async () => {
  await chromium?.stop()
  await app?.stop()
  await provider?.stop()
})

const hearsOfTheEnd = (tab: Page) => tab.locator('#who', { hasText: 'nobody' }).waitFor()
const leave = (tab: Page, code: string) =>
  Promise.all([tab.waitForNavigation(), tab.evaluate(`void ${code}`)])

test('of three tabs one logs out, and all know', async () => {
  const others = [await openPage(context, app), await openPage(context, app)]
  for (const tab of [page, ...others]) expect(await who(tab)).toBe(`${user}@example.com`)
  await leave(page, 'bff.logout()')
  await Promise.all(others.map(hearsOfTheEnd))
  for (const tab of others) {
    expect(await endsOf(tab)).toEqual(['elsewhere'])
    expect(await who(tab)).toBe('nobody')
  }
  await passProvider(page)
  expect(page.url()).toBe(`${app.url}/`)
  for (const tab of others) expect(await endsOf(tab)).toHaveLength(1)
})

test('the back button shows no personal data after a logout in this tab', async () => {
  await leave(page, 'bff.logout()')
  await passProvider(page)
  while (!page.url().endsWith('/page')) await page.goBack({ waitUntil: 'commit' })
  await hearsOfTheEnd(page)
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
    await hearsOfTheEnd(page)
    expect(await endsOf(page)).toEqual(['elsewhere'])
  },
)

test.each([
  ['is looked at again', "document.dispatchEvent(new Event('visibilitychange'))"],
  // Chromium says both of a page that comes back; a browser may say one.
  ['is shown again', "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"],
])('a tab that %s learns that the provider has ended the session', async (_how, event) => {
  await app.auth.sessions.revokeAll(user)
  expect(await who(page)).toBe(`${user}@example.com`)
  await page.evaluate(event)
  await hearsOfTheEnd(page)
  expect(await who(page)).toBe('nobody')
})

test('what one tab is refused, another hears of; between them goes one word', async () => {
  const other = await openPage(context, app)
  await other.evaluate(
    "Object.assign(window, { said: [], channel: new BroadcastChannel('express-bff-session') }).channel.onmessage = ({ data }) => said.push(data)",
  )
  await page.evaluate('window.stays = true')
  await app.auth.sessions.revokeAll(user)
  expect(await page.evaluate("bff.fetch('/private').catch((error) => error.code)")).toBe('login_required')
  await hearsOfTheEnd(other)
  expect([await endsOf(page), await endsOf(other)]).toEqual([['login_required'], ['elsewhere']])
  expect(await other.evaluate('said')).toEqual(['ended'])
  expect(chromium.complaints.splice(0)).toHaveLength(1)
})

test('a tab that is told so asks for itself, and believes nobody', async () => {
  const other = await openPage(context, app)
  const asked = page.waitForResponse(`${app.url}/me`)
  await other.evaluate("void new BroadcastChannel('express-bff-session').postMessage('ended')")
  expect(await (await asked).json()).toMatchObject({ authenticated: true })
  await page.evaluate('bff.me()')
  expect(await endsOf(page)).toEqual([])
})

test('a page of one person hears of it when another one has logged in', async () => {
  const other = await context.newPage()
  await other.goto(`${app.url}/login`)
  await passProvider(other, { user: 'somebody-else' })
  expect(await page.evaluate('bff.me().then(({ user }) => user.sub)')).toBe('somebody-else')
  expect(await endsOf(page)).toEqual(['elsewhere'])
  await page.evaluate('bff.me()')
  expect(await endsOf(page)).toHaveLength(1)
})

test('a page of nobody hears of no end, however often it asks', async () => {
  await context.clearCookies()
  const fresh = await openPage(context, app)
  await fresh.evaluate('bff.me()')
  expect([await who(fresh), await endsOf(fresh)]).toEqual(['nobody', []])
})

test('who stops listening hears nothing', async () => {
  await page.evaluate('window.heard = 0; window.stop = bff.onSessionEnd(() => (heard += 1)); stop()')
  await app.auth.sessions.revokeAll(user)
  expect(await page.evaluate('bff.me().then((person) => String(person))')).toBe('undefined')
  expect([await page.evaluate('heard'), await endsOf(page)]).toEqual([0, ['elsewhere']])
})
