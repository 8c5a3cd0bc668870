// All of it at once: staff of several tenants of Entra ID, customers of another provider, and an app under two base URLs.
import { createServer } from 'node:http'
import { listenToAll } from '../support/app/app-events.ts'
import { resolveOptions } from '../support/app/app-options.ts'
import { createApp } from '../support/app/app-routes.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startEntra, TENANTS } from '../support/provider/entra.ts'
import { LOGOUT_EVENT, sendLogout } from '../support/provider/logout-client.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { ours, theirs } = TENANTS
const client = { clientId: 'app', clientSecret: 'what both providers know of the app' }

const { entra, customers, app } = useParts(async (start) => {
  const [entra, customers] = await Promise.all([start(startEntra()), start(startProvider())])
  const places = (['127.0.0.1', 'localhost'] as const).map((host) => ({ host, server: createServer() }))
  const urls = await Promise.all(
    places.map(async ({ host, server }) => `http://${host}:${await listen(server, host)}`),
  )
  for (const baseURL of urls) {
    await entra.provider.registerClient({ ...client, baseURL, redirectUris: [`${baseURL}/callback/staff`] })
    await customers.registerClient({ ...client, baseURL })
  }
  const its = { clientID: client.clientId, clientSecret: client.clientSecret }
  const options = await resolveOptions(
    {
      options: {
        baseURL: urls,
        logger: createLog().logger,
        providers: {
          customers: { issuerBaseURL: customers.issuer, ...its },
          // Entra ID sends no `iss`, so its callback is its own.
          staff: {
            issuerBaseURL: entra.issuerBaseURL,
            tenants: [ours, theirs],
            routes: { callback: '/callback/staff' },
            ...its,
          },
        },
      },
    },
    '',
  )
  const made = createApp(options, { async waitAtGate() {}, onError() {} })
  const events: { name: string; event: unknown }[] = []
  listenToAll(made.auth, (told) => events.push(told))
  for (const { server } of places) server.on('request', made.app)
  const [one = '', other = ''] = urls
  return {
    entra,
    customers,
    app: await start({
      one,
      other,
      events,
      auth: made.auth,
      async stop() {
        await Promise.all(places.map(({ server }) => closeServer(server)))
        await made.auth.close()
      },
    }),
  }
})

const whoIsIn = async (browser: Browser, url: string) => (await browser.request('GET', `${url}/me`)).json()

describe.each([
  ['the first', () => app.one],
  ['the other', () => app.other],
])('at %s base URL', (_which, url) => {
  test.each([
    ['staff', `alice@${ours}`, '/callback/staff', () => entra.provider],
    ['customers', 'alice', '/callback', () => customers],
  ] as const)('%s log in, are renewed and log out', async (provider, user, callback, from) => {
    const browser = new Browser()
    const began = from().requests().length
    const page = await browser.logIn(url(), { path: `/login?provider=${provider}`, user })
    expect([page.url, page.json().sub]).toEqual([`${url()}/`, 'alice'])
    const asked = from().requests().slice(began)
    const named = asked.flatMap(({ params }) => params.redirect_uri ?? [])
    expect(new Set(named)).toEqual(new Set([url() + callback]))
    expect(asked.filter(({ endpoint }) => endpoint === 'token')).toHaveLength(1)
    expect((await browser.request('POST', `${url()}/fresh`)).json()).toMatchObject({ generation: 2 })
    expect(await whoIsIn(browser, url())).toMatchObject({ session: { provider } })
    const stopAt = ({ origin }: URL) => origin !== url()
    const out = await browser.submit(`${url()}/logout`, {}, { from: url(), stopAt })
    const ending = new URL(out.headers.location ?? '')
    expect(ending.origin).toBe(from().issuer)
    expect(ending.searchParams.get('post_logout_redirect_uri')).toBe(`${url()}/`)
  })

  test('a login that the tenant’s issuer begins is with the provider of all tenants', async () => {
    const iss = encodeURIComponent(entra.issuerOf(theirs))
    const page = await new Browser().navigate(`${url()}/login?iss=${iss}`, { stopAt: () => true, from: null })
    const asked = new URL(page.headers.location ?? '')
    expect([asked.origin, asked.searchParams.get('redirect_uri')]).toEqual([
      entra.provider.issuer,
      `${url()}/callback/staff`,
    ])
  })
})

test('a logout token of a tenant ends its own session, wherever that is and wherever it comes', async () => {
  const logIn = async (url: string, provider: string, user: string) => {
    const browser = new Browser()
    await browser.logIn(url, { path: `/login?provider=${provider}`, user })
    return browser
  }
  const one = await logIn(app.one, 'staff', `bob@${ours}`)
  const two = await logIn(app.other, 'staff', `bob@${theirs}`)
  const three = await logIn(app.one, 'customers', 'bob')
  const now = Math.floor(Date.now() / 1000)
  const about = { aud: client.clientId, iat: now, exp: now + 120, jti: 'of-bob', sub: 'bob' }
  const token = await entra.provider.signIdToken(
    { ...about, iss: entra.issuerOf(theirs), events: { [LOGOUT_EVENT]: {} } },
    { header: { typ: 'logout+jwt' } },
  )
  expect((await sendLogout(app.one, token)).status).toBe(200)
  const left = [await whoIsIn(one, app.one), await whoIsIn(two, app.other), await whoIsIn(three, app.one)]
  expect(left.map(({ authenticated }) => authenticated)).toEqual([true, false, true])
  const { sessions } = app.auth
  expect(await sessions.list({ sub: 'bob', provider: 'staff', tid: ours })).toHaveLength(1)
  expect(await sessions.revokeAll({ sub: 'bob', provider: 'customers' })).toBe(1)
  expect(await whoIsIn(one, app.one)).toMatchObject({ authenticated: true })
})
