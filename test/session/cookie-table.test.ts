// Cookies that are not what we sent: anonymous, and never a 500 (HOSTILE-INPUTS, "The session cookie").
import { sign } from 'cookie-signature'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { idIn } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

const NEWER_SECRET = 'a newer secret, of which the old app knows nothing'

let provider: TestProvider
let redis: RedisServer
let app: TestApp
let rotated: TestApp
let foreign: TestApp
/** The value of a logged-in session's cookie, as the browser sends it. */
let cookie = ''

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  const setup = { provider, redisUrl: redis.url }
  app = await startApp(setup)
  rotated = await startApp({ ...setup, options: { secret: [NEWER_SECRET, TEST_SECRET] } })
  foreign = await startApp({ ...setup, options: { secret: NEWER_SECRET } })
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'owner' })
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'own' } })
  cookie = (await browser.cookies(app.url)).find(({ key }) => key === 'bff')?.value ?? ''
})
afterAll(async () => {
  await Promise.all([app?.stop(), rotated?.stop(), foreign?.stop()])
  await Promise.all([provider?.stop(), redis?.stop()])
})

const get = (path: string, header: string | undefined, at = app) =>
  exchange({ method: 'GET', url: `${at.url}${path}`, headers: { cookie: header } })
const whoIs = async (header: string | undefined, at = app) => {
  const page = await get('/public', header, at)
  expect(page.status).toBe(200)
  return JSON.parse(page.body).sub ?? 'anonymous'
}
const cartOf = async (header: string, at = app) => JSON.parse((await get('/cart', header, at)).body).cart
const signedWith = (secret: string, id: string) => `bff=${encodeURIComponent(`s:${sign(id, secret)}`)}`

test('the cookie itself is logged in', async () => {
  expect(await whoIs(`bff=${cookie}`)).toBe('owner')
  expect(await cartOf(`bff=${cookie}`)).toBe('own')
})

test('any byte of it changed is anonymous', async () => {
  const changed = [...cookie].map(
    (byte, at) => cookie.slice(0, at) + (byte === 'x' ? 'y' : 'x') + cookie.slice(at + 1),
  )
  const seen = await Promise.all(changed.map((value) => whoIs(`bff=${value}`)))
  expect(seen).toEqual(changed.map(() => 'anonymous'))
})

test('cut off anywhere it is anonymous', async () => {
  const cut = Array.from(cookie, (_, length) => cookie.slice(0, length))
  const seen = await Promise.all(cut.map((value) => whoIs(`bff=${value}`)))
  expect(seen).toEqual(cut.map(() => 'anonymous'))
})

const noise = Buffer.from(Array.from({ length: 96 }, (_, at) => (at * 89) % 256)).toString('base64')
test.each([
  ['empty', () => 'bff='],
  ['without a value', () => 'bff'],
  ['base64 of noise', () => `bff=${noise}`],
  ['signed noise of nobody', () => `bff=s%3A${noise}.${noise}`],
  ['bad percent encoding', () => 'bff=%E0%A4%A'],
  ['a null byte', () => 'bff=s%3A%00.%00'],
  ['quotes', () => `bff="${cookie}"`],
  ['the bare id', () => `bff=${idIn(cookie)}`],
  ['no signature', () => `bff=s%3A${idIn(cookie)}`],
  ['an empty signature', () => `bff=s%3A${idIn(cookie)}.`],
  ['10 kB', () => `bff=${'x'.repeat(10_000)}`],
  ['an object of cookie-parser', () => 'bff=j%3A%7B%22a%22%3A1%7D'],
  ['escaped twice', () => `bff=${encodeURIComponent(cookie)}`],
  ['base64 of ours', () => `bff=${Buffer.from(decodeURIComponent(cookie)).toString('base64')}`],
  ['without its s:', () => `bff=${cookie.slice('s%3A'.length)}`],
  ['signed twice', () => `bff=s%3A${cookie}`],
  ['in capitals', () => `bff=${cookie.toUpperCase()}`],
  ['ours and a comma', () => `bff=${cookie},`],
  ['ours and a comment', () => `bff=${cookie} (ours)`],
  ['ours and a null byte', () => `bff=${cookie}%00`],
  ['ours, its signature padded', () => `bff=${cookie}%3D`],
  ['our signature on another id', () => `bff=s%3As-other.${decodeURIComponent(cookie).split('.')[1]}`],
  ['an old kind of header', () => `$Version=1; bff="${cookie}"; $Path=/`],
  ['one name for two', () => `bff=bff=${cookie}`],
  ['a cookie without a name', () => `=bff=${cookie}`],
  ['the name of https', () => `__Host-Http-bff=${cookie}`],
  ['the name in other case', () => `BFF=${cookie}`],
  ['another name', () => `bff2=${cookie}`],
  ['a hundred cookies', () => Array.from({ length: 100 }, (_, at) => `bff=s%3Ax${at}.y`).join('; ')],
  ['nothing but separators', () => ';;; = ; =x; ,'],
])('a cookie that is %s is anonymous', async (_name, header) => {
  expect(await whoIs(header())).toBe('anonymous')
  expect(await cartOf(header())).toBeNull()
})

test.each([
  ['a logged-in id', 's-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ['an anonymous id', 'a-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ['an id of no kind', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ['an empty id', ''],
  ['the id of the login key', '}:auth'],
])('%s that is not in the store is never adopted', async (_name, id) => {
  const header = signedWith(TEST_SECRET, id)
  expect(await whoIs(header)).toBe('anonymous')
  const saved = await exchange({ method: 'POST', url: `${app.url}/cart`, headers: { cookie: header } })
  expect(saved.status).toBe(200)
  const [line = ''] = saved.headers['set-cookie'] ?? []
  const fresh = idIn(line.split(/[=;]/)[1] ?? '')
  expect(fresh).toMatch(/^a-[\w-]{43}$/)
  expect(fresh).not.toBe(id)
  expect(await cartOf(header)).toBeNull()
})

test.each([
  ['before it', (own: string, other: string) => `${other}; ${own}`],
  ['after it', (own: string, other: string) => `${own}; ${other}`],
  ['on both sides', (own: string, other: string) => `${other}; ${own}; ${other}`],
])('a forged cookie of the same name %s never wins', async (_name, order) => {
  const own = `bff=${cookie}`
  const forgeries = [
    'bff=',
    'bff=planted',
    `bff=${cookie.slice(0, -1)}`,
    signedWith(NEWER_SECRET, idIn(cookie)),
    signedWith('attacker', 's-attacker'),
  ]
  for (const forged of forgeries) {
    const header = order(own, forged)
    expect(await whoIs(header)).toBe('owner')
    expect(await cartOf(header)).toBe('own')
    const saved = await exchange({ method: 'POST', url: `${app.url}/cart`, headers: { cookie: header } })
    expect(JSON.parse(saved.body)).toEqual({ before: 'own', cart: 'full' })
    expect(saved.headers['set-cookie']).toBeUndefined()
    const headers = { cookie: header, 'content-type': 'application/json' }
    await exchange({ method: 'POST', url: `${app.url}/cart`, headers, body: '{"cart":"own"}' })
  }
})

test('a cookie signed with a retired secret is accepted, for req.session too', async () => {
  expect(await whoIs(`bff=${cookie}`, rotated)).toBe('owner')
  expect(await cartOf(`bff=${cookie}`, rotated)).toBe('own')
})

test('a cookie signed with an unknown secret is anonymous', async () => {
  expect(await whoIs(`bff=${cookie}`, foreign)).toBe('anonymous')
  expect(await cartOf(`bff=${cookie}`, foreign)).toBeNull()
})

test('a cookie signed with a known secret opens no record that was sealed with another', async () => {
  const header = signedWith(NEWER_SECRET, idIn(cookie))
  expect(await whoIs(header, foreign)).toBe('anonymous')
  expect(foreign.events).toContainEqual({ name: 'record-unreadable', event: { detail: expect.any(String) } })
  expect(await whoIs(`bff=${cookie}`)).toBe('owner')
})
