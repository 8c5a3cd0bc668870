// A logout that meets another logout, a login, or somebody it is not meant for.
import type { TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { isCommand, isMark, isScript } from '../support/redis/commands.ts'
import { type RedisFront, startRedisFront } from '../support/redis/front.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

let fixture: LogoutFixture
let front: RedisFront
let second: RedisFront
let app: TestApp
let held: TestApp
let other: TestApp

beforeAll(async () => {
  fixture = await startLogoutFixture()
  ;[front, second] = await Promise.all([startRedisFront(fixture.redis), startRedisFront(fixture.redis)])
  app = await fixture.start({}, front.url)
  held = await fixture.start({}, second.url)
  other = await fixture.start()
})
afterEach(() => {
  front.normal()
  second.normal()
})
afterAll(async () => {
  await fixture?.stop()
  await Promise.all([front?.stop(), second?.stop()])
})

test.each([1e18, 1e300])('a logout token with an exp of %s is 200 and used', async (exp) => {
  await fixture.logIn('long')
  const token = await fixture.client.token({ sub: 'long', exp })
  expect((await sendLogout(app.url, token)).status).toBe(200)
  const again = await fixture.logIn('long')
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
  await (await fixture.logIn('early')).request('POST', `${app.url}/logout`)
  const reading = second.holdNext(isCommand('zrevrange'))
  const ending = sendLogout(held.url, await fixture.client.token({ sub: 'early' }))
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
  await (await fixture.logIn('twice')).request('POST', `${app.url}/logout`)
  const marking = second.holdNext(isMark)
  const slow = sendLogout(held.url, await fixture.client.token({ sub: 'twice' }))
  await marking.arrived
  const callback = await browser.startLogin(app.url, { user: 'twice' })
  const storing = front.holdNext(isScript('create'))
  const page = browser.navigate(callback, { stopAt: () => true })
  await storing.arrived // the login began before the second logout
  expect(await other.auth.sessions.revokeAll('twice')).toBe(0)
  marking.release()
  await slow
  storing.release()
  await page
  expect(await fixture.isIn(browser)).toBe(false)
})
