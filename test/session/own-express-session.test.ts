// An app that mounts express-session itself, above auth(), keeps its own: auth() uses that one's id.
import express from 'express'
import expressSession, { MemoryStore } from 'express-session'
import type { Redis } from 'ioredis'
import { auth, requireAuth, requireFresh } from '../../src/index.ts'
import type { Auth } from '../support/app/app-routes.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { authKeys, createLog, idIn } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let store: Redis
let app: OwnApp
let sessions: Auth['sessions']
const documents = new MemoryStore()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  const options = { logger: createLog().logger }
  app = await startOwnApp({ provider, redisUrl: redis.url, options }, (given) => {
    const handler = auth(given)
    sessions = handler.sessions
    const own = express()
    own.use(
      expressSession({ secret: 'the app’s own', resave: false, saveUninitialized: false, store: documents }),
      handler,
    )
    own.get(['/', '/seen'], (req, res) => {
      res.json({ cart: req.session.cart ?? null, sub: req.oidc.user?.sub ?? null, id: req.session.id })
    })
    own.get('/set', (req, res) => {
      req.session.cart = req.query.cart
      res.json({})
    })
    own.get('/private', requireAuth(), (req, res) => void res.json(req.oidc.session))
    own.post('/fresh', requireFresh(), (req, res) => void res.json(req.oidc.session))
    return { app: own, auth: handler }
  })
})
beforeEach(() => redis.flush())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

const get = async (browser: Browser, path: string) =>
  (await browser.request('GET', `${app.url}${path}`)).json()
const cookieNames = async (browser: Browser) => (await browser.cookies(app.url)).map(({ key }) => key)
const idOf = async (browser: Browser) => idIn((await browser.cookies(app.url))[0]?.value ?? '')

async function logInAs(browser: Browser, user: string) {
  await browser.clearCookies(provider.issuer)
  expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user })
}

test('logs in, renews and logs out on the app’s session, with the app’s cookie alone', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  expect(await cookieNames(browser)).toEqual(['connect.sid'])
  expect(await authKeys(store)).toEqual([`bff:{${await idOf(browser)}}:auth`])
  await get(browser, '/set?cart=apples')
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect(await get(browser, '/seen')).toMatchObject({ cart: 'apples', sub: 'alice' })
  const before = browser.clone()
  expect((await browser.request('POST', `${app.url}/logout`)).status).toBe(303)
  for (const each of [browser, before])
    expect(await get(each, '/seen')).toMatchObject({ cart: null, sub: null })
  expect(await authKeys(store)).toEqual([])
})

test('anonymous data is kept at login, under a new id, and the old one is dead', async () => {
  const browser = new Browser()
  await get(browser, '/set?cart=apples')
  const before = browser.clone()
  await logInAs(browser, 'alice')
  expect(await get(browser, '/seen')).toMatchObject({ cart: 'apples', sub: 'alice' })
  expect(await idOf(browser)).not.toBe(await idOf(before))
  expect(await get(before, '/seen')).toMatchObject({ cart: null, sub: null })
})

test('the same user keeps the data, and the session before leaves no auth record', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  await get(browser, '/set?cart=apples')
  const before = browser.clone()
  await logInAs(browser, 'alice')
  expect(await get(browser, '/seen')).toMatchObject({ cart: 'apples', sub: 'alice' })
  expect(await get(before, '/seen')).toMatchObject({ cart: null, sub: null })
  expect(await authKeys(store)).toEqual([`bff:{${await idOf(browser)}}:auth`])
})

test('another user does not get the data', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  await get(browser, '/set?cart=of+alice')
  await logInAs(browser, 'bob')
  expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: 'bob' })
})

test('another user does not get the data of a login that is over', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  await get(browser, '/set?cart=of+alice')
  // As at the end of its lifetime; the app's own session goes by times of its own.
  await store.del(await authKeys(store))
  expect(await get(browser, '/seen')).toMatchObject({ sub: null })
  await logInAs(browser, 'bob')
  expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: 'bob' })
})

test('no token is in the app’s session', async () => {
  const browser = new Browser()
  await logInAs(browser, 'alice')
  await get(browser, '/set?cart=apples')
  const kept = await new Promise((resolve, reject) =>
    documents.all((error, sessions) => (error ? reject(error) : resolve(sessions))),
  )
  expect(JSON.stringify(kept)).toContain('apples')
  for (const secret of provider.secretsSeen()) expect(JSON.stringify(kept)).not.toContain(secret)
})

test('the app cannot be told that an anonymous session is logged in', async () => {
  const browser = new Browser()
  await get(browser, '/set?cart[expressBffSession]=true')
  const page = await browser.request('GET', `${app.url}/private`)
  expect(page).toMatchObject({ status: 401 })
})

test('an invalid_grant ends the login, and the page can be used on', async () => {
  const browser = new Browser()
  await logInAs(browser, 'blocked')
  provider.revokeGrants('blocked')
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ code: 'session_ended' })
  expect(await get(browser, '/seen')).toMatchObject({ sub: null, cart: null })
  await get(browser, '/set?cart=again')
  expect(await get(browser, '/seen')).toMatchObject({ sub: null, cart: 'again' })
})

test('a session that is ended from elsewhere takes the person’s data with it', async () => {
  const browser = new Browser()
  await logInAs(browser, 'leaving')
  await get(browser, '/set?cart=private')
  const [{ id = '' } = {}] = await sessions.list('leaving')
  expect(await get(browser, '/private')).toMatchObject({ id })
  expect(await sessions.revoke(id)).toBe(true)
  expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: null })
  expect(await authKeys(store)).toEqual([])
})
