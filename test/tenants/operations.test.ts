// What operators ask of an app with tenants: its health, a check, a person's sessions, an end without a loss.
import { type Described, startTenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const { app, provider } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const setup = { tenants: { a: provider, b: provider }, redisUrl: redis.url }
  return { provider, app: await start(startTenantApp(setup)) }
})
beforeEach(() => {
  app.events.length = 0
  for (const name of ['a', 'b']) app.answers.set(app.host(name), () => app.setUpOf(name))
})

async function logIn(tenant: string, user = 'alice'): Promise<Browser> {
  const browser = new Browser()
  const page = await browser.logIn(app.url(tenant), { user, returnTo: '/private' })
  expect(page.json<Described>()).toMatchObject({ sub: user })
  return browser
}

const see = async (browser: Browser, tenant: string) =>
  (await browser.request('GET', `${app.url(tenant)}/public`)).json<Described>()

test('the process is ready and well, whatever its tenants’ providers do; how many are known is said', async () => {
  await app.auth.ready()
  app.auth.forgetTenant(app.host('a'))
  const before = (await app.auth.health()).tenants?.known ?? 0
  await see(new Browser(), 'a')
  expect(await app.auth.health()).toEqual({
    ok: true,
    store: { status: 'up', since: expect.any(Date) },
    provider: { status: 'unknown' },
    renewals: { inFlight: 0, waitingForStore: 0 },
    tenants: { known: before + 1, unavailable: 0 },
    closing: false,
  })
  expect(provider.requests({ endpoint: 'discovery' })).toEqual([])
})

test('a check asks the store; of a tenant that is named its provider too', async () => {
  const names = (findings: { name: string }[]) => findings.map(({ name }) => name)
  const ofAll = await app.auth.check()
  expect(ofAll.filter(({ status }) => status === 'failed')).toEqual([])
  expect(names(ofAll)).toEqual(expect.arrayContaining(['store', 'store-rights', 'clock']))
  expect(names(ofAll)).not.toContain('discovery')
  const ofOne = await app.auth.check({ tenant: app.host('a') })
  expect(ofOne.filter(({ status }) => status === 'failed')).toEqual([])
  expect(names(ofOne)).toEqual(expect.arrayContaining(['discovery', 'client-credentials', 'store-rights']))
  expect(await app.auth.check({ tenant: 'nowhere' })).toEqual([
    { name: 'discovery', status: 'failed', found: 'was not asked, since the tenant nowhere is unknown' },
  ])
})

test('sessions are listed and ended by tenant: the same name at another is another person', async () => {
  const [a, again, b] = [await logIn('a', 'carol'), await logIn('a', 'carol'), await logIn('b', 'carol')]
  const tenant = app.host('a')
  const { sessions } = app.auth
  const listed = await sessions.list({ sub: 'carol', tenant })
  expect(listed).toHaveLength(2)
  expect(new Set(listed.map((each) => each.tenant))).toEqual(new Set([tenant]))
  expect(await sessions.list({ sub: 'carol', tenant: app.host('b') })).toHaveLength(1)
  const { id = '' } = await see(b, 'b')
  expect(await sessions.revoke(id, { tenant })).toBe(false)
  expect(await sessions.revokeAll({ sub: 'carol', tenant })).toBe(2)
  expect([(await see(a, 'a')).authenticated, (await see(again, 'a')).authenticated]).toEqual([false, false])
  expect((await see(b, 'b')).authenticated).toBe(true)
  const ended = app.events.filter(({ name }) => name === 'session-ended')
  expect(ended.map(({ event }) => (event as { tenant?: string }).tenant)).toEqual([tenant, tenant])
  expect(await sessions.revoke(id, { tenant: app.host('b') })).toBe(true)
  expect((await see(b, 'b')).authenticated).toBe(false)
})

test('whoever names no tenant, or none that there is, is told so', async () => {
  const { sessions } = app.auth
  for (const asked of [sessions.list('carol'), sessions.revokeAll({ sub: 'carol' }), sessions.revoke('id')])
    await expect(asked).rejects.toThrow(/^sessions\.\w+\(\) needs a tenant/)
  await expect(sessions.list({ sub: 'carol', tenant: 'nowhere' })).rejects.toMatchObject({
    code: 'tenant_unknown',
  })
})

test('the end waits for the renewals of every tenant', async () => {
  const redis = await startRedis()
  const setup = { tenants: { a: provider, b: provider }, redisUrl: redis.url }
  const [first, second] = [await startTenantApp(setup), await startTenantApp(setup)]
  try {
    const browser = new Browser()
    await browser.logIn(first.url('a'), { user: 'dave' })
    const hold = provider.holdNext('token', { grantType: 'refresh_token', mode: 'after' })
    const renewal = browser.request('POST', `${first.url('a')}/renew`).catch(() => undefined)
    await hold.processed
    first.auth.forgetTenant(first.host('a'))
    const closing = first.auth.close()
    hold.release()
    await closing
    await renewal
    const cookies = await browser.cookies(first.url('a'))
    await browser.setCookie(
      `${cookies.map((each) => each.cookieString()).join('; ')}; Path=/`,
      second.url('a'),
    )
    expect((await browser.request('GET', `${second.url('a')}/private`)).json()).toMatchObject({
      generation: 2,
    })
  } finally {
    await Promise.all([first.stop(), second.stop()])
    await redis.stop()
  }
})
