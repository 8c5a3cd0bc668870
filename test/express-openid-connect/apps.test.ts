// Three apps as people have them for express-openid-connect, which differ from theirs by the name that they import from.
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Express } from 'express'
import type { AuthHandler } from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { closeServer, listen } from '../support/listen.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { type Start, useParts } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'
import * as apiAndRefresh from './apps/api-and-refresh.ts'
import * as silentAndClaims from './apps/silent-and-claims.ts'
import * as storeOnRedis from './apps/store-on-redis.ts'

type CreateApp = () => { app: Express; oidc: AuthHandler; stop?: () => void }

/** With what such an app finds in its environment, and no more. */
async function open(
  start: Start,
  createApp: CreateApp,
  provider: TestProvider,
  more: Record<string, string>,
) {
  const server = createServer()
  const url = `http://localhost:${await listen(server, 'localhost')}`
  const { clientId, clientSecret = '' } = await provider.registerClient({
    baseURL: url,
    postLogoutRedirectUris: [`${url}/`, `${url}/bye`],
  })
  Object.assign(process.env, {
    ISSUER_BASE_URL: provider.issuer,
    BASE_URL: url,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    SECRET: TEST_SECRET,
    ...more,
  })
  const { app, oidc, stop } = createApp()
  delete process.env.REDIS_URL
  server.on('request', app)
  await start({
    async stop() {
      await closeServer(server)
      await oidc.close()
      stop?.()
    },
  })
  return { url }
}

const { provider, store, api, shop, orders, silent } = useParts(async (start) => {
  const [provider, redis, api] = await Promise.all([
    start(startProvider()),
    start(startRedis()),
    start(startApiServer()),
  ])
  const REDIS_URL = redis.url
  return {
    provider,
    store: redis.connect(),
    api,
    shop: await open(start, storeOnRedis.createApp, provider, { REDIS_URL }),
    orders: await open(start, apiAndRefresh.createApp, provider, { REDIS_URL, API_URL: api.url }),
    silent: await open(start, silentAndClaims.createApp, provider, { REDIS_URL }),
  }
})

test('the apps import one name of ours', () => {
  const folder = join(import.meta.dirname, 'apps')
  const files = readdirSync(folder)
  expect(files).toHaveLength(3)
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8')
    const names = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
    expect(names.filter((name) => /bff|\.\.\//.test(name ?? ''))).toEqual([
      'express-bff-session/express-openid-connect',
    ])
    expect(text.split('\n').length).toBeLessThanOrEqual(45)
  }
})

describe('with a store on Redis', () => {
  test('somebody logs in, comes back to the page, keeps their cart, and logs out here and at the provider', async () => {
    const browser = new Browser()
    const get = async (path: string) => (await browser.request('GET', shop.url + path)).body
    expect(await get('/')).toBe('Logged out')
    await browser.request('POST', `${shop.url}/cart`)
    const page = await browser.logIn(shop.url, { path: '/profile?tab=1', user: 'ada' })
    expect(page.url).toBe(`${shop.url}/profile?tab=1`)
    expect(page.json()).toEqual({
      user: {
        sub: 'ada',
        name: 'ada Example',
        preferred_username: 'ada',
        email: 'ada@example.com',
        email_verified: true,
      },
    })
    expect([await get('/'), await get('/cart')]).toEqual(['Logged in', '"apples"'])
    expect(await store.keys('bff:{*}:auth')).toHaveLength(1)
    expect(provider.authorizationRequests().at(-1)?.params).toMatchObject({
      response_type: 'code',
      scope: 'openid profile email',
      code_challenge_method: 'S256',
    })
    const bye = await browser.finish(await browser.navigate(`${shop.url}/logout`))
    expect([bye.url, bye.body]).toEqual([`${shop.url}/`, 'Logged out'])
    expect(await store.keys('bff:{*}:auth')).toEqual([])
    expect((await browser.logIn(shop.url, { user: 'bob' })).body).toBe('Logged in')
    expect(await get('/cart')).toBe('null')
  })

  test('the cookie is the one that was named, and lasts as long as the session', async () => {
    const browser = new Browser()
    await browser.logIn(shop.url)
    const [cookie] = (await browser.cookies(shop.url)).filter(({ key }) => key === 'shop')
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'lax', path: '/' })
    const [key = ''] = await store.keys('bff:{*}:auth')
    expect(await store.ttl(key)).toBeGreaterThan(3500)
    expect(await store.ttl(key)).toBeLessThanOrEqual(3600)
  })
})

describe('with an API and refresh', () => {
  test('each route needs a login; the API gets the token, and another one once it has expired', async () => {
    const browser = new Browser()
    const page = await browser.logIn(orders.url, { path: '/orders?campaign=spring', user: 'carol' })
    expect(page.url).toBe(`${orders.url}/orders?campaign=spring`)
    expect(page.json()).toMatchObject({
      welcome: 'carol@example.com by spring',
      orders: { method: 'GET', url: '/orders' },
    })
    const first = api.seen.at(-1)?.headers.authorization
    expect(first).toMatch(/^Bearer .{20}/)
    await browser.request('GET', `${orders.url}/orders`)
    expect(api.seen.at(-1)?.headers.authorization).toBe(first)
    const before = provider.refreshCount()
    await ageSession(store, browser, 0, { accessToken: 4000 })
    await Promise.all([1, 2, 3].map(() => browser.request('GET', `${orders.url}/orders`)))
    expect(provider.refreshCount()).toBe(before + 1)
    expect(api.seen.at(-1)?.headers.authorization).not.toBe(first)
  })

  test('whoever is not logged in is sent to log in, whatever the page', async () => {
    const page = await new Browser().navigate(`${orders.url}/nowhere`, { stopAt: () => true })
    expect(page.status).toBe(302)
    expect(page.headers.location).toMatch(`${provider.issuer}/auth?`)
  })
})

describe('with silent login and claims', () => {
  const home = async (browser: Browser) => (await browser.navigate(`${silent.url}/`, { from: null })).body

  test('whom the provider knows is logged in unasked, whom it does not know sees the page; once a browser', async () => {
    const browser = new Browser()
    expect(await home(browser)).toBe('{"name":null}')
    const asked = provider.authorizationRequests().length
    expect(provider.authorizationRequests().at(-1)?.params).toMatchObject({ prompt: 'none' })
    expect(await home(browser)).toBe('{"name":null}')
    expect(provider.authorizationRequests()).toHaveLength(asked)
    await browser.logIn(silent.url, { path: '/enter', user: 'alice' })
    await browser.clearCookies(silent.url)
    expect(await home(browser)).toBe('{"name":"alice Example"}')
  })

  test('whoever logs out stays so, although the provider knows them', async () => {
    const browser = new Browser()
    await browser.logIn(silent.url, { path: '/enter', user: 'alice' })
    const bye = await browser.navigate(`${silent.url}/logout`)
    expect([bye.url, bye.body]).toEqual([`${silent.url}/bye`, 'bye'])
    expect(await home(browser)).toBe('{"name":null}')
  })

  test('claims decide, and a login of the app’s own asks for its language', async () => {
    const browser = new Browser()
    nextIdToken(provider, { groups: ['staff', 'admin'], sid: 's-1' })
    const page = await browser.logIn(silent.url, { path: '/enter', user: 'alice' })
    expect(page.url).toBe(`${silent.url}/profile`)
    expect(page.json()).toMatchObject({
      sub: 'alice',
      iss: provider.issuer,
      sid: 's-1',
      groups: ['staff', 'admin'],
    })
    expect(provider.authorizationRequests().at(-1)?.params).toMatchObject({ ui_locales: 'de' })
    for (const path of ['/verified', '/admin', '/alice'])
      expect((await browser.request('GET', silent.url + path)).status).toBe(200)
  })

  test('who lacks one is sent to log in, and when they come back without it, not in circles', async () => {
    const browser = new Browser()
    const page = await browser.logIn(silent.url, { path: '/alice', user: 'mallory' })
    expect([page.url, page.status]).toEqual([`${silent.url}/alice`, 403])
    expect(page.json()).toEqual({ error: 'You may not do this.' })
    await ageSession(store, browser, 0, { login: 11 })
    const again = await browser.navigate(`${silent.url}/admin`, { stopAt: () => true })
    expect([again.status, again.headers.location]).toEqual([302, expect.stringContaining(provider.issuer)])
  })

  test('there is no /login where the app wants none', async () => {
    expect((await new Browser().navigate(`${silent.url}/login`)).status).toBe(404)
  })
})
