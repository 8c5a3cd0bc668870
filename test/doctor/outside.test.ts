// --url: the app as browsers see it, through what stands before it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTLSServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Found } from '../../src/doctor/finding.ts'
import { expectedOf, lookFromOutside } from '../../src/doctor/outside.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { ONE_CLIENT } from '../support/app/app-options.ts'
import { closeServer, freePort, listen } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { runDoctor } from './run-doctor.ts'

interface Passed {
  status: number
  headers: Record<string, string | string[]>
  body: string
}
/** @returns what a proxy, or a cache, makes of the app's answer */
type Change = (answer: Passed, path: string) => Partial<Passed>

let change: Change = (answer) => answer
let pathOf = (path: string) => path

const { provider, before, prefixed } = useParts(async (start) => {
  const provider = await start(startProvider())
  // Browsers come through the proxy.
  const server = createServer()
  const url = `http://localhost:${await listen(server, 'localhost')}`
  await start({ stop: () => closeServer(server) })
  const app = await start(startApp({ provider, options: { baseURL: url } }))
  server.on('request', async ({ url: path = '' }, res) => {
    const sent = await fetch(app.url + pathOf(path), {
      redirect: 'manual',
      headers: { accept: 'application/json' },
    })
    const { 'set-cookie': _, 'content-length': __, ...headers } = Object.fromEntries(sent.headers)
    const cookies = sent.headers.getSetCookie()
    const answer = {
      status: sent.status,
      headers: { ...headers, 'set-cookie': cookies },
      body: await sent.text(),
    }
    const changed: Passed = { ...answer, ...change(answer, path) }
    res.writeHead(changed.status, changed.headers).end(changed.body)
  })
  const prefixed = await start(
    startApp({
      provider,
      options: { pushedAuthorizationRequests: false, routes: { login: '/auth/in', user: false } as never },
    }),
  )
  return { provider, before: { url }, prefixed }
})
afterEach(() => {
  change = (answer) => answer
  pathOf = (path) => path
  provider.normal()
})

const CLIENT = { clientID: ONE_CLIENT.clientId }
const byName = (findings: Found[]) =>
  Object.fromEntries(findings.map(({ name, status, found, cure }) => [name, `${status}: ${found} → ${cure}`]))
const look = async (url = before.url, options = {}) =>
  byName(
    await lookFromOutside(
      new URL(url),
      expectedOf({ baseURL: before.url, ...CLIENT, ...options }, new URL(url)),
    ),
  )

test('an app that is as it should be', async () => {
  const findings = await look()
  expect(Object.keys(findings)).toEqual(['url', 'url-login', 'url-cookie', 'url-callback', 'url-me'])
  for (const said of Object.values(findings)) expect(said).toMatch(/^ok: /)
})

test('one of several addresses', async () => {
  const elsewhere = 'https://shop.example.nl'
  const all = [elsewhere, before.url]
  for (const baseURL of [all, { among: all, of: () => elsewhere }])
    expect(await look(before.url, { baseURL })).toMatchObject({ url: expect.stringMatching(/^ok: /) })
  expect(await look(before.url, { baseURL: [elsewhere] })).toMatchObject({
    url: expect.stringContaining(`baseURL (BASE_URL) is ${elsewhere}`),
  })
})

test('routes of its own, and those that are off', async () => {
  const routes = { login: '/auth/in', user: false } as never
  const findings = await look(prefixed.url, { baseURL: prefixed.url, routes })
  expect(Object.keys(findings)).toEqual(['url', 'url-login', 'url-cookie', 'url-callback'])
  expect(findings['url-login']).toMatch(/^ok: /)
})

const withHeaders =
  (headers: Record<string, string | string[]>): Change =>
  (answer) => ({ headers: { ...answer.headers, ...headers } })
const withCookies =
  (edit: (line: string) => string): Change =>
  ({ headers }) => ({ headers: { ...headers, 'set-cookie': [headers['set-cookie'] ?? []].flat().map(edit) } })
const onMe =
  (body: string): Change =>
  (_answer, path) =>
    path === '/me' ? { body } : {}
const page: Change = () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>app</h1>' })

test.each<[what: string, made: Change, name: string, said: RegExp]>([
  [
    'takes cookies out',
    withHeaders({ 'set-cookie': [] }),
    'url-cookie',
    /^failed: no cookie of the login.*Set-Cookie/,
  ],
  [
    'takes HttpOnly out',
    withCookies((line) => line.replace('; HttpOnly', '')),
    'url-cookie',
    /^failed: bff-login-\d: HttpOnly is missing/,
  ],
  [
    'changes SameSite',
    withCookies((line) => line.replace('Lax', 'Strict')),
    'url-cookie',
    /^failed: .*SameSite is neither/,
  ],
  [
    'adds a Domain',
    withCookies((line) => `__Host-Http-${line}; Domain=localhost`),
    'url-cookie',
    /^failed: __Host-Http-bff-login-\d: __Host- wants/,
  ],
  [
    'answers by a page of its own',
    page,
    'url-login',
    /^failed: it answered 200, and a redirect to the provider was expected.*app\.use/,
  ],
  [
    'answers the callback by a page',
    page,
    'url-callback',
    /^failed: it answered 200, and this package's own refusal/,
  ],
  ['answers /me by a page', page, 'url-me', /^failed: it answered 200, and JSON/],
  [
    'leads to another host',
    withHeaders({ location: 'https://app.example.com/login' }),
    'url-login',
    /^failed: it leads to https:\/\/app\.example\.com, and not to the provider.*--url/,
  ],
  [
    'lets /me be kept',
    withHeaders({ 'cache-control': 'max-age=60' }),
    'url-me',
    /^failed: its answer may be kept.*no-store/,
  ],
  ['keeps /me', withHeaders({ age: '12' }), 'url-me', /^failed: its answer may be kept/],
  [
    'has kept what was somebody’s',
    onMe('{"authenticated":true,"user":{"sub":"alice"}}'),
    'url-me',
    /^failed: somebody is logged in there without a cookie/,
  ],
])('a proxy that %s', async (_what, made, name, said) => {
  change = made
  expect((await look())[name]).toMatch(said)
})

test('a proxy that takes part of the path', async () => {
  pathOf = (path) => path.replace(/^\/\w/, '/')
  const findings = await look()
  for (const name of ['url-login', 'url-callback', 'url-me'])
    expect(findings[name]).toMatch(/^failed: it answered 404/)
})

test('browsers elsewhere than at baseURL', async () => {
  const elsewhere = before.url.replace('localhost', '127.0.0.1')
  const { url } = await look(before.url, { baseURL: elsewhere })
  expect(url).toBe(
    `failed: browsers are at ${before.url}, and baseURL (BASE_URL) is ${elsewhere}: a login's cookie is bound to the one, and the provider leads back to the other → change baseURL, or open the app there`,
  )
})

test('an app that was started with another environment', async () => {
  const options = { clientID: 'another', routes: { callback: '/back' } as never }
  expect((await look(before.url, options))['url-login']).toMatch(
    /^failed: .* with the redirect URI http:\/\/localhost:\d+\/callback, and not .*\/back and the client app, and not another → .*environment/,
  )
  const https = { baseURL: before.url.replace('http:', 'https:') }
  expect((await look(before.url, https))['url-cookie']).toMatch(/^failed: bff-login-\d: Secure is missing/)
})

test('nothing that it leads to gets to the terminal as it is', async () => {
  change = withHeaders({ location: 'https://id.example.com/?client_id=%1b%5b2J' })
  expect((await look())['url-login']).toContain('the client ?[2J, and not app')
})

test('nobody listens; an app without its provider', async () => {
  const findings = await look(`http://localhost:${await freePort()}`)
  expect(findings['url-login']).toMatch(
    /^failed: http:\/\/localhost:\d+ could not be reached \(ECONNREFUSED\)/,
  )
  let away: TestApp | undefined
  try {
    away = await startApp({
      options: { issuerBaseURL: `http://127.0.0.1:${await freePort()}`, clientID: 'app' },
    })
    expect((await look(away.url))['url-login']).toMatch(
      /^failed: it answered 503 \(provider_unavailable\).*docs\/errors\.md/,
    )
  } finally {
    await away?.stop()
  }
})

test('https, in a process that trusts its CA: a Secure cookie, and HSTS is missed', async () => {
  const { server: certificate, ca } = await createCertificates()
  const server = createTLSServer(certificate)
  const url = `https://127.0.0.1:${await listen(server, '127.0.0.1')}`
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  const secure = await startApp({
    provider,
    client: { clientId: 'secure', clientSecret: 'known' },
    options: { baseURL: url },
  })
  try {
    server.on('request', secure.app)
    await writeFile(join(folder, 'ca.pem'), ca)
    const { stdout } = await runDoctor(['doctor', '--url', `${url}/`], {
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      ISSUER_BASE_URL: provider.issuer,
      BASE_URL: url,
      CLIENT_ID: 'secure',
      CLIENT_SECRET: 'known',
      SECRET: 'a secret which nobody needs here at all',
    })
    expect(stdout).toContain('✓ url-login: ')
    expect(stdout).toMatch(
      /✓ url-cookie: __Host-Http-bff-login-\d comes with Path=\/, HttpOnly, Secure, SameSite=Lax\n/,
    )
    expect(stdout).toMatch(/! url-https: .*Strict-Transport-Security.*\n {4}→ .*helmet/)
  } finally {
    await closeServer(server)
    await secure.stop()
    await rm(folder, { recursive: true })
  }
})

describe('where there are several, what is expected is', () => {
  const at = new URL('https://shop.example.com/')
  const entry = { issuerBaseURL: 'https://id.example.com', clientID: 'shop', clientSecret: 'x' }

  test('of providers the first one’s, also where a page offers the choice', () => {
    const providers = {
      staff: { ...entry, clientID: 'staff', routes: { callback: '/callback/staff' } },
      customers: entry,
    }
    expect(expectedOf({ baseURL: at.href, providers }, at)).toEqual({
      baseURL: at,
      clientID: 'staff',
      paths: { login: '/login?provider=staff', callback: '/callback/staff', user: '/me' },
    })
  })

  test('of tenants what is common to all, at the address that is looked at', () => {
    const tenant = { key: () => 'a', resolve: () => undefined }
    expect(expectedOf({ tenant }, at).clientID).toBe(undefined)
    expect(expectedOf({ tenant, clientID: 'shop' }, at)).toEqual({
      baseURL: at,
      clientID: 'shop',
      paths: { login: '/login', callback: '/callback', user: '/me' },
    })
  })
  test('and the client of a tenant is whichever it is', async () => {
    const tenant = { key: () => 'a', resolve: () => undefined }
    const expected = expectedOf({ tenant }, new URL(before.url))
    const { 'url-login': login } = byName(await lookFromOutside(new URL(before.url), expected))
    expect(login).toMatch(/^ok: /)
  })
})
