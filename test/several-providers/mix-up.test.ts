// A hostile provider hands the browser to an honest one, to get at the code from there (RFC 9700 §4.4.1): no code ever comes to it.
import { startTwoProviders, type TwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useParts } from '../support/servers.ts'

/** What a hostile one would say of itself. */
const SILENT = { provider: { metadata: { authorization_response_iss_parameter_supported: false } } }
const AT = (name: string) => ({ routes: { callback: `/callback/${name}` } })

const apps = useParts(async (start) => ({
  shared: await start(startTwoProviders({ customers: SILENT })),
  honestApart: await start(startTwoProviders({ customers: SILENT, staff: AT('staff') })),
  hostileApart: await start(startTwoProviders({ customers: { ...SILENT, ...AT('customers') } })),
}))

/** A login that began with `customers`, the hostile one, and was authorized by `staff`, the honest one. */
async function handedOver(app: TwoProviders): Promise<{ browser: Browser; back: URL }> {
  const browser = new Browser()
  const begun = await browser.navigate(`${app.url}/login?provider=customers`, { stopAt: () => true })
  const asked = new URL(begun.headers.location ?? '')
  expect(asked.origin).toBe(app.customers.issuer)
  const honest = new URL(await new Browser().startLogin(app.url, { path: '/login?provider=staff' }))
  // Where the honest one leads back to, which is not for the hostile one to say.
  asked.searchParams.set('redirect_uri', honest.origin + honest.pathname)
  const onward = `${app.staff.issuer}/auth${asked.search}`
  const page = await browser.navigate(onward)
  const back = await browser.finish(page, {}, (url) => url.origin === new URL(app.url).origin)
  const url = new URL(back.headers.location ?? '', back.url)
  expect(url.searchParams.get('state')).toBe(asked.searchParams.get('state'))
  expect(url.searchParams.get('code')).toBeTruthy()
  expect(url.searchParams.get('iss')).toBe(app.staff.issuer)
  return { browser, back: url }
}

describe.each(['shared', 'honestApart', 'hostileApart'] as const)('%s', (name) => {
  test.each(['as it came', 'as of an honest provider that does not name itself'])('%s', async (how) => {
    const app = apps[name]
    const { browser, back } = await handedOver(app)
    const codesAtHonest = app.staff.tokenRequests('authorization_code').length
    if (how !== 'as it came') back.searchParams.delete('iss')
    const page = await browser.navigate(back.href)
    expect(page.status).toBe(400)
    expect(page.body).toContain(
      name === 'shared' ? 'something went wrong' : 'The login was to come back to another address',
    )
    expect(app.customers.tokenRequests()).toEqual([])
    expect(app.staff.tokenRequests('authorization_code')).toHaveLength(codesAtHonest)
    expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  })

  test('both of them log people in otherwise', async () => {
    const app = apps[name]
    const codes = app.customers.tokenRequests('authorization_code').length
    for (const provider of ['customers', 'staff']) {
      const page = await new Browser().logIn(app.url, { path: `/login?provider=${provider}` })
      expect(page.json()).toMatchObject({ authenticated: true, provider })
    }
    expect(app.customers.tokenRequests('authorization_code')).toHaveLength(codes + 1)
  })
})

test('a callback at the address of another provider is none, whatever it names', async () => {
  const app = apps.honestApart
  const browser = new Browser()
  const back = new URL(await browser.startLogin(app.url, { path: '/login?provider=staff' }))
  back.pathname = '/callback'
  expect((await browser.navigate(back.href)).status).toBe(400)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
})
