// req.oidc.getIdToken() and accessTokenExpiresAt(): what handlers may have of the tokens that a session keeps.
import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { isAuthError } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProviderWithApis } from '../support/provider/apis.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf, storedRecord } from '../support/session/age-session.ts'

const BALANCES = 'https://balances.example'

const { provider, store, app } = useParts(async (start) => {
  const apis = { [BALANCES]: { scope: 'balance:read' } }
  const [provider, redis] = await Promise.all([start(startProviderWithApis(apis)), start(startRedis())])
  const authorizationParams = { scope: 'openid offline_access balance:read', resource: [BALANCES] }
  const app = await start(startApp({ provider, redisUrl: redis.url, options: { authorizationParams } }))
  app.app.get('/handle', async (req, res) => {
    try {
      res.json({ is: await handle(req) })
    } catch (error) {
      if (!isAuthError(error)) throw error
      res.json({ error: error.code })
    }
  })
  return { provider, store: redis.connect(), app }
})
afterEach(() => {
  provider.normal()
  provider.lifetimes.idToken = 3600
})

let handle: (req: Request) => unknown

async function ask(browser: Browser, what: typeof handle) {
  handle = what
  return (await browser.request('GET', `${app.url}/handle`)).json()
}

async function logIn() {
  const browser = new Browser()
  await browser.logIn(app.url)
  const record = async () => {
    const found = await storedRecord(store, await sessionIdOf(browser))
    if (found === undefined) throw new Error('there is no session')
    return found
  }
  return { browser, at: (what: typeof handle) => ask(browser, what), record }
}

/** No test shows a token. */
const hashed = (token: string) => createHash('sha256').update(token).digest('hex')
const idToken = async (req: Request) => hashed(await req.oidc.getIdToken())

test('the ID token is the one that the provider signed, and after a renewal the new one', async () => {
  const { at, record } = await logIn()
  const first = await at(idToken)
  expect(first).toEqual({ is: hashed((await record()).idToken) })
  // Or two of one second would be the same, to the letter.
  provider.lifetimes.idToken = 3000
  const second = await at(async (req) => {
    await req.oidc.renew()
    return idToken(req)
  })
  expect(second).toEqual({ is: hashed((await record()).idToken) })
  expect(second).not.toEqual(first)
})

test('one that expires while a handler works is renewed first, once', async () => {
  const { at, browser, record } = await logIn()
  await ageSession(store, browser, 0, { idToken: 3598 })
  const before = await record()
  const seen = await at(async (req) => {
    expect(await req.oidc.getIdToken()).toBe(before.idToken)
    const end = before.idTokenExpiresAt ?? 0
    // By Redis's clock and the app's, which may be apart by a rounding.
    await eventually('the end of the ID token', () => Date.now() > end + 20)
    return idToken(req)
  })
  const after = await record()
  expect(after.generation).toBe(2)
  expect(after.idToken).not.toBe(before.idToken)
  expect(seen).toEqual({ is: hashed(after.idToken) })
})

test('where a renewal brings no ID token it is the one before', async () => {
  const { at } = await logIn()
  const first = await at(idToken)
  provider.rewriteNext('token', ({ id_token: _, ...rest }) => rest)
  const second = await at(async (req) => {
    await req.oidc.renew()
    return idToken(req)
  })
  expect(second).toEqual(first)
})

test('an access token ends when the provider said, each its own, and is not fetched for the question', async () => {
  const { at, record } = await logIn()
  const expiry = (req: Request) => req.oidc.accessTokenExpiresAt() ?? 'none'
  const balances = (req: Request) => req.oidc.accessTokenExpiresAt({ audience: BALANCES }) ?? 'none'
  expect(await at(expiry)).toEqual({ is: new Date((await record()).accessTokenExpiresAt ?? 0).toJSON() })
  const asked = provider.refreshCount()
  expect(await at(balances)).toEqual({ is: 'none' })
  expect(provider.refreshCount()).toBe(asked)
  await at(async (req) => void (await req.oidc.getAccessToken({ audience: BALANCES })))
  const [kept] = Object.values((await record()).accessTokens ?? {})
  expect(await at(balances)).toEqual({ is: new Date(kept?.expiresAt ?? 0).toJSON() })
})

test('where the provider did not say, or gave none, there is no end to tell', async () => {
  const { at } = await logIn()
  provider.rewriteNext('token', ({ expires_in: _, ...rest }) => rest)
  const own = await at(async (req) => {
    await req.oidc.renew()
    return req.oidc.accessTokenExpiresAt() ?? 'none'
  })
  expect(own).toEqual({ is: 'none' })
  provider.answerNext('token', { status: 400, body: { error: 'invalid_target' } })
  const refused = await at(async (req) => {
    await req.oidc.getAccessToken({ audience: BALANCES }).catch(() => undefined)
    return req.oidc.accessTokenExpiresAt({ audience: BALANCES }) ?? 'none'
  })
  expect(refused).toEqual({ is: 'none' })
})

test('an audience that the login did not name is a mistake', async () => {
  const { at } = await logIn()
  const other = (req: Request) => req.oidc.accessTokenExpiresAt({ audience: 'https://other.example' })
  expect(await at(other)).toEqual({ error: 'invalid_option' })
})

test('whoever is not logged in has none', async () => {
  expect(await ask(new Browser(), idToken)).toEqual({ error: 'login_required' })
  const expiry = (req: Request) => req.oidc.accessTokenExpiresAt() ?? 'none'
  expect(await ask(new Browser(), expiry)).toEqual({ is: 'none' })
})
