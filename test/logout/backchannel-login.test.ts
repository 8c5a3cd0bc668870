// A login that is under way when the person is logged out at the provider ends in no session; a later one does.
import type { TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, setCookieLine } from '../support/evidence.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { isCommand, isScript, type Match, isMark as setsMark } from '../support/redis/commands.ts'
import { type RedisFront, startRedisFront } from '../support/redis/front.ts'

let fixture: LogoutFixture
let front: RedisFront
let app: TestApp
/** the same app in another process, which the front holds nothing of */
let other: TestApp
/** the same again, behind a front of its own */
let slow: TestApp
let slowFront: RedisFront
let person = 0
let user: string

beforeAll(async () => {
  fixture = await startLogoutFixture()
  ;[front, slowFront] = await Promise.all([startRedisFront(fixture.redis), startRedisFront(fixture.redis)])
  app = await fixture.start({}, front.url)
  other = await fixture.start()
  slow = await fixture.start({}, slowFront.url)
})
beforeEach(async () => {
  await fixture.redis.flush()
  person += 1
  user = `person-${person}`
})
afterEach(() => {
  fixture.provider.normal()
  front.normal()
  slowFront.normal()
})
afterAll(async () => {
  await fixture?.stop()
  await Promise.all([front?.stop(), slowFront?.stop()])
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
    await known.request('POST', `${app.url}/logout`)
    await eventually('the first to be revoked', () => fixture.provider.liveRefreshTokens(user).length === 0)
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
