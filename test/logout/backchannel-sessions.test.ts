// Who is logged out at the provider is logged out here: real logouts there, two processes, and what is in flight.
import { startAppCluster } from '../support/app/app-cluster.ts'
import type { AppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLogoutClient, sendLogout, startLogoutProvider } from '../support/provider/logout-client.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { keysOf, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const { provider, redis, store, client, cluster, one, other } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startLogoutProvider()), start(startRedis())])
  const client = createLogoutClient(provider)
  const cluster = await start(startAppCluster(2, { redisUrl: redis.url, options: { ...client.options } }))
  const [one, other] = cluster.processes as [AppProcess, AppProcess]
  await client.register(cluster.url)
  return { provider, redis, store: redis.connect(), client, cluster, one, other }
})
afterEach(() => provider.normal())

const send = (browser: Browser, method: string, url: string, json?: unknown) =>
  browser.request(method, url, { from: cluster.url, ...(json !== undefined && { json }) })
const isInAt = async (process: AppProcess, browser: Browser) =>
  (await send(browser, 'GET', `${process.url}/public`)).json().authenticated
const isIn = async (browser: Browser) => {
  const [at, elsewhere] = await Promise.all([one, other].map((process) => isInAt(process, browser)))
  expect(elsewhere).toBe(at)
  return at
}
const sidOf = async (browser: Browser) =>
  (await storedRecord(store, await sessionIdOf(browser)))?.claims.sid ?? 'no sid in the ID token'
const logout = async (process: AppProcess, claims: object) =>
  expect(await sendLogout(process.url, await client.token(claims))).toMatchObject({ status: 200 })
const endings = (subject: string) =>
  cluster.processes
    .flatMap(({ events }) => events)
    .filter(
      ({ name, event }) => name === 'session-ended' && (event as { subject: string }).subject === subject,
    )
    .map(({ event }) => (event as { reason: string }).reason)

async function logOutAtProvider(browser: Browser): Promise<void> {
  const page = await browser.finish(await browser.navigate(`${provider.issuer}/session/end`))
  expect(page.body).toContain('logged out')
}

test('a logout at the provider ends the session here, data and all, and no other of the same person', async () => {
  const { browser, user } = await logIn(provider, cluster.url)
  const elsewhere = new Browser()
  await elsewhere.logIn(cluster.url, { user })
  await send(browser, 'POST', `${one.url}/cart`, { cart: 'mine' })
  const id = await sessionIdOf(browser)
  expect(await keysOf(store, id)).toHaveLength(2)

  await logOutAtProvider(browser)
  expect(await isIn(browser)).toBe(false)
  expect(await keysOf(store, id)).toEqual([])
  expect((await send(browser, 'GET', `${other.url}/cart`)).json()).toEqual({ cart: null })
  expect(await isIn(elsewhere)).toBe(true)
  expect(endings(user)).toEqual(['backchannel_logout'])
})

test('every login of one session at the provider ends with it', async () => {
  const { browser, user } = await logIn(provider, cluster.url)
  const again = browser.clone()
  await again.clearCookies(cluster.url)
  await again.logIn(cluster.url, { user })
  expect(await sidOf(again)).toBe(await sidOf(browser))
  await logOutAtProvider(again)
  expect([await isIn(browser), await isIn(again)]).toEqual([false, false])
})

test('by sub every session of that person ends, on every process, and nobody else’s', async () => {
  const { browser: first, user } = await logIn(provider, cluster.url)
  const mine = [first, new Browser(), new Browser()]
  for (const browser of mine.slice(1)) await browser.logIn(cluster.url, { user })
  const others = await Promise.all([logIn(provider, cluster.url), logIn(provider, cluster.url)])
  await logout(one, { sub: user })
  for (const browser of mine) expect(await isIn(browser)).toBe(false)
  for (const { browser } of others) expect(await isIn(browser)).toBe(true)
  expect(endings(user)).toEqual(Array(3).fill('backchannel_logout'))
})

describe('a token with sid and sub', () => {
  test('ends that session only', async () => {
    const { browser, user } = await logIn(provider, cluster.url)
    const [elsewhere, nameless] = [new Browser(), new Browser()]
    await elsewhere.logIn(cluster.url, { user })
    nextIdToken(provider, { sid: undefined })
    await nameless.logIn(cluster.url, { user })
    await logout(one, { sid: await sidOf(browser), sub: user })
    expect([await isIn(browser), await isIn(elsewhere), await isIn(nameless)]).toEqual([false, true, true])
  })

  test('whose sid nobody here knows ends none that has a name of its own', async () => {
    const { browser, user } = await logIn(provider, cluster.url)
    await logout(one, { sid: 'a-session-elsewhere', sub: user })
    expect(await isIn(browser)).toBe(true)
  })

  test('whose sid no ID token named ends the person’s sessions that have no name', async () => {
    const { browser, user } = await logIn(provider, cluster.url)
    const nameless = new Browser()
    nextIdToken(provider, { sid: undefined })
    await nameless.logIn(cluster.url, { user })
    const stranger = await logIn(provider, cluster.url)
    await logout(other, { sid: 'a-session-without-a-name', sub: user })
    expect([await isIn(nameless), await isIn(browser), await isIn(stranger.browser)]).toEqual([
      false,
      true,
      true,
    ])
    expect(endings(user)).toEqual(['backchannel_logout'])
  })

  test('that do not belong together ends the session, and nobody else’s', async () => {
    const [mine, theirs] = [await logIn(provider, cluster.url), await logIn(provider, cluster.url)]
    await logout(one, { sid: await sidOf(mine.browser), sub: theirs.user })
    expect([await isIn(mine.browser), await isIn(theirs.browser)]).toEqual([false, true])
  })
})

test.each(['sid', 'sub'])(
  'of a name that only looks like theirs nobody is logged out, by %s',
  async (claim) => {
    const { browser, user } = await logIn(provider, cluster.url)
    const value = claim === 'sid' ? await sidOf(browser) : user
    const swapped = claim === 'sid' ? 'sub' : 'sid'
    for (const wrong of [
      `${value}1`,
      value.slice(0, -1),
      value.toUpperCase(),
      ` ${value}`,
      `${value}\u0000`,
      '*',
    ]) {
      await logout(one, { [claim]: wrong })
    }
    await logout(one, { [swapped]: value })
    expect(await isIn(browser)).toBe(true)
  },
)

test('after three renewals, whose ID tokens name no session or another one, the first name still ends it', async () => {
  const { browser, renewals } = await logIn(provider, cluster.url)
  const sid = await sidOf(browser)
  for (const next of [undefined, 'a-session-of-somebody-else', undefined]) {
    provider.rewriteNext('token', async (json) => {
      const claims = { ...claimsOfToken(String(json.id_token)), sid: next }
      return { ...json, id_token: await provider.signIdToken(claims) }
    })
    expect((await send(browser, 'GET', `${one.url}/fresh`)).status).toBe(200)
  }
  expect(renewals()).toBe(3)
  expect(await sidOf(browser)).toBe(sid)
  await logout(other, { sid: 'a-session-of-somebody-else' })
  expect(await isIn(browser)).toBe(true)
  await logout(other, { sid })
  expect(await isIn(browser)).toBe(false)
})

test.each(['sid', 'sub'])(
  'during a renewal a logout by %s wins, and the refresh token that comes too late is revoked',
  async (claim) => {
    const { browser, user, renewals } = await logIn(provider, cluster.url)
    const id = await sessionIdOf(browser)
    const sid = await sidOf(browser)
    const held = provider.holdNext('token', { mode: 'after' })
    const waiting = send(browser, 'GET', `${one.url}/fresh`)
    await held.processed
    const [late = ''] = provider.liveRefreshTokens(user)
    await logout(other, claim === 'sid' ? { sid } : { sub: user })
    held.release()
    expect((await waiting).status).toBe(401)
    await eventually('the late token to be revoked', () =>
      provider.revocations().some(({ tokenHash, status }) => tokenHash === sha256(late) && status === 200),
    )
    expect(provider.liveRefreshTokens(user)).toEqual([])
    expect(await keysOf(store, id)).toEqual([])
    expect(await isIn(browser)).toBe(false)
    expect(renewals()).toBe(1)
  },
)

test('a slow handler that writes req.session brings nothing back', async () => {
  const { browser, user } = await logIn(provider, cluster.url)
  const id = await sessionIdOf(browser)
  await send(browser, 'POST', `${one.url}/cart`, { cart: 'old' })
  const slow = send(browser, 'POST', `${one.url}/cart?gate=slow`, { cart: 'new' })
  await one.gate('slow').arrived()
  await logout(other, { sub: user })
  one.gate('slow').open()
  const answer = await slow
  expect(answer.json()).toMatchObject({ before: 'old' })
  expect(answer.headers['set-cookie']).toBeUndefined()
  expect(await keysOf(store, id)).toEqual([])
  expect(await isIn(browser)).toBe(false)
  expect((await send(browser, 'GET', `${other.url}/cart`)).json()).toEqual({ cart: null })
})

test('the same token at both processes at once ends the session once', async () => {
  const { browser, user } = await logIn(provider, cluster.url)
  const token = await client.token({ sub: user })
  const answers = await Promise.all([one, other].map(({ url }) => sendLogout(url, token)))
  for (const { status } of answers) expect([200, 400]).toContain(status)
  expect(answers.map(({ status }) => status)).toContain(200)
  expect(await isIn(browser)).toBe(false)
  expect(endings(user)).toEqual(['backchannel_logout'])
  expect((await sendLogout(other.url, token)).status).toBe(400)
})

test('the refresh token is the provider’s to leave or to revoke', async () => {
  const [{ user }, { browser }] = [await logIn(provider, cluster.url), await logIn(provider, cluster.url)]
  const before = provider.revocations().length
  await logout(one, { sub: user })
  // What this process says to the provider next: by then it would have said that, too.
  await send(browser, 'POST', `${one.url}/logout`)
  await eventually('a revocation', () => provider.revocations().length > before)
  expect(provider.revocations()).toHaveLength(before + 1)
  expect(provider.liveRefreshTokens(user)).toHaveLength(1)
})

test('what is kept for it in Redis ends by itself, names nobody, and goes with the session', async () => {
  await redis.flush()
  const { browser, user } = await logIn(provider, cluster.url)
  const sid = await sidOf(browser)
  const groups = () => store.keys('bff:sessions:*')
  const expectShort = async (names: string[]) => {
    for (const key of await store.keys('*')) {
      for (const name of names) expect(key).not.toContain(name)
      expect(await store.pttl(key)).toBeGreaterThan(0)
      expect(await store.pttl(key)).toBeLessThanOrEqual(7 * 86_400_000)
    }
  }
  expect(await groups()).toHaveLength(2)
  await expectShort([user, sid])
  await browser.request('POST', `${cluster.url}/logout`)
  expect(await groups()).toEqual([])

  await browser.logIn(cluster.url, { user })
  await logout(one, { sid: await sidOf(browser) })
  await logout(one, { sub: user })
  expect(await groups()).toEqual([])
  expect(await store.keys('bff:ended:*')).toHaveLength(2)
  await expectShort([user, sid])
})
