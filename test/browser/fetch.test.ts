// In Chromium: what the module's fetch() sends, to whom, what it makes of answers, and where it lets a page be led.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { BrowserContext, Page } from 'playwright-core'
import type { TestApp } from '../support/app/app.ts'
import { endsOf, openLoggedIn, openPage, startPageApp } from '../support/app/page-app.ts'
import { type Chromium, startChromium } from '../support/browser/chromium.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp
let chromium: Chromium
let context: BrowserContext
let page: Page
let otherPort: number
/** Another site, which would let scripts of ours in. */
const other = createServer((req, res) => {
  askedThere.push(`${req.method} ${req.url}`)
  res.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*').end()
})
const askedThere: string[] = []
let headers: IncomingHttpHeaders
let asked = 0

beforeAll(async () => {
  ;[provider, chromium] = await Promise.all([startProvider(), startChromium()])
  app = await startPageApp({ provider })
  otherPort = await listen(other, '127.0.0.1')
  app.app.all('/seen', (req, res) => {
    headers = req.headers
    res.json({ xhr: req.xhr })
  })
  app.app.get('/away', (_req, res) => res.redirect(`http://127.0.0.1:${otherPort}/away`))
  app.app.all('/later', ({ query }, res) => {
    asked += 1
    if (query.after) res.set('retry-after', String(query.after))
    res.sendStatus(asked > Number(query.times) ? 200 : 503)
  })
  app.app.get('/refused', ({ query }, res) => {
    res.status(401).type(String(query.type)).send(String(query.body))
  })
  ;({ context, page } = await openLoggedIn(chromium, app, provider, '/page', {
    // The page's policy would refuse other sites too, and hide what the module does.
    bypassCSP: true,
  }))
})
beforeEach(() => {
  asked = 0
  askedThere.length = 0
})
afterAll(async () => {
  await chromium?.stop()
  await closeServer(other)
  await app?.stop()
  await provider?.stop()
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
  ['another site', () => `http://127.0.0.1:${otherPort}/x`],
  ['another site, without a scheme', () => `//127.0.0.1:${otherPort}/x`],
  ['another port of this host', () => `http://localhost:${otherPort}/x`],
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
  expect(await run(`bff.fetch('/later${query}', { method: '${method}' }).then((r) => r.status)`)).toBe(status)
  expect(asked).toBe(times)
})

test('who gives up while it waits to ask again does not wait', async () => {
  const stop = 'const stop = new AbortController(); setTimeout(() => stop.abort(), 50)'
  const began = Date.now()
  const failure = await run(
    `(() => { ${stop}; return bff.fetch('/later?times=1&after=5', { signal: stop.signal }).${told} })()`,
  )
  expect(failure).toMatchObject({ name: 'AbortError' })
  expect(Date.now() - began).toBeLessThan(4000)
  expect(asked).toBe(1)
})

test.each([
  ['an API’s own', 'application/json', '{"code":"login_required"}'],
  ['a problem with another code', 'application/problem+json', '{"code":"no_money"}'],
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
  ['another site', () => `http://127.0.0.1:${otherPort}/login`],
  ['another site, without a scheme', () => `//127.0.0.1:${otherPort}/login`],
  ['backslashes', () => `\\\\127.0.0.1:${otherPort}/login`],
  ['another port of this host', () => `http://localhost:${otherPort}/login`],
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
])('login() asks to come back to the page, or to where it is told (%#)', async (path, returnTo, expected) => {
  const own = await openPage(context, app, path)
  const request = own.waitForRequest((asked) => new URL(asked.url()).pathname === '/login')
  await own.evaluate(`bff.login({ returnTo: ${JSON.stringify(returnTo)} })`)
  expect(new URL((await request).url()).searchParams.get('return_to')).toBe(expected)
  await own.close()
})
