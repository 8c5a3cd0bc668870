// Logins and callbacks of one browser that come together, or again: in tabs, by reload, by the back button, by a second
// click, from another browser, too late.
import { createSealer } from '../../src/lib/seal.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { setCookieLine, setCookieLines } from '../support/evidence.ts'
import { useServers } from '../support/servers.ts'

const { provider, app } = useServers({ redis: true })

const exchanges = () => provider.tokenRequests('authorization_code').length
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()

test('the same callback URL again lands on the page, with the session as it was', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'reload', returnTo: '/private?page=2' })
  await browser.navigate(callback)
  const [before, count] = [await whoIs(browser), exchanges()]
  for (let again = 0; again < 3; again += 1) {
    const page = await browser.navigate(callback)
    expect(page).toMatchObject({ status: 200, url: `${app.url}/private?page=2` })
    expect(setCookieLine(page.hops[0] ?? page, 'bff')).toBeUndefined()
  }
  expect(exchanges()).toBe(count)
  expect(await whoIs(browser)).toMatchObject({ sub: 'reload', createdAt: before.createdAt, generation: 1 })
})

test('the back button lands on the page after the session was renewed, too', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'back', returnTo: '/private' })
  await browser.navigate(callback)
  await browser.request('POST', `${app.url}/renew`)
  const page = await browser.navigate(callback)
  expect(page.json()).toMatchObject({ sub: 'back', generation: 2 })
})

test('the back button in the tab that logged in first lands on its page', async () => {
  const browser = new Browser()
  const first = await browser.startLogin(app.url, { user: 'tabs', returnTo: '/public?tab=1' })
  const other = browser.tab()
  const second = await other.startLogin(app.url, { user: 'tabs', returnTo: '/public?tab=2' })
  await browser.navigate(first)
  await other.navigate(second)
  const count = exchanges()
  expect(await browser.navigate(first)).toMatchObject({ status: 200, url: `${app.url}/public?tab=1` })
  expect(exchanges()).toBe(count)
  expect(await whoIs(browser)).toMatchObject({ sub: 'tabs' })
})

test('a callback that was used logs nobody in after the logout', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'left' })
  await browser.navigate(callback)
  await browser.request('POST', `${app.url}/logout`)
  const count = exchanges()
  expect((await browser.navigate(callback)).status).toBe(400)
  expect(exchanges()).toBe(count)
  expect(await whoIs(browser)).toMatchObject({ authenticated: false })
})

test('two identical callbacks at once make one token request and one session', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'double', returnTo: '/private' })
  const count = exchanges()
  const hold = provider.holdNext('token', { grantType: 'authorization_code' })
  const first = browser.navigate(callback)
  await hold.arrived
  const second = await browser.clone().navigate(callback, { stopAt: () => true })
  expect(second.status).toBeLessThan(500)
  expect(setCookieLine(second, 'bff')).toBeUndefined()
  hold.release()
  expect((await first).json()).toMatchObject({ sub: 'double' })
  expect(exchanges()).toBe(count + 1)
  expect(await whoIs(browser)).toMatchObject({ sub: 'double' })
})

test('ten identical callbacks at the same moment make one token request', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'impatient', returnTo: '/private' })
  const count = exchanges()
  const pages = await Promise.all(
    Array.from({ length: 10 }, () => browser.clone().navigate(callback, { stopAt: () => true })),
  )
  expect(exchanges()).toBe(count + 1)
  expect(pages.filter((page) => setCookieLine(page, 'bff') !== undefined)).toHaveLength(1)
})

test('a stolen callback URL with a stolen login cookie is used up', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'robbed' })
  const thief = browser.clone()
  await browser.navigate(callback)
  const count = exchanges()
  expect((await thief.navigate(callback)).status).toBe(400)
  expect(exchanges()).toBe(count)
  expect(await whoIs(thief)).toMatchObject({ authenticated: false })
})

const sealer = createSealer([TEST_SECRET], 'login transaction')

/** A login on its way, changed as if it had begun otherwise, and its callback. */
async function loginBegun(change: (transaction: { startedAt: number; issuer: string }) => object) {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'slow' })
  const [cookie] = (await browser.cookies(app.url)).filter(({ key }) => key.startsWith('bff-login-'))
  const transaction = JSON.parse(sealer.open(cookie?.value ?? '', cookie?.key ?? '') ?? '{}')
  const changed = JSON.stringify({ ...transaction, ...change(transaction) })
  const value = sealer.seal(changed, cookie?.key ?? '')
  await browser.setCookie(`${cookie?.key}=${value}; Path=/; HttpOnly`, app.url)
  return { browser, callback }
}

const minutesAgo = (minutes: number) =>
  loginBegun(({ startedAt }) => ({ startedAt: startedAt - minutes * 60_000 }))

test('a login that took eleven minutes is refused, with a way to begin again', async () => {
  const { browser, callback } = await minutesAgo(11)
  const count = exchanges()
  const page = await browser.navigate(callback)
  expect(page.status).toBe(400)
  expect(page.body).toContain('took too long')
  expect(page.body).toContain('href="/login"')
  expect(exchanges()).toBe(count)
  expect(await browser.cookies(app.url)).toEqual([])
})

test('a login that took nine minutes is completed', async () => {
  const { browser, callback } = await minutesAgo(9)
  expect((await browser.navigate(callback)).json()).toMatchObject({ sub: 'slow' })
})

test('a login that was begun at another provider is refused before any token request', async () => {
  const { browser, callback } = await loginBegun(() => ({ issuer: 'https://evil.example/' }))
  const count = exchanges()
  expect((await browser.navigate(callback)).status).toBe(400)
  expect(exchanges()).toBe(count)
})

test("a login's cookie under the name of another login does not open", async () => {
  const browser = new Browser()
  const one = await browser.startLogin(app.url)
  const [cookie] = await browser.cookies(app.url)
  const other = await browser.startLogin(app.url)
  for (const { key } of await browser.cookies(app.url)) {
    await browser.setCookie(`${key}=${cookie?.value}; Path=/; HttpOnly`, app.url)
  }
  const count = exchanges()
  expect((await browser.navigate(other)).status).toBe(400)
  expect(exchanges()).toBe(count)
  expect((await browser.navigate(one)).status).toBe(200)
})

describe('of other people (login CSRF)', () => {
  test("code and state of another browser's login are refused, and both can go on", async () => {
    const [attacker, victim] = [new Browser(), new Browser()]
    const planted = await attacker.startLogin(app.url, { user: 'attacker' })
    const own = await victim.startLogin(app.url, { user: 'victim' })
    const before = exchanges()
    const page = await victim.navigate(planted, { from: 'https://evil.example/' })
    expect(page.status).toBe(400)
    expect(setCookieLines(page)).toEqual([])
    expect(exchanges()).toBe(before)
    expect(await whoIs(victim)).toMatchObject({ authenticated: false })
    expect((await victim.navigate(own)).json()).toMatchObject({ sub: 'victim' })
    expect((await attacker.navigate(planted)).json()).toMatchObject({ sub: 'attacker' })
  })

  test("another browser's callback leaves a live session as it is", async () => {
    const [attacker, victim] = [new Browser(), new Browser()]
    await victim.logIn(app.url, { user: 'victim' })
    const planted = await attacker.startLogin(app.url, { user: 'attacker' })
    const before = exchanges()
    const page = await victim.navigate(planted, { stopAt: () => true })
    expect(page).toMatchObject({ status: 303, headers: { location: '/' } })
    expect([setCookieLines(page), exchanges()]).toEqual([[], before])
    expect(await whoIs(victim)).toMatchObject({ sub: 'victim', generation: 1 })
  })

  test("one's own state with somebody else's code makes no session", async () => {
    const [attacker, victim] = [new Browser(), new Browser()]
    const theirs =
      new URL(await attacker.startLogin(app.url, { user: 'attacker' })).searchParams.get('code') ?? ''
    const own = new URL(await victim.startLogin(app.url, { user: 'victim' }))
    own.searchParams.set('code', theirs)
    const page = await victim.navigate(own.href)
    expect(page.status).toBe(400)
    expect(page.body).not.toContain(theirs)
    expect(await whoIs(victim)).toMatchObject({ authenticated: false })
  })
})

describe('tabs', () => {
  async function cookieHeaderOf(browser: Browser): Promise<string> {
    return (await browser.cookies(app.url)).map((cookie) => cookie.cookieString()).join('; ')
  }

  test.each([
    ['the first first', [0, 1, 2]],
    ['the last first', [2, 1, 0]],
    ['the middle one first', [1, 2, 0]],
    ['the first given up', [2, 1]],
    ['the last given up', [1, 0]],
  ])('H25: tabs that log in at once all land where they wanted: %s', async (_name, order) => {
    const browser = new Browser()
    const tabs = [browser, browser.tab(), browser.tab()]
    const callbacks: string[] = []
    for (const [index, tab] of tabs.entries()) {
      callbacks.push(await tab.startLogin(app.url, { user: 'tabs', returnTo: `/public?tab=${index}` }))
    }
    for (const index of order) {
      const page = await (tabs[index] as Browser).navigate(callbacks[index] ?? '')
      expect(page).toMatchObject({ status: 200, url: `${app.url}/public?tab=${index}` })
      expect(page.json()).toMatchObject({ authenticated: true, sub: 'tabs', generation: 1 })
    }
    const left = (await browser.cookies(app.url)).filter(({ key }) => key !== 'bff')
    expect(left).toHaveLength(3 - order.length)
  })

  test.each([
    ['the first', [0, 1], 'tab-bob'],
    ['the last', [1, 0], 'tab-alice'],
  ])(
    'H25: two people log in in two tabs, %s comes back first: who came last is logged in, alone',
    async (_name, order, last) => {
      const browser = new Browser()
      const callbacks = [await browser.startLogin(app.url, { user: 'tab-alice', returnTo: '/public?alice' })]
      await browser.clearCookies(provider.issuer)
      callbacks.push(await browser.tab().startLogin(app.url, { user: 'tab-bob', returnTo: '/public?bob' }))
      for (const index of order) await browser.navigate(callbacks[index] ?? '')
      // The other one's back button: whose login that was is not known here any more.
      const back = await browser.navigate(callbacks[order[0] ?? 0] ?? '', { stopAt: () => true })
      expect(back).toMatchObject({ status: 303, headers: { location: '/' } })
      expect(setCookieLines(back)).toEqual([])
      const own = await browser.navigate(callbacks[order[1] ?? 0] ?? '')
      expect(own.json()).toMatchObject({ sub: last, generation: 1 })
    },
  )

  test('200 logins started and given up keep the Cookie header small, and the next one works', async () => {
    const browser = new Browser()
    for (let index = 0; index < 200; index += 1) {
      await browser.navigate(`${app.url}/login?return_to=/public?${'x'.repeat(index * 7)}`, {
        stopAt: () => true,
      })
    }
    // One long login and four short ones.
    expect((await cookieHeaderOf(browser)).length).toBeLessThan(3700 + 4 * 700 + 100)
    const page = await browser.logIn(app.url, { user: 'patient', returnTo: '/private' })
    expect(page.json()).toMatchObject({ sub: 'patient' })
  })

  test('20 logins started at the same moment do not stay in the browser', async () => {
    const browser = new Browser()
    const start = () => browser.tab().navigate(`${app.url}/login`, { stopAt: () => true })
    await Promise.all(Array.from({ length: 20 }, start))
    const page = await browser.logIn(app.url, { user: 'hasty', returnTo: '/private' })
    expect(page.json()).toMatchObject({ sub: 'hasty' })
    expect((await browser.cookies(app.url)).length).toBeLessThanOrEqual(5)
  })

  test('the newest login is never the one that makes room', async () => {
    const browser = new Browser()
    const callbacks: string[] = []
    const tab = browser.tab()
    callbacks.push(await tab.startLogin(app.url, { user: 'newest', returnTo: '/public?old' }))
    for (let index = 0; index < 5; index += 1)
      await browser.navigate(`${app.url}/login`, { stopAt: () => true })
    const page = await browser.logIn(app.url, { user: 'newest', returnTo: '/public?new' })
    expect(page.url).toBe(`${app.url}/public?new`)
    const old = await tab.navigate(callbacks[0] ?? '', { stopAt: () => true })
    expect(old).toMatchObject({ status: 303, headers: { location: '/' } })
    expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ sub: 'newest' })
  })

  test('cookies that look like a login and are none make room first', async () => {
    const browser = new Browser()
    for (let index = 0; index < 30; index += 1) {
      await browser.setCookie(`bff-login-${index}=${'noise'.repeat(20)}; Path=/`, app.url)
    }
    const page = await browser.logIn(app.url, { user: 'noisy', returnTo: '/private' })
    expect(page.json()).toMatchObject({ sub: 'noisy' })
    expect(await browser.cookies(app.url)).toHaveLength(1)
  })

  test.each([
    ['a blank', 'a b'],
    ['a quote', '"a"'],
    ['a bracket', 'a[b](c){d}'],
    ['a letter that is not ASCII', 'a\xe9'],
    ['UTF-8', 'a\xe2\x80\x80'],
    ['a tab', 'a\tb'],
    ['a comma', 'a,b'],
    ['an escaped line break', 'a%0d%0a'],
    ['nothing after our prefix', ''],
    ['a thousand letters', 'a'.repeat(1000)],
  ])('a planted cookie whose name goes on with %s keeps nobody from logging in', async (_name, rest) => {
    // Any page of a sibling host can plant it, and then it comes with every request.
    const begin = await rawExchange(app.url, ['GET /login HTTP/1.1', `Cookie: bff-login-${rest}=planted`])
    expect(begin.status).toBe(302)
    const lines = [...begin.head.matchAll(/^set-cookie: (.*)$/gim)].map(([, line = '']) => line)
    expect(lines).toContainEqual(expect.stringMatching(/^bff-login-[0-4]=[\w-]+; Max-Age=600/))
  })

  test.each([30, 180])(
    '%i planted cookies do not make the answer longer than proxies take',
    async (count) => {
      // As many as browsers keep of one site; a common limit for the head of an answer is 8 kB.
      const cookies = Array.from({ length: count }, (_, at) => `bff-login-${at}=`).join('; ')
      const begin = await rawExchange(app.url, ['GET /login HTTP/1.1', `Cookie: ${cookies}`])
      expect(begin.status).toBe(302)
      expect(begin.head.length).toBeLessThan(8000)
    },
  )

  test.each([
    ['an ordinary page', '/private'],
    ['the longest that is taken', `/${'a'.repeat(2047)}`],
    ['characters that grow when they are encoded', `/${'€'.repeat(400)}`],
    ['quotes and ampersands', `/?${'"&<'.repeat(600)}`],
  ])(
    'the cookie of a login is one that browsers keep (4096 bytes), returning to %s',
    async (_name, returnTo) => {
      const url = `${app.url}/login?return_to=${encodeURIComponent(returnTo)}`
      const page = await new Browser().navigate(url, { stopAt: () => true })
      const [line = ''] = setCookieLines(page)
      expect(line.split(';')[0]?.length).toBeLessThanOrEqual(4096)
    },
  )

  test("a login's cookie is bound to the browser like the session's, and lives ten minutes", async () => {
    const page = await new Browser().navigate(`${app.url}/login`, { stopAt: () => true })
    const [name = ''] = setCookieLines(page)[0]?.split('=') ?? []
    expect(setCookieLines(page)).toHaveLength(1)
    expect(setCookieLine(page, name)?.replace(/Expires=[^;]+; /, '')).toMatch(
      /^bff-login-[0-4]=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    )
  })
})
