// A provider that is out of reach while somebody logs in: 503 and nothing changed, and back to normal by itself (H27).
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import type { Answer } from '../support/provider/faults.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { logger } = createLog()
const { provider, app, hurried } = useParts(async (start) => {
  const provider = await start(startProvider())
  return {
    provider,
    app: await start(startApp({ provider, options: { logger } })),
    // For what hangs; there is time enough for the logins around it.
    hurried: await start(startApp({ provider, options: { logger, httpTimeoutSeconds: 3 } })),
  }
})
const apps: TestApp[] = []
afterEach(async () => {
  provider.normal()
  await provider.up()
  await Promise.all(apps.splice(0).map((each) => each.stop()))
})

/** An app that has not discovered the provider yet. */
async function startFresh(options: AuthOptions = {}): Promise<TestApp> {
  const fresh = await startApp({ provider, options: { logger, ...options } })
  apps.push(fresh)
  return fresh
}

const discoveries = () => provider.requests({ endpoint: 'discovery' }).length
const whoIs = async (browser: Browser, { url } = app) =>
  (await browser.request('GET', `${url}/public`)).json()

/** A provider whose discovery failed is left alone for a second. */
const discovered = ({ auth }: TestApp) =>
  eventually('the provider to be asked again', () => auth.ready().then(() => true))

test('an app starts while its provider is down, answers 503 at /login, and works when it comes up', async () => {
  const fresh = await startFresh()
  await provider.down()
  const browser = new Browser()
  const page = await browser.navigate(`${fresh.url}/login?return_to=/private`)
  expect(page).toMatchObject({ status: 503, headers: { 'cache-control': 'no-store' } })
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
  expect(setCookieLines(page)).toEqual([])
  expect((await browser.request('GET', `${fresh.url}/public`)).status).toBe(200)
  await provider.up()
  await discovered(fresh)
  expect((await browser.logIn(fresh.url, { user: 'patient' })).json()).toMatchObject({ sub: 'patient' })
})

test('a client that is no browser and asks for /login while the provider is down gets problem+json', async () => {
  const fresh = await startFresh()
  await provider.down()
  const page = await new Browser({ secFetch: false }).request('GET', `${fresh.url}/login`)
  expect(page.status).toBe(503)
  expect(page.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(page.json()).toMatchObject({ status: 503, code: 'provider_unavailable' })
})

test('ready() says that the provider is down, and that it is up again', async () => {
  const fresh = await startFresh()
  await provider.down()
  await expect(fresh.auth.ready()).rejects.toThrow('The login provider is out of reach')
  await provider.up()
  await discovered(fresh)
})

test('20 logins at once share one discovery', async () => {
  const fresh = await startFresh()
  const before = discoveries()
  const hold = provider.holdNext('discovery')
  const pages = Array.from({ length: 20 }, () =>
    new Browser().navigate(`${fresh.url}/login`, { stopAt: () => true }),
  )
  await hold.arrived
  hold.release()
  expect((await Promise.all(pages)).map(({ status }) => status)).toEqual(Array(20).fill(302))
  await new Browser().logIn(fresh.url)
  expect(discoveries()).toBe(before + 1)
})

describe('bad answers to the discovery', () => {
  const answers: [name: string, answer: Answer][] = [
    ['an error', { status: 500, body: 'oops' }],
    ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>hello</h1>' }],
    ['nothing', { status: 200, headers: { 'content-type': 'application/json' }, body: '' }],
    ['a list', { status: 200, body: [] }],
    ['another issuer (discovery-issuer-mismatch)', { status: 200, body: { issuer: 'https://evil.example' } }],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }],
    ['2 MB', { status: 200, body: { issuer: 'x'.repeat(2_000_000) } }],
  ]
  // All of them wait for the same second.
  const { afterwards, first } = useParts(async (start) => {
    const before = discoveries()
    const fresh = await Promise.all(answers.map(() => start(startApp({ provider, options: { logger } }))))
    const first = new Map<string, { fresh: TestApp; page: Page }>()
    for (const [at, [name, answer]] of answers.entries()) {
      provider.answerNext('discovery', answer)
      const app = fresh[at] as TestApp
      first.set(name, { fresh: app, page: await new Browser().navigate(`${app.url}/login`) })
    }
    await Promise.all(fresh.map(discovered))
    return { first, afterwards: { discoveries: discoveries() - before } }
  })

  test.each(answers)('discovery that answers %s is 503, and is asked again a second later', async (name) => {
    const { fresh, page } = first.get(name) as { fresh: TestApp; page: Page }
    expect(page.status).toBe(503)
    expect(setCookieLines(page)).toEqual([])
    const before = discoveries()
    expect((await new Browser().logIn(fresh.url, { user: 'next' })).json()).toMatchObject({ sub: 'next' })
    expect(discoveries()).toBe(before)
    // One that was bad and one that was good, of each: neither can do with less.
    expect(afterwards.discoveries).toBe(2 * answers.length)
  })
})

test('discovery that hangs is given up after httpTimeoutSeconds', async () => {
  const [hasty, patient] = [
    await startFresh({ httpTimeoutSeconds: 0.5 }),
    await startFresh({ httpTimeoutSeconds: 60 }),
  ]
  const hold = provider.holdNext('discovery', { times: 2 })
  const answers: string[] = []
  const ask = async (name: string, { url }: TestApp) => {
    const { status } = await new Browser().navigate(`${url}/login`, { stopAt: () => true })
    answers.push(`${name}: ${status}`)
  }
  const patiently = ask('patient', patient)
  await hold.arrived
  await ask('hasty', hasty)
  // What has more time is waiting still.
  expect(answers).toEqual(['hasty: 503'])
  hold.release()
  await patiently
  expect(answers).toEqual(['hasty: 503', 'patient: 302'])
})

test.each([
  ['answers 500', () => provider.answerNext('token', { status: 500, body: 'oops' })],
  [
    'answers 429',
    () => provider.answerNext('token', { status: 429, headers: { 'retry-after': '7' }, body: '' }),
  ],
  ['resets the connection', () => provider.cutNext('token', 'after')],
  ['breaks off', () => provider.cutNext('token', 'midway')],
  ['hangs', () => void provider.holdNext('token')],
  [
    'sends a page',
    () =>
      provider.answerNext('token', { status: 200, headers: { 'content-type': 'text/html' }, body: '<b>' }),
  ],
  [
    'sends 2 MB',
    () => provider.answerNext('token', { status: 200, body: { access_token: 'x'.repeat(2_000_000) } }),
  ],
])(
  'a token endpoint that %s at the callback is 503, with no session, and one token request',
  async (name, arm) => {
    const asked = name === 'hangs' ? hurried : app
    const browser = new Browser()
    const callback = await browser.startLogin(asked.url, { user: 'unlucky' })
    const before = provider.tokenRequests().length
    arm()
    const page = await browser.navigate(callback)
    expect(page.status).toBe(503)
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
    expect(setCookieLine(page, 'bff')).toBeUndefined()
    expect(provider.tokenRequests()).toHaveLength(before + 1)
    expect(await whoIs(browser, asked)).toMatchObject({ authenticated: false })
    provider.normal()
    expect((await browser.logIn(asked.url, { user: 'unlucky' })).json()).toMatchObject({ sub: 'unlucky' })
  },
)

test('JWKS that is out of reach at the callback is 503 with no session, and the next login works', async () => {
  // Who has its keys already would not ask for them.
  const fresh = await startFresh()
  const browser = new Browser()
  const callback = await browser.startLogin(fresh.url, { user: 'keyless' })
  provider.answerAll('jwks', { status: 500, body: 'oops' })
  const page = await browser.navigate(callback)
  expect(page.status).toBe(503)
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(await whoIs(browser, fresh)).toMatchObject({ authenticated: false })
  provider.normal()
  expect((await browser.logIn(fresh.url, { user: 'keyless' })).json()).toMatchObject({ sub: 'keyless' })
})

test('a login that fails with 503 leaves the session that was there as it is', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'stays' })
  const callback = await browser.startLogin(app.url)
  provider.answerNext('token', { status: 500, body: 'oops' })
  const page = await browser.navigate(callback)
  expect(page.status).toBe(503)
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(await whoIs(browser)).toMatchObject({ sub: 'stays', generation: 1 })
})
