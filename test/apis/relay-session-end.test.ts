// WebSockets and event streams through the relay end with their session, whoever ended it, on every process; and they keep no
// session from its end.
import { startApp, type TestApp } from '../support/app/app.ts'
import {
  beginSocket,
  cookieOf,
  type Lasting,
  openEvents,
  openSocket,
  relayLasting,
  startStreamingApi,
} from '../support/app/lasting-answers.ts'
import { useLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { openRequest } from '../support/browser/open-request.ts'
import { eventually, within } from '../support/deadline.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { startProvider } from '../support/provider/provider.ts'
import { isScript } from '../support/redis/commands.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, keysOf, sessionIdOf } from '../support/session/age-session.ts'

const PROMISED_MS = 5000

/** `near` has the near cache; of `fronted` the test sees and disturbs what it asks Redis for. */
const { fixture, one, near, fronted, front } = useLogoutFixture(async (fixture) => {
  const front = await fixture.startFront()
  return {
    one: await fixture.start(),
    near: await fixture.start({ redis: { url: fixture.redis.url, nearCache: true } }, 'memory'),
    fronted: await fixture.start({ redisTimeoutSeconds: 0.5 }, front.url),
    front,
  }
})
const { api } = useParts(async (start) => {
  const api = await start(startStreamingApi())
  for (const app of [one, near, fronted]) relayLasting(app, api)
  return { api }
})

const opened: Lasting[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

async function note(opening: Promise<Lasting>): Promise<Lasting> {
  const lasting = await opening
  opened.push(lasting)
  return lasting
}

/** One of each kind at each of these. */
const open = (browser: Browser, ...apps: TestApp[]) =>
  Promise.all(apps.flatMap((app) => [note(openEvents(app, browser)), note(openSocket(app, browser))]))

const ends = (lasting: readonly Lasting[]) =>
  within(Promise.all(lasting.map(({ end }) => end)), 'the end of all', PROMISED_MS)

const reconnects = async (browser: Browser, app: TestApp) =>
  (await browser.request('GET', `${app.url}/api/events`)).status

const expiries = async (id: string) =>
  Promise.all((await keysOf(fixture.store, id)).map((key) => fixture.store.pexpiretime(key)))

let people = 0
async function somebody() {
  people += 1
  const user = `person-${people}`
  const browser = await fixture.logIn(user)
  return { user, browser, id: await sessionIdOf(browser) }
}
type Somebody = Awaited<ReturnType<typeof somebody>>

describe('H38: WebSockets and event streams end within five seconds, on every process, and a reconnect gets 401', () => {
  test.each<[how: string, end: (who: Somebody) => Promise<unknown>]>([
    ['a logout', ({ browser }) => browser.clone().request('POST', `${one.url}/logout`)],
    ['sessions.revoke()', ({ id }) => one.auth.sessions.revoke(id)],
    ['sessions.revokeAll()', ({ user }) => one.auth.sessions.revokeAll(user)],
    [
      'a back-channel logout',
      async ({ user }) => sendLogout(one.url, await fixture.client.token({ sub: user })),
    ],
    [
      'the end of its time',
      async ({ id }) => {
        for (const key of await keysOf(fixture.store, id)) await fixture.store.pexpire(key, 1)
      },
    ],
    [
      'a block at the provider, when the session is due',
      async ({ user, browser }) => {
        fixture.provider.blockAccount(user)
        await ageSession(fixture.store, browser, 1000)
      },
    ],
    [
      'another login in the same browser',
      ({ browser }) => browser.clone().logIn(one.url, { user: 'another' }),
    ],
  ])('H38: after %s', async (_how, end) => {
    const who = await somebody()
    const stranger = await open((await somebody()).browser, one)
    const theirs = await open(who.browser, one, near, fronted)
    await end(who)
    expect(await ends(theirs)).toEqual(theirs.map(() => 'broken'))
    for (const app of [one, near, fronted]) expect(await reconnects(who.browser.clone(), app)).toBe(401)
    expect(stranger.map(({ isOpen }) => isOpen())).toEqual([true, true])
  })

  test('H38: the API’s side of both ends too', async () => {
    const { browser, id } = await somebody()
    const before = await connections()
    const theirs = [...(await open(browser, one)), await note(openSocket(one, browser, '/api/deaf'))]
    theirs.at(-1)?.send?.(Buffer.alloc(20_000_000))
    expect(await connections()).toBe(before + 3)
    await one.auth.sessions.revoke(id)
    await ends(theirs)
    await eventually('the API’s connections to end', async () => (await connections()) === before)
  })

  test('H38: an answer that has not begun is not given any more', async () => {
    const { browser, id } = await somebody()
    const answer = browser.request('GET', `${one.url}/api/silent`).catch(() => 'broken')
    await eventually('the request at the API', () => api.lastAnswer()?.req.url === '/silent')
    await one.auth.sessions.revoke(id)
    expect(await within(answer, 'the end of the request', PROMISED_MS)).toBe('broken')
  })

  test('H38: a handshake that the API does not answer ends, there too', async () => {
    const { browser, id } = await somebody()
    const before = await connections()
    const handshake = await note(beginSocket(one, browser, '/api/silent'))
    await eventually('the handshake at the API', async () => (await connections()) > before)
    await one.auth.sessions.revoke(id)
    await ends([handshake])
    await eventually('the API’s connection to end', async () => (await connections()) === before)
  })

  test('H38: an upload under way ends, there too', async () => {
    const { browser, id } = await somebody()
    // More than can be sent by then: what came after it would be read as another request.
    const headers = { cookie: await cookieOf(browser, one.url), 'content-length': '1000000000000' }
    const { sent, response } = openRequest('POST', `${one.url}/api/silent`, headers)
    const pour = () => {
      while (!sent.destroyed && sent.write(Buffer.alloc(65_536)));
    }
    sent.on('drain', pour)
    pour()
    await eventually('the upload at the API', () => api.lastAnswer()?.req.method === 'POST')
    await one.auth.sessions.revoke(id)
    await expect(response()).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) })
    await eventually('its end at the API', () => api.lastAnswer()?.closed)
  })

  test('H38: who is not logged in keeps what is open', async () => {
    const [leaving, staying] = [await somebody(), new Browser()]
    const gone = await somebody()
    await one.auth.sessions.revoke(gone.id)
    const anonymous = await Promise.all(
      [staying, gone.browser].flatMap((browser) => [
        note(openEvents(one, browser, '/open/events')),
        note(openSocket(one, browser, '/open/socket')),
      ]),
    )
    const theirs = await open(leaving.browser, one)
    await one.auth.sessions.revoke(leaving.id)
    await ends(theirs)
    expect(anonymous.map(({ isOpen }) => isOpen())).toEqual([true, true, true, true])
  })
})

function connections(): Promise<number> {
  return new Promise((resolve, reject) =>
    api.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}

describe('a session with an open stream', () => {
  const renewals = (app: TestApp, user: string) =>
    app.events.filter(
      ({ name, event }) => name === 'renewed' && (event as { subject: string }).subject === user,
    )

  test('is renewed by its timeframe, and its idle end stays where it was', async () => {
    const { user, browser, id } = await somebody()
    const theirs = await open(browser, fronted)
    const before = await expiries(id)
    await ageSession(fixture.store, browser, 880)
    await eventually('the renewal', () => renewals(fronted, user).length > 0)
    expect(await expiries(id)).toEqual(before)
    expect(theirs.map(({ isOpen }) => isOpen())).toEqual([true, true])
  })

  test.each<[string, typeof openEvents]>([
    ['an event stream', openEvents],
    ['a WebSocket', openSocket],
  ])('is used when %s is opened, and not when that ends', async (_what, opening) => {
    const { browser, id } = await somebody()
    const inAnHour = Date.now() + 3_600_000
    const sooner = async () => {
      for (const key of await keysOf(fixture.store, id)) await fixture.store.pexpireat(key, inAnHour)
    }
    await sooner()
    const lasting = await note(opening(one, browser))
    await eventually(
      'the idle end to move',
      async () => Math.max(...(await expiries(id))) > inAnHour + 60_000,
    )
    await sooner()
    if (opening === openEvents) {
      api.lastAnswer()?.end()
      expect(await lasting.end).toBe('whole')
    } else lasting.close()
    // What was to be written at its end is written before this is answered.
    expect((await browser.request('GET', `${one.url}/me`)).status).toBe(200)
    expect(await expiries(id)).toEqual([inAnHour])
  })

  test('is left alone by those who wait for the provider, and renewed after that', async () => {
    const { user, browser } = await somebody()
    const [stream] = await open(browser, fronted)
    const before = front.seen(isScript('acquire')).length
    fixture.provider.answerNext('token', { status: 503 })
    await ageSession(fixture.store, browser, 1000)
    await eventually('the renewal', () => renewals(fronted, user).length > 0, 15_000)
    expect(front.seen(isScript('acquire')).length - before).toBe(2)
    expect(stream?.isOpen()).toBe(true)
  })

  test('keeps it while the store does not answer, and no longer', async () => {
    const { browser, id } = await somebody()
    const theirs = await open(browser, fronted)
    const failures = () => fronted.events.filter(({ name }) => name === 'store-unavailable').length
    const before = failures()
    front.refuseAll(isScript('find'))
    await eventually('three looks', () => failures() >= before + 3)
    expect(theirs.map(({ isOpen }) => isOpen())).toEqual([true, true])
    front.normal()
    await one.auth.sessions.revoke(id)
    await ends(theirs)
  })
})

test('many sessions are looked at by one command, and none where nothing is open', async () => {
  const browsers = await Promise.all(Array.from({ length: 20 }, () => fixture.seedLogin('many')))
  const streams = await Promise.all(
    browsers.flatMap((browser) => [note(openEvents(fronted, browser)), note(openSocket(fronted, browser))]),
  )
  const looks = () => front.seen(isScript('find'))
  const looked = looks().length
  await eventually('two looks', () => looks().length >= looked + 2)
  for (const { args } of looks().slice(looked)) expect(Number(args[2])).toBe(2 * browsers.length)

  for (const stream of streams) stream.close()
  await Promise.all(streams.map(({ end }) => end))
  const last = await somebody()
  const [clock] = await open(last.browser, fronted)
  const then = looks().length
  await eventually('two more looks', () => looks().length >= then + 2)
  for (const { args } of looks().slice(then)) expect(args[3]).toContain(last.id)
  expect(clock?.isOpen()).toBe(true)
})

describe('in memory, and without a refresh token', () => {
  const { app } = useParts(async (start) => {
    const api = await start(startStreamingApi())
    const provider = await start(startProvider())
    const app = await start(
      startApp({
        provider,
        options: { renewal: { afterSeconds: 4 }, authorizationParams: { scope: 'openid profile email' } },
      }),
    )
    relayLasting(app, api)
    return { app }
  })

  test('H38: a session that cannot be renewed ends what is open when it is due, and a reconnect gets 401', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'rita' })
    const lasting = [await openEvents(app, browser), await openSocket(app, browser)]
    await within(Promise.all(lasting.map(({ end }) => end)), 'the end of all', 4000 + PROMISED_MS)
    expect(await reconnects(browser, app)).toBe(401)
  })
})
