// In Chromium: logins from one site to another and back, tabs that agree on who is logged in, and no token in any page.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTLSServer } from 'node:https'
import type { BrowserContext, Page } from 'playwright-core'
import { createHaystack, type Haystack, withoutLogoutHint } from '../leaks/search.ts'
import { endsOf, openAs, openLoggedIn, openPage, ready, startPageApp, who } from '../support/app/page-app.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { closeServer, listen } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts, useStarted } from '../support/servers.ts'

const { provider, app, chromium } = useParts(async (start) => {
  const [provider, chromium] = await Promise.all([start(startProvider()), start(startChromium())])
  return { provider, chromium, app: await start(startPageApp({ provider })) }
})
afterEach(() => provider.normal())

const complaints = () => chromium.complaints.splice(0)

describe('a login', () => {
  let context: BrowserContext
  beforeEach(async () => {
    context = await chromium.open()
  })
  afterEach(() => context?.close())

  const WEEK = 604_800

  test('somebody logs in at a provider on another site and is back on the page', async () => {
    const page = await openAs(context, app, 'ada', '/page?tab=2#top')
    expect(page.url()).toBe(`${app.url}/page?tab=2#top`)
    expect(await who(page)).toBe('ada@example.com')
    expect(complaints()).toEqual([])
  })

  test('the browser keeps one cookie, for this host alone, and shows it to no script', async () => {
    const page = await openAs(context, app, 'ada')
    const cookies = await context.cookies(app.url)
    expect(cookies).toMatchObject([
      { name: 'bff', domain: 'localhost', path: '/', httpOnly: true, secure: false, sameSite: 'Lax' },
    ])
    const lives = Number(cookies[0]?.expires) - Date.now() / 1000
    expect(lives).toBeGreaterThan(WEEK - 60)
    expect(lives).toBeLessThanOrEqual(WEEK)
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  describe('over https', () => {
    const { secure, context } = useParts(async (start) => {
      const { selfSigned } = await createCertificates()
      const server = createTLSServer(selfSigned)
      const url = `https://localhost:${await listen(server, 'localhost')}`
      const started = await start(startPageApp({ provider, options: { baseURL: url } }))
      server.on('request', started.app)
      await start({ stop: () => closeServer(server) })
      return { secure: { ...started, url }, context: await chromium.open({ ignoreHTTPSErrors: true }) }
    })
    afterAll(() => context.close())

    test('over https the browser keeps it with its prefix, and Secure', async () => {
      const page = await openAs(context, secure, 'ada')
      expect(await who(page)).toBe('ada@example.com')
      expect(await context.cookies(secure.url)).toMatchObject([
        { name: '__Host-Http-bff', path: '/', httpOnly: true, secure: true, sameSite: 'Lax' },
      ])
      expect(complaints()).toEqual([])
    })
  })

  describe('with other routes', () => {
    const moved = useStarted(() => {
      const routes = { login: '/in', user: '/somebody', logout: '/out' }
      return startPageApp(
        { provider, options: { routes } },
        { login: '/in', me: '/somebody', logout: '/out' },
      )
    })

    test('an app with other routes tells the page of them', async () => {
      const page = await openPage(context, moved)
      expect(await who(page)).toBe('nobody')
      await Promise.all([page.waitForNavigation(), page.evaluate('bff.login()')])
      await passProvider(page, { user: 'ada' })
      await ready(page)
      expect([page.url(), await who(page)]).toEqual([`${moved.url}/page`, 'ada@example.com'])
      await Promise.all([page.waitForNavigation(), page.evaluate('bff.logout()')])
      await passProvider(page)
      expect(page.url()).toBe(`${moved.url}/`)
      expect(await who(await openPage(context, moved))).toBe('nobody')
      expect(complaints()).toEqual([])
    })
  })

  test('nothing but this app and its provider is reached: the web font of the provider’s pages is not', async () => {
    const page = await context.newPage()
    await page.goto(`${app.url}/login`)
    // Chromium itself would find this one on loopback.
    const url = app.url.replace('localhost', 'elsewhere.localhost')
    await expect(page.goto(`${url}/ping`)).rejects.toThrow('ERR_NAME_NOT_RESOLVED')
    const hosts = new Set(chromium.strangers.map((url) => new URL(url).hostname))
    expect([...hosts]).toEqual(['fonts.googleapis.com', 'elsewhere.localhost'])
  })

  describe('a page of another site', () => {
    const other = createServer((_req, res) => {
      const forms = ['/cart', '/logout'].map(
        (path) => `<form method="post" action="${app.url}${path}"></form>`,
      )
      res.setHeader('content-type', 'text/html')
      res.end(`${forms.join('')}<a href="${app.url}/private">go</a><link rel="icon" href="data:,">`)
    })
    const site = useStarted(async () => {
      const url = `http://127.0.0.1:${await listen(other, '127.0.0.1')}`
      return { url, stop: () => closeServer(other) }
    })

    test.each([0, 1])('posts form %i without the session, and is refused', async (form) => {
      const { context, page, user } = await openLoggedIn(chromium, app, provider)
      await page.goto(site.url)
      const asked = page.waitForRequest((request) => request.method() === 'POST')
      await Promise.all([page.waitForNavigation(), page.evaluate(`document.forms[${form}].submit()`)])
      const request = await asked
      expect(await request.headerValue('cookie')).toBeNull()
      expect((await request.response())?.status()).toBe(403)
      expect(await who(await openPage(context, app))).toBe(`${user}@example.com`)
      complaints()
      await context.close()
    })

    test('reads nothing of it by a script, and logs nobody out by an image', async () => {
      const { context, page, user } = await openLoggedIn(chromium, app, provider)
      await page.goto(site.url)
      const read = page.evaluate(`fetch('${app.url}/me', { credentials: 'include' })`)
      await expect(read).rejects.toThrow(/Failed to fetch/)
      const image = `new Promise((done) => Object.assign(new Image(), { onerror: done, src: '${app.url}/logout' }))`
      await page.evaluate(`${image}.then(() => 0)`)
      expect(await who(await openPage(context, app))).toBe(`${user}@example.com`)
      complaints()
      await context.close()
    })

    test('leads to a page of ours by a link, and the session comes along', async () => {
      const { context, page, user } = await openLoggedIn(chromium, app, provider)
      await page.goto(site.url)
      await page.getByText('go').click()
      await page.waitForURL(`${app.url}/private`)
      expect(JSON.parse((await page.textContent('body')) ?? '')).toMatchObject({ sub: user })
      await context.close()
    })
  })

  test('a step-up leads to the provider and back to the page, where it is enough', async () => {
    const page = await openAs(context, app, 'ada', '/page?form=password')
    const change = "bff.fetch('/step-up?seconds=300&acr=mfa', { method: 'POST' })"
    const before = provider.authorizationRequests().length
    await page.evaluate(`void ${change}.catch((error) => bff.stepUp(error))`)
    await page.waitForURL(`${provider.issuer}/**`)
    nextIdToken(provider, { acr: 'mfa' })
    await passProvider(page, { user: 'ada' })
    await ready(page)
    expect(page.url()).toBe(`${app.url}/page?form=password`)
    expect(await page.evaluate(`${change}.then((response) => response.json())`)).toMatchObject({
      passed: true,
    })
    const [request] = provider.authorizationRequests().slice(before)
    expect(request?.params).toMatchObject({ max_age: '300', acr_values: 'mfa' })
    expect(complaints()).toEqual([expect.stringContaining('/step-up?seconds=300&acr=mfa: Failed to load')])
  })
})

describe('tabs agree on whether somebody is logged in', () => {
  let context: BrowserContext
  let page: Page
  let user: string

  beforeEach(async () => {
    ;({ context, page, user } = await openLoggedIn(chromium, app, provider))
  })
  afterEach(async () => {
    await context.close()
    expect(complaints()).toEqual([])
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
    expect(complaints()).toHaveLength(1)
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
})

describe('what a page can get at: storage, the document, answers, its history', () => {
  // Of their own: all that they ever gave is looked for.
  const { provider, app } = useParts(async (start) => {
    const provider = await start(startProvider())
    return { provider, app: await start(startPageApp({ provider })) }
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
          if (typeof chunk === 'string' || chunk instanceof Uint8Array)
            body.push(Buffer.from(chunk).toString())
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
    expect(
      await page.evaluate("bff.fetch('/renew', { method: 'POST' }).then((r) => r.json())"),
    ).toMatchObject({
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
})
