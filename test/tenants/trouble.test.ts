// One tenant's provider is down, slow or hostile, or a tenant is very busy: that is nobody else's trouble.
import { hkdfSync } from 'node:crypto'
import { startApiServer } from '../support/app/api-server.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { type Described, startTenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'

const { app, small, calm, troubled, redis, api } = useParts(async (start) => {
  const [calm, troubled, redis, api] = await Promise.all([
    start(startProvider()),
    start(startProvider()),
    start(startRedis()),
    start(startApiServer()),
  ])
  const tenants = { calm, troubled }
  const given = { tenants, redisUrl: redis.url }
  return {
    calm,
    troubled,
    redis,
    api,
    app: await start(
      startTenantApp({
        ...given,
        options: {
          renewal: { timeoutSeconds: 0.5, maxConcurrent: 1 },
          provider: { maxConcurrentLogins: 1 },
        },
      }),
    ),
    small: await start(startTenantApp({ ...given, apiUrl: api.url, tenant: { maxTenants: 1 } })),
  }
})
const store = () => redis.connect()

afterEach(async () => {
  for (const provider of [calm, troubled]) provider.normal()
  await troubled.up().catch(() => undefined)
})

type Name = 'calm' | 'troubled'

async function logIn(tenant: Name, at = app): Promise<Browser> {
  const browser = new Browser()
  const page = await browser.logIn(at.url(tenant), { user: 'alice', returnTo: '/private' })
  expect(page.json<Described>()).toMatchObject({ sub: 'alice', marker: at.host(tenant) })
  return browser
}

/** As a tenant's secret is made (RFC 5869): whoever reads its records has to know. */
const secretOf = (host: string) =>
  Buffer.from(hkdfSync('sha256', TEST_SECRET, '', `express-bff-session tenant ${host}`, 32)).toString(
    'base64url',
  )

async function makeDue(browser: Browser, tenant: Name, { idToken = 0 } = {}, at = app): Promise<void> {
  const how = { idToken, secret: secretOf(at.host(tenant)), url: at.url(tenant) }
  await ageSession(store(), browser, 1000, how)
}

const get = (browser: Browser, tenant: Name, path = '/private', at = app) =>
  browser.request('GET', at.url(tenant) + path)

/** They log in, and are renewed, while the other tenant is in trouble. */
async function expectCalm(): Promise<void> {
  const browser = await logIn('calm')
  await makeDue(browser, 'calm')
  const page = await get(browser, 'calm')
  expect([page.status, page.json<Described>()]).toEqual([200, expect.objectContaining({ generation: 2 })])
}

test('a provider that is down', async () => {
  const browser = await logIn('troubled')
  await makeDue(browser, 'troubled', { idToken: 7200 })
  await troubled.down()
  expect((await get(browser, 'troubled')).json()).toMatchObject({ status: 503 })
  await expectCalm()
  expect(app.events.filter(({ name }) => name === 'renewal-failed')).toEqual([
    { name: 'renewal-failed', event: expect.objectContaining({ tenant: app.host('troubled') }) },
  ])
  expect(await app.auth.health()).toMatchObject({ ok: true })
})

test('a provider that does not answer: its renewals and its logins take no place of the others', async () => {
  const [first, second] = [await logIn('troubled'), await logIn('troubled')]
  for (const browser of [first, second]) await makeDue(browser, 'troubled', { idToken: 7200 })
  const hold = troubled.holdNext('token', { grantType: 'refresh_token' })
  const waiting = get(first, 'troubled')
  await hold.arrived
  // The one place for renewals is taken.
  expect((await get(second, 'troubled')).json()).toMatchObject({ code: 'renewal_pending' })
  const login = troubled.holdNext('token', { grantType: 'authorization_code' })
  const hanging = new Browser().logIn(app.url('troubled'), { user: 'bob' })
  await login.arrived
  const refused = await new Browser().logIn(app.url('troubled'), { user: 'carol' })
  expect(refused.status).toBe(503)
  await expectCalm()
  hold.release()
  login.release()
  expect((await waiting).status).toBe(503)
  expect((await hanging).status).toBe(200)
  await eventually(
    'the late renewal',
    async () => (await get(first, 'troubled')).json<Described>().generation === 2,
  )
})

test('a provider that sends what no provider sends', async () => {
  const browser = await logIn('troubled')
  await makeDue(browser, 'troubled', { idToken: 7200 })
  troubled.answerAll('token', { status: 200, body: Buffer.alloc(5_000_000, 'x') })
  troubled.answerAll('jwks', { status: 200, body: { keys: 'none' } })
  expect((await get(browser, 'troubled')).status).toBe(503)
  expect((await new Browser().logIn(app.url('troubled'), { user: 'bob' })).status).not.toBe(200)
  await expectCalm()
})

test('a tenant whose refused requests are very many leaves room in the log for the others', async () => {
  app.log.told.length = 0
  for (let at = 0; at < 15; at += 1) {
    const path = `/callback?code=x&state=${at}`
    expect((await new Browser().navigate(app.url('troubled') + path)).status).toBe(400)
  }
  expect((await new Browser().navigate(`${app.url('calm')}/callback?code=x&state=y`)).status).toBe(400)
  const lines = (tenant: Name) =>
    app.log.told.filter(({ line, fields }) => {
      const isOf = (fields as { tenant?: string }).tenant === app.host(tenant)
      return isOf && line.includes(`tenant ${app.host(tenant)}`) && line.includes('(login_unknown)')
    })
  expect([lines('troubled').length, lines('calm').length]).toEqual([10, 1])
})

test('a tenant is not given up while new tokens of its are on their way', async () => {
  const browser = await logIn('calm', small)
  await makeDue(browser, 'calm', {}, small)
  const before = calm.refreshCount()
  const hold = calm.holdNext('token', { grantType: 'refresh_token', mode: 'after' })
  const waiting = get(browser, 'calm', '/private', small)
  await hold.processed
  // There is room for one tenant.
  await logIn('troubled', small)
  small.asked.length = 0
  const also = get(browser, 'calm', '/private', small)
  expect((await get(new Browser(), 'calm', '/public', small)).status).toBe(200)
  expect(small.asked).toEqual([])
  expect((await small.auth.health()).tenants).toEqual({ known: 2, unavailable: 0 })
  hold.release()
  for (const page of [await waiting, await also])
    expect(page.json<Described>()).toMatchObject({ authenticated: true, generation: 2 })
  expect(calm.refreshCount()).toBe(before + 1)
  // Now it may go.
  await get(new Browser(), 'troubled', '/public', small)
  small.auth.forgetTenant(small.host('troubled'))
  await get(new Browser(), 'troubled', '/public', small)
  expect((await small.auth.health()).tenants).toEqual({ known: 1, unavailable: 0 })
  expect((await get(browser, 'calm', '/private', small)).json<Described>()).toMatchObject({ generation: 2 })
})

test('a tenant of whom a stream is open is not given up, and is afterwards', async () => {
  const held = createSignal<() => void>()
  api.answer((_req, res) => {
    res.write('begun')
    held.resolve(() => res.end())
  })
  const streaming = get(await logIn('calm', small), 'calm', '/api/stream', small)
  const end = await held.promise
  const known = async () => (await small.auth.health()).tenants?.known
  await get(new Browser(), 'troubled', '/public', small)
  expect(await known()).toBe(2)
  end()
  expect((await streaming).body).toBe('begun')
  small.auth.forgetTenant(small.host('troubled'))
  await get(new Browser(), 'troubled', '/public', small)
  expect(await known()).toBe(1)
})
