// Prefetches, and what is no document: they log nobody in or out, begin nothing, complete nothing, and push out no login that
// is under way (HOSTILE-INPUTS, "Caches, prefetches, parallel requests").
import { Browser, type Page } from '../support/browser/browser.ts'
import { findForm } from '../support/browser/html-form.ts'
import type { HeaderValues } from '../support/browser/http-exchange.ts'
import { setCookieLine, setCookieLines } from '../support/evidence.ts'
import { useServers } from '../support/servers.ts'
import { logIn } from '../support/session/logged-in.ts'

const { provider, app } = useServers()

const NAVIGATION = {
  accept: 'text/html',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'same-origin',
}
const tag = (dest: string) => ({ 'sec-fetch-dest': dest, 'sec-fetch-mode': 'no-cors' })

/** How browsers say that nobody opened the page. */
const UNOPENED: [what: string, headers: HeaderValues][] = [
  ['a prefetch of our own page', { 'sec-purpose': 'prefetch' }],
  ['a prefetch of a sibling', { 'sec-purpose': 'prefetch', 'sec-fetch-site': 'none' }],
  ['a prefetch through a proxy', { 'sec-purpose': 'prefetch;anonymous-client-ip', 'sec-fetch-site': 'none' }],
  ['a prerender', { 'sec-purpose': 'prefetch;prerender' }],
  ['a prerender of the address bar', { 'sec-purpose': 'prefetch;prerender', 'sec-fetch-site': 'none' }],
  ['an older prefetch', { purpose: 'prefetch' }],
  ['an older prefetch of Firefox', { 'x-moz': 'prefetch', 'sec-fetch-dest': 'empty' }],
  ['a preview of Safari', { 'x-purpose': 'preview', ...without('sec-fetch-') }],
  ['an image', tag('image')],
  ['a script', tag('script')],
  ['a style sheet', tag('style')],
  ['a frame', { 'sec-fetch-dest': 'iframe' }],
  ['an old frame', { 'sec-fetch-dest': 'frame' }],
  ['an object', { 'sec-fetch-dest': 'object' }],
  ['fetch()', { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }],
]

function without(prefix: string): HeaderValues {
  return Object.fromEntries(
    Object.keys(NAVIGATION)
      .filter((name) => name.startsWith(prefix))
      .map((name) => [name, undefined]),
  )
}

const asked = () => provider.requests().length
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json().sub
const load = (browser: Browser, url: string, headers: HeaderValues) =>
  browser.request('GET', url, { headers: { ...NAVIGATION, ...headers } })

/** No 2xx, which a browser would keep and show later; nothing set, nothing kept. */
function expectNothing(page: Page, status: number): void {
  expect([page.status, page.headers['cache-control']]).toEqual([status, 'no-store'])
  expect(page.headers.location).toBeUndefined()
  expect(setCookieLines(page)).toEqual([])
}

describe.each(UNOPENED)('%s', (_what, headers) => {
  test('at /logout logs nobody out', async () => {
    const { browser, user } = await logIn(provider, app.url)
    const before = asked()
    expectNothing(await load(browser, `${app.url}/logout`, headers), 403)
    expect([await whoIs(browser), asked()]).toEqual([user, before])
  })

  test('at /login begins nothing', async () => {
    const before = asked()
    const page = await load(new Browser(), `${app.url}/login?return_to=/private`, headers)
    expectNothing(page, 403)
    expect(page.body).toContain('not_a_page_load')
    expect(asked()).toBe(before)
  })

  test('at /callback completes nothing, and the person’s own visit does', async () => {
    const browser = new Browser()
    const callback = await browser.startLogin(app.url, { user: 'opened' })
    const before = asked()
    expectNothing(await load(browser, callback, headers), 403)
    expect(asked()).toBe(before)
    expect((await browser.navigate(callback)).json()).toMatchObject({ sub: 'opened' })
  })

  test('at a guard is told that a login is missing, and not sent to it', async () => {
    expectNothing(await load(new Browser(), `${app.url}/private`, headers), 401)
  })
})

test('six prefetched links to /login leave the login under way', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'reader', returnTo: '/private' })
  for (let link = 0; link < 6; link += 1)
    await load(browser.tab(), `${app.url}/login?return_to=/${link}`, { 'sec-purpose': 'prefetch' })
  expect(await browser.navigate(callback)).toMatchObject({ status: 200, url: `${app.url}/private` })
})

test('what a person opens is opened still, from anywhere', async () => {
  for (const from of [null, `${app.url}/`, 'https://elsewhere.example/']) {
    const page = await new Browser().navigate(`${app.url}/login`, { from, stopAt: () => true })
    expect([page.status, setCookieLines(page).length]).toEqual([302, 1])
  }
})

describe('GET /logout of a browser without Fetch Metadata', () => {
  async function someone() {
    const browser = new Browser({ secFetch: false })
    await browser.logIn(app.url, { user: 'safari' })
    return browser
  }

  test.each<[string, HeaderValues]>([
    ['does not say where it comes from', {}],
    ['comes from another site', { referer: 'https://evil.example/' }],
    ['comes from a sibling', { referer: 'http://other.localhost/' }],
    ['comes from another port', { referer: 'http://localhost:1/' }],
    ['says something else', { referer: 'about:blank' }],
    ['begins like us', { referer: 'http://localhost.evil.example/' }],
  ])('that %s asks first, by a page with a form', async (_what, headers) => {
    const browser = await someone()
    const page = await browser.navigate(`${app.url}/logout`, { headers })
    expect([page.status, page.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(setCookieLines(page)).toEqual([])
    expect(await whoIs(browser)).toBe('safari')
    const form = findForm(page.body, page.url)
    expect(form).toMatchObject({ method: 'POST', action: `${app.url}/logout` })
    const done = await browser.finish(await browser.submit(form?.action ?? '', {}))
    expect(done.json()).toMatchObject({ home: true, authenticated: false })
    expect(await whoIs(browser)).toBeUndefined()
  })

  test('that comes from a page of ours logs out', async () => {
    const browser = await someone()
    const page = await browser.navigate(`${app.url}/logout`, {
      headers: { referer: `${app.url}/somewhere?else` },
      stopAt: () => true,
    })
    expect(page.status).toBe(303)
    expect(setCookieLine(page, 'bff')).toMatch(/^bff=;/)
    expect(await whoIs(browser)).toBeUndefined()
  })

  test('whose image is on another page changes nothing', async () => {
    const browser = await someone()
    const page = await browser.request('GET', `${app.url}/logout`, { headers: { accept: 'image/*' } })
    expect([page.status, await whoIs(browser)]).toEqual([200, 'safari'])
  })
})
