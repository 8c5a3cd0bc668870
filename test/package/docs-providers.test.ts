// The app in docs/providers.md, run as it stands there, with two real providers.
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { startPageScript } from './page-script.ts'

const withRefreshTokens = () =>
  startProvider({ configure: (plain) => ({ ...plain, issueRefreshToken: async () => true }) })

const { app } = useParts(async (start) => {
  const [staff, customers] = await Promise.all([start(withRefreshTokens()), start(withRefreshTokens())])
  const clientSecret = 'a secret of the client'
  const clientId = 'shop'
  const app = await start(
    startPageScript('docs/providers.md', {
      STAFF_ISSUER: staff.issuer,
      STAFF_CLIENT_ID: clientId,
      STAFF_CLIENT_SECRET: clientSecret,
      CUSTOMERS_ISSUER: customers.issuer,
      CUSTOMERS_CLIENT_ID: clientId,
      CUSTOMERS_CLIENT_SECRET: clientSecret,
    }),
  )
  for (const provider of [staff, customers])
    await provider.registerClient({ clientId, clientSecret, baseURL: app.url })
  return { app }
})

test('a page for staff leads to their login, and a customer who tries it becomes staff there', async () => {
  const browser = new Browser()
  const orders = await browser.navigate(`${app.url}/orders`)
  const [, link = ''] = /href="([^"]*provider=customers[^"]*)"/.exec(orders.body) ?? []
  const page = await browser.logIn(app.url, { path: link.replaceAll('&amp;', '&'), user: 'ann' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/orders` })
  expect(page.json()).toEqual({ orders: [], of: 'customers' })
  expect((await browser.request('GET', `${app.url}/admin`)).json()).toMatchObject({
    code: 'provider_required',
  })
  const admin = await browser.logIn(app.url, { path: '/admin', user: 'bob' })
  expect(admin.json()).toEqual({ welcome: 'bob' })
  expect((await browser.request('GET', app.url)).json()).toEqual({ name: 'bob Example', provider: 'staff' })
})
