// An app with several base URLs: cookies, pages to return to, redirect URIs and the check of origins go by the one that a
// request came to, and nobody says which that is by a name that is not in the list.
import { createServer } from 'node:http'
import type { AuthOptions } from '../../src/index.ts'
import { listenToAll } from '../support/app/app-events.ts'
import { resolveOptions } from '../support/app/app-options.ts'
import { createApp } from '../support/app/app-routes.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange, type HeaderValues } from '../support/browser/http-exchange.ts'
import { createLog } from '../support/evidence.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const client = { clientId: 'at-two-hosts', clientSecret: 'one secret for both hosts' }
/** Cookies know of no ports: two of one host have the same, as hosts below one `cookie.domain` do. */
const HOSTS = { apart: ['127.0.0.1', 'localhost'], together: ['localhost', 'localhost'] } as const

interface Place {
  hosts?: keyof typeof HOSTS
  trustsProxies?: boolean
}

type Addresses = (one: string, other: string) => AuthOptions['baseURL']

const { provider, app, trusting, apps } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = async (addresses: Addresses, { hosts = 'apart', trustsProxies = false }: Place = {}) => {
    const places = HOSTS[hosts].map((host) => ({ host, server: createServer() }))
    const [one = '', other = ''] = await Promise.all(
      places.map(async ({ host, server }) => `http://${host}:${await listen(server, host)}`),
    )
    const log = createLog()
    const events: { name: string }[] = []
    const given = await resolveOptions(
      {
        redisUrl: redis.url,
        options: {
          issuerBaseURL: provider.issuer,
          clientID: client.clientId,
          clientSecret: client.clientSecret,
          baseURL: addresses(one, other),
          logger: log.logger,
        },
      },
      one,
    )
    const { app, auth } = createApp(given, { async waitAtGate() {}, onError() {} })
    if (trustsProxies) app.set('trust proxy', 'loopback')
    listenToAll(auth, (told) => events.push(told))
    for (const { server } of places) server.on('request', app)
    for (const baseURL of [one, other]) await provider.registerClient({ ...client, baseURL })
    return start({
      auth,
      one,
      other,
      events,
      lines: log.lines,
      async stop() {
        await Promise.all(places.map(({ server }) => closeServer(server)))
        await auth.close()
      },
    })
  }
  const both: Addresses = (one, other) => [one, other]
  return {
    provider,
    app: await open(both),
    trusting: await open(both, { trustsProxies: true }),
    apps: { open, both },
  }
})
beforeEach(() => {
  app.events.length = 0
})

let count = 0
const somebody = () => `person-${++count}`

/** What the provider is asked to lead back to, by a login that begins with these headers. */
async function redirectURIOf(url: string, headers: HeaderValues = {}): Promise<string | null> {
  const page = await exchange({ method: 'GET', url: `${url}/login`, headers })
  return new URL(page.headers.location ?? '').searchParams.get('redirect_uri')
}

test.each([
  ['the first', () => app.one],
  ['another', () => app.other],
])('a login at %s of them begins and ends there, and so does its logout', async (_which, url) => {
  const browser = new Browser()
  const user = somebody()
  const asked = provider.requests().length
  const page = await browser.logIn(url(), { user, path: '/private?a=1' })
  expect([page.url, page.json()]).toEqual([`${url()}/private?a=1`, expect.objectContaining({ sub: user })])
  const sent = provider.requests().slice(asked)
  const named = sent.flatMap(({ params }) => params.redirect_uri ?? [])
  expect(named).toEqual(Array(named.length).fill(`${url()}/callback`))
  expect(sent.filter(({ endpoint }) => endpoint === 'token')).toHaveLength(1)
  expect((await browser.request('POST', `${url()}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect((await browser.logOut(url())).url).toBe(`${url()}/`)
})

test('their sessions are apart in a browser, and one person’s to the app', async () => {
  const browser = new Browser()
  const user = somebody()
  await browser.logIn(app.one, { user })
  expect((await browser.request('GET', `${app.other}/private`)).status).toBe(401)
  await browser.logIn(app.other, { user })
  expect(await app.auth.sessions.list(user)).toHaveLength(2)
  expect(await app.auth.sessions.revokeAll(user)).toBe(2)
  for (const url of [app.one, app.other])
    expect((await browser.request('GET', `${url}/private`)).status).toBe(401)
})

describe('the host of a request', () => {
  const portOf = () => new URL(app.other).port

  test.each([
    ['as it stands', () => `localhost:${portOf()}`],
    ['whatever its case', () => `LocalHost:${portOf()}`],
  ])('says which it is, %s', async (_what, host) => {
    for (const url of [app.one, app.other])
      expect(await redirectURIOf(url, { host: host() })).toBe(`${app.other}/callback`)
  })

  test.each([
    ['of somebody else', () => 'evil.example'],
    ['below one of them', () => `evil.localhost:${portOf()}`],
    ['that ends with one of them', () => `evillocalhost:${portOf()}`],
    ['that begins with one of them', () => `localhost:${portOf()}.evil.example`],
    ['at another port', () => 'localhost:1'],
    ['without the port', () => 'localhost'],
    ['with a user name', () => `evil@localhost:${portOf()}`],
    ['with a dot at its end', () => `localhost.:${portOf()}`],
    ['with a path', () => `localhost:${portOf()}/x`],
    ['that is another writing of one of them', () => `localhost:0${portOf()}`],
  ])('is the first’s where it is a name %s', async (_what, host) => {
    expect(await redirectURIOf(app.other, { host: host() })).toBe(`${app.one}/callback`)
  })

  test('is not what a client says in the proxy’s place', async () => {
    const { host } = new URL(app.other)
    expect(await redirectURIOf(app.one, { 'x-forwarded-host': host })).toBe(`${app.one}/callback`)
  })

  test.each([
    ['one proxy', (host: string) => host],
    ['the first of several', (host: string) => `${host} , inside.example`],
  ])('is what %s says, where the app trusts them', async (_what, header) => {
    const { host } = new URL(trusting.other)
    const asked = redirectURIOf(trusting.one, { 'x-forwarded-host': header(host) })
    expect(await asked).toBe(`${trusting.other}/callback`)
    expect(await redirectURIOf(trusting.other)).toBe(`${trusting.other}/callback`)
  })

  test('is the first’s where a proxy says a name that is none of them', async () => {
    const asked = redirectURIOf(trusting.other, { 'x-forwarded-host': 'evil.example' })
    expect(await asked).toBe(`${trusting.one}/callback`)
  })
})

describe('the pages of one', () => {
  const post = (url: string, from: string) =>
    new Browser().request('POST', `${url}/cart`, { json: { cart: 'x' }, from })

  test('may send to it, and not to another', async () => {
    for (const [url, from] of [
      [app.one, app.one],
      [app.other, app.other],
    ] as const)
      expect((await post(url, from)).status).toBe(200)
    for (const [url, from] of [
      [app.one, app.other],
      [app.other, app.one],
    ] as const) {
      const page = await post(url, from)
      expect([page.status, page.json().code]).toEqual([403, 'cross_site'])
    }
  })

  test('are pages to return to, and those of another are not', async () => {
    const landed = async (url: string, returnTo: string) =>
      (await new Browser().logIn(url, { user: somebody(), returnTo })).url
    expect(await landed(app.other, `${app.other}/private`)).toBe(`${app.other}/private`)
    expect(await landed(app.other, `${app.one}/private`)).toBe(`${app.other}/`)
    expect(await landed(app.one, `${app.other}/private`)).toBe(`${app.one}/`)
  })
})

test('a callback at another address than the login’s, with its cookies, is refused before the code is sent', async () => {
  const own = await apps.open(apps.both, { hosts: 'together' })
  const browser = new Browser()
  const callback = await browser.startLogin(own.one, { user: somebody() })
  const tokens = provider.tokenRequests().length
  expect((await browser.navigate(callback.replace(own.one, own.other))).status).toBe(400)
  expect(own.events).toMatchObject([{ name: 'refused', event: { code: 'login_unknown' } }])
  expect(provider.tokenRequests()).toHaveLength(tokens)
  expect((await browser.navigate(callback, { stopAt: () => true })).status).toBe(303)
})

describe('a function that chooses', () => {
  let chosen: (req: { headers: object }) => unknown = () => undefined
  const choosing: Addresses = (one, other) => ({
    among: [one, `${other}/`],
    of: (req) => chosen(req) as string,
  })

  test('is asked for each request, and what is none of the list is the first', async () => {
    const own = await apps.open(choosing)
    for (const [answer, expected] of [
      [own.one, own.one],
      [`${own.other}/`, own.other],
      [own.other, own.one],
      ['https://evil.example', own.one],
      [undefined, own.one],
    ]) {
      chosen = () => answer
      expect(await redirectURIOf(own.other)).toBe(`${expected}/callback`)
    }
  })

  test('and one that throws is the app’s own error', async () => {
    const own = await apps.open(choosing)
    chosen = () => {
      throw new Error('no such thing')
    }
    expect((await exchange({ method: 'GET', url: `${own.one}/login` })).status).toBe(500)
  })

  test('tells apart what one host has below two paths', async () => {
    const own = await apps.open((one) => ({
      among: [`${one}/a`, `${one}/b`],
      of: ({ headers }) => `${one}/${headers['x-path']}`,
    }))
    for (const path of ['a', 'b'])
      expect(await redirectURIOf(own.one, { 'x-path': path })).toBe(`${own.one}/${path}/callback`)
  })
})

test('all of them are to be entered at the provider, and check() asks for each', async () => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'development'
  const own = await apps
    .open((one, other) => [one, other, 'http://unknown.test'])
    .finally(() => {
      process.env.NODE_ENV = before
    })
  const [line] = own.lines
  for (const url of [own.one, own.other, 'http://unknown.test'])
    expect(line).toContain(`redirect URI ${url}/callback, post-logout redirect URI ${url}/`)
  const findings = await own.auth.check()
  const of = (wanted: string) =>
    findings.filter(({ name }) => name === wanted).map(({ status, found }) => [status, found])
  expect(of('redirect-uri')).toEqual([
    ['ok', `${own.one}/callback is registered`],
    ['ok', `${own.other}/callback is registered`],
    [expect.stringMatching(/failed|warning/), expect.stringContaining('http://unknown.test/callback')],
  ])
  expect(of('post-logout-uri')).toHaveLength(3)
  expect(of('backchannel-logout-uri')).toHaveLength(1)
})

test('a login that begins at none of them is told of all', async () => {
  const browser = new Browser()
  const page = await exchange({ method: 'GET', url: `${app.one}/login`, headers: { host: 'old.example' } })
  const state = new URL(page.headers.location ?? '').searchParams.get('state')
  expect((await browser.navigate(`${app.one}/callback?code=x&state=${state}`)).status).toBe(400)
  expect(app.lines.join('\n')).toContain(
    `the login began at old.example, and its cookie is kept for that host, but baseURL (BASE_URL) is one of ${app.one}, ${app.other}: open`,
  )
})
