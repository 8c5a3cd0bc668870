// requireClaim() and GET /me: a value, one of several, or a predicate decides who of the logged-in may pass, and the page
// is told who is logged in and how fresh that is.
import { type AuthOptions, requireClaim, type User } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { setCookieLines } from '../support/evidence.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { useParts, useServers } from '../support/servers.ts'

type Expected = Parameters<typeof requireClaim>[1]

const CLAIMS = {
  role: 'admin',
  level: 3,
  beta: true,
  nothing: null,
  empty: '',
  groups: ['staff', 'billing'],
  mixed: [1, 'two', false],
  nested: [['staff']],
  none: [],
  about: { role: 'admin' },
}

const { provider, app, log } = useServers({ redis: true })
const { logger } = log

let guard = requireClaim('role', 'admin')
let asked: [unknown, User][] = []
const { hooked, browser } = useParts(async (start) => {
  const afterCallback = () => ({ user: { ...CLAIMS, sub: 'mallory', name: 'From the hook' } })
  const hooked = await start(startApp({ provider, options: { logger, afterCallback } }))
  hooked.app.all(
    '/claim',
    (req, res, next) => guard(req, res, next),
    (_req, res) => void res.json({ passed: true }),
  )
  const browser = new Browser()
  await browser.logIn(hooked.url, { user: 'alice' })
  return { hooked, browser }
})
beforeEach(() => {
  asked = []
})

/** What a logged-in script gets there. */
async function answer(claim: string, expected: Expected, method = 'GET') {
  guard = requireClaim(claim, expected)
  return browser.request(method, `${hooked.url}/claim`)
}

const remember =
  (verdict: unknown) =>
  (value: unknown, user: User): boolean => {
    asked.push([value, user])
    return verdict as boolean
  }

test.each<[string, string, Expected]>([
  ['the value', 'role', 'admin'],
  ['one of several', 'role', ['owner', 'admin']],
  ['a number', 'level', 3],
  ['true', 'beta', true],
  ['an empty text that is wanted', 'empty', ''],
  ['a list with the value', 'groups', 'billing'],
  ['a list with one of several', 'groups', ['nobody', 'staff']],
  ['a list of several kinds', 'mixed', [false, 7]],
  ['a claim of the ID token', 'sub', 'alice'],
  ['a predicate that says yes', 'level', (value) => Number(value) >= 3],
  ['a promise of yes', 'level', async (value) => value === 3],
  ['a predicate that asks about the person', 'missing', (_value, user) => user.sub === 'alice'],
])('%s lets through', async (_name, claim, expected) => {
  for (const method of ['GET', 'POST', 'DELETE'])
    expect((await answer(claim, expected, method)).json()).toEqual({ passed: true })
})

test.each<[string, string, Expected]>([
  ['another value', 'role', 'user'],
  ['other case', 'role', 'Admin'],
  ['the beginning of it', 'role', 'adm'],
  ['none of several', 'role', ['owner', 'user']],
  ['a number for a text', 'level', '3'],
  ['true for a text', 'beta', 'true'],
  ['1 for true', 'beta', 1],
  ['a list without it', 'groups', 'sales'],
  ['a list as one text', 'groups', 'staff,billing'],
  ['a list in a list', 'nested', 'staff'],
  ['an empty list', 'none', ['']],
  ['an object', 'about', '[object Object]'],
  ['null', 'nothing', 'null'],
  ['null, for a false', 'nothing', false],
  ['a claim that is not there', 'missing', 'undefined'],
  ['a claim that is not there, for a false', 'missing', false],
  ['a claim that is not there, for an empty text', 'missing', ''],
  ['a claim of the protocol', 'iss', '/./'],
  ['a sub that the hook would have', 'sub', 'mallory'],
  ['__proto__', '__proto__', '[object Object]'],
  ['a predicate that says no', 'role', () => false],
  ['a promise of no', 'role', async () => false],
  ['a predicate that says nothing', 'role', (() => undefined) as unknown as Expected],
  ['a predicate that says 1', 'role', (() => 1) as unknown as Expected],
  ["a predicate that says 'yes'", 'role', (() => 'yes') as unknown as Expected],
  ['a predicate that says new Boolean(true)', 'role', (() => Object(true)) as unknown as Expected],
  ['a promise of an object', 'role', (async () => ({})) as unknown as Expected],
])('%s gets 403', async (_name, claim, expected) => {
  const page = await answer(claim, expected)
  expect(page.status).toBe(403)
  expect(page.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(page.json()).toEqual({
    type: 'urn:express-bff-session:docs/errors.md#claim_required',
    title: 'You may not do this',
    status: 403,
    code: 'claim_required',
    detail: expect.any(String),
  })
})

test('who may not pass is told so on a page, is not sent to log in, and stays logged in', async () => {
  guard = requireClaim('role', '<b>owner</b>')
  const before = provider.authorizationRequests().length
  for (const page of [
    await browser.navigate(`${hooked.url}/claim`),
    await browser.submit(`${hooked.url}/claim`, {}, { from: hooked.url }),
  ]) {
    expect(page).toMatchObject({ status: 403, hops: { length: 1 } })
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    // What would have been enough is nobody's business.
    expect(page.body).not.toMatch(/owner|role/)
    expect(page.headers['set-cookie']).toBeUndefined()
  }
  expect(provider.authorizationRequests().length).toBe(before)
  expect((await browser.request('GET', `${hooked.url}/public`)).json()).toMatchObject({ sub: 'alice' })
})

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
  'a predicate on %s is given what the person has of their own: nothing',
  async (claim) => {
    await answer(claim, remember(true))
    expect(asked).toEqual([[undefined, expect.objectContaining({ sub: 'alice' })]])
  },
)

test('a predicate is given the claim and the person, and nothing of a token', async () => {
  await answer('groups', remember(true))
  const user = { ...CLAIMS, sub: 'alice', name: 'From the hook' }
  expect(asked).toEqual([[['staff', 'billing'], expect.objectContaining(user)]])
  for (const secret of provider.secretsSeen()) expect(JSON.stringify(asked)).not.toContain(secret)
})

const throwing = (error: unknown) => () => {
  throw error
}
const rejected = new Error('the directory is down')
test.each<[string, Expected]>([
  ['throws', throwing(rejected)],
  ['rejects', () => Promise.reject(rejected)],
  ['throws nothing', throwing(undefined)],
  ['rejects with nothing', () => Promise.reject()],
  ['rejects with null', () => Promise.reject(null)],
  ['rejects with false', () => Promise.reject(false)],
  ['rejects with an empty text', () => Promise.reject('')],
  ["rejects with 'route', a word of Express's", () => Promise.reject('route')],
  ["rejects with 'router', a word of Express's", () => Promise.reject('router')],
])('a predicate that %s is a fault of the app, and nobody passes', async (_name, expected) => {
  const page = await answer('role', expected)
  expect(page.body).not.toContain('passed')
  expect(page.status).toBe(500)
})

test('nobody is asked about who is not logged in', async () => {
  guard = requireClaim('role', remember(true))
  const stranger = new Browser()
  const script = await stranger.request('GET', `${hooked.url}/claim`)
  expect(script.json()).toMatchObject({ status: 401, code: 'login_required', login_url: '/login' })
  const form = await stranger.submit(`${hooked.url}/claim`, {}, { from: hooked.url })
  expect(form.status).toBe(401)
  const page = await stranger.navigate(`${hooked.url}/claim?x=1`, { stopAt: () => true })
  expect(page).toMatchObject({ status: 302, headers: { location: '/login?return_to=%2Fclaim%3Fx%3D1' } })
  expect(asked).toEqual([])
})

test('who logs in for it comes back to the page', async () => {
  guard = requireClaim('groups', ['staff'])
  const page = await new Browser().logIn(hooked.url, { path: '/claim?x=1', user: 'bob' })
  expect(page).toMatchObject({ status: 200, url: `${hooked.url}/claim?x=1` })
  expect(page.json()).toEqual({ passed: true })
})

test('claims of the ID token itself count, and a renewal may take them away', async () => {
  app.app.get('/staff', requireClaim('groups', 'staff'), (_req, res) => void res.json({ passed: true }))
  const person = new Browser()
  nextIdToken(provider, { groups: ['staff'] })
  await person.logIn(app.url, { user: 'carol' })
  const staff = () => person.request('GET', `${app.url}/staff`)
  expect((await staff()).json()).toEqual({ passed: true })
  await person.request('POST', `${app.url}/renew`)
  expect((await staff()).json()).toMatchObject({ code: 'claim_required' })
})

test.each<[string, unknown, unknown]>([
  ['no name', undefined, 'admin'],
  ['an empty name', '', 'admin'],
  ['a number for a name', 1, 'admin'],
  ['no value', 'role', undefined],
  ['null', 'role', null],
  ['an object', 'role', { admin: true }],
  ['a regular expression', 'role', /admin/],
  ['no values', 'role', []],
  ['a list with nothing in it', 'role', ['admin', undefined]],
  ['a list in a list', 'role', [['admin']]],
  ['a list with a function', 'role', [() => true]],
  ['a symbol', 'role', Symbol('admin')],
])('requireClaim() with %s is refused at start-up', (_name, claim, expected) => {
  expect(() => requireClaim(claim as string, expected as Expected)).toThrow(
    expect.objectContaining({ name: 'ConfigurationError', code: 'invalid_option' }),
  )
})

describe('GET /me', () => {
  const me = (browser: Browser, method = 'GET') => browser.request(method, `${app.url}/me`)

  test('logged out: not authenticated, and nothing else', async () => {
    const page = await me(new Browser())
    expect(page).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
    expect(page.json()).toEqual({ authenticated: false })
  })

  test('logged in: the claims about the person, and how fresh they are', async () => {
    const browser = new Browser()
    const began = Date.now()
    await browser.logIn(app.url, { user: 'alice' })
    const ended = Date.now()
    const page = await me(browser)
    const { session, ...rest } = page.json<{ session: Record<string, string> & { expiresIn: number } }>()
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
    expect(page.headers).not.toHaveProperty('etag')
    expect(rest).toEqual({
      authenticated: true,
      user: {
        sub: 'alice',
        name: 'alice Example',
        preferred_username: 'alice',
        email: 'alice@example.com',
        email_verified: true,
      },
    })
    expect(session).toMatchObject({ generation: 1 })
    const at = (name: string) => Date.parse(session[name] ?? '') - began
    expect(at('createdAt')).toBeGreaterThan(-1000)
    expect(at('createdAt')).toBeLessThanOrEqual(ended - began)
    expect(session.renewedAt).toBe(session.createdAt)
    expect(at('dueAt') - at('renewedAt')).toBe(900_000)
    expect(at('expiresAt')).toBeGreaterThan(86_000_000)
    expectSecondsUpTo(86_400, session.expiresIn, began)
    const always = ['createdAt', 'dueAt', 'expiresAt', 'expiresIn', 'generation', 'renewedAt']
    expect(Object.keys(session).sort()).toEqual(always)
    expect(setCookieLines(page)).toEqual([])
  })

  test.each<[string, NonNullable<AuthOptions['session']>]>([
    ['its idle time', { idleTimeoutSeconds: 60 }],
    ['its absolute lifetime', { absoluteTimeoutSeconds: 60 }],
  ])('the page is told how long the session lives when %s ends first', async (_what, session) => {
    const own = await startApp({ provider, options: { session } })
    try {
      const browser = new Browser()
      const began = Date.now()
      await browser.logIn(own.url)
      const answer = (await browser.request('GET', `${own.url}/me`)).json<{
        session: { expiresIn: number }
      }>()
      expectSecondsUpTo(60, answer.session.expiresIn, began)
    } finally {
      await own.stop()
    }
  })

  /** Whole, and no more of them gone than have passed since. */
  function expectSecondsUpTo(most: number, seconds: number, began: number) {
    expect(Number.isInteger(seconds)).toBe(true)
    expect(seconds).toBeGreaterThanOrEqual(most - Math.ceil((Date.now() - began) / 1000))
    expect(seconds).toBeLessThanOrEqual(most)
  }

  const ADA = { roles: ['admin'], birthdate: '1815-12-10', locale: 'en-GB', staff_number: 7 }

  test.each<[string, AuthOptions, object]>([
    ['the usual ones alone', {}, { name: 'ada Example', email: 'ada@example.com', locale: 'en-GB' }],
    [
      'those of the list alone',
      { userClaims: ['roles', 'birthdate'] },
      { roles: ['admin'], birthdate: '1815-12-10' },
    ],
    ['what afterCallback added, where it is listed', { userClaims: ['team'] }, { team: 'engines' }],
    ['none of an empty list', { userClaims: [] }, {}],
    ['what is not there, is not told', { userClaims: ['nickname', 'toString', '__proto__'] }, {}],
  ])('of the claims about the person the page is told %s', async (_which, options, told) => {
    const afterCallback = () => ({ user: { team: 'engines', salary: 1 } })
    let user: unknown
    const own = await startApp({ provider, options: { ...options, afterCallback, logger } })
    try {
      own.app.get('/all', (req, res) => {
        user = req.oidc.user
        res.end()
      })
      const browser = new Browser()
      nextIdToken(provider, ADA)
      await browser.logIn(own.url, { user: 'ada' })
      const answer = (await browser.request('GET', `${own.url}/me`)).json()
      await browser.request('GET', `${own.url}/all`)
      const usual = options.userClaims ? {} : { preferred_username: 'ada', email_verified: true }
      expect(answer.user).toEqual({ sub: 'ada', ...usual, ...told })
      expect(user).toMatchObject({ ...ADA, team: 'engines', salary: 1 })
    } finally {
      await own.stop()
    }
  })

  test('no token and no secret of the protocol is in it', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'alice' })
    const { body } = await me(browser)
    for (const secret of provider.secretsSeen()) expect(body).not.toContain(secret)
    expect(body).not.toMatch(/nonce|at_hash|token/)
  })

  test('HEAD is answered without a body, other methods are refused', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'alice' })
    expect(await me(browser, 'HEAD')).toMatchObject({ status: 200, body: '' })
    expect(await me(browser, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })

  test("another site's script cannot read it", async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'alice' })
    const page = await browser.request('GET', `${app.url}/me`, { from: 'https://evil.example/' })
    // The cookie is Lax and stays away, and no CORS header opens the answer, whatever it is.
    expect(page.json()).toMatchObject({ status: 403, code: 'cross_site' })
    expect(page.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('after the logout it says so', async () => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'alice' })
    const before = browser.clone()
    await browser.request('POST', `${app.url}/logout`)
    for (const each of [browser, before]) expect((await me(each)).json()).toEqual({ authenticated: false })
  })
})
