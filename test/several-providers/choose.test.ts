// Which provider a login is with, where nobody says: the app's own page asks, by a function or by an address.
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useParts } from '../support/servers.ts'

const LOGIN = { params: ['ui_locales', 'prompt'] }

const { asked, paged, closed } = useParts(async (start) => ({
  asked: await start(
    startTwoProviders({
      options: {
        login: LOGIN,
        onChooseProvider: (req, res, choice) =>
          req.query.return_to === '/broken' ? Promise.reject(new TypeError('broken')) : res.json(choice),
      },
      below: (app) =>
        app
          .get('/go', (_req, res) => res.oidc.login())
          .get('/go-staff', (_req, res) => res.oidc.login({ provider: 'customers', returnTo: '/private' }))
          .get('/go-de', (_req, res) => res.oidc.login({ authorizationParams: { ui_locales: 'de' } }))
          .get('/go-wrong', (_req, res) => res.oidc.login({ provider: 'custommers' }))
          .get('/go-seven', (_req, res) => res.oidc.login({ provider: 7 as never })),
    }),
  ),
  paged: await start(startTwoProviders({ options: { login: LOGIN, routes: { chooseProvider: '/choose' } } })),
  closed: await start(
    startTwoProviders({
      options: { authRequired: true, routes: { chooseProvider: '/choose' } },
      below: (app) => app.get('/choose', (req, res) => res.json(req.query)),
    }),
  ),
}))

const stop = { stopAt: () => true }

test('onChooseProvider() is told what there is to choose from, and the links that go on', async () => {
  const query = 'return_to=%2Fprivate&max_age=300&ui_locales=de&x=y'
  const page = await new Browser().navigate(`${asked.url}/login?${query}`)
  expect(page).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
  const onward = '/login?return_to=%2Fprivate&max_age=300&ui_locales=de&provider='
  expect(page.json()).toEqual({
    returnTo: '/private',
    providers: [
      { name: 'staff', loginURL: `${onward}staff` },
      { name: 'customers', loginURL: `${onward}customers` },
    ],
  })
  const chosen = await new Browser().navigate(`${asked.url}${onward}customers`, stop)
  const url = new URL(chosen.headers.location ?? '')
  expect(url.origin).toBe(asked.customers.issuer)
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ max_age: '300', ui_locales: 'de' })
})

test('what is no page to return to is none of the choice either', async () => {
  const page = await new Browser().navigate(`${asked.url}/login?return_to=https://evil.example/`)
  expect(page.json()).toMatchObject({ returnTo: '/' })
})

test('what it throws goes to Express', async () => {
  const page = await new Browser().navigate(`${asked.url}/login?return_to=/broken`)
  expect(page.status).toBe(500)
})

test('a guarded page leads to the choice, and the choice back to the page', async () => {
  const browser = new Browser()
  const page = await browser.navigate(`${asked.url}/private`)
  const [, customers] = page.json<{ providers: { loginURL: string }[] }>().providers
  const back = await browser.logIn(asked.url, { path: customers?.loginURL ?? '' })
  expect(back).toMatchObject({ status: 200, url: `${asked.url}/private` })
  expect(back.json()).toMatchObject({ provider: 'customers' })
})

test.each([
  ['a provider that is named', '/login?provider=customers', 'customers'],
  ['a login that asks nobody anything', '/login?prompt=none', 'staff'],
  ['a guard that names one', '/customers', 'customers'],
  ['a login by code that names one', '/go-staff', 'customers'],
  ['a login by code that asks for what is for one', '/go-de', 'staff'],
] as const)('%s is no choice', async (_what, path, provider) => {
  const browser = new Browser()
  const page = await browser.navigate(asked.url + path, {
    stopAt: (url) => url.origin === asked[provider].issuer,
  })
  expect(page.headers.location).toMatch(new RegExp(`^${asked[provider].issuer}/`))
})

test('somebody who is logged in is not asked again', async () => {
  const browser = new Browser()
  await browser.logIn(asked.url, { path: '/login?provider=customers' })
  const page = await browser.navigate(`${asked.url}/login`, stop)
  expect(page.headers.location).toMatch(new RegExp(`^${asked.customers.issuer}/`))
})

test('res.oidc.login() without a name asks too, for the page that was asked for', async () => {
  const page = await new Browser().navigate(`${asked.url}/go`)
  expect(page.json()).toMatchObject({
    returnTo: '/go',
    providers: [{ name: 'staff' }, { name: 'customers' }],
  })
})

test.each([
  [
    '/go-wrong',
    `res.oidc.login(): provider is "custommers", which is none of the option providers; did you mean 'customers'?`,
  ],
  [
    '/go-seven',
    'res.oidc.login(): provider is "7", which is none of the option providers: they are staff, customers',
  ],
])('%s is a mistake of the app', async (path, message) => {
  expect((await new Browser().navigate(asked.url + path)).status).toBe(500)
  expect(asked.errors.at(-1)).toMatchObject({ code: 'invalid_option', message })
})

test('routes.chooseProvider is where the browser is sent, with what the login is to be', async () => {
  const page = await new Browser().navigate(`${paged.url}/login?return_to=%2Fprivate&ui_locales=de&x=y`, stop)
  expect(page).toMatchObject({ status: 302, headers: { 'cache-control': 'no-store' } })
  expect(page.headers.location).toBe('/choose?return_to=%2Fprivate&ui_locales=de')
  expect((await new Browser().navigate(`${paged.url}/login`, stop)).headers.location).toBe('/choose')
})

test('with authRequired the page of the choice is open, and no page to return to', async () => {
  const browser = new Browser()
  const page = await browser.navigate(`${closed.url}/private?a=b`)
  expect(page).toMatchObject({ status: 200, url: expect.stringMatching(/\/choose\?/) })
  expect(page.json()).toEqual({ return_to: '/private?a=b' })
  const back = await browser.logIn(closed.url, { path: '/login?provider=customers&return_to=/choose' })
  expect(back).toMatchObject({ status: 200, url: `${closed.url}/` })
})
