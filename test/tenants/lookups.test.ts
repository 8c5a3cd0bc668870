// Requests whose tenant is unknown, cannot be looked up, or has changed.
import { auth } from '../../src/index.ts'
import { type Described, startTenantApp } from '../support/app/tenant-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { app } = useParts(async (start) => {
  const provider = await start(startProvider())
  const tenants = { a: provider, b: provider }
  return { app: await start(startTenantApp({ tenants, tenant: { timeoutSeconds: 1 } })) }
})

beforeEach(() => {
  for (const name of ['a', 'b']) {
    app.answers.set(app.host(name), () => app.setUpOf(name))
    app.auth.forgetTenant(app.host(name))
  }
  app.asked.length = 0
  app.log.lines.length = 0
})

async function logIn(): Promise<Browser> {
  const browser = new Browser()
  const page = await browser.logIn(app.url('a'), { user: 'alice', returnTo: '/private' })
  expect(page.json<Described>()).toMatchObject({ sub: 'alice' })
  return browser
}

const see = async (browser: Browser) => browser.request('GET', `${app.url('a')}/public`)

test('of a host that nobody has: 404, for scripts and people, with no cookie, and asked for once', async () => {
  const nowhere = `http://127.0.1.99:${app.port}`
  const browser = new Browser()
  const script = await browser.request('GET', `${nowhere}/private`)
  expect([script.status, script.json()]).toEqual([
    404,
    {
      type: 'urn:express-bff-session:docs/errors.md#tenant_unknown',
      title: 'Nobody is served here',
      status: 404,
      code: 'tenant_unknown',
      detail: 'Nobody is served under this address.',
    },
  ])
  expect(script.headers).toMatchObject({ 'cache-control': 'no-store' })
  for (const path of ['/login', '/private', '/callback?code=x&state=y']) {
    const page = await browser.navigate(nowhere + path)
    expect([page.status, page.hops.length, page.headers['set-cookie']]).toEqual([404, 1, undefined])
    expect(page.body).toContain('<h1>Nobody is served here</h1>')
    expect(page.body).not.toContain('href')
  }
  expect(app.asked).toEqual(['127.0.1.99'])
})

test.each<[how: string, answer: (signal: AbortSignal) => unknown, line: RegExp]>([
  [
    'fails',
    () => {
      throw new Error('away')
    },
    /tenant\.resolve\(\) threw an error, for "127\.0\.1\.1"/,
  ],
  [
    'does not come in time',
    () => new Promise(() => {}),
    /longer than tenant\.timeoutSeconds \(1\), for "127\.0\.1\.1"/,
  ],
  [
    'cannot be used',
    () => ({ clientID: 'app' }),
    /cannot be used, for "127\.0\.1\.1": 2 options .* baseURL .* issuerBaseURL /,
  ],
])(
  'where the answer %s: 503, nobody is logged out, and the other tenant goes on',
  async (_how, answer, line) => {
    const browser = await logIn()
    app.auth.forgetTenant(app.host('a'))
    app.answers.set(app.host('a'), answer)
    for (let times = 0; times < 2; times += 1) {
      const page = await see(browser)
      expect([page.status, page.json().code, page.headers['retry-after']]).toEqual([
        503,
        'tenant_unavailable',
        '1',
      ])
      expect(page.headers['set-cookie']).toBeUndefined()
    }
    expect((await new Browser().navigate(`${app.url('a')}/private`)).status).toBe(503)
    expect((await new Browser().request('GET', `${app.url('b')}/public`)).status).toBe(200)
    expect(app.log.lines).toEqual([expect.stringMatching(line)])
    expect(await app.auth.health()).toMatchObject({ ok: true, tenants: { unavailable: 1 } })
    app.answers.set(app.host('a'), () => app.setUpOf('a'))
    app.auth.forgetTenant(app.host('a'))
    expect((await see(browser)).json<Described>()).toMatchObject({ authenticated: true, generation: 1 })
  },
)

test('an answer that is too late is told so by its signal', async () => {
  const signals: AbortSignal[] = []
  app.answers.set(app.host('a'), (signal) => {
    signals.push(signal)
    return new Promise(() => {})
  })
  expect((await see(new Browser())).status).toBe(503)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
})

test('many requests at once ask once, and all are served by the answer', async () => {
  const before = app.keyed.count
  app.answers.set(app.host('a'), async () => {
    await eventually('all of them', () => app.keyed.count === before + 30)
    return app.setUpOf('a')
  })
  const pages = await Promise.all(Array.from({ length: 30 }, () => see(new Browser())))
  expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
  expect(app.asked).toEqual([app.host('a')])
})

test('a change is there at the next request once the tenant is forgotten, and nobody is logged out by it', async () => {
  const browser = await logIn()
  app.answers.set(app.host('a'), () => ({
    ...app.setUpOf('a'),
    renewal: { afterSeconds: 100, timeoutSeconds: 20 },
  }))
  expect((await see(browser)).json<Described>()).toMatchObject({ authenticated: true })
  expect(app.asked).toHaveLength(1)
  app.auth.forgetTenant(app.host('a'))
  expect((await see(browser)).json<Described>()).toMatchObject({ authenticated: true, generation: 1 })
  expect(app.asked).toHaveLength(2)
  // No longer a client of the provider's: its record is nobody's here.
  app.answers.set(app.host('a'), () => ({ ...app.setUpOf('a'), clientID: 'another' }))
  app.auth.forgetTenant(app.host('a'))
  expect((await see(browser)).json<Described>()).toEqual({ authenticated: false })
})

test('without tenants there is none to forget', async () => {
  const bff = auth({ ...app.setUpOf('a'), secret: 's'.repeat(32) })
  expect(() => bff.forgetTenant('a')).toThrow(/forgetTenant\(\) needs the option tenant/)
  await bff.close()
})
