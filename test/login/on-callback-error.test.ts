// onCallbackError: the app answers a login that failed, or leaves it to the package; either way it is told and logged.
import { inspect } from 'node:util'
import { type AuthError, type AuthOptions, RefusedError } from '../../src/index.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { startApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

type Hook = NonNullable<AuthOptions['onCallbackError']>

let hook: Hook
let told: AuthError[] = []
const log = createLog()

const throwing = (error: unknown) => () => {
  throw error
}
const answer: Hook = (error, _req, res) => void res.status(418).json({ code: error.code })
const byDefault: Hook = (_error, _req, _res, next) => next()

const { provider, redis, app, hurried } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const onCallbackError: Hook = (error, req, res, next) => {
    told.push(error)
    return hook(error, req, res, next)
  }
  const afterCallback: AuthOptions['afterCallback'] = ({ user }) =>
    user.sub === 'unwanted' ? { refuse: 'Not you.' } : undefined
  const options = { logger: log.logger, onCallbackError, afterCallback }
  const setup = { provider, redisUrl: redis.url, options }
  return {
    provider,
    redis,
    app: await start(startApp(setup)),
    // For the Redis that hangs; nothing else has to be done within that time.
    hurried: await start(startApp({ ...setup, options: { ...options, redisTimeoutSeconds: 1 } })),
  }
})
beforeEach(() => {
  hook = answer
  told = []
  log.lines.length = 0
  for (const { events, errors } of [app, hurried]) {
    events.length = 0
    errors.length = 0
  }
})
afterEach(() => provider.normal())

const DESCRIPTION = '<b>No</b> "entry"\r\nX-Evil: 1'

/** Comes back from the provider with another query. */
async function comeBack(change: (params: URLSearchParams) => void, user = 'alice'): Promise<Page> {
  const browser = new Browser()
  const callback = new URL(await browser.startLogin(app.url, { user }))
  change(callback.searchParams)
  return browser.navigate(callback.href)
}

const deny = (params: URLSearchParams) => {
  params.delete('code')
  params.set('error', 'access_denied')
  params.set('error_description', DESCRIPTION)
}

async function expired(): Promise<Page> {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'slow' })
  // The login began when the store's clock says so, and that clock cannot be turned; the cookie's age can be.
  const cookie = (await browser.cookies(app.url)).find(({ key }) => key.startsWith('bff-login-'))
  const { key = '', value = '' } = cookie ?? {}
  const sealer = createSealer([TEST_SECRET], 'login transaction')
  const transaction = JSON.parse(sealer.open(value, key) ?? '{}')
  const older = sealer.seal(
    JSON.stringify({ ...transaction, startedAt: transaction.startedAt - 601_000 }),
    key,
  )
  await browser.setCookie(`${key}=${older}; Path=/`, app.url)
  return browser.navigate(callback)
}

const failures: [string, number, () => Promise<Page>][] = [
  ['login_denied', 400, () => comeBack(deny)],
  ['login_unknown', 400, () => comeBack((params) => params.set('state', 'of-somebody-else'))],
  ['login_expired', 400, expired],
  [
    'login_failed',
    400,
    () => {
      nextIdToken(provider, { aud: 'somebody-else' })
      return comeBack(() => {})
    },
  ],
  ['login_refused', 403, () => comeBack(() => {}, 'unwanted')],
  ['step_up_failed', 403, () => new Browser().logIn(app.url, { path: '/step-up?acr=mfa' })],
  ['callback_malformed', 400, () => comeBack((params) => params.delete('state'))],
  ['callback_malformed', 400, () => new Browser().navigate(`${app.url}/Callback/`)],
  ['method_not_allowed', 405, () => new Browser().submit(`${app.url}/callback`, {})],
  [
    'provider_unavailable',
    503,
    () => {
      provider.cutNext('token')
      return comeBack(() => {})
    },
  ],
  [
    'store_unavailable',
    503,
    async () => {
      const browser = new Browser()
      const callback = await browser.startLogin(hurried.url)
      redis.freeze()
      return browser.navigate(callback).finally(() => redis.thaw())
    },
  ],
]

/** What the hook was told of each of them. */
const toldOf = new Map<unknown, AuthError[]>()

test.each(failures)(
  '%s (%i) is told to the hook, once, and its answer is the answer',
  async (code, status, fail) => {
    const page = await fail()
    expect(page).toMatchObject({ status: 418, body: JSON.stringify({ code }) })
    toldOf.set(fail, told)
    expect(told).toMatchObject([{ code, status }])
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    const refused = status < 500 ? [expect.stringContaining(`refused (${code})`)] : []
    const away: Record<string, string> = {
      provider_unavailable: 'the provider cannot be used just now',
      store_unavailable: 'cannot be used: ',
    }
    const said = away[code] === undefined ? [] : [expect.stringContaining(away[code])]
    // Of the case before.
    const lines = log.lines.filter((line) => !line.endsWith(' answers again'))
    expect(lines).toEqual([...refused, ...said])
    const events = [...app.events, ...hurried.events]
    expect(events.filter(({ name }) => name === 'refused')).toHaveLength(refused.length)
    expect(setCookieLines(page).join()).not.toMatch(/bff=/)
  },
)

test.each(failures)('%s (%i) is answered as ever where the hook calls next()', async (code, status, fail) => {
  hook = byDefault
  const page = await fail()
  expect(page.status).toBe(status)
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(page.headers['retry-after'] === undefined).toBe(status < 500)
  expect(told).toMatchObject([{ code }])
  expect([...app.errors, ...hurried.errors]).toEqual([])
})

test("the provider's error and its description are given as sent, are one line to the log, and in no page", async () => {
  await comeBack(deny)
  const [error] = told
  expect(error).toBeInstanceOf(RefusedError)
  expect(error).toMatchObject({ error: 'access_denied', errorDescription: DESCRIPTION })
  hook = byDefault
  const page = await comeBack(deny)
  expect(page.body).not.toMatch(/X-Evil|entry/)
  expect(log.lines.join('')).not.toMatch(/[\r\n]/)
  expect(log.lines).toContainEqual(expect.stringMatching(/words that came through the browser: ".*X-Evil/))
  expect(page.headers).not.toHaveProperty('x-evil')
})

test('the error carries no secret, however deep one looks', async () => {
  for (const [, , fail] of failures) {
    if (toldOf.has(fail)) continue
    told = []
    await fail()
    toldOf.set(fail, told)
  }
  const all = [...toldOf.values()].flat()
  expect(all).toHaveLength(failures.length)
  const deep = inspect(all, { depth: Number.POSITIVE_INFINITY, showHidden: true })
  for (const secret of provider.secretsSeen()) expect(deep).not.toContain(secret)
})

test.each<[string, Hook]>([
  ['throws', throwing(new Error('no template'))],
  ['rejects', () => Promise.reject(new Error('no template'))],
  ['passes an error on', (_error, _req, _res, next) => next(new Error('no template'))],
  ['throws nothing', throwing(undefined)],
  ['rejects with nothing', () => Promise.reject()],
  ['rejects with null', () => Promise.reject(null)],
])('a hook that %s ends at the error handler of Express', async (_name, fault) => {
  hook = fault
  const page = await comeBack(deny)
  expect(page.status).toBe(500)
  expect(app.errors).toHaveLength(1)
  expect(log.lines).toHaveLength(1)
})

test.each([null, false, ''])(
  'next(%j) answers as ever, and does not go on to the routes of the app',
  async (nothing) => {
    hook = (_error, _req, _res, next) => next(nothing)
    expect((await comeBack(deny)).status).toBe(400)
  },
)

test('a hook that answered and calls next() too harms nobody', async () => {
  hook = (error, req, res, next) => {
    answer(error, req, res, next)
    next()
  }
  expect((await comeBack(deny)).status).toBe(418)
  expect((await new Browser().request('GET', `${app.url}/ping`)).status).toBe(200)
})

test('a hook may take its time, and may begin the login again', async () => {
  hook = async (_error, _req, res) => {
    await new Promise((resolve) => setImmediate(resolve))
    await res.oidc.login({ returnTo: '/private' })
  }
  const browser = new Browser()
  const callback = new URL(await browser.startLogin(app.url, { user: 'again' }))
  deny(callback.searchParams)
  const page = await browser.finish(await browser.navigate(callback.href), { user: 'again' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/private` })
})

test('the hook is not told of anything but callbacks', async () => {
  const browser = new Browser()
  await browser.navigate(`${app.url}/login?max_age=0`)
  await browser.request('GET', `${app.url}/private`)
  await browser.request('POST', `${app.url}/logout`, { from: 'https://evil.example' })
  await browser.request('POST', `${app.url}/backchannel-logout`, { form: { logout_token: 'x' } })
  await browser.request('PUT', `${app.url}/me`)
  await browser.request('POST', `${app.url}/cart`, { json: {}, from: 'https://evil.example' })
  expect((await browser.logIn(app.url, { user: 'fine' })).json()).toMatchObject({ sub: 'fine' })
  expect(told).toEqual([])
})
