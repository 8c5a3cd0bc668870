// H34: two deployments on one Redis. What is of the one is nobody's at the other, and stays as it is.

import express from 'express'
import session, { MemoryStore } from 'express-session'
import { type AuthOptions, auth, requireAuth } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'

const CLIENT = { clientId: 'shop', clientSecret: 'a secret that both deployments have' }
const OTHER_SECRET = 'a secret of the other deployment, long enough'

const { redis, provider, elsewhere, app, others } = useParts(async (start) => {
  const [redis, provider, elsewhere] = await Promise.all([
    start(startRedis()),
    start(startProvider()),
    start(startProvider()),
  ])
  const open = (at: TestProvider, options: AuthOptions = {}, client: object = CLIENT) =>
    start(startApp({ provider: at, redisUrl: redis.url, options, client }))
  const others = {
    'another provider': { app: await open(elsewhere), provider: elsewhere },
    'another provider, with a near cache': {
      app: await open(elsewhere, { redis: { url: redis.url, nearCache: true } }),
      provider: elsewhere,
    },
    'another client': { app: await open(provider, {}, { clientId: 'another' }), provider },
    'another secret': { app: await open(provider, { secret: OTHER_SECRET }), provider },
    'another prefix': {
      app: await open(provider, { redis: { url: redis.url, keyPrefix: 'staff:' } }),
      provider,
    },
  }
  const app = await open(provider)
  return { redis, provider, elsewhere, app, others }
})
let user: string
let count = 0
beforeEach(() => {
  count += 1
  user = `person-${count}`
})

const KINDS = [
  'another provider',
  'another provider, with a near cache',
  'another client',
  'another secret',
  'another prefix',
] as const

const whoIs = async (browser: Browser, { url }: TestApp) =>
  (await browser.request('GET', `${url}/public`)).json().sub as string | undefined
const codeOf = async (browser: Browser, { url }: TestApp) =>
  (await browser.request('GET', `${url}/private`)).json().code

describe.each(KINDS)('of a deployment with %s', (kind) => {
  const other = () => others[kind]

  test('H34: the session is nobody’s, and its refresh token goes nowhere', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user })
    await ageSession(redis.connect(), browser, 901)
    const before = other().provider.tokenRequests().length
    expect(await codeOf(browser.clone(), other().app)).toBe('login_required')
    expect(await whoIs(browser.clone(), other().app)).toBeUndefined()
    expect(other().provider.tokenRequests()).toHaveLength(before)
    expect(await whoIs(browser, app)).toBe(user)
  })

  test.each<[string, (browser: Browser, at: TestApp) => Promise<unknown>]>([
    ['a logout', (browser, at) => browser.request('POST', `${at.url}/logout`)],
    ['a login', (browser, at) => browser.logIn(at.url, { user: `${user}-there` })],
    ['a write to req.session', (browser, at) => browser.request('POST', `${at.url}/cart`)],
  ])('H34: %s with its cookie leaves the session as it was', async (_what, act) => {
    const browser = new Browser()
    await browser.logIn(app.url, { user })
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'of the first' } })
    const there = browser.clone()
    expect((await there.request('GET', `${other().app.url}/cart`)).json()).toEqual({ cart: null })
    await act(there, other().app)
    expect(await whoIs(browser, app)).toBe(user)
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'of the first' })
  })

  test('H34: a logout there ends no login that is under way here', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user })
    const callback = await browser.startLogin(app.url, { user })
    await browser.clone().request('POST', `${other().app.url}/logout`)
    expect((await browser.navigate(callback)).status).toBe(200)
    expect(await whoIs(browser, app)).toBe(user)
  })

  test('H34: it is neither listed nor revoked, and the other way round', async () => {
    const [browser, there] = [new Browser(), new Browser()]
    await browser.logIn(app.url, { user })
    await there.logIn(other().app.url, { user })
    const [id, idThere] = [await sessionIdOf(browser), await sessionIdOf(there)]
    const [sessions, sessionsThere] = [app.auth.sessions, other().app.auth.sessions]
    expect((await sessions.list(user)).map((entry) => entry.id)).toEqual([id])
    expect((await sessionsThere.list(user)).map((entry) => entry.id)).toEqual([idThere])
    expect(await sessionsThere.revoke(id)).toBe(false)
    expect(await sessionsThere.revokeAll(user)).toBe(1)
    expect([await whoIs(browser, app), await whoIs(there, other().app)]).toEqual([user, undefined])
    expect(await sessions.revokeAll(user)).toBe(1)
    expect(await whoIs(browser, app)).toBeUndefined()
  })
})

test('H34: with a prefix of its own nothing at all is shared, not what a visitor without a session has either', async () => {
  const { app: prefixed } = others['another prefix']
  const client = redis.connect()
  const before = new Set(await client.keys('*'))
  const browser = new Browser()
  await browser.request('POST', `${prefixed.url}/cart`)
  expect((await browser.clone().request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  await browser.logIn(prefixed.url, { user })
  await browser.request('POST', `${prefixed.url}/fresh`)
  await prefixed.auth.sessions.revokeAll(user)
  const added = (await client.keys('*')).filter((key) => !before.has(key))
  expect(added.length).toBeGreaterThan(2)
  expect(added.filter((key) => !key.startsWith('staff:bff:'))).toEqual([])
})

test('H21: a deployment whose secret is rotated is no other one (H34)', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user })
  const rotated = await startApp({
    provider,
    redisUrl: redis.url,
    client: CLIENT,
    options: { secret: [OTHER_SECRET, TEST_SECRET] },
  })
  try {
    const id = await sessionIdOf(browser)
    expect((await rotated.auth.sessions.list(user)).map((entry) => entry.id)).toEqual([id])
    expect(await whoIs(browser, rotated)).toBe(user)
    expect(await rotated.auth.sessions.revokeAll(user)).toBe(1)
    expect(await whoIs(browser, app)).toBeUndefined()
  } finally {
    await rotated.stop()
  }
})

describe('below one express-session of the app’s', () => {
  const { shared } = useParts(async (start) => ({
    shared: await start(
      startOwnApp({ provider }, (given) => {
        const client = { clientID: CLIENT.clientId, clientSecret: CLIENT.clientSecret }
        const staff = auth({ ...given, ...client, baseURL: `${given.baseURL}/staff` })
        const customers = auth({ ...given, ...client, issuerBaseURL: elsewhere.issuer })
        const site = express()
        site.use(
          session({ secret: TEST_SECRET, resave: false, saveUninitialized: false, store: new MemoryStore() }),
        )
        const pages = () =>
          express
            .Router()
            .get('/private', requireAuth(), (req, res) => void res.json({ sub: req.oidc.user?.sub }))
            .get('/cart', (req, res) => {
              req.session.cart = [req.session.cart ?? [], req.query.put ?? []].flat()
              res.json(req.session.cart)
            })
        site.use('/staff', staff, pages())
        site.use(customers, pages())
        return { app: site, auth: staff }
      }),
    ),
  }))

  test('H34: who is logged in at the one is nobody at the other, stays logged in, and takes nothing along', async () => {
    await elsewhere.registerClient({ ...CLIENT, baseURL: shared.url })
    await provider.registerClient({ ...CLIENT, redirectUris: [`${shared.url}/staff/callback`] })
    const browser = new Browser()
    await browser.logIn(shared.url, { user, path: '/staff/private' })
    await browser.request('GET', `${shared.url}/staff/cart?put=secret`)
    expect((await browser.request('GET', `${shared.url}/private`)).status).toBe(401)
    expect((await browser.request('GET', `${shared.url}/staff/private`)).json()).toEqual({ sub: user })
    await browser.logIn(shared.url, { user: `${user}-there`, path: '/private' })
    expect((await browser.request('GET', `${shared.url}/cart`)).json()).toEqual([])
    expect((await browser.request('GET', `${shared.url}/staff/private`)).status).toBe(401)
  })
})
