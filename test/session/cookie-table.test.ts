// Cookies that are not what we sent: anonymous, and never a 500; and Cookie headers letter by letter: several of them,
// and names that only look like ours (HOSTILE-INPUTS, "The session cookie").
import { sign } from 'cookie-signature'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { idIn } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'

const NEWER_SECRET = 'a newer secret, of which the old app knows nothing'
const HTTPS_NAME = '__Host-Http-bff'
const HTTPS = 'https://app.example.test'

const { provider, redis, app, log } = useServers({ redis: true })
const { rotated, foreign, secure } = useParts(async (start) => {
  const { logger } = log
  const setup = { provider, redisUrl: redis.url }
  return {
    rotated: await start(startApp({ ...setup, options: { secret: [NEWER_SECRET, TEST_SECRET], logger } })),
    foreign: await start(startApp({ ...setup, options: { secret: NEWER_SECRET, logger } })),
    /** Reached over http, as behind a proxy; its cookie has the name of https. */
    secure: await start(startApp({ ...setup, options: { baseURL: HTTPS, logger } })),
  }
})
/** The value of a logged-in session's cookie, as the browser sends it. */
let cookie = ''

beforeAll(async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'owner' })
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'own' } })
  cookie = (await browser.cookies(app.url)).find(({ key }) => key === 'bff')?.value ?? ''
})

const get = (path: string, header: string | undefined, at: TestApp = app) =>
  exchange({ method: 'GET', url: `${at.url}${path}`, headers: { cookie: header } })
const whoIs = async (header: string | undefined, at: TestApp = app) => {
  const page = await get('/public', header, at)
  expect(page.status).toBe(200)
  return JSON.parse(page.body).sub ?? 'anonymous'
}
const cartOf = async (header: string, at: TestApp = app) =>
  JSON.parse((await get('/cart', header, at)).body).cart
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

async function ownerOf(headers: string[]): Promise<string> {
  const lines = headers.map((header) => `Cookie: ${header}`)
  const { status, body } = await rawExchange(app.url, ['GET /public HTTP/1.1', ...lines])
  expect(status).toBe(200)
  return JSON.parse(body).sub ?? 'anonymous'
}

const forgedCookie = `bff=${encodeURIComponent(`s:${sign('s-attacker', 'a secret of the attacker')}`)}`

test.each<[string, () => string[]]>([
  ['a forged one in a header before it', () => [forgedCookie, `bff=${cookie}`]],
  ['a forged one in a header after it', () => [`bff=${cookie}`, forgedCookie]],
  [
    'forged ones in headers all around it',
    () => [forgedCookie, '', `a=b; bff=${cookie}; bff=`, forgedCookie],
  ],
  ['an empty header', () => ['', `bff=${cookie}`]],
  ['no blank between the cookies', () => [`a=b;bff=${cookie};c=d`]],
  ['blanks and tabs between the cookies', () => [`a=b; \t bff=${cookie} \t; c=d`]],
  ['a forged one of our name in other case', () => [`BFF=x; Bff=x; bff=${cookie}`]],
  ['escapes in small letters', () => [`bff=${cookie.replaceAll(/%../g, (each) => each.toLowerCase())}`]],
  ['nothing escaped', () => [`bff=${decodeURIComponent(cookie)}`]],
])('the session is found with %s', async (_name, headers) => {
  expect(await ownerOf(headers())).toBe('owner')
})

// Browsers let no other host set a cookie whose name begins with __Host-: what begins otherwise may be anybody's, and
// must not become ours by what is taken off it.
test.each([
  '\xa0bff',
  'bff\xa0',
  '\xa0\xa0bff',
  '\x85bff',
  '\xe2\x80\x80bff',
  '\xe2\x80\xa8bff',
  '\xef\xbb\xbfbff',
  '"bff"',
  '%62ff',
  'bff%20',
  'bff[]',
  'x bff',
  ',bff',
  '$bff',
])('a cookie named %j is not ours, though its value is', async (name) => {
  expect(await ownerOf([`${name}=${cookie}`])).toBe('anonymous')
  expect(await ownerOf([`a=b; ${name}=${cookie}`])).toBe('anonymous')
})

test.each(['s%3A\xff.\xff', '\xff\xfe', 's%3A%ff.%fe', '\t', '"', '""', '"s%3A.', 's%3A.', 's:.', '='])(
  'the value %j is anonymous',
  async (value) => {
    expect(await ownerOf([`bff=${value}`])).toBe('anonymous')
  },
)

/** Logs in at the https app, by hand: no browser keeps its cookies over http. */
async function logInSecurely(): Promise<string> {
  const browser = new Browser()
  const stopAt = (url: URL) => url.origin === HTTPS
  const page = await browser.navigate(`${secure.url}/login`, { stopAt })
  const last = await browser.finish(page, { user: 'owner' }, stopAt)
  const [remembered = ''] = page.hops[0]?.headers['set-cookie']?.[0]?.split(';') ?? []
  const { search } = new URL(last.headers.location ?? '')
  const { head } = await rawExchange(secure.url, [`GET /callback${search} HTTP/1.1`, `Cookie: ${remembered}`])
  return new RegExp(`^set-cookie: ${HTTPS_NAME}=(s%3As-[^;]*)`, 'im').exec(head)?.[1] ?? ''
}

test('on https only the name with its prefix is ours', async () => {
  const value = await logInSecurely()
  const whoIsThere = async (name: string) => {
    const { body } = await rawExchange(secure.url, ['GET /public HTTP/1.1', `Cookie: ${name}=${value}`])
    return JSON.parse(body).sub ?? 'anonymous'
  }
  expect(await whoIsThere(HTTPS_NAME)).toBe('owner')
  const others = ['bff', '__Secure-bff', '__Host-bff', '__Http-bff', '__host-http-bff', `\xa0${HTTPS_NAME}`]
  for (const name of others) expect([name, await whoIsThere(name)]).toEqual([name, 'anonymous'])
})
