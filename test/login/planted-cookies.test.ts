// A sibling site plants cookies that are genuine, and the attacker's own: a session's, and a login's that is under way. Whoever
// has one of them in common with a victim can neither end the victim's session nor keep them from logging in.
import { startApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { isScript } from '../support/redis/commands.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { useParts, useServers } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

const { provider, redis, app, log } = useServers({ redis: true })
const { front, fronted } = useParts(async (start) => {
  const front = await start(startRedisFront(redis))
  const options = { logger: log.logger, redisTimeoutSeconds: 10 }
  return { front, fronted: await start(startApp({ provider, redisUrl: front.url, options })) }
})
afterEach(() => front.normal())

const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json().sub

/** The attacker's cookies of that kind, in a browser of somebody who has nothing to do with them. */
async function plant(attacker: Browser, kind: RegExp): Promise<Browser> {
  const victim = new Browser()
  const cookies = (await attacker.cookies(app.url)).filter(({ key }) => kind.test(key))
  expect(cookies.length).toBeGreaterThan(0)
  for (const { key, value } of cookies) await victim.setCookie(`${key}=${value}; Path=/`, app.url)
  return victim
}

/** Whose ID token the answer to a logout takes to the provider. */
function hintOf({ headers }: Page): unknown {
  const hint = new URL(headers.location ?? '', app.url).searchParams.get('id_token_hint')
  return hint === null ? undefined : claimsOfToken(hint).sub
}

const logOut = (browser: Browser) =>
  browser.submit(`${app.url}/logout`, {}, { from: app.url, stopAt: () => true })

describe('the cookie of a session', () => {
  async function planted() {
    const attacker = new Browser()
    await attacker.logIn(app.url, { user: 'mallory' })
    return { attacker, id: await sessionIdOf(attacker), victim: await plant(attacker, /^bff$/) }
  }

  test('a logout of the attacker ends nobody else’s session, and shows nobody else’s ID token', async () => {
    const { attacker, victim } = await planted()
    await victim.logIn(app.url, { user: 'victim' })
    expect(hintOf(await logOut(attacker))).toBeUndefined()
    expect(await whoIs(victim)).toBe('victim')
  })

  test('sessions.revoke() of the attacker’s session ends nobody else’s that is taking its place', async () => {
    const { id, victim } = await planted()
    const callback = await victim.startLogin(fronted.url, { user: 'victim' })
    const held = front.holdNext((args) => isScript('finish')(args) && args.join().includes(id))
    const landing = victim.navigate(callback)
    await held.arrived
    expect(await app.auth.sessions.revoke(id)).toBe(true)
    held.release()
    expect((await landing).json()).toMatchObject({ sub: 'victim' })
  })
})

describe('the cookie of a login under way', () => {
  async function planted() {
    const attacker = new Browser()
    const callback = await attacker.startLogin(app.url, { user: 'mallory' })
    return { attacker, callback, victim: await plant(attacker, /^bff-login-/) }
  }

  test('a logout of the attacker ends nobody else’s session, and shows nobody else’s ID token', async () => {
    const { attacker, victim } = await planted()
    await victim.logIn(app.url, { user: 'victim' })
    expect(hintOf(await logOut(attacker))).toBeUndefined()
    expect(await whoIs(victim)).toBe('victim')
  })

  test('a login of the attacker ends nobody else’s session', async () => {
    const { attacker, callback, victim } = await planted()
    await victim.logIn(app.url, { user: 'victim' })
    await attacker.navigate(callback)
    expect([await whoIs(attacker), await whoIs(victim)]).toEqual(['mallory', 'victim'])
  })

  test('a logout of the attacker refuses nobody else’s login', async () => {
    const { attacker, victim } = await planted()
    const callback = await victim.startLogin(app.url, { user: 'victim' })
    await logOut(attacker)
    expect((await victim.navigate(callback)).json()).toMatchObject({ sub: 'victim' })
  })
})
