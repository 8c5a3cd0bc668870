// auth().sessions.list(): where somebody is logged in, as they may see it.
import { inspect } from 'node:util'
import type { TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

let fixture: LogoutFixture
let app: TestApp
/** the same app in another process */
let other: TestApp
let person = 0
let user: string

beforeAll(async () => {
  fixture = await startLogoutFixture()
  app = await fixture.start()
  other = await fixture.start()
  app.app.get('/id', (req, res) => void res.json({ id: req.oidc.session?.id ?? null }))
})
beforeEach(() => {
  person += 1
  user = `person-${person}`
})
afterAll(() => fixture?.stop())

const idsOf = async (sub: string, at = app) => (await at.auth.sessions.list(sub)).map(({ id }) => id)

/** Comes back from the provider with these headers. */
async function logInWith(headers: Record<string, string>): Promise<Browser> {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user })
  await browser.navigate(callback, { headers })
  return browser
}

test('a session is listed as what it is, where it came from and when, with nothing that is secret', async () => {
  const began = Date.now() - 1000
  const browser = await logInWith({ 'user-agent': 'A browser/1.0 (of some kind)' })
  const [entry, ...rest] = await app.auth.sessions.list(user)
  expect(rest).toEqual([])
  expect(entry).toEqual({
    id: await sessionIdOf(browser),
    createdAt: expect.any(Date),
    renewedAt: expect.any(Date),
    expiresAt: expect.any(Date),
    address: expect.stringMatching(/^(?:::1|(?:::ffff:)?127\.0\.0\.1)$/),
    userAgent: 'A browser/1.0 (of some kind)',
  })
  expect((await browser.request('GET', `${app.url}/id`)).json()).toEqual({ id: entry?.id })
  const after = (date?: Date) => (date?.getTime() ?? 0) - began
  expect(after(entry?.createdAt)).toBeGreaterThan(0)
  expect(after(entry?.createdAt)).toBeLessThan(20_000)
  expect(entry?.renewedAt).toEqual(entry?.createdAt)
  expect(Math.round(after(entry?.expiresAt) / 60_000)).toBe(24 * 60)

  await browser.request('GET', `${app.url}/fresh`)
  const [renewed] = await app.auth.sessions.list(user)
  expect(renewed).toMatchObject({ id: entry?.id, createdAt: entry?.createdAt, userAgent: entry?.userAgent })
  expect(renewed?.renewedAt.getTime()).toBeGreaterThan(entry?.renewedAt.getTime() ?? Number.NaN)
  const shown = inspect([entry, renewed], { depth: 9, showHidden: true })
  for (const secret of fixture.provider.secretsSeen()) expect(shown).not.toContain(secret)
})

test('GET /me does not say the id, nor does any page of ours', async () => {
  const browser = await fixture.logIn(user)
  const id = await sessionIdOf(browser)
  const me = await browser.request('GET', `${app.url}/me`)
  expect(me.json()).toMatchObject({ authenticated: true, session: { generation: 1 } })
  expect(me.body).not.toContain(id)
})

test.each([
  ['a browser that calls itself much', { 'user-agent': 'x'.repeat(5000) }, 'x'.repeat(256)],
  ['a browser that says nothing', {}, undefined],
])('%s is listed with 256 characters at most', async (_name, headers, expected) => {
  await logInWith(headers)
  expect(await app.auth.sessions.list(user)).toMatchObject([{ userAgent: expected }])
})

test.each([
  ['is not believed', false, /127\.0\.0\.1$|^::1$/],
  ['is believed where the app trusts its proxy', true, /^203\.0\.113\.9$/],
])('the address that a proxy tells %s', async (_name, trust, expected) => {
  app.app.set('trust proxy', trust)
  try {
    await logInWith({ 'x-forwarded-for': '203.0.113.9' })
  } finally {
    app.app.set('trust proxy', false)
  }
  expect(await app.auth.sessions.list(user)).toMatchObject([{ address: expect.stringMatching(expected) }])
})

test('the newest is first, and only that person’s are there, the same at every process', async () => {
  const ids: string[] = []
  for (let count = 0; count < 4; count += 1) ids.unshift(await sessionIdOf(await fixture.logIn(user)))
  await fixture.logIn(`${user}0`)
  for (const at of [app, other]) expect(await idsOf(user, at)).toEqual(ids)
})

test('what has ended is not listed, however it ended', async () => {
  const browsers = await Promise.all(Array.from({ length: 5 }, () => fixture.logIn(user)))
  const [kept, loggedOut, revokedOne, toldOf, again] = browsers as [
    Browser,
    Browser,
    Browser,
    Browser,
    Browser,
  ]
  await loggedOut.request('POST', `${app.url}/logout`)
  await app.auth.sessions.revoke(await sessionIdOf(revokedOne))
  await sendLogout(app.url, await fixture.client.token({ sid: await fixture.sidOf(toldOf) }))
  const before = await sessionIdOf(again)
  await again.logIn(app.url, { user })
  expect(await sessionIdOf(again)).not.toBe(before)
  expect(new Set(await idsOf(user))).toEqual(new Set([await sessionIdOf(kept), await sessionIdOf(again)]))
})

test('a session of somebody else is not listed, whatever the index says', async () => {
  const [browser, somebody] = [await fixture.logIn(user), await fixture.logIn(`${user}0`)]
  const ids = [await sessionIdOf(browser), await sessionIdOf(somebody)]
  for (const key of await fixture.store.keys('bff:sessions:sub:*')) {
    if ((await fixture.store.zscore(key, ids[0] ?? '')) === null) continue
    await fixture.store.zadd(key, Date.now() + 1e9, ids[1] ?? '')
  }
  expect(await idsOf(user)).toEqual(ids.slice(0, 1))
})

test.each<[string, (id: string) => unknown]>([
  ['an id of nobody', (id) => `${id}1`],
  ['nothing', () => ''],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 7],
  ['a list', (id) => [id]],
  ['an object', (id) => ({ toString: () => id })],
  ['a pattern', () => '*'],
  ['braces', (id) => `${id}}:auth{`],
  ['a null byte', (id) => `${id}\u0000`],
  ['a key', (id) => `bff:{${id}}:auth`],
  ['an id in other case', (id) => id.toUpperCase()],
  ['100 kB', () => 'x'.repeat(100_000)],
])('revoking %s is false, and a list of it is empty', async (_name, make) => {
  const browser = await fixture.logIn(user)
  const id = make(await sessionIdOf(browser)) as string
  expect(await app.auth.sessions.revoke(id)).toBe(false)
  expect(await app.auth.sessions.list(id)).toEqual([])
  expect(await app.auth.sessions.revokeAll(id)).toBe(0)
  expect(await fixture.isIn(browser)).toBe(true)
})

test('an app is given these three methods, and cannot change them', () => {
  expect(Object.keys(app.auth.sessions)).toEqual(['list', 'revoke', 'revokeAll'])
  expect(Object.isFrozen(app.auth.sessions)).toBe(true)
})
