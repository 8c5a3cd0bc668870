// H32, in every order: a callback is stopped before each of its commands to Redis in turn, and meanwhile another process logs
// the browser out, logs it in as somebody, or ends its session.
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

const client = { clientID: 'both-apps', clientSecret: 'known to both of them, forty characters long' }
/** More commands than a callback has. */
const MOST_STEPS = 40
const STEP_UP = '/step-up?seconds=300'

const { provider, front, home, stopped } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const front = await start(startRedisFront(redis))
  const open = (redisUrl: string, baseURL?: string) =>
    start(
      startApp({
        provider,
        redisUrl,
        options: {
          ...client,
          ...(baseURL && { baseURL }),
          // At oidc-provider one revocation ends all that the person has of this client.
          revokeOnLogout: false,
          redisTimeoutSeconds: 10,
          logger: createLog().logger,
        },
      }),
    )
  const home = await open(redis.url)
  await provider.registerClient({
    clientId: client.clientID,
    clientSecret: client.clientSecret,
    baseURL: home.url,
  })
  return { provider, front, home, stopped: await open(front.url, home.url) }
})
afterEach(() => {
  front.normal()
  provider.normal()
})

let count = 0
const listed = async (sub: string) => (await home.auth.sessions.list(sub)).map(({ id }) => id)
const whoIs = async (browser: Browser) => (await browser.request('GET', `${home.url}/public`)).json().sub
const land = (browser: Browser, url: string) => browser.navigate(url, { stopAt: () => true })

interface Scene {
  readonly browser: Browser
  /** whose callback is stopped */
  readonly user: string
  /** the session before, if there is one */
  readonly id: string
}

interface Play {
  /** somebody is logged in before */
  isIn: boolean
  path: string
  /** another login that is under way in that browser */
  other?: { path: string; somebodyElse?: true }
  /** @returns false where the callback was done already */
  act?(scene: Scene): Promise<boolean>
}

const logOut = async ({ browser }: Scene) =>
  (await browser.tab().request('POST', `${home.url}/logout`)).status === 303
const revoke = ({ id }: Scene) => home.auth.sessions.revoke(id)

const ENDINGS: [what: string, play: Play][] = [
  ['a logout of nobody', { isIn: false, path: '/login', act: logOut }],
  ['a logout of somebody', { isIn: true, path: '/login', act: logOut }],
  ['a logout during a step-up', { isIn: true, path: STEP_UP, act: logOut }],
  ['revoke(id) during a step-up', { isIn: true, path: STEP_UP, act: revoke }],
]
const LOGINS: [what: string, play: Play][] = [
  ['the same person’s other tab', { isIn: false, path: '/login', other: { path: '/login' } }],
  ['the same person’s other tab, logged in', { isIn: true, path: '/login', other: { path: '/login' } }],
  ['a step-up in the other tab', { isIn: true, path: '/login', other: { path: STEP_UP } }],
  ['a login beside the step-up', { isIn: true, path: STEP_UP, other: { path: '/login' } }],
  ['two step-ups', { isIn: true, path: STEP_UP, other: { path: STEP_UP } }],
  ['somebody else’s login', { isIn: false, path: '/login', other: { path: '/login', somebodyElse: true } }],
  [
    'somebody else’s login over a session',
    { isIn: true, path: '/login', other: { path: '/login', somebodyElse: true } },
  ],
]

/** Stops what goes through the front before its command of that number. */
function holdCommand(step: number) {
  let seen = 0
  const reached = createSignal()
  const { release } = front.holdNext(() => {
    seen += 1
    if (seen - 1 !== step) return false
    reached.resolve()
    return true
  })
  return {
    release,
    async comesBefore(done: Promise<unknown>): Promise<boolean> {
      const comes = await Promise.race([reached.promise.then(() => true), done.then(() => false)])
      if (!comes) front.normal()
      return comes
    },
  }
}

/** Stops the callback before its command of that number, acts, lets it go on. @returns undefined where it has not so many */
async function stopAt(step: number, { isIn, path, other, act }: Play) {
  count += 1
  const user = `person-${count}`
  const browser = new Browser()
  if (isIn) await browser.logIn(home.url, { user })
  const id = isIn ? await sessionIdOf(browser) : ''
  const callback = await browser.tab().startLogin(home.url, { path, user })
  const somebody = other?.somebodyElse ? `${user}-else` : user
  if (other?.somebodyElse) await browser.clearCookies(provider.issuer)
  const beside = other && (await browser.tab().startLogin(home.url, { path: other.path, user: somebody }))

  const atProvider = provider.holdNext('token', { grantType: 'authorization_code' })
  const landing = land(browser.tab(), callback.replace(home.url, stopped.url))
  await atProvider.arrived
  const held = holdCommand(step)
  atProvider.release()
  if (!(await held.comesBefore(landing))) return undefined
  const acted = act
    ? await act({ browser, user, id })
    : (await land(browser.tab(), beside ?? '')).status === 303
  held.release()
  const page = await landing
  return { browser, people: [user, somebody], page, acted }
}

async function everyStep<Done>(
  stop: (step: number) => Promise<Done | undefined>,
  check: (at: Done) => Promise<void>,
) {
  let steps = 0
  for (; steps < MOST_STEPS; steps += 1) {
    const done = await stop(steps)
    if (done === undefined) break
    await check(done)
  }
  // Enough to know that something was stopped, few enough to know that all was.
  expect(steps).toBeGreaterThan(1)
  expect(steps).toBeLessThan(MOST_STEPS)
}

test.each(ENDINGS)('H32: %s, at each step of a callback: nobody is logged in', async (_what, play) => {
  await everyStep(
    (step) => stopAt(step, play),
    async ({ browser, people: [user = ''], acted }) => {
      // It was replaced before, and there is nothing of that id to revoke.
      if (!acted) return
      expect(await listed(user)).toEqual([])
      expect(await whoIs(browser)).toBeUndefined()
    },
  )
})

test.each(LOGINS)(
  'H32: %s, at each step of a callback: one session, which the browser has',
  async (_what, play) => {
    await everyStep(
      (step) => stopAt(step, play),
      async ({ browser, people, page }) => {
        expect(page.status).toBe(303)
        const sub = String(await whoIs(browser))
        expect(people).toContain(sub)
        const entries = await Promise.all([...new Set(people)].map((each) => listed(each)))
        expect(entries.flat()).toEqual([await sessionIdOf(browser)])
      },
    )
  },
)

test.each([
  ['nobody', false],
  ['somebody', true],
])('H32: a callback of %s at each step of a logout: nobody is logged in', async (_who, isIn) => {
  const stop = async (step: number) => {
    count += 1
    const user = `person-${count}`
    const browser = new Browser()
    if (isIn) await browser.logIn(home.url, { user })
    const callback = await browser.tab().startLogin(home.url, { user })
    const held = holdCommand(step)
    const leaving = browser.tab().request('POST', `${stopped.url}/logout`)
    if (!(await held.comesBefore(leaving))) return undefined
    await land(browser.tab(), callback)
    held.release()
    await leaving
    return { browser, user }
  }
  await everyStep(stop, async ({ browser, user }) => {
    expect(await listed(user)).toEqual([])
    expect(await whoIs(browser)).toBeUndefined()
  })
})

test('a front that stops nothing is where a login goes through', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(home.url, { user: 'plain' })
  expect((await land(browser, callback.replace(home.url, stopped.url))).status).toBe(303)
  await eventually('the session', async () => (await listed('plain')).length === 1)
})
