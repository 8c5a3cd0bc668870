// Each provider that has a page, from login to logout, with the settings of that page.

import { PAGES } from '../package/provider-page.ts'
import { Browser } from '../support/browser/browser.ts'
import { LOGOUT_EVENT, sendLogout } from '../support/provider/logout-client.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts, useStarted } from '../support/servers.ts'
import { ageSession, endBackOff, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'
import { type Running, startProfile } from './profile.ts'
import { PROFILES } from './profiles.ts'

const MOST_REFUSALS = 5
/** A day, after which every page's timeframe has passed, and no ID token is over. */
const LONG = 86_401

const { redis, store } = useParts(async (start) => {
  const redis = await start(startRedis())
  return { redis, store: redis.connect() }
})

test('each page has a profile', () => {
  expect(PROFILES.map(({ page }) => `${page}.md`)).toEqual([...PAGES].sort())
})

describe.each([...PROFILES])('$page', (profile) => {
  const running = useStarted<Running>(() => startProfile(profile, redis.url))
  const at = (path: string, server: 0 | 1 = 0) => `${running.apps[server].url}${path}`
  const enter = () => logIn(running.provider, at(''))
  const me = async ({ browser }: LoggedIn) => (await browser.request('GET', at('/me'))).json()
  const makeDue = ({ browser }: LoggedIn) => ageSession(store, browser, LONG)
  const refreshTokens = () => running.provider.refreshCount()

  test('a login, /me, and a refresh token that the page does not see', async () => {
    const session = await enter()
    const { user } = session
    expect(await me(session)).toMatchObject({
      authenticated: true,
      user: { sub: user, ...(profile.says === 'name' && { name: `${user} Example` }) },
    })
    const record = await storedRecord(store, await sessionIdOf(session.browser))
    expect(record?.refreshToken).toEqual(expect.any(String))
    expect(running.lines.filter((line) => /refresh token/.test(line))).toEqual([])
  })

  test('the timeframe renews it, and so does requireFresh()', async () => {
    const session = await enter()
    await makeDue(session)
    expect((await session.get(at('/private'))).json()).toMatchObject({ sub: session.user, generation: 2 })
    expect((await session.get(at('/fresh', 1))).json()).toMatchObject({ sub: session.user, generation: 3 })
    expect(session.renewals()).toBe(2)
  })

  test('fifty due requests over two servers are one token request', async () => {
    const session = await enter()
    await makeDue(session)
    const asked = Array.from({ length: 50 }, (_, index) =>
      session.get(at('/private', index % 2 === 0 ? 0 : 1)),
    )
    const answers = (await Promise.all(asked)).map((page) => ({ status: page.status, sub: page.json().sub }))
    expect(answers).toEqual(Array(50).fill({ status: 200, sub: session.user }))
    expect(session.renewals()).toBe(1)
  })

  /** What the session comes to, by as many renewals as it takes. */
  async function renewUntilRefused(session: LoggedIn): Promise<number[]> {
    const key = `bff:{${await sessionIdOf(session.browser)}}:auth`
    const statuses = []
    for (let count = 0; count < MOST_REFUSALS; count += 1) {
      const { status } = await session.get(at('/fresh'))
      statuses.push(status)
      if (status !== 503) break
      // Two minutes later.
      await store.hset(key, 'refusedSince', Number(await store.hget(key, 'refusedSince')) - 120_000)
      await endBackOff(store, session.browser)
    }
    return statuses
  }
  const ending = profile.revoked === 'at once' ? [401] : [503, 503, 503, 503, 401]

  test('a refresh token that was revoked is "log in again", and nobody else is', async () => {
    const [session, other] = [await enter(), await enter()]
    running.provider.revokeGrants(session.user)
    expect(await renewUntilRefused(session)).toEqual(ending)
    expect((await other.get(at('/fresh'))).status).toBe(200)
    expect((await session.browser.logIn(at(''), { user: session.user })).json()).toMatchObject({
      generation: 1,
    })
  })

  test('an account that was blocked ends at the next renewal, where the provider looks', async () => {
    const session = await enter()
    running.provider.blockAccount(session.user)
    try {
      expect(await renewUntilRefused(session)).toEqual(profile.blocked === 'ends' ? ending : [200])
    } finally {
      running.provider.unblockAccount(session.user)
    }
  })

  test('a provider that restarts costs nobody the session', async () => {
    const session = await enter()
    await running.provider.down()
    expect((await session.get(at('/private'))).status).toBe(200)
    await makeDue(session)
    expect((await session.get(at('/private'))).status).toBe(200)
    await running.provider.up()
    await endBackOff(store, session.browser)
    expect((await session.get(at('/fresh'))).json()).toMatchObject({ sub: session.user, generation: 2 })
    expect(refreshTokens()).toBeGreaterThan(0)
  })

  test('a logout ends the session here, and goes where the page says', async () => {
    const session = await enter()
    const options = { from: at(''), stopAt: (url: URL) => url.origin !== new URL(at('')).origin }
    const page = await session.browser.submit(at('/logout'), {}, options)
    const leadsTo = new URL(page.headers.location ?? page.url, page.url)
    const ways = {
      returns: leadsTo.origin === running.provider.issuer && leadsTo.pathname === '/session/end',
      address: leadsTo.searchParams.has('id_token_hint') || leadsTo.searchParams.has('client_id'),
      'here alone': leadsTo.href === at('/'),
    }
    expect(ways).toMatchObject({ [profile.logout]: true })
    expect((await session.get(at('/private'))).status).toBe(401)
    if (profile.logout !== 'returns') return
    const there = await session.browser.finish(await session.browser.navigate(leadsTo.href))
    expect(there.url).toBe(at('/'))
  })

  async function tellOfLogout({ browser, user }: LoggedIn): Promise<number> {
    const now = Math.floor(Date.now() / 1000)
    const claims = (await storedRecord(store, await sessionIdOf(browser)))?.claims
    const token = await running.provider.signIdToken(
      {
        iss: claims?.iss,
        aud: running.clientID,
        iat: now,
        ...(profile.backChannel === 'ends' && { exp: now + 120 }),
        jti: `${profile.page}-${user}`,
        ...(claims?.sid === undefined ? { sub: user } : { sid: claims.sid }),
        events: { [LOGOUT_EVENT]: {} },
      },
      { header: { typ: 'logout+jwt' } },
    )
    return (await sendLogout(at('', 1), token)).status
  }

  if (profile.backChannel !== 'none') {
    test('the provider’s own logout ends the session on every server', async () => {
      const [session, other] = [await enter(), await enter()]
      expect(await tellOfLogout(session)).toBe(200)
      expect((await session.get(at('/private'))).status).toBe(401)
      expect((await other.get(at('/private'))).status).toBe(200)
    })
  }

  if (profile.stepUp === 'by max_age') {
    test('a step-up by max_age asks again, and passes', async () => {
      const session = await enter()
      const page = await session.browser.finish(await session.browser.navigate(at('/step-up?seconds=1')), {
        user: session.user,
      })
      expect(page.json()).toMatchObject({ passed: true, sub: session.user })
    })
  }

  if (profile.stepUp === 'refused') {
    test('a step-up is refused, and says why', async () => {
      const session = await enter()
      const page = await session.browser.finish(await session.browser.navigate(at('/step-up?seconds=60')), {
        user: session.user,
      })
      expect(page.status).toBe(403)
      expect(running.lines.join('\n')).toContain('step_up_failed): the ID token has no auth_time')
      expect((await session.get(at('/private'))).status).toBe(200)
    })
  }
})

test('a scope offline_access that the provider does not know is told with what to do', async () => {
  const google = PROFILES.find(({ page }) => page === 'google')
  if (google === undefined) throw new Error('there is no profile of Google')
  const scope = { scope: 'openid offline_access' }
  const running = await startProfile(
    { ...google, settings: 'env alone', options: () => ({ authorizationParams: scope }) },
    redis.url,
  )
  try {
    const page = await new Browser().logIn(running.apps[0].url, {})
    expect(page.status).toBe(400)
    expect(running.lines.join('\n')).toMatch(/login_denied.*invalid_scope.*offline_access.*SCOPE/)
  } finally {
    await running.stop()
  }
})
