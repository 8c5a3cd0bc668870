// One session a browser: a login with another provider takes the place of the one that was there, once it is completed.
import { startTwoProviders, type TwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { useParts } from '../support/servers.ts'

const { app, keeping } = useParts(async (start) => ({
  app: await start(
    startTwoProviders({
      options: {
        afterCallback: ({ user }) => (user.sub === 'mallory' ? { refuse: 'Not you.' } : undefined),
      },
      more: ({ staff }) => ({
        admins: { issuerBaseURL: staff.issuer, clientID: 'admin', clientSecret: 'what admins know' },
      }),
    }),
  ),
  keeping: await start(startTwoProviders({ options: { revokeOnLogout: false } })),
}))

beforeAll(() =>
  app.staff.registerClient({ baseURL: app.url, clientId: 'admin', clientSecret: 'what admins know' }),
)

async function customer(at: TwoProviders = app, user = 'alice'): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(at.url, { path: '/login?provider=customers', user })
  await browser.request('POST', `${at.url}/cart`, { json: { cart: 'apples' } })
  return browser
}

const seen = async (browser: Browser, at: TwoProviders = app) =>
  (await browser.request('GET', `${at.url}/public`)).json()
const cart = async (browser: Browser, at: TwoProviders = app) =>
  (await browser.request('GET', `${at.url}/cart`)).json().cart

test('the session that was there is over, with its data, and its refresh token is revoked where it is from', async () => {
  const browser = await customer()
  const before = browser.clone()
  const [events, revoked] = [app.events.length, app.customers.revocations().length]
  const atStaff = app.staff.revocations().length
  const page = await browser.logIn(app.url, { path: '/staff', user: 'alice' })
  expect(page.json()).toMatchObject({ passed: '/staff', provider: 'staff', generation: 1 })
  expect(await cart(browser)).toBeNull()
  expect(await seen(before)).toMatchObject({ authenticated: false })
  expect(await cart(before)).toBeNull()
  const told = app.events.slice(events).map(({ name, event }) => [name, event])
  expect(told).toEqual([
    ['session-ended', expect.objectContaining({ subject: 'alice', reason: 'replaced_by_login' })],
    ['logged-in', expect.objectContaining({ subject: 'alice' })],
  ])
  await eventually('the old token to be revoked', () => app.customers.revocations().length === revoked + 1)
  expect(app.staff.revocations()).toHaveLength(atStaff)
  expect(app.customers.liveRefreshTokens('alice')).toEqual([])
})

test('with revokeOnLogout: false the refresh token is left to its end', async () => {
  const browser = await customer(keeping)
  await browser.logIn(keeping.url, { path: '/staff', user: 'alice' })
  expect(await seen(browser, keeping)).toMatchObject({ provider: 'staff' })
  expect(keeping.customers.revocations()).toEqual([])
  expect(keeping.customers.liveRefreshTokens('alice')).toHaveLength(1)
})

test.each<[what: string, user: string, change: (back: URL) => void]>([
  [
    'that the person broke off',
    'alice',
    ({ searchParams }) => {
      searchParams.delete('code')
      searchParams.set('error', 'access_denied')
    },
  ],
  ['that the app refused', 'mallory', () => undefined],
  ['that did not pass', 'alice', ({ searchParams }) => searchParams.set('iss', app.customers.issuer)],
])('a trip to the other provider %s leaves everything as it was', async (_what, user, change) => {
  const browser = await customer()
  const revoked = app.customers.revocations().length
  const back = new URL(await browser.startLogin(app.url, { path: '/login?provider=staff', user }))
  change(back)
  expect([400, 403]).toContain((await browser.navigate(back.href)).status)
  expect(await seen(browser)).toMatchObject({ sub: 'alice', provider: 'customers' })
  expect(await cart(browser)).toBe('apples')
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
  expect(app.customers.revocations()).toHaveLength(revoked)
})

test('whoever the app refuses leaves no refresh token at their own provider', async () => {
  const browser = await customer()
  const revoked = app.staff.revocations().length
  await browser.logIn(app.url, { path: '/login?provider=staff', user: 'mallory' })
  await eventually('the new token to be revoked', () => app.staff.revocations().length === revoked + 1)
  expect(app.staff.liveRefreshTokens('mallory')).toEqual([])
})

test('nor does who brings an ID token that does not pass', async () => {
  const browser = await customer()
  const revoked = app.staff.revocations().length
  void forgeNext(
    app.staff,
    signed(() => ({ aud: 'somebody else' })),
  )
  const page = await browser.logIn(app.url, { path: '/login?provider=staff', user: 'erin' })
  expect(page.status).toBe(400)
  await eventually('the new token to be revoked', () => app.staff.revocations().length === revoked + 1)
  expect(app.staff.liveRefreshTokens('erin')).toEqual([])
  expect(await seen(browser)).toMatchObject({ provider: 'customers' })
})

test('another client at the same issuer is another audience: the same sub there is nobody’s continuation', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { path: '/login?provider=staff', user: 'bob' })
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'pears' } })
  const page = await browser.logIn(app.url, { path: '/login?provider=admins', user: 'bob' })
  expect(page.json()).toMatchObject({ sub: 'bob', provider: 'admins' })
  expect(await cart(browser)).toBeNull()
  const again = await browser.logIn(app.url, { path: '/login?provider=admins', user: 'bob' })
  expect(again.json()).toMatchObject({ provider: 'admins' })
})

test('the same person at the same provider keeps what the app knows of them', async () => {
  const browser = await customer()
  const page = await browser.logIn(app.url, { path: '/login?provider=customers', user: 'alice' })
  expect(page.json()).toMatchObject({ provider: 'customers', generation: 1 })
  expect(await cart(browser)).toBe('apples')
})

test('a logout ends what is there, and nothing of before comes back', async () => {
  const browser = await customer()
  await browser.logIn(app.url, { path: '/login?provider=staff', user: 'dave' })
  const back = await browser.logOut(app.url)
  expect(back.json()).toMatchObject({ authenticated: false })
  expect(await seen(browser)).toMatchObject({ authenticated: false })
})
