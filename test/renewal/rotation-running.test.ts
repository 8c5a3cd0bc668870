// H21, without a restart: `secret` is a function, and what it gives changes while the process runs. What the old one made goes
// on for as long as it is listed, nobody is logged out, and what is listed no more opens nothing, however well it is known.
import express from 'express'
import helmet from 'helmet'
import { type AuthOptions, auth } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { PATIENT } from '../support/app/fault-fixture.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { type Start, useParts, useServers } from '../support/servers.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const OLD = TEST_SECRET
const NEW = 'the next secret for tests, long enough for anybody'
const FAULTS: [what: string, secret: () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error(`no ${NEW}`)
    },
  ],
  ['gives nothing', () => undefined],
  ['gives an empty list', () => []],
  ['gives one that is too short', () => [NEW, 'short-but-secret']],
  ['gives a number', () => 7],
  ['gives a promise', async () => NEW],
  ['gives a promise that is refused', () => Promise.reject(new Error(NEW))],
]

const { provider, redis, store } = useServers({ redis: true })

let secret: () => unknown = () => OLD
const given = (() => secret()) as AuthOptions['secret']
afterEach(() => {
  secret = () => OLD
})

const startHere = async (
  start: Start,
  redisOption: AuthOptions['redis'],
  log: ReturnType<typeof createLog>,
) =>
  start(
    startApp({
      provider,
      options: { ...PATIENT, secret: given, logger: log.logger, ...(redisOption && { redis: redisOption }) },
    }),
  )

describe.each(['in memory', 'on Redis', 'with a near cache'] as const)('H21: %s, in one process', (place) => {
  const log = createLog()
  const { app } = useParts(async (start) => {
    const nearCache = place === 'with a near cache'
    return {
      app: await startHere(start, place === 'in memory' ? undefined : { url: redis.url, nearCache }, log),
    }
  })
  const isSealed = place !== 'in memory'
  const whoIs = async (browser: Browser, at: Pick<TestApp, 'url'> = app) =>
    (await browser.request('GET', `${at.url}/public`)).json().sub

  test('a session, its data and its cookie move on, and live under the new one alone', async () => {
    const { browser, get, user } = await logIn(provider, app.url)
    const id = await sessionIdOf(browser)
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'mine' } })
    expect(await whoIs(browser)).toBe(user)

    secret = () => [NEW, OLD]
    const moved = await get(`${app.url}/cart`)
    expect(moved.json()).toEqual({ cart: 'mine' })
    expect(setCookieLine(moved, 'bff')).toMatch(/^bff=s%3As-/)
    expect(await sessionIdOf(browser)).toBe(id)
    expect(setCookieLines(await get(`${app.url}/private`))).toEqual([])
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'more' } })
    if (isSealed) await ageSession(store, browser, 901)
    const renewed = await get(`${app.url}/fresh`)
    expect(renewed.json()).toMatchObject({ sub: user, generation: 2 })

    secret = () => NEW
    const last = await get(`${app.url}/cart`)
    expect([last.json(), setCookieLines(last)]).toEqual([{ cart: 'more' }, []])
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(log.lines).toEqual([])
  })

  test('a visitor keeps their data, and takes it into a login that began before', async () => {
    const browser = new Browser()
    await browser.request('POST', `${app.url}/cart`, { json: { cart: 'of a visitor' } })
    const callback = await browser.startLogin(app.url, { user: 'visitor' })
    secret = () => [NEW, OLD]
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'of a visitor' })
    await browser.navigate(callback)
    secret = () => NEW
    expect(await whoIs(browser)).toBe('visitor')
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'of a visitor' })
  })

  test('one that is listed no more opens nothing at once, whatever of it was read before', async () => {
    const { browser, user } = await logIn(provider, app.url)
    expect(await whoIs(browser)).toBe(user)
    secret = () => NEW
    expect(await whoIs(browser)).toBeUndefined()
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: null })
    // It is the browser's still, and nothing was ended.
    secret = () => [NEW, OLD]
    expect(await whoIs(browser)).toBe(user)
    // By now its cookie is the new one's; its record, where it is sealed, is not.
    secret = () => NEW
    expect(await whoIs(browser)).toBe(isSealed ? undefined : user)
  })

  test('a login under way is completed while its secret is listed, and refused cleanly once it is not', async () => {
    const browser = new Browser()
    const begun = await browser.startLogin(app.url, { user: 'in-time' })
    secret = () => [NEW, OLD]
    expect((await browser.navigate(begun)).status).toBe(200)
    const late = new Browser()
    secret = () => OLD
    const lost = await late.startLogin(app.url, { user: 'late' })
    secret = () => NEW
    expect((await late.navigate(lost)).status).toBe(400)
    expect((await late.logIn(app.url, { user: 'late' })).status).toBe(200)
  })

  test.each(FAULTS)('a function that %s leaves the last ones in use', async (_what, fault) => {
    const { browser, user, get } = await logIn(provider, app.url)
    secret = fault
    const page = await get(`${app.url}/fresh`)
    expect([page.json().sub, setCookieLines(page)]).toEqual([user, []])
    expect(await browser.logIn(app.url, { user, returnTo: '/private' })).toMatchObject({ status: 200 })
    expect(log.lines.join()).not.toMatch(/next secret|short-but/)
  })
})

test('what is wrong with it is said once a minute, without the secret', async () => {
  const log = createLog()
  const app = await startApp({ provider, options: { secret: given, logger: log.logger } })
  try {
    const browser = new Browser()
    for (const [, fault] of FAULTS) {
      secret = fault
      await browser.request('GET', `${app.url}/public`)
      await browser.startLogin(app.url)
    }
    expect(log.lines).toEqual([
      'express-bff-session: a new secret cannot be used, so the last good one stays in use: secret (SECRET) is a function that threw an error; it must give one secret or a list of them',
    ])
  } finally {
    await app.stop()
  }
})

test('H21: a logout by a page leads on to the provider across the rotation', async () => {
  const app = await startOwnApp(
    { provider, options: { secret: given, logger: createLog().logger } },
    (options) => {
      const handler = auth(options)
      const site = express().use(helmet(), handler)
      site.get('/', (req, res) => void res.json({ sub: req.oidc.user?.sub ?? null }))
      return { app: site, auth: handler }
    },
  )
  try {
    const leave = async () => {
      const browser = new Browser()
      await browser.logIn(app.url)
      const page = await browser.submit(`${app.url}/logout`, {}, { from: app.url, stopAt: () => true })
      const [onward = ''] = /\/logout\?to=[\w-]+/.exec(page.body) ?? []
      return async () => {
        const next = await browser.navigate(app.url + onward, { from: app.url, stopAt: () => true })
        return new URL(next.headers.location ?? '', app.url).origin
      }
    }
    const [before, lost] = [await leave(), await leave()]
    secret = () => [NEW, OLD]
    expect(await before()).toBe(provider.issuer)
    const between = await leave()
    secret = () => NEW
    expect([await between(), await lost()]).toEqual([provider.issuer, app.url])
  } finally {
    await app.stop()
  }
})

test('a renewal that began before the rotation is stored by the new one', async () => {
  const log = createLog()
  const app = await startApp({
    provider,
    redisUrl: redis.url,
    options: { ...PATIENT, secret: given, logger: log.logger },
  })
  try {
    const { get, user } = await logIn(provider, app.url)
    const held = provider.holdNext('token')
    const waiting = get(`${app.url}/fresh`)
    await held.arrived
    secret = () => [NEW, OLD]
    held.release()
    expect((await waiting).json()).toMatchObject({ sub: user, generation: 2 })
    // Its cookie moves with the next request.
    await get(`${app.url}/public`)
    secret = () => NEW
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(app.events.map(({ name }) => name)).not.toContain('record-unreadable')
  } finally {
    provider.normal()
    await app.stop()
  }
})
