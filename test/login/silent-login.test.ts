// attemptSilentLogin: whoever the provider knows is logged in without being asked, once a browser, and nobody is in the way.
import type { NextFunction, Request, Response } from 'express'
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { startKnownApp } from '../support/app/known-app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const log = createLog()
const attemptSilentLogin = true
const { provider, redis, app, hurried, others } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const options = { attemptSilentLogin, logger: log.logger, idpLogout: false }
  const setup = { provider, redisUrl: redis.url, options }
  const app = await start(startKnownApp(setup, 'known'))
  app.app.get('/leave', (_req: Request, res: Response, next: NextFunction) => res.oidc.logout().catch(next))
  const startWith = (more: AuthOptions, redisUrl?: string) =>
    start(
      startApp({
        provider,
        ...(redisUrl && { redisUrl }),
        options: { attemptSilentLogin, logger: log.logger, ...more },
      }),
    )
  const away = { issuerBaseURL: 'http://127.0.0.1:9', clientID: 'x', clientSecret: 'x' }
  return {
    provider,
    redis,
    app,
    // For the Redis that hangs; nothing else has to be done within that time.
    hurried: await start(
      startKnownApp({ ...setup, options: { ...options, redisTimeoutSeconds: 1 } }, 'known'),
    ),
    others: {
      prompting: await startWith({ authorizationParams: { prompt: 'login consent' } }),
      https: await startWith({ baseURL: 'https://app.example' }),
      guarded: await startWith({}, redis.url),
      away: await startWith(away),
      without: await start(startApp({ provider })),
      strict: await startWith({ session: { cookie: { sameSite: 'strict' } } }),
      strange: await startWith({ pushedAuthorizationRequests: true }),
    },
  }
})
beforeEach(() => {
  log.lines.length = 0
  app.events.length = 0
})
afterEach(() => provider.normal())

const PAGE = '/public?deep=1&next=%2F%2Fx#part'
const asked = () => provider.authorizationRequests().length
const refusals = () => app.events.filter(({ name }) => name === 'refused')

/** The page itself, as it is for nobody, or for `sub`; and how often the provider was asked on the way. */
async function expectPage(visit: () => Promise<Page>, requests: number, sub?: string): Promise<Page> {
  const before = asked()
  const page = await visit()
  expect(page.status).toBe(200)
  expect(page.json()).toMatchObject({ authenticated: sub !== undefined, ...(sub && { sub }) })
  expect(asked()).toBe(before + requests)
  return page
}

test('a person whom the provider knows comes back logged in, to the very page', async () => {
  const browser = app.visitor()
  const page = await expectPage(() => browser.navigate(app.url + PAGE), 1, 'known')
  expect(page.hops[0]).toMatchObject({ status: 302, body: '', headers: { 'cache-control': 'no-store' } })
  expect(page.hops.at(-1)?.url).toBe(app.url + PAGE.replace(/#.*/, ''))
  expect(provider.authorizationRequests().at(-1)?.params).toMatchObject({ prompt: 'none' })
  await expectPage(() => browser.navigate(app.url + PAGE), 0, 'known')
})

test('a person whom the provider does not know sees the page, and is not asked about again', async () => {
  const browser = new Browser()
  const page = await expectPage(() => browser.navigate(app.url + PAGE), 1)
  expect(page.hops.at(-1)?.url).toBe(app.url + PAGE.replace(/#.*/, ''))
  for (const path of ['/public', '/', PAGE]) await expectPage(() => browser.navigate(app.url + path), 0)
  expect([log.lines, refusals()]).toEqual([[], []])
  expect((await browser.cookies(app.url)).map(({ key }) => key)).toEqual(['bff-silent'])
})

test('prompt=none it is, and nothing beside it, whatever the configuration asks for', async () => {
  const page = await new Browser().navigate(others.prompting.url, { stopAt: () => true })
  expect(new URL(page.headers.location ?? '').searchParams.getAll('prompt')).toEqual(['none'])
})

test('the browser is told before it leaves, by a cookie like the session’s that ends with the browser', async () => {
  const page = await new Browser().navigate(app.url + PAGE, { stopAt: () => true })
  expect(setCookieLine(page, 'bff-silent')).toBe('bff-silent=1; Path=/; HttpOnly; SameSite=Lax')
})

test('on https the cookie is Secure and has the prefix', async () => {
  const page = await new Browser().navigate(others.https.url, { stopAt: () => true })
  const name = '__Host-Http-bff-silent'
  expect(setCookieLine(page, name)).toBe(`${name}=1; Path=/; HttpOnly; Secure; SameSite=Lax`)
})

/** The answer to a silent login, with another error in it. */
async function comeBackWith(error: string): Promise<{ browser: Browser; page: Page }> {
  const browser = new Browser()
  const callback = new URL(await browser.startLogin(app.url, { path: '/public?deep=1' }))
  expect(callback.searchParams.get('error')).toBe('login_required')
  callback.searchParams.set('error', error)
  const page = await expectPage(() => browser.navigate(callback.href), 0)
  expect(page.url).toBe(`${app.url}/public?deep=1`)
  return { browser, page }
}

test.each(['login_required', 'consent_required', 'interaction_required', 'account_selection_required'])(
  '%s is no error: the page is there, and nothing is said',
  async (error) => {
    await comeBackWith(error)
    expect([log.lines, refusals()]).toEqual([[], []])
  },
)

test.each(['server_error', 'access_denied', 'temporarily_unavailable', 'x\r\nevil <b>', 'login_required2'])(
  'another error of the provider (%j) is logged once, and the page is there, without a second try',
  async (error) => {
    const { browser } = await comeBackWith(error)
    const code = /^\w+$/.test(error) ? error : 'an error'
    expect(log.lines).toEqual([
      expect.stringContaining(`silent login failed (login_denied): the provider answered ${code}`),
    ])
    expect(refusals()).toHaveLength(1)
    await expectPage(() => browser.navigate(app.url + PAGE), 0)
  },
)

test.each<[string, () => void]>([
  ['cannot be reached for the tokens', () => provider.cutNext('token')],
  ['answers 500', () => provider.answerNext('token', { status: 500 })],
  ['refuses the code', () => provider.answerNext('token', { status: 400, body: { error: 'invalid_grant' } })],
  ['sends an ID token of another aud', () => nextIdToken(provider, { aud: 'somebody-else' })],
])('a provider that %s leaves the page as it is for nobody, once', async (_name, fail) => {
  fail()
  const browser = app.visitor()
  await expectPage(() => browser.navigate(app.url + PAGE), 1)
  const [said, ...more] = log.lines.filter((line) => !line.includes('the provider cannot be used just now'))
  expect([said, more]).toEqual([expect.stringMatching(/silent login failed/), []])
  await expectPage(() => browser.navigate(app.url + PAGE), 0)
})

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

test.each<[string, string, string, Record<string, string>]>([
  ['a script', 'GET', '/public', {}],
  ['a script that says it accepts HTML', 'GET', '/public', { accept: 'text/html' }],
  ['HEAD', 'HEAD', '/public', NAVIGATION],
  ['a form', 'POST', '/cart', { ...NAVIGATION, 'content-type': 'application/x-www-form-urlencoded' }],
  [
    'an image of another site',
    'GET',
    '/public',
    { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' },
  ],
  ['an iframe', 'GET', '/public', { ...NAVIGATION, 'sec-fetch-dest': 'iframe' }],
  ['a prefetch', 'GET', '/public', { ...NAVIGATION, 'sec-purpose': 'prefetch' }],
  ['a prerender', 'GET', '/public', { ...NAVIGATION, 'sec-purpose': 'prefetch;prerender' }],
  ['a prefetch of an older browser', 'GET', '/public', { ...NAVIGATION, purpose: 'prefetch' }],
  ['our own /me', 'GET', '/me', NAVIGATION],
  ['our own /callback', 'GET', '/callback', NAVIGATION],
  ['our own /logout', 'GET', '/logout', { ...NAVIGATION, 'sec-fetch-site': 'none' }],
  ['our own /backchannel-logout', 'GET', '/backchannel-logout', NAVIGATION],
])('%s is never sent to the provider', async (_name, method, path, headers) => {
  const before = asked()
  const page = await app.visitor().request(method, app.url + path, { headers, from: app.url })
  expect(page.headers.location ?? '/').toMatch(/^\//)
  if (path !== '/logout') expect(setCookieLine(page, 'bff-silent')).toBeUndefined()
  expect(asked()).toBe(before)
})

test('a guarded page asks silently first, then openly, and no third time', async () => {
  const before = asked()
  const page = await new Browser().logIn(others.guarded.url, { path: '/private?x=1', user: 'asked' })
  expect(page).toMatchObject({ status: 200, url: `${others.guarded.url}/private?x=1` })
  expect(page.json()).toMatchObject({ sub: 'asked' })
  const prompts = provider.authorizationRequests().slice(before)
  expect(prompts.map(({ params }) => params.prompt)).toEqual(['none', 'consent'])
})

test.each(['/logout', '/leave'])('whoever leaves by %s is not brought back', async (path) => {
  const browser = app.visitor()
  // By the login route, so that this browser was never tried.
  await expectPage(() => browser.navigate(`${app.url}/login?return_to=/public`), 1, 'known')
  await expectPage(() => browser.navigate(app.url + path, { from: null }), 0)
  await expectPage(() => browser.navigate(`${app.url}/public`), 0)
})

test('whoever logged in in another tab meanwhile stays who they are', async () => {
  const browser = app.visitor()
  const silent = await browser.startLogin(app.url, { path: '/public' })
  await browser.clearCookies(provider.issuer)
  const open = await browser.tab().navigate(`${app.url}/login`, { stopAt: () => true })
  const url = (open.headers.location ?? '').replace('prompt=none', 'prompt=consent')
  const tab = await browser.finish(await browser.tab().navigate(url), { user: 'explicit' })
  expect(tab.json()).toMatchObject({ sub: 'explicit' })
  await expectPage(() => browser.navigate(silent), 0, 'explicit')
})

test('a path that is another host for a browser comes back to ours', async () => {
  const page = await app.visitor().navigate(`${app.url}//evil.example/x`)
  expect(page).toMatchObject({ status: 200, url: `${app.url}/` })
})

test('while the session cannot be known nobody is sent away: guarded pages say 503', async () => {
  const browser = hurried.visitor()
  await browser.navigate(`${hurried.url}/login`)
  await browser.setCookie('bff-silent=; Max-Age=0; Path=/', hurried.url)
  redis.freeze()
  try {
    const before = asked()
    const [open, guarded] = await Promise.all([
      browser.navigate(`${hurried.url}/public`),
      browser.tab().navigate(`${hurried.url}/private`),
    ])
    expect([open.status, guarded.status]).toEqual([200, 503])
    expect([open, guarded].map((page) => page.headers['set-cookie'])).toEqual([undefined, undefined])
    expect(asked()).toBe(before)
  } finally {
    redis.thaw()
  }
})

test('while the provider or the store cannot be asked, nobody notices: the page is served', async () => {
  await expectPage(() => new Browser().navigate(others.away.url), 0)
  redis.freeze()
  try {
    await expectPage(() => new Browser().navigate(hurried.url), 0)
  } finally {
    redis.thaw()
  }
})

test('without the option nobody is sent anywhere', async () => {
  await expectPage(() => app.visitor().navigate(others.without.url), 0)
})

test('with strict sessions, a link from another site leads to the page after one attempt', async () => {
  const before = asked()
  const page = await new Browser().navigate(others.strict.url, { from: 'https://news.example/' })
  expect([page.status, asked() - before]).toEqual([200, 1])
})

test('a provider that refuses the very request is in nobody’s way', async () => {
  const page = await new Browser().navigate(`${others.strange.url}/public`)
  expect([page.status, page.url]).toEqual([200, `${others.strange.url}/public`])
})
