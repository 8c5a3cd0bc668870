// Several logins of one browser at once, given up or finished in any order (H25).
import { Browser } from '../support/browser/browser.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { setCookieLine, setCookieLines } from '../support/evidence.ts'
import { useServers } from '../support/servers.ts'

const { provider, app } = useServers({ redis: true })

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
    const back = await browser.navigate(callbacks[order[0] ?? 0] ?? '')
    expect(back.status).toBe(400)
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
  expect((await cookieHeaderOf(browser)).length).toBeLessThan(5000)
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
  const old = await tab.navigate(callbacks[0] ?? '')
  expect(old.status).toBe(400)
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
  expect(lines).toContainEqual(expect.stringMatching(/^bff-login-[\w-]{16}=[\w-]+; Max-Age=600/))
})

test.each([30, 180])('%i planted cookies do not make the answer longer than proxies take', async (count) => {
  // As many as browsers keep of one site; a common limit for the head of an answer is 8 kB.
  const cookies = Array.from({ length: count }, (_, at) => `bff-login-${at}=`).join('; ')
  const begin = await rawExchange(app.url, ['GET /login HTTP/1.1', `Cookie: ${cookies}`])
  expect(begin.status).toBe(302)
  expect(begin.head.length).toBeLessThan(8000)
})

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
    /^bff-login-[\w-]{16}=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
  )
})
