// H20, H21: what stands under a session's key and is no record of this version; and `secret: [new, old]`.
import type { AuthOptions } from '../../src/index.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { startBalancer } from '../support/app/balancer.ts'
import { PATIENT } from '../support/app/fault-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const { provider, redis, store, app } = useServers({
  redis: true,
  options: PATIENT,
})

// H20: what is not its record logs out with an event; a record of version 1 opens.
describe('records', () => {
  beforeEach(() => {
    app.events.length = 0
  })

  /** The app whose record it was. */
  const { golden } = useParts(async (start) => ({
    golden: await start(
      startApp({
        redisUrl: redis.url,
        options: { issuerBaseURL: 'https://issuer.example.com', clientID: 'client', clientSecret: 'any' },
      }),
    ),
  }))
  const keyOf = (id: string) => `bff:{${id}}:auth`
  const sealer = createSealer([TEST_SECRET], 'auth record')

  /** The record in clear, changed, and sealed again for the same place. */
  function resealed(
    sealed: string,
    id: string,
    change: (record: Record<string, unknown>) => unknown,
  ): string {
    return sealer.seal(JSON.stringify(change(JSON.parse(sealer.open(sealed, id) ?? ''))), id)
  }

  /** The logged-out browser is anonymous, is told to log in, and can; nobody else noticed. */
  async function expectLoggedOut({ browser, get, renewals, user }: LoggedIn, paths: string[]) {
    for (const path of paths) {
      app.events.length = 0
      const page = await get(app.url + path)
      expect([path, page.status, app.errors]).toEqual([path, path === '/public' ? 200 : 401, []])
      if (path === '/public') expect(page.json()).toMatchObject({ authenticated: false })
      else expect(page.json()).toMatchObject({ code: 'login_required' })
      expect(app.events).toEqual([
        { name: 'record-unreadable', event: { detail: expect.stringMatching(/^[a-z ]+$/) } },
      ])
    }
    expect(renewals()).toBe(0)
    expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user, generation: 1 })
  }

  type Damage = (sealed: string, id: string, others: string) => string
  const flipped = (text: string, at: number) =>
    text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)

  test.each<[string, Damage]>([
    ['garbage', () => 'garbage \u0000\u00ff{"}'],
    ['nothing', () => ''],
    ['a seal cut in half', (sealed) => sealed.slice(0, sealed.length / 2)],
    ['a seal cut to less than its head', (sealed) => sealed.slice(0, 20)],
    ['a seal with one changed byte', (sealed) => flipped(sealed, sealed.length - 9)],
    ['a seal of a format to come', (sealed) => flipped(sealed, 0)],
    ['another session’s seal', (_sealed, _id, others) => others],
    ['a newer version', (sealed, id) => resealed(sealed, id, (record) => ({ ...record, version: 2 }))],
    ['a record without a version', (sealed, id) => resealed(sealed, id, ({ version: _, ...rest }) => rest)],
    ['null', (sealed, id) => resealed(sealed, id, () => null)],
  ])('H20: %s under a session’s key logs out with an event, and nobody else', async (_what, damage) => {
    const session = await logIn(provider, app.url)
    const other = await logIn(provider, app.url)
    const [id, otherId] = [await sessionIdOf(session.browser), await sessionIdOf(other.browser)]
    const [sealed, others] = await Promise.all([id, otherId].map((each) => store.hget(keyOf(each), 'sealed')))
    await store.hset(keyOf(id), 'sealed', damage(sealed ?? '', id, others ?? ''))
    await expectLoggedOut(session, ['/private', '/public', '/fresh', '/token'])
    expect((await other.get(`${app.url}/private`)).json()).toMatchObject({ sub: other.user, generation: 1 })
  })

  test('H20: a record that is spoilt while a renewal of it is in flight is repaired by the commit', async () => {
    const { browser, get, user } = await logIn(provider, app.url)
    const id = await sessionIdOf(browser)
    const held = provider.holdNext('token', { mode: 'after' })
    const fresh = get(`${app.url}/fresh`)
    await held.processed
    await store.hset(keyOf(id), 'sealed', 'garbage')
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ code: 'login_required' })
    held.release()
    expect((await fresh).json()).toMatchObject({ generation: 2 })
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
  })

  test('H20: a spoilt record can be logged out, and its keys are gone', async () => {
    const { browser } = await logIn(provider, app.url)
    const id = await sessionIdOf(browser)
    await store.hset(keyOf(id), 'sealed', 'garbage')
    expect((await browser.request('POST', `${app.url}/logout`)).status).toBe(303)
    expect(await store.keys(`*${id}*`)).toEqual([])
  })

  test('H20: a record spoilt between its reading and the lease is no 500', async () => {
    const { browser, get } = await logIn(provider, app.url)
    const id = await sessionIdOf(browser)
    await ageSession(store, browser, 100)
    const early = get(`${app.url}/fresh?gate=h20`)
    await app.gate('h20').arrived()
    await store.hset(keyOf(id), 'sealed', 'garbage', 'generation', '2')
    app.gate('h20').open()
    const page = await early
    expect([page.status, page.json().code]).toEqual([401, 'session_ended'])
    expect(app.events.map(({ name }) => name)).toContain('record-unreadable')
  })

  // Made once with TEST_SECRET, when version 1 was the newest. If this does not open, everybody is logged out by the
  // update: what reads it must stay, whatever is written from now on.
  const GOLDEN_ID = 's-golden-golden-golden-golden-golden-golden-45'
  const GOLDEN_COOKIE = `s:${GOLDEN_ID}.aS8Ob5fr6LwZ5HcTia+reIJAcwoZdGOUH/PmwfRbZBU`
  const GOLDEN_SEAL =
    'Aca2UlcRN8vAoEHmW1inTjLk1r5taWyx8OZcTJNF_n1U7OZgYVIMjnG-pju2ZZmvyQeKeBLGknz54E510_6dqT1MINmZI6SuhTgWBk4k' +
    'QlEX5iiAP2pFBHje1kEyp5UdtDvVnWfWbtNXnjqLfsIvi9KOKTaLbGTUREoc3HtswWQaUW82tOlAhT7oLuAf3kVAkylJt20SonwrRZJg' +
    'dtg1yza8lvH9Hb7_kJdM-D4b_svU2XvhHsd7cbzN_YzglWbU1zkKAaxuY7h54mZhevMsjJjjEOOxiu3_t_Hl7CkL1I7GO3dgehxNNKTQ' +
    'w9LXmzzzju_weje9dqDVDZPmlrOujyv9SJoUNwYLfTsuiCm_QYVe8ALwYzfFChqedf78EaPi2rfkpaCyzAjmkgUQWi0frVQP_WmURIY2' +
    'ohZErgdYnGSDmjIYkSM-F4C_4D5jJI_u7J49E7LWnGzlEVfFzKH3IpDPBhPmQZaQrXFpD6JpS-w6mhtFDNdbhVQD7gxse_CPu3n7hyG9' +
    'kteNieXTpa3Z5N4Vtl0srVYwbaM_Ij7-J8eZneDbozkLYHK5OASgb8TK5nwC4Han0zyBrAMnvxhXp6Ja6VxHC4O_p9aKvbkI8wG9R0bM' +
    '3vN0FmmRGoXu3bbIL2ubAUEE8Dm4z5WNgIZUD74ZKA5U8CTYzUd03i2SpOIzej_8Zfj6gd6REVocuqz8faJslAEcsm2zROGgp7l7El4q' +
    'Cw1sUypO0zYbYDjnMLzZSJLp_XNwQQWW_Jn79I_5oCijhkFH80Azhy5SkdAkHcBCZzdqbQ'

  test('H20: a record and a cookie of version 1 open, and are served', async () => {
    await store.hset(keyOf(GOLDEN_ID), { sealed: GOLDEN_SEAL, generation: 7, endsAt: 9_999_999_999_999 })
    await store.pexpire(keyOf(GOLDEN_ID), 3_600_000)
    const browser = new Browser()
    await browser.setCookie(`bff=${encodeURIComponent(GOLDEN_COOKIE)}`, golden.url)
    const page = await browser.request('GET', `${golden.url}/private`)
    expect(page.json()).toMatchObject({
      authenticated: true,
      sub: 'goldie',
      name: 'Goldie Example',
      generation: 7,
      createdAt: new Date(1_699_000_000_000).toISOString(),
      // Far from now, so that it is not due whenever this runs.
      renewedAt: new Date(7_000_000_000_000).toISOString(),
    })
    // To another app it is nobody's.
    expect((await browser.request('GET', `${app.url}/private`)).status).toBe(401)
  })
})

// H21: what the old one made goes on, and moves to the new one, until the old one may go.
describe('secrets', () => {
  const OLD = TEST_SECRET
  const NEW = 'the next secret for tests, long enough for anybody'
  const client = { clientId: 'rotating', clientSecret: 'not the secret that rotates' }
  const { logger } = createLog()

  const { site, before, between, cautious, after, stranger } = useParts(async (start) => {
    const site = await start(startBalancer())
    await provider.registerClient({ ...client, baseURL: site.url })
    /** A server of the site with that secret. */
    const open = (secret: AuthOptions['secret']) => {
      const { clientId: clientID, clientSecret } = client
      const given = { ...PATIENT, issuerBaseURL: provider.issuer, clientID, clientSecret, baseURL: site.url }
      return start(startApp({ redisUrl: redis.url, options: { ...given, logger, secret } }))
    }
    return {
      site,
      before: await open(OLD),
      between: await open([NEW, OLD]),
      cautious: await open([OLD, NEW]),
      after: await open(NEW),
      stranger: await open('a secret of nobody here, long enough as well'),
    }
  })

  /** The site is now served by that app alone. */
  function deploy(app: TestApp) {
    site.targets = [app.url]
    app.events.length = 0
  }

  async function logInBefore(): Promise<LoggedIn> {
    deploy(before)
    return logIn(provider, site.url)
  }

  const opens = async (secret: string, id: string) => {
    const sealed = (await store.hget(`bff:{${id}}:auth`, 'sealed')) ?? ''
    return createSealer([secret], 'auth record').open(sealed, id) !== undefined
  }

  test('H21: a session goes on under [new, old], moves with its next renewal, and lives on under the new one', async () => {
    const { browser, get, renewals, user } = await logInBefore()
    const id = await sessionIdOf(browser)
    await browser.request('POST', `${site.url}/cart`, { json: { cart: 'mine' } })

    deploy(between)
    const first = await get(`${site.url}/private`)
    expect(first.json()).toMatchObject({ sub: user, generation: 1 })
    expect(setCookieLine(first, 'bff')).toMatch(/^bff=s%3As-.*; Max-Age=604800;.*HttpOnly; SameSite=Lax$/)
    expect(await sessionIdOf(browser)).toBe(id)
    expect(setCookieLines(await get(`${site.url}/private`))).toEqual([])
    expect(await opens(NEW, id)).toBe(false)

    await ageSession(store, browser, 901)
    expect((await get(`${site.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect([await opens(NEW, id), await opens(OLD, id)]).toEqual([true, false])

    deploy(after)
    const last = await get(`${site.url}/private`)
    expect(last.json()).toMatchObject({ sub: user, generation: 2 })
    expect(setCookieLines(last)).toEqual([])
    expect((await get(`${site.url}/cart`)).json()).toEqual({ cart: 'mine' })
    expect((await get(`${site.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
    expect(renewals()).toBe(2)
    expect([...between.events, ...after.events].map(({ name }) => name)).not.toContain('record-unreadable')
  })

  test.each(['/public', '/me', '/cart'])('H21: GET %s moves the cookie too', async (path) => {
    const { browser, get } = await logInBefore()
    deploy(between)
    expect(setCookieLine(await get(site.url + path), 'bff')).toBeDefined()
    deploy(after)
    // The cookie is known, the record not yet: an end that is told, and no crash.
    expect((await get(`${site.url}/private`)).json()).toMatchObject({ code: 'login_required' })
    expect(after.events).toEqual([{ name: 'record-unreadable', event: { detail: expect.any(String) } }])
    expect((await browser.logIn(site.url)).json()).toMatchObject({ generation: 1 })
  })

  test('H21: a logout under [new, old] ends a session of the old secret, and revokes its token', async () => {
    const { browser, user } = await logInBefore()
    deploy(between)
    expect(provider.liveRefreshTokens(user)).toHaveLength(1)
    await browser.logOut(site.url)
    expect(provider.liveRefreshTokens(user)).toEqual([])
    expect((await browser.request('GET', `${site.url}/me`)).json()).toEqual({ authenticated: false })
  })

  test('H21: a login that began before the rotation is completed after it', async () => {
    deploy(before)
    const browser = new Browser()
    const back = await browser.startLogin(site.url, { user: 'under-way', returnTo: '/private' })
    deploy(between)
    const page = await browser.navigate(back)
    expect([page.url, page.json().sub]).toEqual([`${site.url}/private`, 'under-way'])
    deploy(after)
    const later = await browser.request('GET', `${site.url}/private`)
    expect(later.json()).toMatchObject({ sub: 'under-way', generation: 1 })
  })

  test('H21: a login of the old secret is refused cleanly by the new one alone, and begins again', async () => {
    deploy(before)
    const browser = new Browser()
    const back = await browser.startLogin(site.url)
    deploy(after)
    const refused = await browser.navigate(back)
    expect(refused.status).toBe(400)
    expect(after.events).toMatchObject([{ name: 'refused', event: { code: 'login_unknown' } }])
    expect((await browser.logIn(site.url)).json()).toMatchObject({ generation: 1 })
  })

  test('H21: an anonymous visitor keeps req.session across the rotation, and takes it into a login', async () => {
    deploy(before)
    const browser = new Browser()
    const cart = async () => (await browser.request('GET', `${site.url}/cart`)).json().cart
    await browser.request('POST', `${site.url}/cart`, { json: { cart: 'anonymous' } })
    deploy(between)
    const moved = await browser.request('GET', `${site.url}/cart`)
    expect(moved.json()).toEqual({ cart: 'anonymous' })
    expect(setCookieLine(moved, 'bff')).toMatch(/^bff=s%3Aa-/)
    deploy(after)
    expect(await cart()).toBe('anonymous')
    await browser.logIn(site.url)
    expect(await cart()).toBe('anonymous')
  })

  test('H21: a secret that is not known makes its holder anonymous, without a 500, and ends nothing', async () => {
    const { browser, get, user } = await logInBefore()
    const id = await sessionIdOf(browser)
    deploy(stranger)
    const page = await get(`${site.url}/public`)
    expect([page.status, page.json().authenticated]).toEqual([200, false])
    expect((await get(`${site.url}/private`)).json()).toMatchObject({ code: 'login_required' })
    expect((await get(`${site.url}/cart`)).json()).toEqual({ cart: null })
    expect(setCookieLines(page)).toEqual([])
    expect(stranger.errors).toEqual([])
    deploy(before)
    expect(await sessionIdOf(browser)).toBe(id)
    expect((await get(`${site.url}/private`)).json()).toMatchObject({ sub: user, generation: 1 })
  })

  test('H21: a roll-out in two steps logs nobody out while servers of both steps answer in turn', async () => {
    const { browser, get, user } = await logInBefore()
    site.targets = [cautious.url, between.url]
    const pages = []
    for (let turn = 0; turn < 6; turn += 1) pages.push(await get(`${site.url}/fresh`))
    expect(pages.map((page) => page.json().generation)).toEqual([2, 3, 4, 5, 6, 7])
    const other = new Browser()
    for (const name of ['one', 'two']) expect((await other.logIn(site.url, { user: name })).status).toBe(200)
    expect((await browser.request('GET', `${site.url}/private`)).json()).toMatchObject({ sub: user })
  })
})
