// H11: everything that a token endpoint can answer besides tokens.
import type { AppProcess } from '../support/app/app-process.ts'
import { expectTryLater, type FaultFixture, startFaultFixture } from '../support/app/fault-fixture.ts'
import { eventually } from '../support/deadline.ts'
import type { Answer } from '../support/provider/faults.ts'
import { ageSession, endBackOff } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture
let one: AppProcess
let other: AppProcess

beforeAll(async () => {
  // What was lost on its way after the provider rotated may be asked for again.
  fixture = await startFaultFixture({ processes: 2, reuseSeconds: 60 })
  ;[one, other] = fixture.processes as [AppProcess, AppProcess]
})

afterAll(() => fixture?.stop())
afterEach(() => fixture.provider.normal())

const HTML = { 'content-type': 'text/html' }
const JSON_TYPE = { 'content-type': 'application/json' }
const TOKENS = { access_token: 'a'.repeat(40), token_type: 'Bearer', expires_in: 3600 }

const always = (answer: Answer) => () => fixture.provider.answerAll('token', answer)
const ok = (body: Answer['body'], headers: Answer['headers'] = JSON_TYPE) =>
  always({ status: 200, headers: { ...headers }, ...(body !== undefined && { body }) })

const faults: [string, outcome: string, () => void][] = [
  ['answers 500', 'server-error', always({ status: 500 })],
  [
    'answers 502 with a page',
    'server-error',
    always({ status: 502, headers: HTML, body: '<h1>Bad gateway' }),
  ],
  ['answers 503 with JSON', 'server-error', always({ status: 503, body: { error: 'server_error' } })],
  ['answers 429', 'rate-limited', always({ status: 429, headers: { 'retry-after': '7' } })],
  ['answers 429 with JSON', 'rate-limited', always({ status: 429, body: { error: 'slow_down' } })],
  ['resets the connection at once', 'unreachable', () => fixture.provider.cutAll('token', 'before')],
  ['resets the connection after rotating', 'unreachable', () => fixture.provider.cutAll('token', 'after')],
  ['resets the connection midway', 'unreachable', () => fixture.provider.cutAll('token', 'midway')],
  ['answers 200 with a page', 'unreadable', ok('<h1>Log in to the Wi-Fi', HTML)],
  ['answers 200 with a page that claims to be JSON', 'unreadable', ok('<h1>Log in to the Wi-Fi')],
  ['answers 200 with nothing', 'unreadable', ok('')],
  ['answers 204', 'unreadable', always({ status: 204 })],
  ['answers []', 'unreadable', ok('[]')],
  ['answers {}', 'unreadable', ok('{}')],
  ['answers null', 'unreadable', ok('null')],
  ['answers an access_token that is a number', 'unreadable', ok({ ...TOKENS, access_token: 12 })],
  ['answers token_type mac', 'unreadable', ok({ ...TOKENS, token_type: 'mac' })],
  ['answers a refresh_token that is a list', 'unreadable', ok({ ...TOKENS, refresh_token: ['r'] })],
  ['answers 10 MB', 'unreadable', ok(Buffer.alloc(10_000_000, ' '))],
  [
    'answers a byte a second',
    'timeout',
    always({ status: 200, headers: JSON_TYPE, body: TOKENS, dripMs: 1000 }),
  ],
  ['answers 302', 'unreadable', () => redirect(302)],
  ['answers 307', 'unreadable', () => redirect(307)],
  ['answers 401 invalid_client', 'refused', always({ status: 401, body: { error: 'invalid_client' } })],
  [
    'answers 400 unauthorized_client',
    'refused',
    always({ status: 400, body: { error: 'unauthorized_client' } }),
  ],
  ['answers 403 with a page', 'refused', always({ status: 403, headers: HTML, body: '<h1>Blocked' })],
]

function redirect(status: number) {
  const location = `${fixture.provider.issuer}/elsewhere`
  fixture.provider.answerAll('token', { status, headers: { location } })
}

test.each(faults)(
  'H11: a provider that %s costs nobody the session: %s, once for all processes',
  async (_what, outcome, spoil) => {
    const { provider, admin, stored, told } = fixture
    const { browser, get, renewals, user } = await logIn(provider, fixture.cluster.url)
    await ageSession(admin, browser, 901)
    spoil()
    const pages = await Promise.all([one, other, one, other].map(({ url }) => get(`${url}/private`)))
    for (const page of pages) {
      expect([page.status, page.headers['set-cookie']]).toEqual([200, undefined])
      expect(page.json()).toMatchObject({ sub: user, generation: 1 })
    }
    for (const { url } of [one, other]) {
      const refused = await get(`${url}/fresh`)
      expectTryLater(
        refused,
        refused.json().code === 'renewal_pending' ? 'renewal_pending' : 'provider_unavailable',
      )
    }
    const failed = await eventually('the failure to be told', () => told('renewal-failed', user)[0])
    expect(failed).toEqual({
      subject: user,
      generation: 1,
      outcome,
      detail: expect.stringMatching(/^.{1,200}$/),
      retryAfterSeconds: expect.any(Number),
    })
    expect(renewals()).toBe(1)
    expect(await stored(browser)).toMatchObject({ generation: 1 })

    provider.normal()
    await endBackOff(admin, browser)
    expect((await get(`${other.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 2 })
    expect(renewals()).toBe(2)
    expect([told('session-ended', user), told('renewal-failed', user).length]).toEqual([[], 1])
    expect(provider.requests({ path: '/elsewhere' })).toEqual([])
  },
)
