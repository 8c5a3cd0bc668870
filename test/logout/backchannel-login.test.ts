// A login that is under way when the person is logged out at the provider ends in no session; a later one does. And a
// logout that meets another logout, somebody it is not meant for, or somebody with thousands of sessions.
import { useLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, setCookieLine } from '../support/evidence.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { isCommand, isScript, type Match, isMark as setsMark } from '../support/redis/commands.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

/** Longer than any of these tests holds a command. */
const patient = { redisTimeoutSeconds: 20 }

const { fixture, front, slowFront, app, other, slow } = useLogoutFixture(async (fixture) => {
  const [front, slowFront] = await Promise.all([fixture.startFront(), fixture.startFront()])
  return {
    front,
    slowFront,
    app: await fixture.start(patient, front.url),
    /** the same app in another process, which the front holds nothing of */
    other: await fixture.start(),
    /** the same again, behind a front of its own */
    slow: await fixture.start(patient, slowFront.url),
  }
})
let person = 0
let user: string

beforeEach(async () => {
  await fixture.redis.flush()
  person += 1
  user = `person-${person}`
})

const logout = async (claims: object, at = other) =>
  expect(await sendLogout(at.url, await fixture.client.token(claims))).toMatchObject({ status: 200 })

/** A browser at the end of a login that the provider has granted, by the session there that `known` has. */
async function atCallback(known: Browser): Promise<{ browser: Browser; callback: string }> {
  const browser = known.clone()
  await browser.clearCookies(app.url)
  return { browser, callback: await browser.startLogin(app.url, { user }) }
}

async function expectNobody(browser: Browser): Promise<void> {
  expect(await fixture.isIn(browser)).toBe(false)
  expect(await authKeys(fixture.store)).toEqual([])
  expect(await app.auth.sessions.list(user)).toEqual([])
}

async function expectRefused(page: Page): Promise<void> {
  expect(page.status).toBe(400)
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  await eventually(
    'its refresh token to be revoked',
    () => fixture.provider.liveRefreshTokens(user).length === 0,
  )
}

describe.each(['sub', 'sid'])('a logout by %s', (claim) => {
  let known: Browser
  let claims: object

  beforeEach(async () => {
    known = await fixture.logIn(user)
    claims = claim === 'sub' ? { sub: user } : { sid: await fixture.sidOf(known) }
    fixture.provider.revokeGrants(user)
    await fixture.redis.flush()
  })

  test('ends a login whose browser is still on its way back from the provider', async () => {
    const { browser, callback } = await atCallback(known)
    await logout(claims)
    await expectRefused(await browser.navigate(callback, { stopAt: () => true }))
    await expectNobody(browser)
  })

  test.each(['before', 'after'] as const)(
    'ends a login whose code is at the provider (%s it was exchanged)',
    async (mode) => {
      const { browser, callback } = await atCallback(known)
      const held = fixture.provider.holdNext('token', { mode })
      const page = browser.navigate(callback, { stopAt: () => true })
      await (mode === 'before' ? held.arrived : held.processed)
      await logout(claims)
      held.release()
      await expectRefused(await page)
      await expectNobody(browser)
    },
  )

  const isIndex: Match = (args) => /^eval(sha)?$/i.test(args[0] ?? '') && /^bff:sessions:/.test(args[3] ?? '')
  const isMark: Match = (args) => isCommand('get')(args) && /^bff:ended:/.test(args[1] ?? '')
  const moments: [string, 'holdNext' | 'holdAnswerOf', Match][] = [
    ['before it is in the index', 'holdNext', isIndex],
    ['once it is in the index', 'holdAnswerOf', isIndex],
    ['before it is stored', 'holdNext', isScript('create')],
    ['once it is stored', 'holdAnswerOf', isScript('create')],
    ['before it looks for the mark', 'holdNext', isMark],
    ['once it saw no mark', 'holdAnswerOf', isMark],
  ]

  test.each(moments)('ends a login, %s', async (_name, hold, match) => {
    const { browser, callback } = await atCallback(known)
    const held = front[hold](match)
    const page = browser.navigate(callback, { stopAt: () => true })
    await held.arrived
    await logout(claims)
    held.release()
    expect([303, 400]).toContain((await page).status)
    await expectNobody(browser)
  })

  test('ends a login that comes to the store while it is being carried out', async () => {
    const { browser, callback } = await atCallback(known)
    const held = fixture.provider.holdNext('token')
    const page = browser.navigate(callback, { stopAt: () => true })
    await held.arrived
    const looked = slowFront.holdAnswerOf(isCommand('zrevrange'))
    const ending = logout(claims, slow)
    await looked.arrived
    held.release()
    await expectRefused(await page)
    looked.release()
    await ending
    await expectNobody(browser)
  })

  test('ends no login of somebody else that is under way', async () => {
    const { browser, callback } = await atCallback(known)
    const held = fixture.provider.holdNext('token')
    const page = browser.navigate(callback)
    await held.arrived
    await logout({ sub: `${user}0` })
    await logout({ sid: 'another' })
    held.release()
    expect((await page).json()).toMatchObject({ sub: user })
  })

  test('that the store cannot carry out ends nothing', async () => {
    const { browser, callback } = await atCallback(known)
    const token = await fixture.client.token(claims)
    front.refuseAll(setsMark)
    expect((await sendLogout(app.url, token)).status).toBe(400)
    front.normal()
    expect((await browser.navigate(callback)).json()).toMatchObject({ sub: user })
  })

  test('leaves a login by a later session at the provider alone, however soon it comes', async () => {
    await logout(claims)
    const browser = await fixture.logIn(user)
    expect(await fixture.isIn(browser)).toBe(true)
    expect(await app.auth.sessions.list(user)).toHaveLength(1)
    await logout({ sub: user })
    await expectNobody(browser)
  })
})

test('a login that the index does not take makes no session', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user })
  front.refuseAll((args) => /^bff:sessions:/.test(args[3] ?? ''))
  const page = await browser.navigate(callback)
  expect(page.status).toBe(503)
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  front.normal()
  await expectNobody(browser)
})

test('a session at the provider that was ended once does not come back', async () => {
  const known = await fixture.logIn(user)
  await logout({ sid: await fixture.sidOf(known) })
  const { browser, callback } = await atCallback(known)
  expect((await browser.navigate(callback)).status).toBe(400)
  await expectNobody(browser)
})

test('a login that is refused for it leaves the session before as it was, and its grant too', async () => {
  const browser = await fixture.logIn(user)
  const sid = await fixture.sidOf(browser)
  await browser.clearCookies(fixture.provider.issuer)
  const later = await fixture.logIn(user)
  const ended = await fixture.sidOf(later)
  expect(ended).not.toBe(sid)
  // The browser that is logged in here comes back from the other's session at the provider.
  const callback = await browser.startLogin(app.url, { user })
  fixture.provider.rewriteNext('token', async (json) => {
    const claims = { ...claimsOfToken(String(json.id_token)), sid: ended }
    return { ...json, id_token: await fixture.provider.signIdToken(claims) }
  })
  await logout({ sid: ended })
  const live = fixture.provider.liveRefreshTokens(user).length
  expect((await browser.navigate(callback)).status).toBe(400)
  expect(await fixture.isIn(browser)).toBe(true)
  expect(await fixture.sidOf(browser)).toBe(sid)
  expect((await browser.request('GET', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect(fixture.provider.liveRefreshTokens(user)).toHaveLength(live + 1)
})

test.each([1e18, 1e300])('a logout token with an exp of %s is 200 and used', async (exp) => {
  await fixture.seedLogin('long')
  const token = await fixture.client.token({ sub: 'long', exp })
  expect((await sendLogout(app.url, token)).status).toBe(200)
  const again = await fixture.seedLogin('long')
  expect((await sendLogout(app.url, token)).status).toBe(400)
  expect(await fixture.isIn(again)).toBe(true)
})

test('revoking the id of somebody who is not logged in leaves their data alone', async () => {
  const browser = new Browser()
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
  expect(await app.auth.sessions.revoke(await sessionIdOf(browser))).toBe(false)
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'mine' })
})

test('a login that begins after a logout has begun stays in the index', async () => {
  const browser = new Browser()
  await (await fixture.seedLogin('early')).request('POST', `${app.url}/logout`)
  const reading = slowFront.holdNext(isCommand('zrevrange'))
  const ending = sendLogout(slow.url, await fixture.client.token({ sub: 'early' }))
  await reading.arrived // the mark is set
  const callback = await browser.startLogin(app.url, { user: 'early' }) // begins later than the mark
  const storing = front.holdNext(isScript('create'))
  const page = browser.navigate(callback)
  await storing.arrived
  reading.release()
  expect((await ending).status).toBe(200)
  storing.release()
  const loggedIn = (await page).json<{ sub?: string }>().sub === 'early'
  expect(await other.auth.sessions.list('early')).toHaveLength(loggedIn ? 1 : 0)
  await other.auth.sessions.revokeAll('early')
  expect(await fixture.isIn(browser)).toBe(false)
})

test('two logouts at once: the mark does not go back', async () => {
  const browser = new Browser()
  await (await fixture.seedLogin('twice')).request('POST', `${app.url}/logout`)
  const marking = slowFront.holdNext(setsMark)
  const ending = sendLogout(slow.url, await fixture.client.token({ sub: 'twice' }))
  await marking.arrived
  const callback = await browser.startLogin(app.url, { user: 'twice' })
  const storing = front.holdNext(isScript('create'))
  const page = browser.navigate(callback, { stopAt: () => true })
  await storing.arrived // the login began before the second logout
  expect(await other.auth.sessions.revokeAll('twice')).toBe(0)
  marking.release()
  await ending
  storing.release()
  await page
  expect(await fixture.isIn(browser)).toBe(false)
})

test('thousands of sessions of one person end, and nobody else waits for it', async () => {
  const many = 2000
  const ids = await fixture.seed(user, many)
  const idsListed = async () => (await slow.auth.sessions.list(user)).map(({ id }) => id)
  expect(await idsListed()).toEqual(ids.slice(-100).reverse())

  // What has ended unused is still named, and passed over.
  await fixture.store.del(...ids.slice(-50).map((id) => `bff:{${id}}:auth`))
  expect(await idsListed()).toEqual(ids.slice(-150, -50).reverse())

  const somebody = await fixture.seedLogin(`${user}0`)
  const middle = slowFront.holdNext((args) => isCommand('zscan')(args) && args[2] !== '0')
  let over = false
  const form = new URLSearchParams({ logout_token: await fixture.client.token({ sub: user }) })
  // It may take longer than a browser's request here may.
  const ending = fetch(`${slow.url}/backchannel-logout`, { method: 'POST', body: form }).finally(() => {
    over = true
  })
  await middle.arrived
  const left = (await authKeys(fixture.store)).length
  expect(left).toBeGreaterThan(many / 2)
  expect(left).toBeLessThan(many - 50)
  const late = new Browser()
  await late.logIn(app.url, { user })
  middle.release()

  // How many sessions end while somebody else waits for an answer of the app, or of Redis.
  const second = fixture.redis.connect()
  const waits: (() => Promise<unknown>)[] = [() => fixture.isIn(somebody, slow), () => second.ping()]
  const ended = waits.map(async (ask) => {
    const meanwhile: number[] = []
    while (!over) {
      const before = slow.events.length
      await ask()
      meanwhile.push(slow.events.length - before)
    }
    return meanwhile
  })
  const [answer, ...waited] = await Promise.all([ending, ...ended])
  expect(answer.status).toBe(200)
  for (const meanwhile of waited) {
    expect(meanwhile.length).toBeGreaterThan(2)
    expect(Math.max(...meanwhile)).toBeLessThan(many / 4)
  }
  // It goes by a hundred at a time: no command has Redis busy for long.
  expect(Math.max(...slowFront.seen().map(({ args }) => args.length))).toBeLessThan(300)
  for (const { args } of slowFront.seen(isCommand('zscan'))) expect(args.slice(3)).toEqual(['COUNT', '100'])
  for (const { args } of slowFront.seen(isCommand('zrevrange'))) {
    expect(Number(args[3]) - Number(args[2])).toBeLessThan(100)
  }

  expect(await idsListed()).toEqual([await sessionIdOf(late)])
  expect(await authKeys(fixture.store)).toHaveLength(2)
  expect(await slow.auth.sessions.revokeAll(user)).toBe(1)
}, 120_000)
