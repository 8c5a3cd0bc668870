// A tenant may have several providers, as an app without tenants may; and the hooks are told which tenant somebody is of.
import { ONE_CLIENT } from '../support/app/app-options.ts'
import { type Described, startTenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const told: unknown[] = []
const { app, staff, customers } = useParts(async (start) => {
  const [staff, customers] = await Promise.all([start(startProvider()), start(startProvider())])
  const app = await start(
    startTenantApp({
      tenants: { a: staff, b: staff },
      options: {
        afterCallback: (login, req) => {
          told.push(['afterCallback', login.tenant, login.provider])
          return { user: { marker: req.hostname } }
        },
        afterRenewal: ({ tenant, provider }) => {
          told.push(['afterRenewal', tenant, provider])
          return undefined
        },
      },
    }),
  )
  await customers.registerClient({ ...ONE_CLIENT, baseURL: app.url('a') })
  const { baseURL } = app.setUpOf('a')
  const client = { clientID: ONE_CLIENT.clientId, clientSecret: ONE_CLIENT.clientSecret }
  app.answers.set(app.host('a'), () => ({
    baseURL,
    providers: {
      staff: { ...client, issuerBaseURL: staff.issuer },
      customers: { ...client, issuerBaseURL: customers.issuer },
    },
  }))
  return { app, staff, customers }
})
beforeEach(() => told.splice(0))

test.each([
  ['staff', () => staff],
  ['customers', () => customers],
] as const)('one logs in with %s, and is renewed there', async (provider, asked) => {
  const browser = new Browser()
  const before = asked().refreshCount()
  const page = await browser.logIn(app.url('a'), {
    user: 'alice',
    path: `/login?provider=${provider}&return_to=/private`,
  })
  expect(page.json<Described>()).toMatchObject({ sub: 'alice', tenant: app.host('a'), provider })
  const renewed = await browser.request('POST', `${app.url('a')}/renew`)
  expect(renewed.json<Described>()).toMatchObject({ generation: 2, provider })
  expect(asked().refreshCount()).toBe(before + 1)
  expect(told).toEqual([
    ['afterCallback', app.host('a'), provider],
    ['afterRenewal', app.host('a'), provider],
  ])
  const ofOne = { sub: 'alice', tenant: app.host('a'), provider }
  expect(await app.auth.sessions.list(ofOne)).toMatchObject([{ tenant: app.host('a'), provider }])
  expect(await app.auth.sessions.revokeAll(ofOne)).toBe(1)
})

test('a tenant with one provider has none by name; the page is not told the app’s name of the tenant', async () => {
  const browser = new Browser()
  const page = await browser.logIn(app.url('b'), { user: 'alice', returnTo: '/private' })
  expect(page.json<Described>()).not.toHaveProperty('provider')
  expect(told).toEqual([['afterCallback', app.host('b'), undefined]])
  const me = await browser.request('GET', `${app.url('b')}/me`)
  expect(me.json()).toMatchObject({ authenticated: true, session: { generation: 1 } })
  expect(me.json<{ session: object }>().session).not.toHaveProperty('tenant')
})

test('what stands beside several providers of a tenant is told by the tenant’s name', async () => {
  const { baseURL } = app.setUpOf('b')
  app.log.lines.length = 0
  app.answers.set(app.host('b'), () => ({
    baseURL,
    clientID: 'shop',
    providers: { staff: { issuerBaseURL: staff.issuer, clientID: 'shop' } },
  }))
  app.auth.forgetTenant(app.host('b'))
  expect((await new Browser().request('GET', `${app.url('b')}/public`)).status).toBe(503)
  expect(app.log.lines).toEqual([
    expect.stringMatching(/cannot be used, for "127\.0\.1\.2": clientID stands beside providers/),
  ])
})
