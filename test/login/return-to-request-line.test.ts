// Where the browser comes back to when it is not `return_to` that is hostile: the request line, a header, another site.
import { type KnownApp, startKnownApp } from '../support/app/known-app.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: KnownApp

beforeAll(async () => {
  provider = await startProvider()
  const options = { logger: createLog().logger, authRequired: true }
  app = await startKnownApp({ provider, options }, 'visitor')
  app.app.get('/ask', (_req, res) => res.oidc.login())
  app.app.get('/ask-for', (req, res) => res.oidc.login({ returnTo: req.query.page as string }))
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

const NAVIGATION = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']

/** Where the browser ends, when it asked for a page of that request line and logged in. */
async function landing(target: string, headers: string[] = []): Promise<string> {
  const { status, head } = await rawExchange(app.url, [`GET ${target} HTTP/1.1`, ...NAVIGATION, ...headers])
  const location = /^location: (.*)$/im.exec(head)?.[1] ?? ''
  // A path of our own, so that no browser takes it for another host's.
  expect([status, location]).toEqual([302, expect.stringMatching(/^\/login\?return_to=[^/\\]+$/)])
  const page = await app.visitor().logIn(app.url, { path: location })
  return page.url
}

test.each([
  '//evil.example/',
  '//evil.example/%2e%2e',
  '///evil.example',
  '/.//evil.example',
  '/x/..//evil.example',
  '/%09/evil.example',
  '/%5cevil.example',
  '/\\evil.example',
  '/%2f/evil.example',
  '/%0d%0aSet-Cookie:%20bff=planted',
  'http://evil.example/private',
  'http://localhost/private',
  'http://localhost@evil.example/private',
])('a guarded page asked for as %s leads to the default page', async (target) => {
  expect(await landing(target)).toBe(`${app.url}/`)
})

test.each([
  ['Host', ['Host: evil.example']],
  ['X-Forwarded-Host', ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https']],
  ['Forwarded', ['Forwarded: host=evil.example;proto=https']],
  ['X-Original-URL', ['X-Original-URL: //evil.example', 'X-Rewrite-URL: //evil.example']],
  ['X-Forwarded-Prefix', ['X-Forwarded-Prefix: //evil.example', 'X-Forwarded-Path: //evil.example']],
  ['Referer', ['Referer: https://evil.example/', 'Origin: https://evil.example']],
])('%s of somebody else does not lead away', async (_name, headers) => {
  expect(await landing('/private?a=1', headers)).toBe(`${app.url}/private?a=1`)
})

test.each(['//evil.example', 'https://evil.example', '/.//evil.example', '/\\evil.example', '/logout', 'x'])(
  'a login that another site began, with target_link_uri=%s, leads to the default page',
  async (page) => {
    const asked = new URLSearchParams({ iss: provider.issuer, target_link_uri: page })
    const { url } = await app.visitor().logIn(app.url, { path: `/login?${asked}` })
    expect(url).toBe(`${app.url}/`)
  },
)

test.each(['//evil.example', 'https://evil.example', '/logout', '/.//evil.example'])(
  'what an app hands to res.oidc.login() is checked too: %s',
  async (page) => {
    // Logged in, so that the guard lets it pass; logging in again is a redirect each way.
    const browser = app.visitor()
    await browser.logIn(app.url)
    const path = `/ask-for?page=${encodeURIComponent(page)}`
    const { url } = await browser.logIn(app.url, { path })
    expect(url).toBe(`${app.url}/`)
  },
)

test('res.oidc.login() comes back to no other host when the request line names one', async () => {
  const browser = app.visitor()
  await browser.logIn(app.url)
  const cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
  const { head } = await rawExchange(app.url, [
    'GET http://evil.example/ask HTTP/1.1',
    `Cookie: ${cookie}`,
    ...NAVIGATION,
  ])
  const [, line = ''] = /^set-cookie: (.*)$/im.exec(head) ?? []
  await browser.setCookie(line, app.url)
  const asked = /^location: (.*)$/im.exec(head)?.[1] ?? ''
  const page = await browser.finish(await browser.navigate(asked))
  expect(page.url).toBe(`${app.url}/`)
})
