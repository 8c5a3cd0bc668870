// session_expiry (IPSIE SL1): the provider says when the session has to end at the latest, at the login and at each renewal.
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { type Forge, forgeNext } from '../support/provider/forge-id-token.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

type Claims = Record<string, unknown>

interface Me {
  user: Claims
  session: { expiresIn: number }
}

describe.each(['redis', 'memory'])('in %s', (where) => {
  const { provider, app } = useParts(async (start) => {
    const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
    return {
      provider,
      app: await start(startApp({ provider, ...(where === 'redis' && { redisUrl: redis.url }) })),
    }
  })
  beforeEach(() => {
    app.events.length = 0
  })
  afterEach(() => provider.normal())

  const withExpiry = (change: (iat: number) => unknown) => (claims: Claims) => ({
    ...claims,
    session_expiry: change(Number(claims.iat)),
  })
  /** @param change of the time at which the ID token was issued */
  async function logIn(change: (iat: number) => unknown, user = 'ada') {
    nextIdToken(provider, withExpiry(change))
    const browser = new Browser()
    return { browser, page: await browser.logIn(app.url, { user }) }
  }
  async function renew(browser: Browser, change: (iat: number) => unknown) {
    const forge: Forge = ({ idToken }) => provider.signIdToken(withExpiry(change)(claimsOfToken(idToken)))
    void forgeNext(provider, forge, { grantType: 'refresh_token' })
    return browser.request('POST', `${app.url}/fresh`)
  }
  const me = async (browser: Browser): Promise<Me> =>
    JSON.parse((await browser.request('GET', `${app.url}/me`)).body)
  const isOver = (browser: Browser) =>
    eventually(
      'its end',
      async () => (await browser.request('GET', `${app.url}/public`)).json().sub === undefined,
    )

  test('it bounds the session, and is no claim about the person', async () => {
    const { browser } = await logIn((iat) => iat + 600)
    const { session, user } = await me(browser)
    expect(session.expiresIn).toBeGreaterThan(590)
    expect(session.expiresIn).toBeLessThanOrEqual(600)
    expect(user).not.toHaveProperty('session_expiry')
    const brief = await logIn((iat) => iat + 2)
    await isOver(brief.browser)
  })

  test('later than the session would last it changes nothing', async () => {
    const { browser } = await logIn((iat) => iat + 10 * 86_400)
    expect((await me(browser)).session.expiresIn).toBeGreaterThan(86_000)
  })

  test.each<[string, (iat: number) => unknown]>([
    ['past', (iat) => iat - 1],
    ['the very moment', (iat) => iat],
    ['a text', (iat) => String(iat + 600)],
    ['a list', (iat) => [iat + 600]],
  ])('one that is %s lets nobody in', async (_what, change) => {
    const { browser, page } = await logIn(change, 'late')
    expect(page).toMatchObject({ status: 400, body: expect.stringContaining('session there is over') })
    expect(await me(browser)).toEqual({ authenticated: false })
    await eventually('the revocation', () => provider.liveRefreshTokens('late').length === 0)
  })

  test('a renewal brings the end nearer, whatever uses the session', async () => {
    const { browser } = await logIn((iat) => iat + 600)
    expect((await renew(browser, (iat) => iat + 300)).status).toBe(200)
    expect((await me(browser)).session.expiresIn).toBeLessThanOrEqual(300)
    expect((await renew(browser, (iat) => iat + 2)).status).toBe(200)
    await isOver(browser)
  })

  test('a renewal does not put it off, nor does one that says nothing', async () => {
    const { browser } = await logIn((iat) => iat + 600)
    for (const change of [(iat: number) => iat + 6000, () => undefined]) {
      await renew(browser, change)
      expect((await me(browser)).session.expiresIn).toBeLessThanOrEqual(600)
    }
  })

  test('one that is over by a renewal ends the session there and then', async () => {
    const { browser } = await logIn((iat) => iat + 600)
    expect((await renew(browser, (iat) => iat - 1)).json()).toMatchObject({ code: 'session_ended' })
    expect(await me(browser)).toEqual({ authenticated: false })
    expect(app.events.filter(({ name }) => name === 'session-ended')).toMatchObject([
      { event: { subject: 'ada', reason: 'session_expiry' } },
    ])
  })
})
