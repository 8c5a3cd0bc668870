// What is a hundred times too long. Node answers 431 to heads over 16 kB; here it takes a megabyte, and auth() is alone.
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { createSealer } from '../../src/lib/seal.ts'
import { startApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange, type HeaderValues } from '../support/browser/http-exchange.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const log = createLog()
const { provider, app, formApp, patient, owner } = useParts(async (start) => {
  const provider = await start(startProvider())
  const { logger } = log
  const app = await start(startApp({ provider, options: { logger } }))
  const server = createServer({ maxHeaderSize: 1_000_000 }, app.app)
  const patient = {
    url: `http://localhost:${await listen(server, 'localhost')}`,
    stop: () => closeServer(server),
  }
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'owner' })
  const cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
  const formOptions = { logger, authorizationParams: { response_mode: 'form_post' } }
  return {
    provider,
    app,
    formApp: await start(startApp({ provider, options: formOptions })),
    patient: await start(patient),
    owner: { cookie },
  }
})
beforeEach(() => {
  log.lines.length = 0
})

const get = (path: string, headers: HeaderValues = {}) =>
  exchange({ method: 'GET', url: `${patient.url}${path}`, headers })
const exchanges = () => provider.tokenRequests().length
const LONG = 'l0ng'.repeat(25_000)

/** A callback that would succeed, and the cookie of its login. */
async function loginBegun() {
  const browser = new Browser()
  const callback = new URL(await browser.startLogin(app.url, { user: 'visitor' }))
  const cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
  return { callback, cookie }
}

test.each<[string, string, number]>([
  ['a code of 100 kB', 'code', 1],
  ['a state of 100 kB', 'state', 0],
  ['an iss of 100 kB', 'iss', 0],
])('%s is refused, and shown nowhere', async (_what, name, requests) => {
  const { callback, cookie } = await loginBegun()
  callback.searchParams.set(name, LONG)
  const before = exchanges()
  const page = await get(`/callback${callback.search}`, { cookie })
  expect(page.status).toBe(400)
  // Only the provider knows which codes are good.
  expect(exchanges()).toBe(before + requests)
  expect(page.body.length + JSON.stringify(page.headers).length).toBeLessThan(4000)
  expect(log.lines).toEqual([expect.stringMatching(/^.{1,400}$/)])
  expect(page.body + log.lines.join()).not.toContain('l0ngl0ng')
})

test('an error_description of 100 kB is not repeated', async () => {
  const { callback, cookie } = await loginBegun()
  callback.searchParams.delete('code')
  callback.searchParams.set('error', 'access_denied')
  callback.searchParams.set('error_description', LONG)
  const page = await get(`/callback${callback.search}`, { cookie })
  expect(page.status).toBe(400)
  expect(page.body + log.lines.join()).not.toContain('l0ngl0ng')
})

test('20,000 parameters at the callback are refused at once', async () => {
  const { callback, cookie } = await loginBegun()
  const many = Array.from({ length: 20_000 }, (_, at) => `&p${at}=`).join('')
  const before = exchanges()
  const began = process.cpuUsage()
  // It takes all of them to see that the last has come before; work that grows with their square is four seconds.
  const page = await get(`/callback${callback.search}${many}&p19999=`, { cookie })
  expect([page.status, exchanges()]).toEqual([400, before])
  const { user, system } = process.cpuUsage(began)
  expect((user + system) / 1e6).toBeLessThan(1.5)
})

test.each([
  ['64 kB of letters', `/${'a'.repeat(65_536)}`],
  ['64 kB of slashes', '/'.repeat(65_536)],
  ['64 kB of dots', `/${'../'.repeat(22_000)}`],
  ['64 kB of escapes', `/${'%2e%2f'.repeat(11_000)}`],
  ['64 kB that leads to a page of ours', `/${'x/../'.repeat(13_000)}private`],
])('a return_to of %s goes to the default page', async (_what, returnTo) => {
  const page = await get(`/login?return_to=${encodeURIComponent(returnTo)}`)
  expect(page.status).toBe(302)
  const [line = ''] = setCookieLines(page)
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
  const remembered = createSealer([TEST_SECRET], 'login transaction').open(value, name) ?? '{}'
  expect(JSON.parse(remembered)).toMatchObject({ returnTo: '/' })
})

test('a page with an address of 12 kB leads to a login that a server takes', async () => {
  // Escaped once more in `return_to`, it would be over the 16 kB that Node takes: 431, and no way in.
  const page = `/private?${'%25'.repeat(4000)}`
  const headers = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']
  const { head } = await rawExchange(app.url, [`GET ${page} HTTP/1.1`, ...headers])
  const [, location = ''] = /^location: (.*)$/im.exec(head) ?? []
  expect((await rawExchange(app.url, [`GET ${location} HTTP/1.1`, ...headers])).status).toBe(302)
})

test.each<[string, () => string]>([
  ['a cookie of 64 kB', () => `bff=${'x'.repeat(65_536)}`],
  ['a cookie of 64 kB that begins like ours', () => `${owner.cookie}${'x'.repeat(65_536)}`],
  ['a cookie of 64 kB of escapes', () => `bff=${'%73%3A'.repeat(11_000)}`],
  ['5,000 cookies of our name', () => Array.from({ length: 5000 }, (_, at) => `bff=s%3Ax.${at}`).join('; ')],
  ['64 kB of separators', () => ';'.repeat(65_536)],
  ['64 kB of equals signs', () => `bff${'='.repeat(65_536)}`],
  ['64 kB of blanks', () => `bff=${' '.repeat(65_536)}x`],
])('%s is anonymous; with ours beside it, the session is found', async (_what, cookie) => {
  const alone = await get('/public', { cookie: cookie() })
  expect(JSON.parse(alone.body)).toMatchObject({ authenticated: false })
  const both = await get('/private', { cookie: `${cookie()}; ${owner.cookie}` })
  expect(JSON.parse(both.body)).toMatchObject({ sub: 'owner' })
})

test('a head over Node’s own limit is answered by 431, and the next request as ever', async () => {
  const lines = ['GET /private HTTP/1.1', `Cookie: ${owner.cookie}; x=${'x'.repeat(16_400)}`]
  expect((await rawExchange(app.url, lines)).status).toBe(431)
  const page = await exchange({ method: 'GET', url: `${app.url}/private`, headers: { cookie: owner.cookie } })
  expect(JSON.parse(page.body)).toMatchObject({ sub: 'owner' })
})

const bomb = gzipSync('x'.repeat(5_000_000)).toString('latin1')
const cut = gzipSync('code=x&state=y').toString('latin1').slice(0, 15)
test.each<[string, number, string[], string]>([
  ['that grows to 5 MB when it is unpacked', 413, ['Content-Encoding: gzip'], bomb],
  ['that is cut off in its packing', 400, ['Content-Encoding: gzip'], cut],
  ['in a packing that nobody knows', 400, ['Content-Encoding: klingon'], 'code=x&state=y'],
])('a form %s is refused with %i', async (_what, status, headers, body) => {
  const before = exchanges()
  const type = 'Content-Type: application/x-www-form-urlencoded'
  const page = await rawExchange(formApp.url, ['POST /callback HTTP/1.1', type, ...headers], body)
  expect([page.status, exchanges()]).toEqual([status, before])
  expect(log.lines).toEqual([expect.stringContaining('refused')])
})
