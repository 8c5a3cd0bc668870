// A tenant may be all that an app may be: with several providers, and at several base URLs.
import { type Described, startTenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const CLIENT = { clientId: 'shop', clientSecret: 'what the providers of one tenant know of it' }

const { app, staff, customers } = useParts(async (start) => {
  const [staff, customers, redis] = await Promise.all([
    start(startProvider()),
    start(startProvider()),
    start(startRedis()),
  ])
  const app = await start(
    startTenantApp({
      tenants: { shop: staff, again: staff, other: customers },
      redisUrl: redis.url,
      // Two hosts of one tenant, and one of another.
      tenant: { key: ({ hostname }) => (hostname === '127.0.1.3' ? 'other' : 'shop') },
    }),
  )
  const addresses = ['shop', 'again'].map(app.url)
  for (const provider of [staff, customers])
    for (const baseURL of addresses) await provider.registerClient({ ...CLIENT, baseURL })
  const { clientId: clientID, clientSecret } = CLIENT
  app.answers.set('shop', () => ({
    baseURL: addresses,
    providers: {
      staff: { issuerBaseURL: staff.issuer, clientID, clientSecret },
      customers: { issuerBaseURL: customers.issuer, clientID, clientSecret },
    },
  }))
  app.answers.set('other', () => app.setUpOf('other'))
  return { app, staff, customers }
})

const see = async (browser: Browser, tenant: string) =>
  (await browser.request('GET', `${app.url(tenant)}/public`)).json<Described>()

test.each([
  ['shop', 'staff'],
  ['shop', 'customers'],
  ['again', 'staff'],
  ['again', 'customers'],
])('somebody logs in at %s with %s, and is renewed and logged out there', async (at, provider) => {
  const browser = new Browser()
  const page = await browser.logIn(app.url(at), { path: `/login?provider=${provider}`, user: 'alice' })
  expect(page.url).toBe(`${app.url(at)}/`)
  expect(page.json()).toMatchObject({ sub: 'alice', provider, marker: app.host(at) })
  const renewed = await browser.request('POST', `${app.url(at)}/renew`)
  expect(renewed.json()).toMatchObject({ provider, generation: 2 })
  expect(await app.auth.sessions.list({ sub: 'alice', tenant: 'shop', provider })).toHaveLength(1)
  const others = provider === 'staff' ? 'customers' : 'staff'
  expect(await app.auth.sessions.list({ sub: 'alice', tenant: 'shop', provider: others })).toEqual([])
  expect(await app.auth.sessions.list({ sub: 'alice', tenant: 'other' })).toEqual([])
  await browser.logOut(app.url(at))
  expect(await see(browser, at)).toMatchObject({ authenticated: false })
})

test('a tenant with one provider has nothing to choose, and knows no names', async () => {
  const browser = new Browser()
  await browser.logIn(app.url('other'), { user: 'alice' })
  expect(await see(browser, 'other')).toMatchObject({ sub: 'alice', marker: app.host('other') })
  expect((await new Browser().navigate(`${app.url('other')}/login?provider=staff`)).url).toMatch(
    customers.issuer,
  )
})

test('check() of it says of each provider what it found', async () => {
  const findings = await app.auth.check({ tenant: 'shop' })
  expect(findings.filter(({ name }) => name === 'discovery')).toMatchObject([
    { status: 'ok', provider: 'staff', found: expect.stringContaining(staff.issuer) },
    { status: 'ok', provider: 'customers', found: expect.stringContaining(customers.issuer) },
  ])
})
