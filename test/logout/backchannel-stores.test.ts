// A logout at the provider where sessions are in memory, and where the app has an express-session of its own.
import express from 'express'
import expressSession, { MemoryStore } from 'express-session'
import type { AuthOptions } from '../../src/index.ts'
import { type AppEvent, listenToAll } from '../support/app/app-events.ts'
import { type Auth, createApp } from '../support/app/app-routes.ts'
import { createGates } from '../support/app/gates.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLogoutClient, sendLogout, startLogoutProvider } from '../support/provider/logout-client.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts, useStarted } from '../support/servers.ts'

const provider = useStarted(() => startLogoutProvider())
afterEach(() => provider.normal())

describe.each([
  ['in memory', true],
  ['in Redis, on the app’s own express-session', false],
])('%s', (_name, inMemory) => {
  let sessions: Auth['sessions']
  const gates = createGates()
  const sids = new Map<string, string>()
  const events: AppEvent[] = []
  const lines: string[] = []

  function build(options: AuthOptions) {
    const { app: inner, auth } = createApp(options, {
      async waitAtGate(name) {
        gates.announce(name)
        await gates.waitForOpen(name)
      },
      onError: () => {},
    })
    sessions = auth.sessions
    listenToAll(auth, (told) => events.push(told))
    if (inMemory) return { app: inner, auth }
    const own = { secret: 'the app’s own', resave: false, saveUninitialized: false, store: new MemoryStore() }
    return { app: express().use(expressSession(own), inner), auth }
  }

  const { app, client } = useParts(async (start) => {
    const redis = inMemory ? undefined : await start(startRedis())
    const client = createLogoutClient(provider)
    const options: AuthOptions = {
      ...client.options,
      logger: { warn: (line) => lines.push(line) },
      afterCallback({ claims }) {
        sids.set(claims.sub, String(claims.sid))
        return undefined
      },
    }
    const app = await start(startOwnApp({ ...(redis && { redisUrl: redis.url }), options }, build))
    await client.register(app.url)
    return { app, client }
  })

  async function logIn(user: string): Promise<Browser> {
    const browser = new Browser()
    expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user })
    return browser
  }
  const claimsOf = (claim: string, user: string) => ({ [claim]: claim === 'sub' ? user : sids.get(user) })
  const logout = async (claims: object) => sendLogout(app.url, await client.token(claims))
  const isIn = async (browser: Browser) =>
    (await browser.request('GET', `${app.url}/public`)).json().authenticated

  test('a logout at the provider ends the session here', async () => {
    const [browser, other] = [await logIn('real'), await logIn('real')]
    await browser.finish(await browser.navigate(`${provider.issuer}/session/end`))
    expect([await isIn(browser), await isIn(other)]).toEqual([false, true])
  })

  test.each(['sub', 'sid'])('a logout by %s ends what it names, once', async (claim) => {
    const user = `ends-${claim}`
    const [first, browser, other] = [await logIn(user), await logIn(user), await logIn(`${user}0`)]
    events.length = 0
    const token = await client.token(claimsOf(claim, user))
    expect(await sendLogout(app.url, token)).toMatchObject({ status: 200 })
    expect([await isIn(first), await isIn(browser), await isIn(other)]).toEqual([
      claim === 'sid',
      false,
      true,
    ])
    expect((await browser.request('GET', `${app.url}/private`)).status).toBe(401)
    const ended = { name: 'session-ended', event: { subject: user, reason: 'backchannel_logout' } }
    expect(events).toEqual(Array(claim === 'sid' ? 1 : 2).fill(ended))
    expect((await sessions.list(user)).length).toBe(claim === 'sid' ? 1 : 0)

    const again = await logIn(user)
    expect((await sendLogout(app.url, token)).status).toBe(400)
    expect(await isIn(again)).toBe(true)
  })

  test('a logout that ends nobody is 200', async () => {
    expect(await logout({ sub: 'nobody' })).toMatchObject({ status: 200, body: '' })
  })

  test.each(['sub', 'sid'])(
    'a login that is under way ends with a logout by %s, a later one does not',
    async (claim) => {
      const user = `under-way-${claim}`
      const known = await logIn(user)
      const browser = known.clone()
      await browser.clearCookies(app.url)
      const callback = await browser.startLogin(app.url, { user })
      const held = provider.holdNext('token', { mode: 'after' })
      const page = browser.navigate(callback, { stopAt: () => true })
      await held.processed
      expect(await logout(claimsOf(claim, user))).toMatchObject({ status: 200 })
      held.release()
      expect((await page).status).toBe(400)
      expect([await isIn(browser), await isIn(known)]).toEqual([false, false])
      expect(await sessions.list(user)).toEqual([])
      expect(await isIn(await logIn(user))).toBe(true)
      expect(await sessions.list(user)).toHaveLength(1)
    },
  )

  test('the app can list and end sessions as well', async () => {
    const [first, second, third] = [await logIn('listed'), await logIn('listed'), await logIn('listed')]
    const [newest, ...older] = await sessions.list('listed')
    expect(older).toHaveLength(2)
    expect(await sessions.revoke(newest?.id ?? '')).toBe(true)
    expect([await isIn(first), await isIn(second), await isIn(third)]).toEqual([true, true, false])
    expect(await sessions.list('listed')).toEqual(older)
    expect(await sessions.revokeAll('listed')).toBe(2)
    expect([await isIn(first), await isIn(second)]).toEqual([false, false])
    await eventually('their tokens to be revoked', () => provider.liveRefreshTokens('listed').length === 0)
  })

  test('during a renewal the logout wins, and the late refresh token is revoked', async () => {
    const browser = await logIn('renewing')
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = browser.request('GET', `${app.url}/fresh`)
    await held.processed
    const [late = ''] = provider.liveRefreshTokens('renewing')
    await logout({ sub: 'renewing' })
    held.release()
    expect((await waiting).status).toBe(401)
    await eventually('the late token to be revoked', () =>
      provider.revocations().some(({ tokenHash }) => tokenHash === sha256(late)),
    )
    expect(await isIn(browser)).toBe(false)
  })

  test('after renewals the session still ends by its sid', async () => {
    const browser = await logIn('renewed')
    for (let generation = 2; generation < 5; generation += 1) {
      expect((await browser.request('GET', `${app.url}/fresh`)).json()).toMatchObject({ generation })
    }
    await logout(claimsOf('sid', 'renewed'))
    expect(await isIn(browser)).toBe(false)
  })

  test('a slow handler that writes req.session brings no session back', async () => {
    const browser = await logIn('slow')
    const slow = browser.request('POST', `${app.url}/cart?gate=slow`, { json: { cart: 'new' } })
    await gates.gate('slow').arrived()
    await logout({ sub: 'slow' })
    gates.gate('slow').open()
    expect((await slow).status).toBe(200)
    expect(await isIn(browser)).toBe(false)
    expect(await sessions.list('slow')).toEqual([])
  })

  test('nobody else is shown what the app kept for whoever was logged out', async () => {
    const browser = await logIn('careful')
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'of careful' } })
    await logout({ sub: 'careful' })
    await browser.clearCookies(provider.issuer)
    expect((await browser.logIn(app.url, { user: 'curious' })).json()).toMatchObject({ sub: 'curious' })
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
  })

  test('no secret of the provider is in the log', () => {
    for (const secret of provider.secretsSeen()) expect(lines.join()).not.toContain(secret)
  })
})
