// What one process does: when it renews, what meets a renewal on its way, whom it is for; with Redis and in memory.
import { startApp } from '../support/app/app.ts'
import { PATIENT } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { useParts, useServers } from '../support/servers.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const { provider, redis, store, app } = useServers({ redis: true, options: PATIENT })
afterEach(() => void Object.assign(provider.lifetimes, { idToken: 3600, accessToken: 3600 }))

const { quiet, inMemory } = useParts(async (start) => ({
  quiet: await start(
    startApp({ provider, redisUrl: redis.url, options: { ...PATIENT, revokeOnLogout: false } }),
  ),
  inMemory: await start(startApp({ provider, options: PATIENT })),
}))

describe('the timeframe', () => {
  const age = (...[browser, seconds, more]: Tail<typeof ageSession>) =>
    ageSession(store, browser, seconds, more)
  type Tail<F> = F extends (first: never, ...rest: infer Rest) => unknown ? Rest : never

  test.each([
    { age: 0, jitter: 0 },
    { age: 700, jitter: 0 },
    { age: 790, jitter: 1 },
  ])(
    'a session $age s old with jitter $jitter is used as it is: no token request, the same generation',
    async (given) => {
      const { browser, get, renewals } = await logIn(provider, app.url)
      await age(browser, given.age, { jitter: given.jitter })
      const first = await get(`${app.url}/private`)
      expect(first.json()).toMatchObject({ authenticated: true, generation: 1 })
      // A renewal beside the first request would be over, or be waited for, by the time a fresh one is answered.
      expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
      expect(renewals()).toBe(1)
    },
  )

  test.each([
    { age: 725, jitter: 0 },
    { age: 815, jitter: 1 },
    { age: 850, jitter: 0.5 },
  ])(
    'a session $age s old with jitter $jitter is answered at once while it is renewed beside the request',
    async (given) => {
      const { browser, get, renewals } = await logIn(provider, app.url)
      await age(browser, given.age, { jitter: given.jitter })
      const held = provider.holdNext('token', { mode: 'after' })
      const during = await Promise.all([1, 2, 3, 4].map(() => get(`${app.url}/private`)))
      expect(during.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(during.map((page) => page.json().generation)).toEqual([1, 1, 1, 1])
      await held.processed
      held.release()
      await eventually(
        'the renewed session',
        async () => (await get(`${app.url}/private`)).json().generation === 2,
      )
      expect(renewals()).toBe(1)
    },
  )

  test('a session past its timeframe makes the request wait for the renewal', async () => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await age(browser, 900)
    const held = provider.holdNext('token', { mode: 'after' })
    let answered = false
    const waiting = get(`${app.url}/public`).finally(() => {
      answered = true
    })
    await held.processed
    // A second request through the whole app takes longer than an answer that nobody holds back.
    await get(`${app.url}/ping`)
    expect(answered).toBe(false)
    held.release()
    expect((await waiting).json()).toMatchObject({ authenticated: true, generation: 2 })
    expect(renewals()).toBe(1)
  })

  test.each(['/private', '/public', '/fresh', '/fresh-max-age?seconds=5', '/token', '/me'])(
    'a due session is renewed once by GET %s, and not again by the next request',
    async (path) => {
      const { browser, get, renewals } = await logIn(provider, app.url)
      await age(browser, 901)
      expect((await get(app.url + path)).status).toBe(200)
      expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
      expect(renewals()).toBe(1)
    },
  )

  test('an ID token that expires sooner than the timeframe is due when it expires', async () => {
    provider.lifetimes.idToken = 60
    const { browser, get, renewals } = await logIn(provider, app.url)
    await age(browser, 30, { idToken: 30, jitter: 0 })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
    await age(browser, 31, { idToken: 31 })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
    expect(renewals()).toBe(1)
  })

  test('an ID token that expires soon is renewed beside the request in the last fifth of its life', async () => {
    provider.lifetimes.idToken = 60
    const { browser, get, renewals } = await logIn(provider, app.url)
    await age(browser, 50, { idToken: 50, jitter: 0 })
    const held = provider.holdNext('token', { mode: 'after' })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
    await held.processed
    held.release()
    await eventually(
      'the renewed session',
      async () => (await get(`${app.url}/private`)).json().generation === 2,
    )
    expect(renewals()).toBe(1)
  })

  test('an expired access token is renewed for whoever asks for it, and for nobody else', async () => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    const { sha256 } = (await get(`${app.url}/token`)).json()
    await age(browser, 0, { accessToken: 3601 })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 1 })
    expect(renewals()).toBe(0)

    const callers = Array.from({ length: 20 }, () => get(`${app.url}/token?gate=expired-access-token`))
    await app.gate('expired-access-token').arrived(20)
    app.gate('expired-access-token').open()
    const tokens = (await Promise.all(callers)).map((page) => page.json())
    expect(new Set(tokens.map((token) => token.generation))).toEqual(new Set([2]))
    expect(new Set(tokens.map((token) => token.sha256)).size).toBe(1)
    expect(tokens[0]?.sha256).not.toBe(sha256)
    expect(renewals()).toBe(1)
  })

  test('req.oidc.renew() makes exactly one renewal for each request that calls it after another', async () => {
    const { browser, renewals } = await logIn(provider, app.url)
    for (let call = 1; call <= 20; call += 1) {
      const page = await browser.request('POST', `${app.url}/renew`)
      expect({ ...page.json(), renewals: renewals() }).toMatchObject({ generation: call + 1, renewals: call })
    }
  })
})

describe('a renewal on its way', () => {
  test.each(['/fresh', '/fresh-max-age?seconds=60', '/token'])(
    'H2: a request to %s that read generation 1 before generation 2 was stored uses it without a token request',
    async (path) => {
      const { browser, get, renewals } = await logIn(provider, app.url)
      await ageSession(store, browser, 100, { accessToken: 3601 })
      const gate = `h2 ${path}`
      const early = get(`${app.url}${path}${path.includes('?') ? '&' : '?'}gate=${encodeURIComponent(gate)}`)
      await app.gate(gate).arrived()
      expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
      app.gate(gate).open()
      expect((await early).json()).toMatchObject({ authenticated: true, generation: 2 })
      expect(renewals()).toBe(1)
    },
  )

  test('H2: req.oidc.renew() of a request that read generation 1 asks the provider for itself', async () => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    const early = browser.request('POST', `${app.url}/renew?gate=h2-renew`)
    await app.gate('h2-renew').arrived()
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    app.gate('h2-renew').open()
    expect((await early).json()).toMatchObject({ generation: 3 })
    expect(renewals()).toBe(2)
  })

  test.each([
    ['waits for it', '/private', 901],
    ['asked for it', '/fresh', 0],
  ])('H6: a renewal is completed when the browser that %s disconnects', async (_what, path, seconds) => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await ageSession(store, browser, seconds)
    const held = provider.holdNext('token', { mode: 'after' })
    const leaving = new AbortController()
    const connections = () =>
      new Promise<number>((done) => app.server.getConnections((_e, count) => done(count)))
    const before = await connections()
    const request = browser.request('GET', app.url + path, { signal: leaving.signal })
    await held.processed
    leaving.abort()
    await expect(request).rejects.toThrow(/abort/i)
    await eventually('the app to see the connection go', async () => (await connections()) <= before)
    held.release()
    await eventually('generation 2', async () => (await get(`${app.url}/private`)).json().generation === 2)
    expect(renewals()).toBe(1)
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  })

  test('H8: a logout during a renewal wins, and the refresh token that comes too late is revoked', async () => {
    const { browser, get, renewals, user } = await logIn(provider, app.url)
    const id = await sessionIdOf(browser)
    const stale = browser.clone()
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
    expect(await keysOf(store, id)).toHaveLength(2)
    await ageSession(store, browser, 901)
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = stale.request('GET', `${app.url}/private`)
    await held.processed
    const [late = ''] = provider.liveRefreshTokens(user)
    const loggedOut = await browser.request('POST', `${app.url}/logout`)
    expect(loggedOut.status).toBe(303)
    expect(await keysOf(store, id)).toEqual([])

    held.release()
    const refused = await waiting
    expect([refused.status, refused.json().code]).toEqual([401, 'session_ended'])
    await eventually('the late token to be revoked', () =>
      provider.revocations().some(({ tokenHash, status }) => tokenHash === sha256(late) && status === 200),
    )
    expect(await keysOf(store, id)).toEqual([])
    expect(provider.liveRefreshTokens(user)).toEqual([])
    expect((await stale.request('GET', `${app.url}/private`)).json()).toMatchObject({
      code: 'login_required',
    })
    expect((await get(`${app.url}/me`)).json()).toEqual({ authenticated: false })
    expect(renewals()).toBe(1)
  })

  test('H8: a late refresh token is revoked although the logout itself revokes nothing', async () => {
    const { browser, user } = await logIn(provider, quiet.url)
    const stale = browser.clone()
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = stale.request('GET', `${quiet.url}/fresh`)
    await held.processed
    const [late = ''] = provider.liveRefreshTokens(user)
    await browser.request('POST', `${quiet.url}/logout`)
    held.release()
    expect((await waiting).status).toBe(401)
    await eventually('the late token to be revoked', () => provider.liveRefreshTokens(user).length === 0)
    expect(provider.revocations().at(-1)?.tokenHash).toBe(sha256(late))
  })

  test('H8: a renewal that the provider refuses after a logout ends nothing a second time', async () => {
    const { browser, get } = await logIn(provider, app.url)
    const stale = browser.clone()
    const held = provider.holdNext('token')
    const waiting = stale.request('GET', `${app.url}/fresh`)
    await held.arrived
    app.events.length = 0
    await browser.request('POST', `${app.url}/logout`)
    held.release({ status: 400, body: { error: 'invalid_grant' } })
    expect((await waiting).status).toBe(401)
    expect((await get(`${app.url}/private`)).status).toBe(401)
    const ended = app.events.filter(({ name }) => name === 'session-ended')
    expect(ended).toMatchObject([{ event: { reason: 'logout' } }])
  })

  test('H8: the late answer of a logged-out session does not take the cookie of a new login', async () => {
    const { browser, get, user } = await logIn(provider, app.url)
    const tab = browser.tab()
    const held = provider.holdNext('token', { mode: 'after', grantType: 'refresh_token' })
    const waiting = tab.request('GET', `${app.url}/fresh`)
    await held.processed
    await browser.request('POST', `${app.url}/logout`)
    await browser.logIn(app.url, { user })
    const id = await sessionIdOf(browser)
    held.release()
    expect((await waiting).status).toBe(401)
    expect(await sessionIdOf(browser)).toBe(id)
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 1 })
  })

  test('H9: a slow handler that writes req.session across a renewal keeps its data and the rotated token', async () => {
    const { browser, get, renewals } = await logIn(provider, app.url)
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'old' } })
    const slow = browser.request('POST', `${app.url}/cart?gate=h9`, { json: { cart: 'new' } })
    await app.gate('h9').arrived()
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    expect((await get(`${app.url}/cart`)).json()).toEqual({ cart: 'old' })
    app.gate('h9').open()
    expect((await slow).json()).toEqual({ before: 'old', cart: 'new' })
    expect((await get(`${app.url}/cart`)).json()).toEqual({ cart: 'new' })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ generation: 2 })
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })
    expect(renewals()).toBe(2)
  })

  test('H22: requests that come during a renewal are not served by it, and share the one that follows', async () => {
    const { get, renewals } = await logIn(provider, app.url)
    const held = provider.holdNext('token', { mode: 'after' })
    const first = get(`${app.url}/fresh`)
    await held.processed
    const later = Array.from({ length: 20 }, () => get(`${app.url}/fresh?gate=h22-later`))
    await app.gate('h22-later').arrived(20)
    app.gate('h22-later').open()
    held.release()
    expect((await first).json()).toMatchObject({ generation: 2 })
    const answers = await Promise.all(later)
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(answers.map((page) => page.json().generation))).toEqual(new Set([3]))
    expect(renewals()).toBe(2)
  })
})

describe('two people', () => {
  test('H23: two people and two sessions of one of them, renewed at the same moment, each get their own', async () => {
    const alice = await logIn(provider, app.url)
    const bob = await logIn(provider, app.url)
    const before = provider.refreshCount()
    const second = bob.browser.clone()
    await second.clearCookies('http://localhost')
    await second.logIn(app.url, { user: bob.user })
    const sessions = [alice.browser, bob.browser, second]
    const requests = sessions.map((browser) => browser.request('GET', `${app.url}/fresh?gate=h23`))
    await app.gate('h23').arrived(3)
    app.gate('h23').open()
    const pages = (await Promise.all(requests)).map((page) => page.json())
    expect(pages.map(({ sub }) => sub)).toEqual([alice.user, bob.user, bob.user])
    expect(pages.map(({ generation }) => generation)).toEqual([2, 2, 2])
    expect(provider.refreshCount() - before).toBe(3)
    const tokens = await Promise.all(sessions.map((browser) => browser.request('GET', `${app.url}/token`)))
    expect(new Set(tokens.map((page) => page.json().sha256)).size).toBe(3)
  })

  test('what a handler sets on the cookie of one empty req.session does not reach another person’s', async () => {
    app.app.get('/remember', (req, res) => {
      req.session.cookie.maxAge = 3_600_000
      res.json({})
    })
    app.app.get('/cookie', (req, res) => void res.json({ maxAge: req.session.cookie.maxAge ?? null }))
    const alice = await logIn(provider, app.url)
    const bob = await logIn(provider, app.url)
    expect((await bob.get(`${app.url}/cookie`)).json()).toEqual({ maxAge: null })
    await alice.get(`${app.url}/remember`)
    expect((await bob.get(`${app.url}/cookie`)).json()).toEqual({ maxAge: null })
  })
})

// The rows that one process can meet without Redis: the sessions in memory keep the same rules.
describe('in memory', () => {
  test('H22: 50 requireFresh() requests at once share one renewal', async () => {
    const { get, renewals } = await logIn(provider, inMemory.url)
    const requests = Array.from({ length: 50 }, () => get(`${inMemory.url}/fresh?gate=h22`))
    await inMemory.gate('h22').arrived(50)
    inMemory.gate('h22').open()
    const pages = await Promise.all(requests)
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(pages.map((page) => page.json().generation))).toEqual(new Set([2]))
    expect(renewals()).toBe(1)
  })

  test('H2: a request that read generation 1 uses generation 2 without a token request', async () => {
    const { get, renewals } = await logIn(provider, inMemory.url)
    const early = get(`${inMemory.url}/fresh?gate=h2`)
    await inMemory.gate('h2').arrived()
    expect((await get(`${inMemory.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    inMemory.gate('h2').open()
    expect((await early).json()).toMatchObject({ generation: 2 })
    expect(renewals()).toBe(1)
  })

  test('req.oidc.renew() makes exactly one renewal for each request that calls it after another', async () => {
    const { browser, renewals } = await logIn(provider, inMemory.url)
    for (let call = 1; call <= 20; call += 1) {
      const page = await browser.request('POST', `${inMemory.url}/renew`)
      expect({ ...page.json(), renewals: renewals() }).toMatchObject({ generation: call + 1, renewals: call })
    }
  })

  test('H8: a logout during a renewal wins, and the refresh token that comes too late is revoked', async () => {
    const { browser, get, user } = await logIn(provider, inMemory.url)
    const stale = browser.clone()
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = stale.request('GET', `${inMemory.url}/fresh`)
    await held.processed
    const [late = ''] = provider.liveRefreshTokens(user)
    await browser.request('POST', `${inMemory.url}/logout`)
    held.release()
    expect((await waiting).status).toBe(401)
    await eventually('the late token to be revoked', () =>
      provider.revocations().some(({ tokenHash }) => tokenHash === sha256(late)),
    )
    expect((await stale.request('GET', `${inMemory.url}/private`)).json()).toMatchObject({
      code: 'login_required',
    })
    expect((await get(`${inMemory.url}/me`)).json()).toEqual({ authenticated: false })
  })

  test('H9, H10: a slow handler keeps its data across a renewal, and brings nothing back after a logout', async () => {
    const { browser, get } = await logIn(provider, inMemory.url)
    const stale = browser.clone()
    const slow = browser.request('POST', `${inMemory.url}/cart?gate=h9`, { json: { cart: 'new' } })
    await inMemory.gate('h9').arrived()
    expect((await get(`${inMemory.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    inMemory.gate('h9').open()
    expect((await slow).status).toBe(200)
    expect((await get(`${inMemory.url}/cart`)).json()).toEqual({ cart: 'new' })
    expect((await get(`${inMemory.url}/fresh`)).json()).toMatchObject({ generation: 3 })

    const slower = stale.request('POST', `${inMemory.url}/cart?gate=h10`, { json: { cart: 'newer' } })
    await inMemory.gate('h10').arrived()
    await browser.request('POST', `${inMemory.url}/logout`)
    inMemory.gate('h10').open()
    expect((await slower).headers['set-cookie']).toBeUndefined()
    expect((await stale.request('GET', `${inMemory.url}/cart`)).json()).toEqual({ cart: null })
    expect((await stale.request('GET', `${inMemory.url}/private`)).status).toBe(401)
  })

  test('H11: a failed renewal is tried once in a back-off window, and the session is kept', async () => {
    const { get, renewals } = await logIn(provider, inMemory.url)
    provider.answerNext('token', { status: 500, headers: { 'retry-after': '1' } })
    for (let asked = 0; asked < 3; asked += 1) {
      const refused = await get(`${inMemory.url}/fresh`)
      expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
    }
    expect((await get(`${inMemory.url}/private`)).json()).toMatchObject({ generation: 1 })
    expect(renewals()).toBe(1)
    await eventually('the renewed session', async () => (await get(`${inMemory.url}/fresh`)).status === 200)
    expect(renewals()).toBe(2)
  })

  test('H13: a refused grant ends the session once', async () => {
    const { browser, get, renewals, user } = await logIn(provider, inMemory.url)
    const stale = browser.clone()
    provider.revokeGrants(user)
    inMemory.events.length = 0
    expect((await get(`${inMemory.url}/fresh`)).json()).toMatchObject({ code: 'session_ended' })
    expect((await stale.request('GET', `${inMemory.url}/fresh`)).json()).toMatchObject({
      code: 'login_required',
    })
    expect(inMemory.events.map(({ name }) => name)).toEqual(['session-ended'])
    expect(renewals()).toBe(1)
  })
})
