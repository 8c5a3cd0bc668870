// Floods of logins: what they may cost the provider at one moment, and what becomes of whoever comes beyond that.
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const PLACES = 5
const PEOPLE = 100

const { provider, plain, pushing, silent } = useParts(async (start) => {
  const provider = await start(startProvider())
  const options = { logger: createLog().logger, provider: { maxConcurrentLogins: PLACES } }
  return {
    provider,
    plain: await start(startApp({ provider, options })),
    pushing: await start(startApp({ provider, options: { ...options, pushedAuthorizationRequests: true } })),
    silent: await start(startApp({ provider, options: { ...options, attemptSilentLogin: true } })),
  }
})
afterEach(() => provider.normal())

const underWay = (endpoint: 'token' | 'pushed_request') =>
  provider.requests(({ endpoint: at, endedAt }) => at === endpoint && endedAt === undefined).length

function expectTryAgain(page: Awaited<ReturnType<Browser['navigate']>>): void {
  expect(page.status).toBe(503)
  expect(Number(page.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  expect([page.headers.location, setCookieLines(page)]).toEqual([undefined, []])
}

/** A login that was begun, and its callback with what the provider never said: a code unless told. */
async function inventedCallback(
  url = `${plain.url}/login`,
  answer: Record<string, string> = { code: 'invented' },
): Promise<() => ReturnType<Browser['navigate']>> {
  const browser = new Browser()
  const page = await browser.navigate(url, { stopAt: () => true })
  const state = new URL(page.headers.location ?? '').searchParams.get('state') ?? ''
  const query = new URLSearchParams({ state, ...answer, iss: provider.issuer })
  const callback = new URL(`/callback?${query}`, url).href
  return () => browser.navigate(callback, { from: null, stopAt: () => true })
}

test(`${PEOPLE} begun logins with invented codes are a few requests at once; a real one keeps its code until there is a place`, async () => {
  const callbacks = await Promise.all(Array.from({ length: PEOPLE }, () => inventedCallback()))
  const real = new Browser()
  const callback = await real.startLogin(plain.url, { user: 'alice' })
  const before = provider.tokenRequests().length
  const held = Array.from({ length: PLACES }, () => provider.holdNext('token'))

  const answers = callbacks.map((come) => come())
  await Promise.all(held.map(({ arrived }) => arrived))
  expectTryAgain(await real.navigate(callback))
  expectTryAgain(await real.navigate(callback))
  expect(underWay('token')).toBe(PLACES)
  for (const { release } of held) release()
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 503)).toHaveLength(PEOPLE - PLACES)
  expect(statuses.filter((status) => status === 400)).toHaveLength(PLACES)
  expect(provider.tokenRequests()).toHaveLength(before + PLACES)
  // A code that was not sent is as good as new.
  expect((await real.navigate(callback)).json()).toMatchObject({ sub: 'alice' })
  expect((await (await inventedCallback())()).status).toBe(400)
})

test('a place is given back however a login ends', async () => {
  const finished = new Browser()
  const callback = await finished.startLogin(plain.url, { user: 'bob' })
  const copy = finished.clone()
  expect((await finished.navigate(callback)).status).toBe(200)
  for (let round = 0; round < 2 * PLACES; round += 1) {
    // The code is used already; it was never given; the connection is cut.
    expect((await copy.clone().navigate(callback)).status).toBe(400)
    expect((await (await inventedCallback())()).status).toBe(400)
    provider.cutNext('token')
    expect((await new Browser().logIn(plain.url, { user: 'bob' })).status).toBe(503)
  }
  expect((await new Browser().logIn(plain.url, { user: 'bob' })).json()).toMatchObject({ sub: 'bob' })
})

test(`${PEOPLE} people who begin a login are a few pushed requests at once, and begin it a moment later`, async () => {
  const held = Array.from({ length: PLACES }, () => provider.holdNext('pushed_request'))
  const begin = () => new Browser().navigate(`${pushing.url}/login`, { stopAt: () => true })
  const answers = Array.from({ length: PEOPLE }, begin)
  await Promise.all(held.map(({ arrived }) => arrived))
  await eventually('the others to be answered', async () => {
    expectTryAgain(await begin())
    return underWay('pushed_request') === PLACES
  })
  for (const { release } of held) release()
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 302).length).toBe(PLACES)
  expect(statuses.filter((status) => status === 503).length).toBe(PEOPLE - PLACES)
  expect((await begin()).status).toBe(302)
})

test('whose callback has no code needs no place, and nobody is told to wait for a silent login', async () => {
  const held = Array.from({ length: PLACES }, () => provider.holdNext('token'))
  const fill = await Promise.all(held.map(() => inventedCallback(`${silent.url}/login`)))
  const [denied, nobody, quiet] = await Promise.all([
    inventedCallback(`${silent.url}/login`, { error: 'access_denied' }),
    inventedCallback(`${silent.url}/public`, { error: 'login_required' }),
    inventedCallback(`${silent.url}/public`),
  ])
  const answers = fill.map((come) => come())
  await Promise.all(held.map(({ arrived }) => arrived))
  const before = provider.tokenRequests().length
  expect([await denied(), await nobody(), await quiet()]).toMatchObject([
    { status: 400 },
    { status: 303, headers: { location: '/public' } },
    { status: 303, headers: { location: '/public' } },
  ])
  expect(provider.tokenRequests()).toHaveLength(before)
  for (const { release } of held) release()
  await Promise.all(answers)
})
