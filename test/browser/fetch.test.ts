// In Chromium: what the module's fetch() sends, to whom, what it makes of answers, and where it lets a page be led.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { BrowserContext, Page } from 'playwright-core'
import { endsOf, openAs, openLoggedIn, openPage, ready, startPageApp, who } from '../support/app/page-app.ts'
import type { Browser } from '../support/browser/browser.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'

const askedThere: string[] = []
let headers: IncomingHttpHeaders
let asked = 0

/** Another site, which would let scripts of ours in. */
async function startOtherSite() {
  const server = createServer((req, res) => {
    askedThere.push(`${req.method} ${req.url}`)
    res.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*').end()
  })
  return { port: await listen(server, '127.0.0.1'), stop: () => closeServer(server) }
}

const { provider, redis, store, app, chromium, other } = useParts(async (start) => {
  const [provider, redis, chromium, other] = await Promise.all([
    start(startProvider()),
    start(startRedis()),
    start(startChromium()),
    start(startOtherSite()),
  ])
  const app = await start(startPageApp({ provider, redisUrl: redis.url }))
  app.app.all('/seen', (req, res) => {
    headers = req.headers
    res.json({ xhr: req.xhr })
  })
  app.app.get('/away', (_req, res) => res.redirect(`http://127.0.0.1:${other.port}/away`))
  app.app.all('/later', ({ query }, res) => {
    asked += 1
    if (query.after) res.set('retry-after', String(query.after))
    res.sendStatus(asked > Number(query.times) ? 200 : 503)
  })
  app.app.get('/refused', ({ query }, res) => {
    res.status(401).type(String(query.type)).send(String(query.body))
  })
  app.app.get('/never', (_req, res) => {
    const problem = { code: 'login_required', login_url: '/page?again' }
    res.status(401).type('application/problem+json').send(JSON.stringify(problem))
  })
  const store = redis.connect()
  return { provider, redis, store, app, chromium, other }
})

describe('to whom it asks, and what it makes of the answers', () => {
  const { context, page } = useParts(() =>
    openLoggedIn(chromium, app, provider, '/page', {
      // The page's policy would refuse other sites too, and hide what the module does.
      bypassCSP: true,
    }).then(({ context, page }) => ({ context, page })),
  )
  beforeEach(() => {
    asked = 0
    askedThere.length = 0
  })

  const run = <T>(code: string) => page.evaluate<T>(code)
  const told = 'catch(({ name, message, code, loginURL }) => ({ name, message, code, loginURL }))'

  test.each(['GET', 'POST', 'PUT', 'DELETE'])(
    '%s goes with the session, and the header by which Express knows a script',
    async (method) => {
      const answer = await run(
        `bff.fetch('/seen', { method: '${method}', credentials: 'omit' }).then((r) => r.json())`,
      )
      expect(answer).toEqual({ xhr: true })
      expect(headers).toMatchObject({
        cookie: expect.stringMatching(/^bff=/),
        'x-requested-with': 'XMLHttpRequest',
      })
    },
  )

  test('a request keeps its own headers and its body', async () => {
    const init =
      "{ method: 'POST', headers: { 'X-Requested-With': 'mine', 'Content-Type': 'text/plain' }, body: 'hello' }"
    await run(`bff.fetch(new Request('/seen', ${init}), { headers: { accept: 'text/x' } })`)
    expect(headers).toMatchObject({
      accept: 'text/x',
      'x-requested-with': 'XMLHttpRequest',
      'content-length': '5',
    })
    await run(`bff.fetch(new URL('/seen', location), ${init}).then((r) => r.ok)`)
    expect(headers).toMatchObject({ 'x-requested-with': 'mine', 'content-type': 'text/plain' })
  })

  test.each([
    ['another site', () => `http://127.0.0.1:${other.port}/x`],
    ['another site, without a scheme', () => `//127.0.0.1:${other.port}/x`],
    ['another port of this host', () => `http://localhost:${other.port}/x`],
    ['another scheme', () => app.url.replace('http', 'https')],
    ['data', () => 'data:text/plain,x'],
    ['a blob', () => `blob:${app.url}/x`],
    ['a script', () => 'javascript:alert(1)'],
  ])('%s is refused with a TypeError, and not asked', async (_what, url) => {
    expect(await run(`bff.fetch('${url()}').${told}`)).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('for this site alone'),
    })
    expect(askedThere).toEqual([])
  })

  test('a redirect to another site is not followed', async () => {
    expect(await run(`bff.fetch('/away').${told}`)).toMatchObject({ name: 'TypeError' })
    expect(askedThere).toEqual([])
  })

  test.each([
    ['a GET is asked again until it is answered', '?times=2&after=0.01', 'GET', 200, 3],
    ['but no more than twice', '?times=9&after=0.01', 'GET', 503, 3],
    ['not a POST', '?times=2&after=0.01', 'POST', 503, 1],
    ['not without a time', '?times=2', 'GET', 503, 1],
    ['not with a long one', '?times=2&after=6', 'GET', 503, 1],
  ])('503: %s', async (_what, query, method, status, times) => {
    expect(await run(`bff.fetch('/later${query}', { method: '${method}' }).then((r) => r.status)`)).toBe(
      status,
    )
    expect(asked).toBe(times)
  })

  test('who gives up while it waits to ask again does not wait', async () => {
    const answered = page.waitForResponse(/later/)
    const failing = `bff.fetch('/later?times=1&after=5', { signal: stop.signal }).${told}`
    await run(`(window.stop = new AbortController(), void (window.failing = ${failing}))`)
    await (await answered).finished()
    // Before any timer, however slow this machine is.
    const late = "new Promise((done) => setTimeout(done, 4000, { name: 'late' }))"
    expect(await run(`(stop.abort(), Promise.race([failing, ${late}]))`)).toMatchObject({
      name: 'AbortError',
    })
    expect(asked).toBe(1)
  })

  test.each([
    ['an API’s own', 'application/json', '{"code":"login_required"}'],
    ['a problem with another code', 'application/problem+json', '{"code":"no_money"}'],
    [
      'a problem of the app’s own, with much the same code',
      'application/problem+json',
      '{"code":"mfa_required"}',
    ],
    ['a problem that is no JSON', 'application/problem+json', '{'],
    ['a problem that is nothing', 'application/problem+json', 'null'],
    ['HTML', 'text/html', 'login_required'],
  ])('401, %s, is handed on as it is', async (_what, type, body) => {
    const url = `/refused?${new URLSearchParams({ type, body })}`
    const read = 'then(async (r) => [r.status, await r.text()])'
    expect(await run(`bff.fetch('${url}').${read}`)).toEqual([401, body])
    expect(await endsOf(page)).toEqual([])
  })

  test.each([
    ['another site', () => `http://127.0.0.1:${other.port}/login`],
    ['another site, without a scheme', () => `//127.0.0.1:${other.port}/login`],
    ['backslashes', () => `\\\\127.0.0.1:${other.port}/login`],
    ['another port of this host', () => `http://localhost:${other.port}/login`],
    ['a script', () => 'javascript:window.hit=1'],
    ['a blob of ours', () => `blob:${app.url}/x`],
    ['data', () => 'data:text/html,x'],
    ['nothing', () => 'http://'],
    ['none at all', () => undefined],
  ])('no answer leads the page to %s', async (_what, address) => {
    const own = await openPage(context, app)
    const login_url = address()
    const codes = ['login_required', 'step_up_required']
    for (const code of codes) {
      const body = JSON.stringify({ code, login_url })
      const url = `/refused?${new URLSearchParams({ type: 'application/problem+json', body })}`
      expect(await own.evaluate(`bff.fetch('${url}').${told}`)).toMatchObject({
        name: 'BffError',
        code,
        loginURL: undefined,
      })
      await expect(own.evaluate(`bff.fetch('${url}').catch((error) => bff.stepUp(error))`)).rejects.toThrow(
        /no page of this site/,
      )
    }
    if (login_url !== undefined) {
      await expect(own.evaluate(`bff.stepUp(${JSON.stringify(login_url)})`)).rejects.toThrow(
        /no page of this site/,
      )
    }
    expect(await own.evaluate('[location.href, window.hit]')).toEqual([`${app.url}/page`, undefined])
    expect(askedThere).toEqual([])
    await own.close()
  })

  const LONG = `/page?${'x'.repeat(2030)}`

  test.each([
    ['/page?a=1&b=%20#c', undefined, '/page?a=1&b=%20#c'],
    ['/page?a=1', '/public#x', '/public#x'],
    [`${LONG}#${'y'.repeat(30)}`, undefined, LONG],
  ])(
    'login() asks to come back to the page, or to where it is told (%#)',
    async (path, returnTo, expected) => {
      const own = await openPage(context, app, path)
      const request = own.waitForRequest((asked) => new URL(asked.url()).pathname === '/login')
      await own.evaluate(`bff.login({ returnTo: ${JSON.stringify(returnTo)} })`)
      expect(new URL((await request).url()).searchParams.get('return_to')).toBe(expected)
      await own.close()
    },
  )
})

describe('on sessions that are due, over, or for the moment not to be known', () => {
  let context: BrowserContext
  let page: Page
  let browser: Browser
  let user: string
  let renewals: () => number

  beforeEach(async () => {
    chromium.complaints.length = 0
    ;({ context, page, browser, user, renewals } = await openLoggedIn(
      chromium,
      app,
      provider,
      '/page?tab=2#deep',
    ))
  })
  afterEach(async () => {
    await context.close()
    provider.normal()
  })

  const codeOf = (path: string) => page.evaluate<string>(`bff.fetch('${path}').catch((error) => error.code)`)
  const end = () => app.auth.sessions.revokeAll(user)

  test('a page with 30 requests at once on a session that is due sees no failure, and one renewal', async () => {
    await page.evaluate('window.mark = true')
    await ageSession(store, browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const all =
      "Promise.all(Array.from({ length: 30 }, (_, i) => bff.fetch('/private?' + i).then((r) => r.json())))"
    const answers = page.evaluate<{ sub: string; generation: number }[]>(all)
    await held.processed
    held.release()
    expect(await answers).toEqual(Array(30).fill(expect.objectContaining({ sub: user, generation: 2 })))
    expect(renewals()).toBe(1)
    expect(await page.evaluate('bff.me()')).toMatchObject({ session: { generation: 2 }, user: { sub: user } })
    expect([await page.evaluate('mark'), await who(page)]).toEqual([true, `${user}@example.com`])
    expect(await endsOf(page)).toEqual([])
    expect(chromium.complaints).toEqual([])
  })

  test('a session that has ended: the page is told first, then goes to log in once, and comes back to where it was', async () => {
    await end()
    const before = provider.authorizationRequests().length
    // Held, so that the page is still there to be asked.
    const held = provider.holdNext('authorization')
    const codes = "Promise.all([1, 2, 3].map(() => bff.fetch('/private').catch(({ code }) => code)))"
    expect(await page.evaluate(`${codes}.then((codes) => ({ codes, ends, who: who.textContent }))`)).toEqual({
      codes: Array(3).fill('login_required'),
      ends: ['login_required'],
      who: 'nobody',
    })
    held.release()
    await page.waitForURL(`${provider.issuer}/**`)
    await passProvider(page, { user })
    await ready(page)
    expect(page.url()).toBe(`${app.url}/page?tab=2#deep`)
    expect(await who(page)).toBe(`${user}@example.com`)
    expect(provider.authorizationRequests()).toHaveLength(before + 1)
  })

  test('a page with unsaved changes may stay; it is told once, and again when it was somebody’s meanwhile', async () => {
    await page.evaluate('window.stays = true')
    await end()
    expect([await codeOf('/private'), await codeOf('/private')]).toEqual(['login_required', 'login_required'])
    expect(await endsOf(page)).toEqual(['login_required'])
    await openAs(context, app, user)
    expect(await page.evaluate('bff.me().then((person) => person.user.sub)')).toBe(user)
    await end()
    expect(await codeOf('/private')).toBe('login_required')
    expect(await endsOf(page)).toHaveLength(2)
    expect(page.url()).toBe(`${app.url}/page?tab=2#deep`)
  })

  test('a page that comes back from the login without a session is not sent again at once', async () => {
    await page.evaluate("void bff.fetch('/never').catch(() => {})")
    const back = `${app.url}/page?again=&return_to=${encodeURIComponent('/page?tab=2#deep')}`
    await page.waitForURL(back)
    await ready(page)
    expect([await codeOf('/never'), await codeOf('/never')]).toEqual(['login_required', 'login_required'])
    await page.evaluate('bff.me()')
    expect(page.url()).toBe(back)
    await page.clock.setFixedTime(Date.now() + 11_000)
    await page.evaluate("void bff.fetch('/never').catch(() => {})")
    await page.waitForURL((url) => url.searchParams.get('return_to')?.startsWith('/page?again=') === true)
  })

  test('while nobody can say who is logged in, me() says so, and nobody is logged out', async () => {
    redis.freeze()
    const failure = page.evaluate('bff.me().catch(({ name, status, code }) => ({ name, status, code }))')
    try {
      expect(await failure).toEqual({ name: 'BffError', status: 503, code: 'store_unavailable' })
    } finally {
      redis.thaw()
    }
    expect(await endsOf(page)).toEqual([])
    expect(await page.evaluate('bff.me()')).toMatchObject({ user: { sub: user } })
  })
})
