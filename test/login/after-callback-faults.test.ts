// afterCallback that fails, or answers with what nobody can understand: nobody is let in by accident.
import { randomBytes } from 'node:crypto'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

type Hook = NonNullable<AuthOptions['afterCallback']>

let provider: TestProvider
let app: TestApp
let hook: Hook = () => undefined
const log = createLog()

beforeAll(async () => {
  provider = await startProvider()
  const afterCallback: Hook = (login, req) => hook(login, req)
  app = await startApp({ provider, options: { logger: log.logger, afterCallback } })
})
beforeEach(() => {
  log.lines.length = 0
  app.errors.length = 0
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

/** A login that comes to nothing: its status, and what it left behind. */
async function expectNobody(answer: () => unknown): Promise<number> {
  const user = `user-${randomBytes(4).toString('hex')}`
  hook = answer as Hook
  const browser = new Browser()
  const page = await browser.logIn(app.url, { user, returnTo: '/private' })
  expect(new URL(page.url).pathname).toBe('/callback')
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect((await browser.request('GET', `${app.url}/me`)).json()).toEqual({ authenticated: false })
  await eventually('the refresh token is revoked', () => provider.liveRefreshTokens(user).length === 0)
  return page.status
}

const throwing = (error: unknown) => () => {
  throw error
}
const circle: Record<string, unknown> = {}
circle.self = circle

test.each<[string, () => unknown]>([
  ['throws', throwing(new Error('no directory'))],
  ['rejects', () => Promise.reject(new Error('no directory'))],
  ['throws nothing', throwing(undefined)],
  ['rejects with nothing', () => Promise.reject()],
  ['rejects with null', () => Promise.reject(null)],
  ["rejects with 'route', a word of Express's", () => Promise.reject('route')],
  ['returns what JSON cannot hold', () => ({ user: { big: 1n } })],
  ['returns a circle', () => ({ user: circle })],
])('a hook that %s is a fault of the app: 500 by Express, and nobody is logged in', async (_name, fault) => {
  expect(await expectNobody(fault)).toBe(500)
  expect(app.errors).toHaveLength(1)
  expect(log.lines).toEqual([])
})

test.each<[string, unknown]>([
  ['an empty text', ''],
  ['true', true],
  ['false', false],
  ['a number', 1],
  ['null', null],
  ['an object', { toString: throwing(new Error('no text')) }],
])('a refusal that is %s lets nobody in', async (_name, refuse) => {
  expect(await expectNobody(() => ({ refuse }))).toBeGreaterThanOrEqual(403)
})

test.each<[string, unknown]>([
  ['false', false],
  ['true', true],
  ['null', null],
  ['a number', 0],
  ['a text', 'no'],
  ['a list', []],
  ['a function', () => true],
  ['an Error', new Error('not allowed')],
  ['a word that nobody knows', { refused: 'Not you.' }],
  ['a user that is a text', { user: 'admin' }],
  ['a user that is a list', { user: ['admin'] }],
])('a hook that returns %s said nothing that can be understood: nobody is let in', async (_name, verdict) => {
  expect(await expectNobody(async () => verdict)).toBe(500)
})
