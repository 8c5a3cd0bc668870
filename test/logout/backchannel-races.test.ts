// A logout that meets another logout, a log-in, or somebody it is not meant for.
import { sessionIdOf } from '../support/age-session.ts'
import type { TestApp } from '../support/app.ts'
import { Browser } from '../support/browser.ts'
import { type LogoutBench, startLogoutBench } from '../support/logout-bench.ts'
import { sendLogout } from '../support/logout-client.ts'
import { isCommand, isMark, isScript } from '../support/redis-commands.ts'
import { type RedisFront, startRedisFront } from '../support/redis-front.ts'

let bench: LogoutBench
let front: RedisFront
let second: RedisFront
let app: TestApp
let held: TestApp
let other: TestApp

beforeAll(async () => {
  bench = await startLogoutBench()
  ;[front, second] = await Promise.all([startRedisFront(bench.redis), startRedisFront(bench.redis)])
  app = await bench.start({}, front.url)
  held = await bench.start({}, second.url)
  other = await bench.start()
})
afterEach(() => {
  front.normal()
  second.normal()
})
afterAll(async () => {
  await bench?.stop()
  await Promise.all([front?.stop(), second?.stop()])
})

test.each([1e18, 1e300])('a logout token with an exp of %s is 200 and used', async (exp) => {
  await bench.logIn('long')
  const token = await bench.client.token({ sub: 'long', exp })
  expect((await sendLogout(app.url, token)).status).toBe(200)
  const again = await bench.logIn('long')
  expect((await sendLogout(app.url, token)).status).toBe(400)
  expect(await bench.isIn(again)).toBe(true)
})

test('revoking the id of somebody who is not signed in leaves their data alone', async () => {
  const browser = new Browser()
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
  expect(await app.auth.sessions.revoke(await sessionIdOf(browser))).toBe(false)
  expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'mine' })
})

test('a log-in that begins after a log-out has begun stays in the index', async () => {
  const browser = new Browser()
  await (await bench.logIn('early')).request('POST', `${app.url}/logout`)
  const reading = second.holdNext(isCommand('zrevrange'))
  const ending = sendLogout(held.url, await bench.client.token({ sub: 'early' }))
  await reading.arrived // the mark is set
  const callback = await browser.startLogin(app.url, { user: 'early' }) // begins later than the mark
  const storing = front.holdNext(isScript('create'))
  const page = browser.navigate(callback)
  await storing.arrived
  reading.release()
  expect((await ending).status).toBe(200)
  storing.release()
  const signedIn = (await page).json<{ sub?: string }>().sub === 'early'
  expect(await other.auth.sessions.list('early')).toHaveLength(signedIn ? 1 : 0)
  await other.auth.sessions.revokeAll('early')
  expect(await bench.isIn(browser)).toBe(false)
})

test('two log-outs at once: the mark does not go back', async () => {
  const browser = new Browser()
  await (await bench.logIn('twice')).request('POST', `${app.url}/logout`)
  const marking = second.holdNext(isMark)
  const slow = sendLogout(held.url, await bench.client.token({ sub: 'twice' }))
  await marking.arrived
  const callback = await browser.startLogin(app.url, { user: 'twice' })
  const storing = front.holdNext(isScript('create'))
  const page = browser.navigate(callback, { stopAt: () => true })
  await storing.arrived // the log-in began before the second log-out
  expect(await other.auth.sessions.revokeAll('twice')).toBe(0)
  marking.release()
  await slow
  storing.release()
  await page
  expect(await bench.isIn(browser)).toBe(false)
})
