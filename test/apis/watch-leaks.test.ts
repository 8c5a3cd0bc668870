// Who went away is watched no longer: a session that nobody has anything open in is not looked at, nor renewed for ever.
import { get } from 'node:http'
import { connect, type Socket } from 'node:net'
import {
  cookieOf,
  type Lasting,
  openEvents,
  relayLasting,
  startStreamingApi,
} from '../support/app/lasting-answers.ts'
import { useLogoutFixture } from '../support/app/logout-fixture.ts'
import { eventually, within } from '../support/deadline.ts'
import { isScript } from '../support/redis/commands.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'

/** Of `app` the test sees what it asks Redis for. */
const { fixture, app, front } = useLogoutFixture(async (fixture) => {
  const front = await fixture.startFront()
  return { one: await fixture.start(), app: await fixture.start({}, front.url), front }
})
const { api } = useParts(async (start) => {
  const api = await start(startStreamingApi())
  app.app.get('/slow', () => {})
  relayLasting(app, api)
  return { api }
})

let accepted: Socket | undefined
afterEach(() => accepted?.destroy())

let people = 0
async function somebody() {
  people += 1
  const user = `person-${people}`
  const browser = await fixture.logIn(user)
  return { user, browser, id: await sessionIdOf(browser), cookie: await cookieOf(browser, app.url) }
}

/** Somebody else's stream is looked at meanwhile, twice. */
async function expectNotWatched(id: string): Promise<void> {
  const clock = await somebody()
  const stream: Lasting = await openEvents(app, clock.browser)
  const looks = () => front.seen(isScript('find'))
  const before = looks().length
  const since = () =>
    looks()
      .slice(before)
      .map(({ args }) => args.join())
  await eventually('two looks', () => since().filter((look) => look.includes(clock.id)).length >= 2)
  stream.close()
  expect(since().filter((look) => look.includes(id))).toEqual([])
}

/** Of the next request that reaches the app. */
function answerIsClosed(): Promise<void> {
  const closed = new Promise<void>((resolve) =>
    app.server.once('request', (_req, res) => res.once('close', resolve)),
  )
  return within(closed, 'the end of the answer')
}

test('who is there is looked at', async () => {
  const { browser, id } = await somebody()
  const stream = await openEvents(app, browser)
  await expect(expectNotWatched(id)).rejects.toThrow(id)
  stream.close()
})

test('a request that was broken off before the relay had its turn is not watched', async () => {
  const { cookie, id } = await somebody()
  const gate = app.gate('broken-off')
  const closed = answerIsClosed()
  const request = get(`${app.url}/api/events?gate=broken-off`, { agent: false, headers: { cookie } })
  request.on('error', () => {})
  await gate.arrived()
  request.destroy()
  await closed
  gate.open()
  await expectNotWatched(id)
})

test('who went away while the session was being renewed is not watched', async () => {
  const { browser, cookie, id, user } = await somebody()
  await ageSession(fixture.store, browser, 1000)
  const held = fixture.provider.holdNext('token')
  const closed = answerIsClosed()
  const request = get(`${app.url}/api/events`, { agent: false, headers: { cookie } })
  request.on('error', () => {})
  await held.arrived
  request.destroy()
  await closed
  held.release()
  const renewed = { name: 'renewed', event: expect.objectContaining({ subject: user }) }
  await eventually('the renewal', () => {
    expect(app.events).toContainEqual(renewed)
    return true
  })
  await expectNotWatched(id)
})

test.each([
  ['another answer', []],
  ['another answer, with an upgrade behind it', ['GET /me HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade']],
])('a stream behind %s, by a client that went away, is not watched', async (_what, more) => {
  const { cookie, id } = await somebody()
  const { hostname, port, host } = new URL(app.url)
  const closed = new Promise<void>((resolve) =>
    app.server.once('connection', (connection: Socket) => {
      accepted = connection
      connection.once('close', resolve)
    }),
  )
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}).resume()
  const requests = ['GET /slow HTTP/1.1', 'GET /api/events HTTP/1.1', ...more]
  const asked = api.seen.length
  socket.write(requests.map((each) => `${each}\r\nHost: ${host}\r\nCookie: ${cookie}\r\n\r\n`).join(''))
  await eventually('the stream at the API', () => api.seen.length > asked)
  socket.destroy()
  await within(closed, 'the end of the connection')
  await expectNotWatched(id)
})
