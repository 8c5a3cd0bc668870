// Requests with our cookie that no client library sends: a header twice, odd methods, other people's request lines.
import express from 'express'
import { auth } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

const FOREIGN = ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site']
const log = createLog()
let provider: TestProvider
let app: TestApp
let target: Browser
let cookie = ''

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({ provider, options: { logger: log.logger } })
  target = new Browser()
  await target.logIn(app.url, { user: 'target' })
  cookie = (await target.cookies(app.url)).map((each) => each.cookieString()).join('; ')
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

const send = (line: string, headers: string[] = []) =>
  rawExchange(app.url, [`${line} HTTP/1.1`, `Cookie: ${cookie}`, ...headers])

async function expectUntouched(): Promise<void> {
  const page = await target.request('GET', `${app.url}/private`)
  expect(page.json()).toMatchObject({ sub: 'target', generation: 1 })
  expect((await target.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
}

test.each<[string, () => string[]]>([
  ['Origin twice, ours first', () => [`Origin: ${app.url}`, 'Origin: https://evil.example']],
  ['Origin twice, ours last', () => ['Origin: https://evil.example', `Origin: ${app.url}`]],
  ['Origin twice, ours both times', () => [`Origin: ${app.url}`, `Origin: ${app.url}`]],
  ['Sec-Fetch-Site twice', () => ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: cross-site']],
  ['Sec-Fetch-Site twice, the other way', () => ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: none']],
  ['a foreign Origin and one in another case', () => ['ORIGIN: https://evil.example']],
  ['a byte that is no letter after our Origin', () => [`Origin: ${app.url}\xa0`]],
  ['a foreign Host', () => ['Host: evil.example', 'Origin: http://evil.example']],
  [
    'everything that says it is ours but the Origin',
    () => ['Origin: https://evil.example', `Referer: ${app.url}/`, 'X-Requested-With: XMLHttpRequest'],
  ],
  ['a method override to GET', () => [...FOREIGN, 'X-HTTP-Method-Override: GET']],
  ['other overrides', () => [...FOREIGN, 'X-HTTP-Method: GET', 'X-Method-Override: GET']],
])('a POST with %s is refused', async (_name, headers) => {
  for (const path of ['/cart', '/logout', '/renew', '/logout?_method=GET', '/LOGOUT/', '/%6cogout']) {
    const { status, body } = await send(`POST ${path}`, headers())
    expect([path, status]).toEqual([path, 403])
    expect(JSON.parse(body)).toMatchObject({ code: 'cross_site' })
  }
  await expectUntouched()
})

test.each(['X-HTTP-Method-Override: POST', 'X-HTTP-Method: POST', 'X-Method-Override: DELETE'])(
  'a GET of another site with %s stays a GET',
  async (override) => {
    expect((await send('GET /cart?_method=POST', [...FOREIGN, override])).body).toBe('{"cart":null}')
    expect((await send('GET /logout', [...FOREIGN, override])).status).toBe(403)
    expect((await send('GET /renew', [...FOREIGN, override])).status).toBe(404)
    await expectUntouched()
  },
)

test('a method that was overridden above auth() is the one that is checked', async () => {
  const own = await startOwnApp({ provider, options: { logger: log.logger } }, (options) => {
    const handler = auth(options)
    const built = express()
    built.use((req, _res, next) => {
      req.method = String(req.headers['x-http-method-override'] ?? req.method)
      next()
    })
    built.use(handler, (_req, res) => void res.json({}))
    return { app: built, auth: handler }
  })
  try {
    for (const method of ['DELETE', 'post', 'Get']) {
      const lines = ['GET /thing HTTP/1.1', ...FOREIGN, `X-HTTP-Method-Override: ${method}`]
      expect([method, (await rawExchange(own.url, lines)).status]).toEqual([method, 403])
    }
    expect((await rawExchange(own.url, ['GET /thing HTTP/1.1', ...FOREIGN])).status).toBe(200)
  } finally {
    await own.stop()
  }
})

test.each(['post', 'Post', 'get', 'dELETE', 'POST\x00', 'EVIL'])(
  'a method spelled %j reaches no route',
  async (method) => {
    expect((await send(`${method} /logout`)).status).toBe(400)
    await expectUntouched()
  },
)

test.each(['TRACE', 'OPTIONS', 'HEAD'])(
  '%s shows nothing of the request and changes nothing',
  async (method) => {
    for (const path of ['/cart', '/logout', '/login', '/callback', '/me', '*']) {
      const { status, head, body } = await send(`${method} ${path}`, FOREIGN)
      expect([path, status < 500]).toEqual([path, true])
      expect(head + body).not.toMatch(/evil|s%3A|set-cookie/i)
    }
    await expectUntouched()
  },
)

test.each([
  'POST http://evil.example/logout',
  'POST http://localhost/logout',
  'POST http://evil.example/%6cogout?x',
  'POST /logout#x',
  'POST /logout/?return_to=/',
  'POST /Logout//',
])('%s is refused like /logout', async (line) => {
  expect((await send(line, FOREIGN)).status).toBe(403)
  await expectUntouched()
})

test('a refusal is one log line, whatever was sent', async () => {
  log.lines.length = 0
  await send('POST /logout?%0d%0aevil=1', ['Origin: https://evil\x9b31m', 'X: %0aevil'])
  expect(log.lines).toEqual([expect.stringMatching(/^[ -~]+$/)])
  expect(log.lines.join()).not.toContain('evil')
})
