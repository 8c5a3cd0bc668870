// Sessions of two providers in one store: each kind of it keeps them as apart, and finds whose they are.
import session, { MemoryStore } from 'express-session'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { createOldApp, startTwoProviders, type TwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { authKeys } from '../support/evidence.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const { redis, memory, redisApp, nearCache, mounted } = useParts(async (start) => {
  const redis = await start(startRedis())
  const { url } = redis
  return {
    redis,
    memory: await start(startTwoProviders()),
    redisApp: await start(startTwoProviders({ redisUrl: `${url}/0` })),
    nearCache: await start(startTwoProviders({ options: { redis: { url: `${url}/1`, nearCache: true } } })),
    mounted: await start(
      startTwoProviders({
        redisUrl: `${url}/2`,
        above: (app) =>
          app.use(
            session({
              secret: TEST_SECRET,
              resave: false,
              saveUninitialized: false,
              store: new MemoryStore(),
            }),
          ),
      }),
    ),
  }
})

const apps = { memory, redisApp, nearCache, mounted }

const see = async (browser: Browser, app: TwoProviders) =>
  (await browser.request('GET', `${app.url}/public`)).json()
const at = (provider: string, user: string) => ({ path: `/login?provider=${provider}`, user })

describe.each(['memory', 'redisApp', 'nearCache', 'mounted'] as const)('%s', (name) => {
  test('the same sub at both is two people, who neither see nor end each other’s sessions', async () => {
    const app = apps[name]
    const [member, customer] = [new Browser(), new Browser()]
    await member.logIn(app.url, at('staff', 'same'))
    await customer.logIn(app.url, at('customers', 'same'))
    for (const [browser, provider] of [
      [member, 'staff'],
      [customer, 'customers'],
    ] as const) {
      expect(await see(browser, app)).toMatchObject({ sub: 'same', provider })
      const renewed = await browser.request('POST', `${app.url}/renew`)
      expect(renewed.json()).toMatchObject({ sub: 'same', provider, generation: 2 })
      expect(await app.auth.sessions.list({ sub: 'same', provider })).toHaveLength(1)
    }
    expect(await app.auth.sessions.revokeAll({ sub: 'same', provider: 'customers' })).toBe(1)
    expect(await see(customer, app)).toMatchObject({ authenticated: false })
    expect(await see(member, app)).toMatchObject({ provider: 'staff', generation: 2 })
  })

  test('one takes the place of the other in a browser, whole', async () => {
    const app = apps[name]
    const browser = new Browser()
    await browser.logIn(app.url, at('customers', 'carl'))
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'apples' } })
    const before = browser.clone()
    expect((await browser.logIn(app.url, at('staff', 'carl'))).json()).toMatchObject({ provider: 'staff' })
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
    expect(await see(before, app)).toMatchObject({ authenticated: false })
    expect(await app.auth.sessions.list({ sub: 'carl', provider: 'customers' })).toEqual([])
    await browser.logOut(app.url)
    expect(await see(browser, app)).toMatchObject({ authenticated: false })
    expect(await app.auth.sessions.list({ sub: 'carl', provider: 'staff' })).toEqual([])
  })
})

describe('the app before it had several providers', () => {
  const { old } = useParts(async (start) => ({
    old: await start(
      startOwnApp({ redisUrl: `${redis.url}/0` }, (options) =>
        createOldApp(options, apps.redisApp, 'customers'),
      ),
    ),
  }))

  test('its sessions go on, as of the entry of that provider', async () => {
    const app = apps.redisApp
    const browser = new Browser()
    // The cookie is the host's, whichever port it has.
    const asked = await browser.navigate(`${old.url}/login`)
    const stopAtBack = (url: URL) => url.pathname === '/callback'
    const back = await browser.finish(asked, { user: 'olga' }, stopAtBack)
    await browser.navigate((back.headers.location ?? '').replace(app.url, old.url))
    const records = await authKeys(redis.connect())
    expect((await browser.request('GET', `${old.url}/public`)).json()).toEqual({ sub: 'olga' })
    expect(await see(browser, app)).toMatchObject({ sub: 'olga', provider: 'customers', generation: 1 })
    const renewed = await browser.request('POST', `${app.url}/renew`)
    expect(renewed.json()).toMatchObject({ provider: 'customers', generation: 2 })
    expect((await browser.request('GET', `${app.url}/staff`)).status).toBe(401)
    expect(await authKeys(redis.connect())).toEqual(records)
  })

  test('a login that it began ends well, with the provider that it was begun with', async () => {
    const browser = new Browser()
    const page = await browser.logIn(old.url, { user: 'otto' })
    expect(page).toMatchObject({ url: `${apps.redisApp.url}/` })
    expect(page.json()).toMatchObject({ sub: 'otto', provider: 'customers' })
  })

  test('a login of an entry that it does not have ends in none', async () => {
    const browser = new Browser()
    const back = new URL(await browser.startLogin(apps.redisApp.url, { path: '/login?provider=staff' }))
    const page = await browser.navigate(`${old.url}/callback${back.search}`)
    expect(page.status).toBe(400)
    expect(page.body).toContain('The login was begun at another provider.')
  })
})
