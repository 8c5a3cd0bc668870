// Two real providers behind one app: each login is with the one that is meant, and its session stays with it.
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useStarted } from '../support/servers.ts'

const app = useStarted(() =>
  startTwoProviders({
    options: {
      afterCallback: ({ provider, user }) =>
        user.sub === 'mallory' ? { refuse: 'Not you.' } : { user: { from: provider } },
      afterRenewal: ({ provider, added, user }) =>
        user.sub === 'renee' ? { user: { ...added, renewedAt: provider } } : undefined,
    },
    below: (app) => app.get('/user', (req, res) => res.json(req.oidc.user)),
  }),
)

type Name = 'staff' | 'customers'

const other = { staff: 'customers', customers: 'staff' } as const

async function loggedIn(provider: Name, user = 'alice'): Promise<Browser> {
  const browser = new Browser()
  const page = await browser.logIn(app.url, { path: `/login?provider=${provider}`, user })
  expect(page.json()).toMatchObject({ authenticated: true, sub: user, provider })
  return browser
}

function counts(name: Name) {
  const provider = app[name]
  return {
    authorizations: provider.authorizationRequests().length,
    codes: provider.tokenRequests('authorization_code').length,
    refreshes: provider.refreshCount(),
    revocations: provider.revocations().length,
  }
}

describe.each<Name>(['staff', 'customers'])('at %s', (name) => {
  test('a login, a renewal and a logout are with it alone', async () => {
    const before = counts(other[name])
    const browser = await loggedIn(name)
    const renewed = await browser.request('POST', `${app.url}/renew`)
    expect(renewed.json()).toMatchObject({ provider: name, generation: 2 })
    expect((await browser.request('GET', `${app.url}/token`)).status).toBe(200)
    const me = (await browser.request('GET', `${app.url}/me`)).json()
    expect(me).toMatchObject({ authenticated: true, user: { sub: 'alice' }, session: { provider: name } })
    const revoked = app[name].revocations().length
    const out = await browser.logOut(app.url)
    expect(out.hops.some(({ url }) => url.startsWith(app[name].issuer))).toBe(true)
    expect(out.hops.some(({ url }) => url.startsWith(app[other[name]].issuer))).toBe(false)
    expect(out.json()).toMatchObject({ authenticated: false })
    expect(app[name].revocations()).toHaveLength(revoked + 1)
    expect(counts(other[name])).toEqual(before)
  })

  test('the app is told where somebody comes from, at the login and at a renewal', async () => {
    const browser = await loggedIn(name, 'renee')
    expect((await browser.request('GET', `${app.url}/user`)).json()).toMatchObject({ from: name })
    await browser.request('POST', `${app.url}/renew`)
    expect((await browser.request('GET', `${app.url}/user`)).json()).toMatchObject({
      from: name,
      renewedAt: name,
    })
  })

  test('a login that the app refuses may be begun again where it was', async () => {
    const page = await new Browser().logIn(app.url, { path: `/login?provider=${name}`, user: 'mallory' })
    expect(page.status).toBe(403)
    expect(page.body).toContain(`<a href="/login?provider=${name}">Log in again</a>`)
  })

  test('who goes to log in without a name goes where their session is of', async () => {
    const browser = await loggedIn(name)
    const page = await browser.navigate(`${app.url}/login`, { stopAt: () => true })
    expect(page.headers.location).toMatch(new RegExp(`^${app[name].issuer}/`))
  })

  test('a login that it begins is with it', async () => {
    const iss = encodeURIComponent(app[name].issuer)
    const page = await new Browser().navigate(`${app.url}/login?iss=${iss}`, {
      stopAt: () => true,
      from: null,
    })
    expect(page.headers.location).toMatch(new RegExp(`^${app[name].issuer}/`))
  })
})

test('a login that names none, of somebody who has none, is with the first', async () => {
  for (const query of ['', '?provider=', '?return_to=/private']) {
    const page = await new Browser().navigate(`${app.url}/login${query}`, { stopAt: () => true })
    expect(page.headers.location).toMatch(new RegExp(`^${app.staff.issuer}/`))
  }
})

test.each(['/login?provider=nobody', '/login?provider=staff&provider=staff', '/login?provider=__proto__'])(
  '%s is refused',
  async (path) => {
    const page = await new Browser().navigate(app.url + path)
    expect(page.status).toBe(400)
    expect(page.body).toContain('the request cannot be read')
  },
)

test('two tabs may be at both at once: the one that comes back last is who is logged in', async () => {
  const tab = new Browser()
  const other = tab.tab()
  const staff = await tab.startLogin(app.url, { path: '/login?provider=staff', user: 'staff-alice' })
  const customers = await other.startLogin(app.url, { path: '/login?provider=customers', user: 'alice' })
  expect((await tab.navigate(staff)).json()).toMatchObject({ sub: 'staff-alice', provider: 'staff' })
  expect((await other.navigate(customers)).json()).toMatchObject({ sub: 'alice', provider: 'customers' })
  expect((await tab.request('GET', `${app.url}/public`)).json()).toMatchObject({ provider: 'customers' })
})
