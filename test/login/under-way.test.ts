// H32: logins that are under way while the same browser logs out, logs in in another tab, or has its session revoked; in
// memory, and where each of these meets another process.
import { startApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { type Start, useParts } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

const SITES = ['in memory', 'on Redis, over two processes'] as const
const ROUNDS = 10
const STEP_UP = '/step-up?seconds=300'

async function startSite(start: Start, name: (typeof SITES)[number]) {
  const clientID = `of the site ${name}`.replace(/\W+/g, '-')
  const client = { clientID, clientSecret: 'a secret of forty characters, more or less' }
  const provider = await start(startProvider())
  const redis = name === 'in memory' ? undefined : await start(startRedis())
  const setup = { provider, ...(redis && { redisUrl: redis.url }) }
  const home = await start(startApp({ ...setup, options: { ...client, logger: createLog().logger } }))
  await provider.registerClient({ clientId: clientID, clientSecret: client.clientSecret, baseURL: home.url })
  const options = { ...client, baseURL: home.url }
  const other = redis === undefined ? home : await start(startAppProcess({ ...setup, options }))
  return { provider, home, other }
}

describe.each(SITES)('H32: %s', (name) => {
  const { provider, home, other } = useParts((start) => startSite(start, name))
  let count = 0
  let user: string

  beforeEach(() => {
    count += 1
    user = `person-${count}`
  })
  afterEach(() => provider.normal())

  const there = (url: string) => url.replace(home.url, other.url)
  const whoIs = async (browser: Browser) => (await browser.request('GET', `${home.url}/public`)).json().sub
  const listed = async (sub = user) => (await home.auth.sessions.list(sub)).map(({ id }) => id)
  const logOut = (browser: Browser, url = other.url) => browser.request('POST', `${url}/logout`)
  const land = (browser: Browser, url: string) => browser.navigate(url, { stopAt: () => true })

  async function expectNobody(browser: Browser, sub = user): Promise<void> {
    expect(await whoIs(browser)).toBeUndefined()
    expect(await listed(sub)).toEqual([])
    await eventually('the tokens to be revoked', () => provider.liveRefreshTokens(sub).length === 0)
  }

  /** They are logged in, by the one session that there is. */
  async function expectAlone(browser: Browser, sub = user): Promise<void> {
    expect(await whoIs(browser)).toBe(sub)
    expect(await listed(sub)).toEqual([await sessionIdOf(browser)])
  }

  /** Callbacks of that many tabs, which began before any of them came back. */
  async function begin(browser: Browser, paths: string[] = ['/login', '/login'], users = [user]) {
    const callbacks: string[] = []
    for (const [at, path] of paths.entries()) {
      const as = users[at] ?? user
      if (as !== users[at - 1] && at > 0) await browser.clearCookies(provider.issuer)
      callbacks.push(await browser.tab().startLogin(home.url, { path, user: as }))
    }
    return callbacks as [string, string]
  }

  test.each([
    ['nobody, before the provider has seen its code', false, 'before'],
    ['nobody, when its tokens are there', false, 'after'],
    ['somebody, before the provider has seen its code', true, 'before'],
    ['somebody, when its tokens are there', true, 'after'],
  ] as const)('a logout while the callback of %s, waits: nobody is logged in', async (_whose, isIn, mode) => {
    const browser = new Browser()
    if (isIn) await browser.logIn(home.url, { user })
    const callback = await browser.startLogin(home.url, { user })
    const held = provider.holdNext('token', { grantType: 'authorization_code', mode })
    const landing = land(browser, callback)
    await (mode === 'before' ? held.arrived : held.processed)
    // At oidc-provider the end of one refresh token is the end of its grant, and of the code.
    if (isIn) provider.answerNext('revocation', { status: 200 })
    expect((await logOut(browser.tab())).status).toBe(303)
    held.release()
    const page = await landing
    expect([page.status, setCookieLine(page, 'bff')]).toEqual([400, undefined])
    expect(page.body).toContain('You were logged out meanwhile')
    await expectNobody(browser)
  })

  test('revoke(id) during the step-up of that session: nobody is logged in', async () => {
    const browser = new Browser()
    await browser.logIn(home.url, { user })
    const callback = await browser.startLogin(home.url, { path: STEP_UP, user })
    const held = provider.holdNext('token', { grantType: 'authorization_code', mode: 'after' })
    const landing = land(browser, there(callback))
    await held.processed
    expect(await home.auth.sessions.revoke(await sessionIdOf(browser))).toBe(true)
    held.release()
    expect((await landing).status).toBe(400)
    await expectNobody(browser)
  })

  test('revoke(id) while its person is at the provider for a step-up: the next login is one, that one is not', async () => {
    const browser = new Browser()
    await browser.logIn(home.url, { user })
    const callback = await browser.startLogin(home.url, { path: STEP_UP, user })
    provider.answerNext('revocation', { status: 200 })
    await home.auth.sessions.revoke(await sessionIdOf(browser))
    expect((await land(browser, there(callback))).status).toBe(400)
    expect(await listed()).toEqual([])
    expect((await browser.logIn(other.url, { user })).status).toBe(200)
    await expectAlone(browser)
  })

  test('a session that expires while its callback waits keeps nobody from logging in', async () => {
    const browser = new Browser()
    await browser.logIn(home.url, { user })
    const callback = await browser.startLogin(home.url, { user })
    const held = provider.holdNext('token', { grantType: 'authorization_code' })
    const landing = browser.navigate(there(callback))
    await held.arrived
    // By its person's other sessions only the refresh token is lost, not the login.
    provider.answerNext(
      'token',
      { status: 400, body: { error: 'invalid_grant' } },
      { grantType: 'refresh_token' },
    )
    expect((await browser.tab().request('POST', `${home.url}/fresh`)).status).toBe(401)
    held.release()
    expect((await landing).status).toBe(200)
    await expectAlone(browser)
  })

  test.each([
    ['the first', 0],
    ['the second', 1],
  ])('two tabs of one person, %s waits longer: one session, one entry', async (_which, slow) => {
    const browser = new Browser()
    const callbacks = await begin(browser)
    const held = provider.holdNext('token', { grantType: 'authorization_code' })
    const waiting = land(browser.tab(), callbacks[slow] ?? '')
    await held.arrived
    const quick = await land(browser.tab(), there(callbacks[1 - slow] ?? ''))
    expect(quick.status).toBe(303)
    await expectAlone(browser)
    held.release()
    expect((await waiting).status).toBe(303)
    await expectAlone(browser)
  })

  test('two tabs of one person at the same moment, again and again: one session, one entry', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const browser = new Browser()
      const callbacks = await begin(browser)
      const pages = await atOnce(callbacks, [home.url, other.url], (url) => land(browser.tab(), url))
      expect(pages.map(({ status }) => status)).toEqual([303, 303])
      await expectAlone(browser)
      await logOut(browser)
      expect(await listed()).toEqual([])
    }
  })

  test('two people in two tabs at the same moment: one of them has the only entry, and nobody else is logged in', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const people = [`${user}-a${round}`, `${user}-b${round}`]
      const browser = new Browser()
      const callbacks = await begin(browser, ['/login', '/login'], people)
      await atOnce(callbacks, [home.url, other.url], (url) => land(browser.tab(), url))
      const entries = await Promise.all(people.map((each) => listed(each)))
      expect(entries.flat()).toHaveLength(1)
      // The cookie is of whose answer came last: where the other one has replaced that session, it is nobody's.
      const isLast = entries.flat()[0] === (await sessionIdOf(browser))
      expect(await whoIs(browser)).toBe(
        isLast ? people[entries.findIndex(({ length }) => length > 0)] : undefined,
      )
    }
  })

  test('a step-up beside an ordinary login: the step-up is what stays', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const browser = new Browser()
      await browser.logIn(home.url, { user })
      const callbacks = await begin(browser, ['/login', STEP_UP])
      nextIdToken(provider, (claims) => ({ ...claims, acr: 'hwk' }))
      nextIdToken(provider, (claims) => ({ ...claims, acr: 'hwk' }))
      await atOnce(callbacks, [home.url, other.url], (url) => land(browser.tab(), url))
      await expectAlone(browser)
      expect((await browser.request('GET', home.url + STEP_UP)).status).toBe(200)
      await logOut(browser)
    }
  })

  test('a logout and two callbacks at the same moment, in every order: nobody is logged in', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const browser = new Browser()
      if (round % 2) await browser.logIn(home.url, { user })
      const [one, two] = await begin(browser)
      const doing = [
        () => land(browser.tab(), one),
        () => land(browser.tab(), there(two)),
        () => logOut(browser.tab(), round % 4 < 2 ? home.url : other.url),
      ]
      const turned = doing.map((_, at) => doing[(at + round) % doing.length] as () => Promise<Page>)
      await Promise.all(turned.map((act) => act()))
      expect(await listed()).toEqual([])
      expect(await whoIs(browser)).toBeUndefined()
    }
  })

  test('revoke(id) and a step-up at the same moment: nobody is logged in', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const browser = new Browser()
      await browser.logIn(home.url, { user })
      const id = await sessionIdOf(browser)
      const [one] = await begin(browser, [STEP_UP])
      const revoke = () => home.auth.sessions.revoke(id)
      const comeBack = () => land(browser.tab(), there(one))
      const [first, second] = round % 2 ? [revoke, comeBack] : [comeBack, revoke]
      const done = await Promise.all([first(), second()])
      // The step-up was done: what it replaced is not there to be revoked.
      if (done.includes(false)) continue
      expect(await listed()).toEqual([])
      expect(await whoIs(browser)).toBeUndefined()
    }
  })

  test('an answer of a callback that was lost keeps nobody out, and leaves no session behind', async () => {
    const browser = new Browser()
    const callback = await browser.startLogin(home.url, { user })
    const lost = browser.clone()
    await land(lost, callback)
    const page = await browser.logIn(other.url, { user, returnTo: '/private' })
    expect([page.status, page.hops.length < 8]).toEqual([200, true])
    await expectAlone(browser)
  })

  test('an answer of a logout that was lost keeps nobody from logging in again', async () => {
    const browser = new Browser()
    await browser.logIn(home.url, { user })
    await browser.startLogin(home.url, { user })
    await logOut(browser.clone())
    expect((await browser.logIn(home.url, { user })).status).toBe(200)
    await expectAlone(browser)
  })

  test('what a logout ended is over, and the next login of that browser is an ordinary one', async () => {
    const browser = new Browser()
    const callback = await browser.startLogin(home.url, { user })
    await logOut(browser)
    expect((await land(browser, callback)).status).toBe(400)
    await browser.logIn(home.url, { user })
    await expectAlone(browser)
  })
})

/** Each callback at its own process. */
function atOnce(callbacks: string[], at: string[], visit: (url: string) => Promise<Page>): Promise<Page[]> {
  return Promise.all(
    callbacks.map((callback, index) => {
      const { pathname, search } = new URL(callback)
      return visit(`${at[index]}${pathname}${search}`)
    }),
  )
}
