// Where the browser ends after a login: on a page of ours (HOSTILE-INPUTS, return_to).
import { type KnownApp, startKnownApp } from '../support/app/known-app.ts'
import type { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: KnownApp
let browser: Browser

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  const options = { logger: createLog().logger }
  app = await startKnownApp({ provider, redisUrl: redis.url, options }, 'wanderer')
  browser = app.visitor()
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

/** Logs in with that query at `/login`; where the callback sends the browser, as the browser understands it. */
async function landing(query: string): Promise<URL> {
  const callback = await browser.startLogin(app.url, { path: `/login?${query}` })
  const answer = await browser.navigate(callback, { stopAt: () => true })
  expect(answer.status).toBe(303)
  return new URL(answer.headers.location ?? '', callback)
}

const encoded = (value: string) => `return_to=${encodeURIComponent(value)}`

test.each([
  '//evil.example',
  '///evil.example',
  '////evil.example/x',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/pri\tvate',
  '/private\n',
  '/private\\page',
  '/private page',
  '/private\r\nSet-Cookie: bff=planted',
  '/private\r\n\r\n<script>alert(1)</script>',
  '/private\u007f',
  '/private%00',
  '/private%0d%0aSet-Cookie:%20bff=planted',
  '/private%7f',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/\u0000/evil.example',
  '/%09/evil.example',
  '/%0d%0aLocation:%20https://evil.example',
  '/%5cevil.example',
  '/%5Cevil.example',
  '/%2f%2fevil.example',
  '/%2Fevil.example',
  '/%2f/evil.example',
  '/..//evil.example',
  '/../..//evil.example',
  '/%2e%2e//evil.example',
  '/private/..//evil.example/%2e%2e',
  '/./%2fevil.example',
  '//evil.example/..',
  '//evil.example@localhost/',
  '//%65vil.example',
  '//localhost',
  '\u2028//evil.example',
  '\ufeff//evil.example',
  '／／evil.example',
  '__proto__',
  '/.//evil.example',
  '/./\\evil.example',
  '/a/..//evil.example',
  '/a/../\\evil.example',
  '/a/%2e%2e//evil.example',
  '/%2e//evil.example',
  '/%2E%2e//evil.example',
  '/.%2e//evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'http:evil.example',
  'https://evil.example',
  'HTTPS://evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'blob:https://evil.example/x',
  'about:blank',
  'evil.example',
  '?x',
  '#x',
  '@evil.example',
  ':80',
  '',
])('return_to=%j goes to the default page', async (value) => {
  expect((await landing(encoded(value))).href).toBe(`${app.url}/`)
})

test.each([
  ['a user name before our host', (url: URL) => `http://${url.host}@evil.example/`],
  ['us as the user name', (url: URL) => `http://us@${url.host}/`],
  ['our host as a prefix', (url: URL) => `http://${url.hostname}.evil.com/`],
  ['our origin as a prefix', (url: URL) => `${url.origin}.evil.com/`],
  ['our origin as a prefix, with @', (url: URL) => `${url.origin}@evil.com/`],
  ['another port', (url: URL) => `http://localhost:${Number(url.port) - 1}/`],
  ['no port', () => 'http://localhost/'],
  ['https for http', (url: URL) => `https://${url.host}/private`],
  ['our origin, then another', (url: URL) => `${url.origin}//evil.example`],
  ['our origin, then dots and another', (url: URL) => `${url.origin}/.//evil.example`],
  ['a sibling of our host', (url: URL) => `http://evil.${url.host}/`],
  ['our host with a dot', (url: URL) => `http://localhost.:${url.port}/`],
  ['our host in capitals', (url: URL) => `HTTP://LOCALHOST:${url.port}/private`],
  ['our address for our name', (url: URL) => `http://127.0.0.1:${url.port}/private`],
  ['a user name before our host alone', (url: URL) => `//evil@${url.host}/private`],
  ['a user name in our origin', (url: URL) => `http://evil@${url.host}/private`],
  ['a password in our origin', (url: URL) => `http://:evil@${url.host}/private`],
  ['our origin and a backslash', (url: URL) => `${url.origin}\\@evil.example`],
  ['our origin behind blob:', (url: URL) => `blob:${url.origin}/private`],
  ['another host by its scheme-relative name', (url: URL) => `//${url.hostname}.evil.com:${url.port}/`],
])('return_to with %s goes to the default page', async (_name, make) => {
  expect((await landing(encoded(make(new URL(app.url))))).href).toBe(`${app.url}/`)
})

test.each([
  '/login',
  '/LOGIN',
  '/login/',
  '/log%69n',
  '/x/../login',
  '/login?return_to=/login',
  '/logout',
  '/Logout/',
  '/logout#x',
  '/%6c%6f%67out',
  '/%2e/logout',
  '/private/../logout?x',
  '/callback',
  '/CALLBACK/',
  '/c%61llback?error=access_denied&state=x',
])('return_to=%s would log in or out again, and goes to the default page', async (path) => {
  expect((await landing(encoded(path))).href).toBe(`${app.url}/`)
})

test.each([
  ['a callback', encoded('/callback?code=x&state=y')],
  ['a list', 'return_to=/private&return_to=//evil.example'],
  ['a list of the same', 'return_to=/private&return_to=/private'],
  ['a list by an escaped name', 'return_to=/private&return%5Fto=//evil.example'],
  ['another name', 'Return_To=/private&returnTo=/private&next=/private'],
  ['an array in brackets', 'return_to[]=/private'],
  ['an array in escaped brackets', 'return_to%5B%5D=/private'],
  ['an object', 'return_to[path]=/private'],
  ['eight thousand characters', encoded(`/${'a'.repeat(8000)}`)],
  ['broken percent encoding', 'return_to=%ff%fe//evil.example'],
])('return_to as %s goes to the default page', async (_name, query) => {
  expect((await landing(query)).href).toBe(`${app.url}/`)
})

test.each([
  '/private',
  '/private?a=1&b=%2F%2Fevil.example&c=%20d',
  '/public?next=https://evil.example/',
  '/public#part',
  '/caf%C3%A9',
  '/a%20b',
  '/a/b/../c',
  '/login-help',
  '/users/login',
])('return_to=%s is where the browser ends', async (path) => {
  expect((await landing(encoded(path))).href).toBe(new URL(path, app.url).href)
})

test('our own absolute URL of a route that logs in or out is not kept', async () => {
  for (const path of ['/logout', '/login?return_to=/x', '/callback?code=x'])
    expect((await landing(encoded(`${app.url}${path}`))).href).toBe(`${app.url}/`)
})

test('our own absolute URL is kept', async () => {
  expect((await landing(encoded(`${app.url}/public?a=1`))).href).toBe(`${app.url}/public?a=1`)
})
