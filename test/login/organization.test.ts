// A login for one organization is a login to that one: what comes back has to name it, by id or by name (Auth0's `org_id` and
// `org_name`), whatever the browser made of the request on its way. And no renewal leads to another.
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { endBackOff, sessionIdOf, storedRecord } from '../support/session/age-session.ts'

const log = createLog()
let hooked = 0

const { provider, store, app, bound, posting } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = (more: AuthOptions = {}) =>
    start(
      startApp({
        provider,
        redisUrl: redis.url,
        options: {
          logger: log.logger,
          login: { params: ['organization', 'prompt'] },
          userClaims: ['org_id'],
          afterCallback: () => {
            hooked += 1
            return undefined
          },
          ...more,
        },
      }),
    )
  const app = await open()
  app.app.get('/acme', (_req, res, next) => {
    res.oidc.login({ returnTo: '/', authorizationParams: { organization: 'acme' } }).catch(next)
  })
  return {
    provider,
    store: redis.connect(),
    app,
    bound: await open({ authorizationParams: { organization: 'org_1' } }),
    posting: await open({ authorizationParams: { response_mode: 'form_post' } }),
  }
})
beforeEach(() => {
  log.lines.length = 0
  app.events.length = 0
  hooked = 0
})
afterEach(() => provider.normal())

const linkTo = (organization: string) => `/login?organization=${encodeURIComponent(organization)}`

/** Nobody is logged in, the page and the log say so, and no token that was given works. */
async function expectRefused(page: Page, user: string, reason: RegExp): Promise<void> {
  expect([page.status, new URL(page.url).pathname]).toEqual([400, '/callback'])
  expect(page.body).toContain('The provider did not log you in to the organization that was asked for')
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(hooked).toBe(0)
  expect(app.events.filter(({ name }) => name === 'refused')).toEqual([
    { name: 'refused', event: { code: 'login_failed', detail: expect.stringMatching(reason) } },
  ])
  await eventually(`no refresh token of ${user} works`, () => provider.liveRefreshTokens(user).length === 0)
}

test.each<[asked: string, claims: Record<string, unknown>]>([
  ['org_1', { org_id: 'org_1' }],
  ['org_1', { org_id: 'org_1', org_name: 'another' }],
  ['acme', { org_name: 'acme' }],
  ['acme', { org_name: 'ACME', org_id: 'org_9' }],
  ['AcMe', { org_name: 'acme' }],
  ['organization', { org_name: 'organization' }],
])('%j is what %j says: the person is logged in', async (asked, claims) => {
  nextIdToken(provider, claims)
  const page = await new Browser().logIn(app.url, { path: linkTo(asked), user: 'member' })
  expect(page.json()).toMatchObject({ home: true, sub: 'member' })
  expect(hooked).toBe(1)
})

test.each<[asked: string, claims: Record<string, unknown>, reason: RegExp]>([
  ['org_1', {}, /ID token's org_id is missing$/],
  ['org_1', { org_id: 'org_2' }, /org_id is another one$/],
  ['org_1', { org_id: 'ORG_1' }, /org_id is another one/],
  ['org_1', { org_id: 'org_11' }, /org_id is another one/],
  ['org_1', { org_id: 'org_1 ' }, /org_id is another one/],
  ['org_1', { org_id: '' }, /org_id is another one/],
  ['org_1', { org_id: null }, /org_id is missing/],
  ['org_1', { org_id: ['org_1'] }, /org_id is missing/],
  ['org_1', { org_id: { org_1: true } }, /org_id is missing/],
  ['org_1', { org_name: 'org_1' }, /org_id is missing/],
  ['org_1', { organization: 'org_1' }, /org_id is missing/],
  ['acme', {}, /org_name is missing/],
  ['acme', { org_id: 'acme' }, /org_name is missing/],
  ['acme', { org_name: 'acme2' }, /org_name is another one/],
  ['acme', { org_name: ['acme'] }, /org_name is missing/],
  ['ORG_1', { org_id: 'org_1' }, /org_name is missing/],
])('%j is not what %j says: nobody is logged in', async (asked, claims, reason) => {
  const keys = await authKeys(store)
  nextIdToken(provider, claims)
  const page = await new Browser().logIn(app.url, { path: linkTo(asked), user: 'stranger' })
  await expectRefused(page, 'stranger', reason)
  expect(await authKeys(store)).toEqual(keys)
})

test('the log says it in a line, without what a stranger wrote into the link', async () => {
  const page = await new Browser().logIn(app.url, { path: linkTo('org_<b>planted'), user: 'curious' })
  await expectRefused(page, 'curious', /org_id is missing/)
  expect(page.body + log.lines.join()).not.toContain('planted')
})

test('what the app itself asks for is checked, also where the browser takes it out of the request', async () => {
  nextIdToken(provider, { org_name: 'acme' })
  expect((await new Browser().logIn(app.url, { path: '/acme', user: 'member' })).json()).toMatchObject({
    sub: 'member',
  })
  hooked = 0
  const browser = new Browser()
  const asked = await browser.navigate(`${app.url}/acme`, { stopAt: () => true })
  const url = new URL(asked.headers.location ?? '')
  expect(url.searchParams.get('organization')).toBe('acme')
  url.searchParams.delete('organization')
  const page = await browser.finish(await browser.navigate(url.href), { user: 'slipper' })
  await expectRefused(page, 'slipper', /org_name is missing/)
})

test('an organization of the configuration is checked at every login, and a login of its own may name another', async () => {
  nextIdToken(provider, { org_id: 'org_1' })
  expect((await new Browser().logIn(bound.url, { user: 'member' })).json()).toMatchObject({ sub: 'member' })
  expect((await new Browser().logIn(bound.url, { user: 'none' })).status).toBe(400)
  nextIdToken(provider, { org_id: 'org_2' })
  expect((await new Browser().logIn(bound.url, { user: 'other' })).status).toBe(400)
  nextIdToken(provider, { org_id: 'org_2' })
  const page = await new Browser().logIn(bound.url, { path: linkTo('org_2'), user: 'guest' })
  expect(page.json()).toMatchObject({ sub: 'guest' })
  expect(provider.authorizationRequests().at(-1)?.params.organization).toBe('org_2')
})

test('a login without one is as ever, after one with one', async () => {
  const browser = new Browser()
  await browser.navigate(app.url + linkTo('org_1'), { stopAt: () => true })
  expect((await browser.logIn(app.url, { user: 'ordinary' })).json()).toMatchObject({ sub: 'ordinary' })
  expect((await browser.logIn(app.url, { path: '/login?organization=', user: 'ordinary' })).status).toBe(200)
})

describe('two tabs with an organization each', () => {
  const organizationOf = async (browser: Browser) =>
    (await browser.request('GET', `${app.url}/me`)).json<{ user?: { org_id: string } }>().user?.org_id

  async function beginBoth(user: string): Promise<{ browser: Browser; callbacks: string[] }> {
    const browser = new Browser()
    const callbacks = [
      await browser.startLogin(app.url, { path: linkTo('org_1'), user }),
      await browser.tab().startLogin(app.url, { path: linkTo('org_2'), user }),
    ]
    return { browser, callbacks }
  }

  test('are not taken for one another', async () => {
    const { browser, callbacks } = await beginBoth('both')
    nextIdToken(provider, { org_id: 'org_1' })
    expect((await browser.navigate(callbacks[0] ?? '')).status).toBe(200)
    nextIdToken(provider, { org_id: 'org_1' })
    expect((await browser.tab().navigate(callbacks[1] ?? '')).status).toBe(400)
    expect(await organizationOf(browser)).toBe('org_1')
  })

  test('do not make do with the session of the other: who came last is where they wanted to be', async () => {
    const { browser, callbacks } = await beginBoth('last')
    for (const [at, organization] of ['org_1', 'org_2'].entries()) {
      nextIdToken(provider, { org_id: organization })
      expect((await browser.tab().navigate(callbacks[at] ?? '')).status).toBe(200)
      expect(await organizationOf(browser)).toBe(organization)
    }
    expect(await app.auth.sessions.list('last')).toHaveLength(1)
  })
})

test('a silent login to another organization is none: the page is as it was, and only the log says so', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'quiet' })
  await browser.clearCookies(app.url)
  nextIdToken(provider, { org_id: 'org_2' })
  const page = await browser.navigate(`${app.url}${linkTo('org_1')}&prompt=none&return_to=/public`)
  expect(page).toMatchObject({ status: 200, url: `${app.url}/public` })
  expect(page.json()).toMatchObject({ authenticated: false })
  expect(log.lines).toEqual([
    expect.stringMatching(/a silent login failed \(login_failed\): .*org_id is another one/),
  ])
  nextIdToken(provider, { org_id: 'org_1' })
  const again = await browser.navigate(`${app.url}${linkTo('org_1')}&prompt=none&return_to=/public`)
  expect(again.json()).toMatchObject({ authenticated: true, sub: 'quiet' })
})

test('what comes back by a form is checked too', async () => {
  nextIdToken(provider, { org_id: 'org_1' })
  const page = await new Browser().logIn(posting.url, { path: linkTo('org_1'), user: 'posted' })
  expect(page.json()).toMatchObject({ sub: 'posted' })
  nextIdToken(provider, { org_id: 'org_2' })
  expect((await new Browser().logIn(posting.url, { path: linkTo('org_1'), user: 'posted' })).status).toBe(400)
})

test('who is logged in here stays so, as they were, where the login for another organization is refused', async () => {
  const browser = new Browser()
  nextIdToken(provider, { org_id: 'org_1' })
  await browser.logIn(app.url, { path: linkTo('org_1'), user: 'staying' })
  const [id, revocations] = [await sessionIdOf(browser), provider.revocations().length]
  const record = await storedRecord(store, id)
  expect((await browser.logIn(app.url, { path: linkTo('org_2'), user: 'staying' })).status).toBe(400)
  expect([await sessionIdOf(browser), await storedRecord(store, id)]).toEqual([id, record])
  expect((await browser.request('POST', `${app.url}/renew`)).json()).toMatchObject({ generation: 2 })
  expect(provider.revocations()).toHaveLength(revocations)
})

describe('a renewed ID token', () => {
  async function logInTo(organization: string): Promise<Browser> {
    const browser = new Browser()
    nextIdToken(provider, { org_id: organization })
    await browser.logIn(app.url, { path: linkTo(organization), user: 'renewing' })
    return browser
  }
  const renew = (browser: Browser) => browser.request('POST', `${app.url}/fresh`)

  test.each<[string, Record<string, unknown>]>([
    ['names it again', { org_id: 'org_1' }],
    ['says nothing of it', {}],
    ['says null', { org_id: null }],
    ['has another name for it', { org_id: 'org_1', org_name: 'renamed' }],
  ])('that %s is taken', async (_what, claims) => {
    const browser = await logInTo('org_1')
    void forgeNext(
      provider,
      signed(() => claims),
    )
    expect((await renew(browser)).json()).toMatchObject({ sub: 'renewing', generation: 2 })
  })

  test('of another organization is refused: 503, and the session goes on as it was with the new refresh token', async () => {
    const browser = await logInTo('org_1')
    void forgeNext(
      provider,
      signed(() => ({ org_id: 'org_2' })),
    )
    expect((await renew(browser)).json()).toMatchObject({ status: 503, code: 'provider_unavailable' })
    await endBackOff(store, browser)
    expect((await renew(browser)).json()).toMatchObject({ sub: 'renewing', generation: 3 })
  })
})
