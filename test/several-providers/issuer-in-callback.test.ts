// A callback path that providers share: each callback names its issuer, whatever the provider's document says.
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useParts } from '../support/servers.ts'

const SILENT = { provider: { metadata: { authorization_response_iss_parameter_supported: false } } }
const OWN_PATH = { ...SILENT, routes: { callback: '/callback/staff' } }

const { shared, apart } = useParts(async (start) => ({
  shared: await start(startTwoProviders({ staff: SILENT })),
  apart: await start(startTwoProviders({ staff: OWN_PATH })),
}))

async function callback({ url }: typeof shared): Promise<{ browser: Browser; back: URL }> {
  const browser = new Browser()
  return { browser, back: new URL(await browser.startLogin(url)) }
}

test.each(['', undefined])(
  'iss %j is refused, the code stays where it is, and the log has the cure',
  async (iss) => {
    const { browser, back } = await callback(shared)
    if (iss === undefined) back.searchParams.delete('iss')
    else back.searchParams.set('iss', iss)
    const codes = shared.staff.tokenRequests('authorization_code').length
    const page = await browser.navigate(back.href)
    expect(page.status).toBe(400)
    expect(page.body).toContain('something went wrong')
    expect(shared.staff.tokenRequests('authorization_code')).toHaveLength(codes)
    expect(shared.log.lines.at(-1)).toMatch(
      /login_failed.*names no issuer \(iss, RFC 9207\).*providers\.staff\.routes\.callback: '\/callback\/staff', and enter that address at the provider/,
    )
  },
)

test('an error without it is refused too: nobody knows whose it is', async () => {
  const { browser, back } = await callback(shared)
  back.search = `${new URLSearchParams({ state: back.searchParams.get('state') ?? '', error: 'access_denied' })}`
  const page = await browser.navigate(back.href)
  expect(page.status).toBe(400)
  expect(page.body).not.toContain('the provider said no')
})

test('with it the login goes on', async () => {
  const { browser, back } = await callback(shared)
  expect((await browser.navigate(back.href)).json()).toMatchObject({ authenticated: true })
})

test('a provider with a path of its own need not name itself, and is held to what it names', async () => {
  const one = await callback(apart)
  expect(one.back.pathname).toBe('/callback/staff')
  one.back.searchParams.delete('iss')
  expect((await one.browser.navigate(one.back.href)).json()).toMatchObject({ authenticated: true })
  const other = await callback(apart)
  other.back.searchParams.set('iss', apart.customers.issuer)
  expect((await other.browser.navigate(other.back.href)).status).toBe(400)
})

test('what the document does not announce is told: once in the log, and by check()', async () => {
  await shared.auth.ready()
  await shared.auth.ready()
  const { issuer } = shared.staff
  const fault = `${issuer}/ does not announce that its callbacks name the issuer`
  expect(shared.log.lines.filter((line) => line.includes(fault))).toHaveLength(1)
  const found = (await shared.auth.check()).filter(({ name }) => name === 'issuer-in-callback')
  expect(found[0]).toMatchObject({ status: 'warning', found: expect.stringContaining(fault) })
  expect(apart.log.lines.join()).not.toContain('does not announce')
})
