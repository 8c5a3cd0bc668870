// Answers that come after the browser has become somebody's again: they leave the new session's cookie alone (H30, H31).
import { startApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { setCookieLine } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'

const NEWER_SECRET = 'a newer secret, of which the old app knows nothing'
/** After which no answer tells the browser anything about its session: another process may have begun another. */
const PROMPT_MS = 1000

const { provider, redis, store, app } = useServers({ redis: true })
const { rotated, peer } = useParts(async (start) => {
  const setup = { provider, redisUrl: redis.url, options: { secret: [NEWER_SECRET, TEST_SECRET] } }
  return {
    rotated: await start(startApp(setup)),
    /** another process as far as anybody can tell */
    peer: await start(startApp(setup)),
  }
})
let count = 0
let user: string
beforeEach(() => {
  count += 1
  user = `person-${count}`
})

const whoIs = async (browser: Browser) => (await browser.request('GET', `${rotated.url}/public`)).json().sub
/** Renews by the person's wish, and stops at the provider. */
function hold() {
  return provider.holdNext('token', { grantType: 'refresh_token' })
}
const INVALID_GRANT = { status: 400, body: { error: 'invalid_grant' } }

test.each([
  ['the same process', () => app],
  ['another process', () => peer],
])(
  'H30: a renewal that is refused after a logout and a login at %s leaves the new login alone',
  async (_where, at) => {
    const browser = new Browser()
    await browser.logIn(app.url, { user })
    const held = hold()
    const renewing = browser.tab().request('GET', `${app.url}/fresh`)
    await held.arrived
    const beside = browser.tab().request('GET', `${app.url}/fresh`)
    await browser.tab().request('POST', `${at().url}/logout`)
    await browser.tab().logIn(at().url, { user })
    const id = await sessionIdOf(browser)
    held.release(INVALID_GRANT)
    for (const late of await Promise.all([renewing, beside])) {
      expect([late.status, setCookieLine(late, 'bff')]).toEqual([401, undefined])
    }
    expect(await sessionIdOf(browser)).toBe(id)
    expect((await browser.request('GET', `${at().url}/private`)).json()).toMatchObject({ sub: user })
  },
)

test('H30: a renewal that is refused while nobody did anything else takes the cookie, as ever', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user })
  provider.answerNext('token', INVALID_GRANT, { grantType: 'refresh_token' })
  const page = await browser.request('GET', `${app.url}/fresh`)
  expect(page.json()).toMatchObject({ code: 'session_ended' })
  expect(setCookieLine(page, 'bff')).toMatch(/^bff=;/)
})

test('H30: a handler that takes long after such a refusal says nothing of the cookie any more', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user })
  await ageSession(store, browser, 3601, { idToken: 3601 })
  provider.answerNext('token', INVALID_GRANT, { grantType: 'refresh_token' })
  const gate = app.gate(user)
  const slow = browser.tab().request('GET', `${app.url}/public?gate=${user}`)
  await gate.arrived()
  await late()
  await browser.tab().logIn(app.url, { user })
  gate.open()
  expect(setCookieLine(await slow, 'bff')).toBeUndefined()
  expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: user })
})

test.each([
  ['by the same process', () => rotated, async () => {}],
  ['by another process', () => peer, late],
])(
  'H31: a slow answer to a cookie of a retired secret sets none over a newer login’s, ended %s',
  async (_where, at, wait) => {
    const browser = new Browser()
    await browser.logIn(app.url, { user })
    const gate = rotated.gate(user)
    const slow = browser.tab().request('GET', `${rotated.url}/public?gate=${user}`)
    await gate.arrived()
    await wait()
    await browser.tab().request('POST', `${at().url}/logout`)
    await browser.tab().logIn(at().url, { user })
    gate.open()
    expect(setCookieLine(await slow, 'bff')).toBeUndefined()
    expect(await whoIs(browser)).toBe(user)
  },
)

test('H31: the same of an anonymous visitor, whose id a login replaced', async () => {
  const browser = new Browser()
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'apples' } })
  const gate = rotated.gate(user)
  const slow = browser.tab().request('GET', `${rotated.url}/public?gate=${user}`)
  await gate.arrived()
  await browser.tab().logIn(rotated.url, { user })
  gate.open()
  expect(setCookieLine(await slow, 'bff')).toBeUndefined()
  expect(await whoIs(browser)).toBe(user)
})

test('H31: an answer in time moves the cookie, as ever', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user })
  const id = await sessionIdOf(browser)
  expect(setCookieLine(await browser.request('GET', `${rotated.url}/public`), 'bff')).toContain(id)
  expect(setCookieLine(await browser.request('GET', `${rotated.url}/public`), 'bff')).toBeUndefined()
})

/** What an answer takes that is not prompt. */
async function late(): Promise<void> {
  const since = performance.now()
  await eventually('an answer to be late', () => performance.now() - since > PROMPT_MS)
}
