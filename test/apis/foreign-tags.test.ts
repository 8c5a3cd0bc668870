// Tags of another site's page, a sibling's above all, which get the session's cookie: they load nothing of the relay or of
// `/me`. By the headers that browsers send, and in Chromium.
import { createServer } from 'node:http'
import { type RelayOptions, relay } from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { openLoggedIn, startPageApp } from '../support/app/page-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startChromium } from '../support/browser/chromium.ts'
import type { HeaderValues } from '../support/browser/http-exchange.ts'
import { eventually } from '../support/deadline.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const ADMIN = 'https://admin.example.com'
const RED = 'body { color: rgb(255, 0, 0) }'
const PIXEL = Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64')

/** `/blind` is the relay as it is for a browser that sends no Fetch Metadata. */
const { provider, app, api, browser } = useParts(async (start) => {
  const [provider, api] = await Promise.all([start(startProvider()), start(startApiServer())])
  const app = await start(startPageApp({ provider, options: { allowedOrigins: [ADMIN] } }))
  const options: RelayOptions = { target: api.url }
  app.app.use('/blind', (req, _res, next) => {
    for (const name of Object.keys(req.headers)) if (name.startsWith('sec-fetch-')) delete req.headers[name]
    next()
  })
  app.app.use(['/api', '/blind'], relay(options))
  // Without a policy of its own, which would refuse images.
  app.app.get('/bare', (_req, res) => void res.send('<body>'))
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'target' })
  return { provider, app, api, browser }
})

beforeEach(() => {
  api.seen.length = 0
  api.answer((req, res) => {
    const [type, body] =
      req.url === '/image'
        ? ['image/gif', PIXEL]
        : req.url === '/style'
          ? ['text/css', RED]
          : ['text/javascript', 'globalThis.leaked = "the balance"']
    res
      .writeHead(200, { 'content-type': `${type}`, 'cross-origin-resource-policy': 'cross-origin' })
      .end(body)
  })
})

const PLACES = ['/api/jsonp', '/me']
const BARE = {
  'sec-fetch-site': undefined,
  'sec-fetch-mode': undefined,
  'sec-fetch-dest': undefined,
  origin: undefined,
}
const ask = (path: string, headers: HeaderValues, method = 'GET') =>
  browser.request(method, `${app.url}${path}`, { headers: { ...BARE, ...headers } })

describe('by what a browser says', () => {
  test.each<[string, HeaderValues]>([
    [
      'a sibling’s script',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
    ],
    [
      'a sibling’s image',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    ],
    [
      'a sibling’s style sheet',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'style' },
    ],
    [
      'a sibling’s prefetch',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' },
    ],
    [
      'a sibling’s <object>',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'object' },
    ],
    [
      'a sibling’s <embed>',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'embed' },
    ],
    [
      'another site’s script',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
    ],
    [
      'another site’s fetch()',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: 'https://evil.example' },
    ],
    [
      'a script with an Origin that is none',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: 'null' },
    ],
    ['a site of no known kind', { 'sec-fetch-site': 'trust-me', 'sec-fetch-mode': 'no-cors' }],
    ['a site alone', { 'sec-fetch-site': 'cross-site' }],
  ])('%s gets 403, the API is not asked, and nothing changes', async (_what, headers) => {
    for (const path of PLACES) {
      for (const method of ['GET', 'HEAD']) {
        const page = await ask(path, headers, method)
        expect([path, page.status]).toEqual([path, 403])
        expect(page.headers).toMatchObject({
          'cache-control': 'no-store',
          'cross-origin-resource-policy': 'same-origin',
        })
        expect(page.headers['set-cookie']).toBeUndefined()
        if (method === 'GET') expect(page.json()).toMatchObject({ code: 'cross_site' })
      }
    }
    expect(api.seen).toEqual([])
  })

  test.each<[string, HeaderValues]>([
    [
      'our own page’s script',
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
    ],
    [
      'the address bar',
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    ],
    [
      'a link of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    ],
    [
      'a link of a sibling',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    ],
    [
      'a page of an allowed origin',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: ADMIN },
    ],
    ['a program', {}],
  ])('%s gets an answer, for pages of our origin only', async (_what, headers) => {
    for (const path of PLACES) {
      const page = await ask(path, headers)
      expect([path, page.status]).toEqual([path, 200])
      expect(page.headers['cross-origin-resource-policy']).toBe('same-origin')
    }
    expect(api.seen).toHaveLength(1)
  })

  test.each(['/login', '/callback', '/logout', '/me', '/backchannel-logout', '/private'])(
    'what is answered at %s is for pages of our origin only',
    async (path) => {
      const page = await new Browser().request('GET', `${app.url}${path}`)
      expect(page.headers['cross-origin-resource-policy']).toBe('same-origin')
    },
  )
})

describe('in Chromium', () => {
  const { chromium, sibling } = useParts(async (start) => {
    const server = createServer((_req, res) => void res.setHeader('content-type', 'text/html').end('<body>'))
    // Another port of the same host: another origin of the same site, which gets all its cookies.
    const port = await listen(server, 'localhost')
    const sibling = await start({ url: `http://localhost:${port}`, stop: () => closeServer(server) })
    return { chromium: await start(startChromium()), sibling }
  })

  /** What a page there sees of the relay by its tags. */
  async function seenFrom(pageUrl: string, mount: string) {
    const { context, page } = await openLoggedIn(chromium, app, provider)
    await page.goto(pageUrl)
    const seen = await page.evaluate(`(async () => {
      const load = (tag, attributes) => new Promise((resolve) => {
        const element = Object.assign(document.createElement(tag), attributes)
        element.onload = () => resolve(true)
        element.onerror = () => resolve(false)
        document.body.append(element)
      })
      const script = await load('script', { src: '${app.url}${mount}/jsonp' })
      const image = await load('img', { src: '${app.url}${mount}/image' })
      const style = await load('link', { rel: 'stylesheet', href: '${app.url}${mount}/style' })
      return { script, image, style, leaked: globalThis.leaked ?? null, color: getComputedStyle(document.body).color }
    })()`)
    await context.close()
    chromium.complaints.length = 0
    return seen
  }

  const NOTHING = { script: false, image: false, style: false, leaked: null, color: 'rgb(0, 0, 0)' }

  test('a sibling’s tags load nothing, and the API is not asked', async () => {
    expect(await seenFrom(sibling.url, '/api')).toEqual(NOTHING)
    expect(api.seen).toEqual([])
  })

  test('a sibling’s tags load nothing where no Fetch Metadata comes here, though the API is asked', async () => {
    expect(await seenFrom(sibling.url, '/blind')).toEqual(NOTHING)
    await eventually('the API to be asked', () => api.seen.length === 3)
  })

  test('our own page’s tags load it all', async () => {
    expect(await seenFrom(`${app.url}/bare`, '/api')).toMatchObject({
      script: true,
      image: true,
      leaked: 'the balance',
    })
  })
})
