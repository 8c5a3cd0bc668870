// An app that had no tenants gets some: the tenant that it was before keeps its sessions, and no other gets them.
import { startApp } from '../support/app/app.ts'
import { ONE_CLIENT } from '../support/app/app-options.ts'
import { type Described, startTenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLogoutClient, sendLogout } from '../support/provider/logout-client.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const { provider, before, app, without } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const setup = { tenants: { former: provider, other: provider }, redisUrl: redis.url }
  return {
    provider,
    before: await start(startApp({ provider, redisUrl: redis.url })),
    app: await start(startTenantApp({ ...setup, tenant: { former: '127.0.1.1' } })),
    without: await start(startTenantApp(setup)),
  }
})

/** Logged in before there were tenants; the browser then finds the app at that address. */
async function logInBefore(user: string, url: string): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(before.url, { user })
  const later = new Browser()
  for (const { key, value } of await browser.cookies(before.url))
    await later.setCookie(`${key}=${value}; Path=/`, url)
  return later
}

const see = async (browser: Browser, url: string) => browser.request('GET', `${url}/public`)
const isIn = async (browser: Browser, url: string) =>
  (await see(browser, url)).json<Described>().authenticated

test('a session goes on at the former tenant, whose cookie it gets, and is renewed there; at another it is nobody’s', async () => {
  const browser = await logInBefore('alice', app.url('former'))
  const page = await see(browser, app.url('former'))
  expect(page.json<Described>()).toMatchObject({ authenticated: true, sub: 'alice', generation: 1 })
  expect(page.headers['set-cookie']).toHaveLength(1)
  const renewed = await browser.request('POST', `${app.url('former')}/renew`)
  expect(renewed.json<Described>()).toMatchObject({ sub: 'alice', generation: 2 })
  // With the new cookie, and the new seal.
  expect(await isIn(browser, app.url('former'))).toBe(true)
  expect(await isIn(await logInBefore('alice', app.url('other')), app.url('other'))).toBe(false)
})

test('without the option nobody’s session goes on', async () => {
  expect(await isIn(await logInBefore('alice', without.url('former')), without.url('former'))).toBe(false)
})

test('sessions of both times are listed together, and ended together', async () => {
  const tenant = app.host('former')
  const [old, young] = [await logInBefore('bob', app.url('former')), new Browser()]
  await young.logIn(app.url('former'), { user: 'bob' })
  expect(await app.auth.sessions.list({ sub: 'bob', tenant })).toHaveLength(2)
  expect(await app.auth.sessions.list({ sub: 'bob', tenant: app.host('other') })).toEqual([])
  expect(await app.auth.sessions.revokeAll({ sub: 'bob', tenant })).toBe(2)
  expect([await isIn(old, app.url('former')), await isIn(young, app.url('former'))]).toEqual([false, false])
})

test('a logout at the provider reaches those of before', async () => {
  const old = await logInBefore('carol', app.url('former'))
  const token = await createLogoutClient(provider).token({ sub: 'carol', aud: ONE_CLIENT.clientId })
  expect((await sendLogout(app.url('other'), token)).status).toBe(200)
  expect(await isIn(old, app.url('former'))).toBe(true)
  const again = await createLogoutClient(provider).token({ sub: 'carol', aud: ONE_CLIENT.clientId })
  expect((await sendLogout(app.url('former'), again)).status).toBe(200)
  expect(await isIn(old, app.url('former'))).toBe(false)
})
