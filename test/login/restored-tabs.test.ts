// Many tabs that are restored together, logged out: each begins a login before it has heard of the others' cookies
// (HOSTILE-INPUTS, "Caches, prefetches, parallel requests").
import { startKnownApp } from '../support/app/known-app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { setCookieLines } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

const { provider, app } = useParts(async (start) => {
  const provider = await start(startProvider())
  // The provider knows everybody here, and asks nothing: what is left is between the app and its browser.
  return {
    provider,
    app: await start(startKnownApp({ provider, options: { revokeOnLogout: false } }, 'somebody')),
  }
})

interface Tab {
  readonly tab: Browser
  readonly at: number
  readonly authorization: string
}

afterEach(async () => {
  for (const { id } of await app.auth.sessions.list('somebody')) await app.auth.sessions.revoke(id)
})

/** As long as one is taken. */
const LONGEST = `/${'a'.repeat(2047)}`
const MOST_LOGINS = 5
/** What common proxies take. */
const MOST_BYTES = 8192

const isLogin = ({ key }: { key: string }) => key.startsWith('bff-login-')
const loginCookies = async (browser: Browser) => (await browser.cookies(app.url)).filter(isLogin)
const headerOf = async (browser: Browser) =>
  `cookie: ${(await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')}`

/** Leaves for the provider; the page is the redirect there. */
function leave(tab: Browser, path: string): Promise<Page> {
  return tab.navigate(app.url + path, { stopAt: ({ origin }) => origin === provider.issuer })
}

const begin = (tab: Browser, returnTo: string) =>
  leave(tab, `/login?return_to=${encodeURIComponent(returnTo)}`)

/** Where the page goes by itself. */
function refreshOf({ body, url }: Page): string | undefined {
  const [, address] = /<meta http-equiv="refresh" content="0;url=([^"]+)">/.exec(body) ?? []
  return address && new URL(address, url).href
}

/** As a person sees it: on from page to page until nothing moves. */
async function arrive(tab: Browser, url: string): Promise<{ page: Page; refreshed: number }> {
  for (let refreshed = 0, next: string | undefined = url; refreshed < 5; refreshed += 1) {
    const page = await tab.navigate(next)
    next = refreshOf(page)
    if (next === undefined) return { page, refreshed }
  }
  throw new Error(`${url} goes on and on`)
}

test.each([
  ['the longest pages to return to', () => LONGEST],
  ['short ones and long ones', (at: number) => (at % 2 ? LONGEST : `/private?${at}`)],
  ['what grows when it is written down', () => `/${'€'.repeat(220)}`],
])('30 at the same moment, with %s, are five cookies and a header below 8 kB', async (_what, returnTo) => {
  const browser = new Browser()
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'full' } })
  const pages = await Promise.all(Array.from({ length: 30 }, (_, at) => begin(browser.tab(), returnTo(at))))
  expect(pages.every(({ status }) => status === 302)).toBe(true)
  expect((await loginCookies(browser)).length).toBeLessThanOrEqual(MOST_LOGINS)
  expect((await headerOf(browser)).length).toBeLessThan(MOST_BYTES)
  // And whoever goes on after that adds none.
  for (let at = 0; at < 10; at += 1) await begin(browser, returnTo(at))
  expect((await loginCookies(browser)).length).toBeLessThanOrEqual(MOST_LOGINS)
  expect((await headerOf(browser)).length).toBeLessThan(MOST_BYTES)
})

describe.each([
  ['short pages', (at: number) => `/private?tab=${at}`],
  ['long ones', (at: number) => `/private?tab=${at}&${'x'.repeat(900)}`],
])('eight tabs with %s', (_what, pathOf) => {
  const TABS = 8

  async function restore() {
    const browser = app.visitor()
    const opening = Array.from({ length: TABS }, async (_, at) => {
      const tab = browser.tab()
      const { headers } = await leave(tab, pathOf(at))
      return { tab, at, authorization: headers.location ?? '' }
    })
    return { browser, tabs: await Promise.all(opening) }
  }

  async function expectOneSession(browser: Browser): Promise<void> {
    expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: 'somebody' })
    const id = await sessionIdOf(browser)
    expect((await app.auth.sessions.list('somebody')).map((each) => each.id)).toEqual([id])
  }

  test.each([0, 3, 7])('when one has logged in (%i) all end on a page, none on a 400', async (first) => {
    const { browser, tabs } = await restore()
    const [one, ...others] = [...tabs.slice(first), ...tabs.slice(0, first)] as [Tab, ...Tab[]]
    const { page, refreshed } = await arrive(one.tab, one.authorization)
    expect([page.status, refreshed <= 1]).toEqual([200, true])
    const pages = await Promise.all(others.map(({ tab, authorization }) => tab.navigate(authorization)))
    for (const each of pages) {
      expect([each.status, each.hops.some(({ status }) => status >= 400)]).toEqual([200, false])
      expect(each.json()).toMatchObject({ sub: 'somebody' })
    }
    // The page of each, where it was remembered; where the slots were taken, without its query or not at all.
    for (const [at, { url }] of pages.entries()) {
      const pages = [pathOf(others[at]?.at ?? 0), '/private', '/']
      expect(pages).toContain(url.replace(app.url, ''))
    }
    await expectOneSession(browser)
  })

  test('when all come back at the same moment all end on a page, logged in by one session', async () => {
    const { browser, tabs } = await restore()
    const done = await Promise.all(tabs.map(({ tab, authorization }) => arrive(tab, authorization)))
    expect(done.map(({ page }) => page.status)).toEqual(Array(TABS).fill(200))
    for (const { refreshed } of done) expect(refreshed).toBeLessThanOrEqual(3)
    await expectOneSession(browser)
  })
})

test.each([
  [120, 'its own'],
  [200, 'its own'],
  [300, 'its own'],
  [600, 'its own'],
  // One longer than that has a place. Of the other the query gives way, and the login still ends well.
  [1500, 'its own, without the query'],
])(
  'H25: two tabs with addresses of %i characters, one after the other, end on a page: the second on %s',
  async (length, second) => {
    const browser = app.visitor()
    const path = (at: number) => `/public?tab=${at}&filter=`.padEnd(length, 'x')
    const tabs = [browser.tab(), browser.tab()]
    const authorizations: string[] = []
    for (const [at, tab] of tabs.entries())
      authorizations.push((await begin(tab, path(at))).headers.location ?? '')
    const ends: unknown[] = []
    for (const [at, tab] of tabs.entries()) {
      const { status, url } = await tab.navigate(authorizations[at] ?? '')
      ends.push([status, url.replace(app.url, '')])
    }
    const other = second === 'its own' ? path(1) : '/public'
    expect(ends).toEqual([
      [200, path(0)],
      [200, other],
    ])
  },
)

describe('a tab whose login’s cookie was overwritten', () => {
  test('is sent on by its page, and ends logged in', async () => {
    const browser = app.visitor()
    const [lost, kept] = [browser.tab(), browser.tab()]
    // Five are kept: the oldest makes room.
    const authorization = (await begin(lost, LONGEST)).headers.location ?? ''
    for (let count = 0; count < 5; count += 1) await begin(kept, `/page-${count}`)
    const back = await lost.navigate(authorization)
    expect([back.status, refreshOf(back)]).toEqual([400, `${app.url}/login?again=1`])
    expect(setCookieLines(back)).toEqual([])
    const { page, refreshed } = await arrive(lost, refreshOf(back) ?? '')
    expect([page.url, refreshed]).toEqual([`${app.url}/`, 0])
    expect(page.json()).toMatchObject({ sub: 'somebody' })
  })

  test('with cookies off is told once, and not sent in circles', async () => {
    const browser = app.visitor()
    const callback = await browser.startLogin(app.url)
    await browser.clearCookies(app.url)
    const page = await browser.navigate(callback)
    expect([page.status, refreshOf(page)]).toEqual([400, undefined])
    expect(page.body).toContain('href="/login"')
  })

  test('whose browser keeps an old login’s cookie and takes no new one is sent on three times', async () => {
    const browser = new Browser()
    await begin(browser, '/old')
    const cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
    const get = async (url: string) => {
      const answer = await exchange({ method: 'GET', url, headers: { cookie, accept: 'text/html' } })
      return { ...answer, hops: [], json: () => ({}) } as Page
    }
    const next: string[] = []
    for (let url: string | undefined = `${app.url}/login`; url !== undefined; url = next.at(-1)) {
      const { location = '' } = (await get(url)).headers
      const state = new URL(location).searchParams.get('state')
      const back = await get(`${app.url}/callback?code=any&state=${state}`)
      expect(back.status).toBe(400)
      const refresh = refreshOf(back)
      if (refresh === undefined) break
      next.push(refresh)
      if (next.length > 9) break
    }
    expect(next).toEqual([1, 2, 3].map((time) => `${app.url}/login?again=${time}`))
  })
})

test('with a live session an unknown state leads to a page, and changes nothing', async () => {
  const browser = app.visitor()
  await browser.logIn(app.url)
  const before = provider.requests().length
  for (const query of ['code=any&state=unknown', 'error=access_denied&state=unknown']) {
    const page = await browser.navigate(`${app.url}/callback?${query}`, { stopAt: () => true })
    expect(page).toMatchObject({ status: 303, headers: { location: '/' } })
    expect(setCookieLines(page)).toEqual([])
  }
  expect(provider.requests()).toHaveLength(before)
})
