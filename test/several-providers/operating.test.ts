// What operators are told of an app with two providers: which of them it is about, and that one alone is no trouble of the other.
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { useParts } from '../support/servers.ts'

const { app, wrong } = useParts(async (start) => ({
  app: await start(startTwoProviders({ options: { httpTimeoutSeconds: 1 } })),
  wrong: await start(startTwoProviders({ customers: { idTokenSigningAlg: 'ES512' } })),
}))

const logIn = (provider: string) =>
  new Browser().logIn(app.url, { path: `/login?provider=${provider}`, user: 'alice' })

test('health() tells of each provider, and of the worst of them', async () => {
  await logIn('staff')
  await logIn('customers')
  expect(await app.auth.health()).toMatchObject({
    ok: true,
    provider: { status: 'up' },
    providers: { staff: { status: 'up' }, customers: { status: 'up' } },
  })
  const browser = new Browser()
  await browser.logIn(app.url, { path: '/login?provider=customers', user: 'bea' })
  await app.customers.down()
  try {
    await browser.request('POST', `${app.url}/renew`)
    const { ok, provider, providers } = await app.auth.health()
    expect(ok).toBe(true)
    expect(provider).toMatchObject({ status: 'down', retryAfterSeconds: expect.any(Number) })
    expect(providers).toMatchObject({ staff: { status: 'up' }, customers: { status: 'down' } })
    // Whoever comes from the other one notices nothing.
    expect((await logIn('staff')).json()).toMatchObject({ provider: 'staff' })
    const iss = encodeURIComponent(app.staff.issuer)
    const begun = await new Browser().navigate(`${app.url}/login?iss=${iss}`, { stopAt: () => true })
    expect(begun.headers.location).toMatch(new RegExp(`^${app.staff.issuer}/`))
  } finally {
    await app.customers.up()
  }
  await eventually(
    'it to be up again',
    async () => (await app.auth.health()).providers?.customers?.status === 'up',
  )
})

test('check() says of each finding which provider it is of, and asks the store once', async () => {
  const findings = await wrong.auth.check()
  const of = (name: string) => findings.filter((one) => one.name === name)
  expect(of('discovery')).toEqual([
    expect.objectContaining({ provider: 'staff', status: 'ok' }),
    expect.objectContaining({ provider: 'customers', status: 'ok' }),
  ])
  expect(of('id-token-algorithm').map(({ provider, status }) => [provider, status])).toEqual([
    ['staff', 'ok'],
    ['customers', 'failed'],
  ])
  for (const name of ['store', 'clock']) {
    expect(of(name)).toHaveLength(1)
    expect(of(name)[0]).not.toHaveProperty('provider')
  }
})

test('ready() names the entry that cannot be used', async () => {
  await app.auth.ready()
  await expect(wrong.auth.ready()).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringMatching(/^auth\(\): providers\.customers: idTokenSigningAlg is ES512, but /),
  })
})

test('close() waits for the renewals of both', async () => {
  const { app: ending } = { app: await startTwoProviders() }
  const browsers = [new Browser(), new Browser()] as const
  try {
    await browsers[0].logIn(ending.url, { path: '/login?provider=staff' })
    await browsers[1].logIn(ending.url, { path: '/login?provider=customers' })
    const held = [ending.staff, ending.customers].map((one) =>
      one.holdNext('token', { grantType: 'refresh_token' }),
    )
    const renewing = browsers.map((browser) => browser.request('POST', `${ending.url}/renew`))
    await Promise.all(held.map(({ arrived }) => arrived))
    expect((await ending.auth.health()).renewals.inFlight).toBe(2)
    let isClosed = false
    const closing = ending.auth.close().then(() => {
      isClosed = true
    })
    held[0]?.release()
    expect((await renewing[0])?.json()).toMatchObject({ provider: 'staff', generation: 2 })
    expect(isClosed).toBe(false)
    held[1]?.release()
    expect((await renewing[1])?.json()).toMatchObject({ provider: 'customers', generation: 2 })
    await closing
  } finally {
    await ending.stop()
  }
})

test('a login that failed is told with its provider, in the event and in the line', async () => {
  const browser = new Browser()
  const back = new URL(await browser.startLogin(app.url, { path: '/login?provider=customers' }))
  back.searchParams.delete('code')
  back.searchParams.set('error', 'server_error')
  app.log.told.length = 0
  expect((await browser.navigate(back.href)).status).toBe(400)
  const refused = app.events.filter(({ name }) => name === 'refused').at(-1)
  expect(refused?.event).toMatchObject({ code: 'login_denied', provider: 'customers' })
  const { fields } = app.log.told.find(({ line }) => line.includes('login_denied')) ?? {}
  expect(fields).toEqual({ event: 'refused', code: 'login_denied', provider: 'customers' })
})
