// Two providers at one callback path, of which one answers by a form: what is posted there is that one's alone.
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useStarted } from '../support/servers.ts'

const app = useStarted(() =>
  startTwoProviders({ customers: { authorizationParams: { response_mode: 'form_post' } } }),
)

const apart = useStarted(() =>
  startTwoProviders({
    customers: {
      authorizationParams: { response_mode: 'form_post' },
      routes: { callback: '/callback/customers' },
    },
  }),
)

test('a form for a login that this browser does not have is seen by a GET of the same address', async () => {
  const fields = { state: 'x'.repeat(43), code: 'c', iss: apart.customers.issuer }
  const url = `${apart.url}/callback/customers`
  const page = await new Browser().submit(url, fields, { from: apart.customers.issuer, stopAt: () => true })
  expect(page.status).toBe(303)
  expect(page.headers.location).toBe(`/callback/customers?state=${fields.state}`)
  const browser = new Browser()
  const done = await browser.finish(await browser.navigate(`${apart.url}/login?provider=customers`))
  expect(done.json()).toMatchObject({ provider: 'customers' })
})

test.each(['staff', 'customers'])('%s logs people in, each in its own way', async (provider) => {
  const browser = new Browser()
  const page = await browser.finish(await browser.navigate(`${app.url}/login?provider=${provider}`))
  expect(page.json()).toMatchObject({ authenticated: true, provider })
  const posted = app[provider as 'staff'].authorizationRequests().at(-1)?.params.response_mode
  expect(posted).toBe(provider === 'staff' ? undefined : 'form_post')
})

test('the answer of the other one may not be posted', async () => {
  const browser = new Browser()
  const back = new URL(await browser.startLogin(app.url, { path: '/login?provider=staff' }))
  const codes = app.staff.tokenRequests('authorization_code').length
  const fields = Object.fromEntries(back.searchParams)
  const page = await browser.submit(`${app.url}/callback`, fields, { from: app.staff.issuer })
  expect(page).toMatchObject({ status: 405, headers: { allow: 'GET' } })
  expect(app.staff.tokenRequests('authorization_code')).toHaveLength(codes)
  expect((await browser.navigate(back.href)).json()).toMatchObject({ provider: 'staff' })
})
