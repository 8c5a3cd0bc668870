// Two tenants, the same client at the same provider: a session of the one is nothing to the other.
import { type Described, startTenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLogoutClient, sendLogout } from '../support/provider/logout-client.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const KINDS = ['redis', 'redis with its near cache', 'memory'] as const

describe.each(KINDS)('with sessions in %s', (kind) => {
  const { app, provider } = useParts(async (start) => {
    const provider = await start(startProvider())
    const redis = kind === 'memory' ? undefined : await start(startRedis())
    const app = startTenantApp({
      tenants: { a: provider, b: provider },
      ...(redis && { redisUrl: redis.url }),
      nearCache: kind.includes('near'),
    })
    return { provider, app: await start(app) }
  })

  async function logIn(tenant: string, user = 'alice'): Promise<Browser> {
    const browser = new Browser()
    const page = await browser.logIn(app.url(tenant), { user, returnTo: '/private' })
    expect(page.json<Described>()).toMatchObject({ sub: user, marker: app.host(tenant), generation: 1 })
    app.events.length = 0
    return browser
  }

  const see = async (browser: Browser, tenant: string, path = '/public') =>
    (await browser.request('GET', app.url(tenant) + path)).json<Described>()

  /** Somebody carries what a browser has of one tenant over to the other. */
  async function carry(browser: Browser, from: string, to: string): Promise<Browser> {
    const other = new Browser()
    for (const cookie of await browser.cookies(app.url(from)))
      await other.setCookie(`${cookie.key}=${cookie.value}; Path=/`, app.url(to))
    return other
  }

  test('people log in, each at their own, and are renewed and logged out there', async () => {
    const [a, b] = [await logIn('a'), await logIn('b')]
    for (const [browser, tenant] of [
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      const page = await browser.request('POST', `${app.url(tenant)}/renew`)
      expect(page.json<Described>()).toMatchObject({ marker: app.host(tenant), generation: 2 })
    }
    await a.logOut(app.url('a'))
    expect(await see(a, 'a')).toEqual({ authenticated: false })
    expect(await see(b, 'b')).toMatchObject({ authenticated: true, marker: app.host('b') })
  })

  test('the cookie of one at the other is nobody’s: it sees nothing, ends nothing, and nothing is told of it', async () => {
    const a = await logIn('a')
    const carried = await carry(a, 'a', 'b')
    expect(await see(carried, 'b')).toEqual({ authenticated: false })
    expect((await carried.request('GET', `${app.url('b')}/token`)).status).toBe(401)
    expect((await carried.request('POST', `${app.url('b')}/renew`)).status).toBe(401)
    expect((await carried.submit(`${app.url('b')}/logout`, {}, { from: app.url('b') })).status).toBe(200)
    expect(app.events).toEqual([])
    expect(await see(a, 'a')).toMatchObject({ authenticated: true, generation: 1 })
  })

  test('nor is what somebody left there who is not logged in', async () => {
    const a = new Browser()
    const left = await a.request('POST', `${app.url('a')}/data`)
    expect(left.json<Described>()).toMatchObject({ data: app.host('a') })
    expect(await see(a, 'a', '/data')).toMatchObject({ data: app.host('a') })
    expect(await see(await carry(a, 'a', 'b'), 'b', '/data')).toEqual({ authenticated: false })
  })

  test('a login that began at one does not end at the other, and its code goes nowhere', async () => {
    const a = new Browser()
    const back = new URL(await a.startLogin(app.url('a'), { user: 'alice' }))
    const carried = await carry(a, 'a', 'b')
    const before = provider.tokenRequests().length
    back.hostname = app.host('b')
    const page = await carried.navigate(back.href)
    expect([page.status, /Log in again|not known/.test(page.body)]).toEqual([400, true])
    expect(provider.tokenRequests()).toHaveLength(before)
    expect(await see(carried, 'b')).toEqual({ authenticated: false })
    back.hostname = app.host('a')
    expect((await a.navigate(back.href)).status).toBe(200)
    expect(await see(a, 'a')).toMatchObject({ sub: 'alice' })
  })

  test('a logout that the provider tells one of them ends the person’s sessions there, and not at the other', async () => {
    const [a, again, b] = [await logIn('a', 'carol'), await logIn('a', 'carol'), await logIn('b', 'carol')]
    const { clientID } = app.setUpOf('a')
    const token = await createLogoutClient(provider).token({ sub: 'carol', aud: clientID })
    expect((await sendLogout(app.url('a'), token)).status).toBe(200)
    expect([await see(a, 'a'), await see(again, 'a')]).toEqual([
      { authenticated: false },
      { authenticated: false },
    ])
    expect(await see(b, 'b')).toMatchObject({ sub: 'carol', marker: app.host('b') })
  })
})
