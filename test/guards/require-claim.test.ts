// requireClaim(): a value, one of several, or a predicate decides who of the logged-in may pass.
import { requireClaim, type User } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

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

let provider: TestProvider
let app: TestApp
let browser: Browser
let guard = requireClaim('role', 'admin')
let asked: [unknown, User][] = []

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({
    provider,
    options: { afterCallback: () => ({ user: { ...CLAIMS, sub: 'mallory', name: 'From the hook' } }) },
  })
  app.app.all(
    '/claim',
    (req, res, next) => guard(req, res, next),
    (_req, res) => void res.json({ passed: true }),
  )
  browser = new Browser()
  await browser.logIn(app.url, { user: 'alice' })
})
beforeEach(() => {
  asked = []
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

/** What a logged-in script gets there. */
async function answer(claim: string, expected: Expected, method = 'GET') {
  guard = requireClaim(claim, expected)
  return browser.request(method, `${app.url}/claim`)
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
    type: 'about:blank',
    title: 'Forbidden',
    status: 403,
    code: 'claim_required',
    detail: expect.any(String),
  })
})

test('who may not pass is told so on a page, is not sent to log in, and stays logged in', async () => {
  guard = requireClaim('role', '<b>owner</b>')
  const before = provider.authorizationRequests().length
  for (const page of [
    await browser.navigate(`${app.url}/claim`),
    await browser.submit(`${app.url}/claim`, {}, { from: app.url }),
  ]) {
    expect(page).toMatchObject({ status: 403, hops: { length: 1 } })
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    // What would have been enough is nobody's business.
    expect(page.body).not.toMatch(/owner|role/)
    expect(page.headers['set-cookie']).toBeUndefined()
  }
  expect(provider.authorizationRequests().length).toBe(before)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ sub: 'alice' })
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
  const script = await stranger.request('GET', `${app.url}/claim`)
  expect(script.json()).toMatchObject({ status: 401, code: 'login_required', login_url: '/login' })
  const form = await stranger.submit(`${app.url}/claim`, {}, { from: app.url })
  expect(form.status).toBe(401)
  const page = await stranger.navigate(`${app.url}/claim?x=1`, { stopAt: () => true })
  expect(page).toMatchObject({ status: 302, headers: { location: '/login?return_to=%2Fclaim%3Fx%3D1' } })
  expect(asked).toEqual([])
})

test('who logs in for it comes back to the page', async () => {
  guard = requireClaim('groups', ['staff'])
  const page = await new Browser().logIn(app.url, { path: '/claim?x=1', user: 'bob' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/claim?x=1` })
  expect(page.json()).toEqual({ passed: true })
})

test('claims of the ID token itself count, and a renewal may take them away', async () => {
  const other = await startApp({ provider })
  try {
    other.app.get('/staff', requireClaim('groups', 'staff'), (_req, res) => void res.json({ passed: true }))
    const person = new Browser()
    nextIdToken(provider, { groups: ['staff'] })
    await person.logIn(other.url, { user: 'carol' })
    const staff = () => person.request('GET', `${other.url}/staff`)
    expect((await staff()).json()).toEqual({ passed: true })
    await person.request('POST', `${other.url}/renew`)
    expect((await staff()).json()).toMatchObject({ code: 'claim_required' })
  } finally {
    await other.stop()
  }
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
