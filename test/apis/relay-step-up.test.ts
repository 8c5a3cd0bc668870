// An API that wants more of the person's authentication (RFC 9470): its challenge becomes this project's own.
import { relay } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { Browser } from '../support/browser/browser.ts'

let fixture: RelayFixture

beforeAll(async () => {
  fixture = await startRelayFixture()
  fixture.app.app.use('/open', relay({ target: fixture.api.url, token: 'user-or-none' }))
})
afterAll(() => fixture?.stop())
beforeEach(() => {
  fixture.api.seen.length = 0
})

const ERROR = 'error="insufficient_user_authentication"'

/** What the browser gets where the API answers with these challenges. */
async function answerTo(challenge: string | string[], ask = fixture.browser, path = '/api/x') {
  const renewals = fixture.provider.refreshCount()
  fixture.api.answer((req, res) => {
    req.resume().once('end', () => res.writeHead(401, { 'www-authenticate': challenge }).end())
  })
  const page = await ask.request('POST', fixture.app.url + path, { body: 'a body' })
  return { page, renewals: fixture.provider.refreshCount() - renewals }
}

test.each<[challenge: string | string[], loginQuery: string]>([
  [`Bearer ${ERROR}, acr_values="mfa"`, 'max_age=300&acr_values=mfa'],
  [`Bearer ${ERROR}, acr_values="mfa urn:phr", max_age="60"`, 'max_age=60&acr_values=mfa+urn%3Aphr'],
  [`Bearer ${ERROR}, max_age=60`, 'max_age=60'],
  [`Bearer ${ERROR}`, 'max_age=300'],
  [`bearer ERROR=insufficient_user_authentication,MAX_AGE=60`, 'max_age=60'],
  [`Bearer realm="a, Bearer error=\\"x\\"" , ${ERROR},max_age="60"`, 'max_age=60'],
  [`BEARER error = "insufficient_user_authentication" , max_age = 60`, 'max_age=60'],
  [`Basic realm="x", Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
  [`Bearer ${ERROR}, max_age="60", Basic realm="x", max_age="7"`, 'max_age=60'],
  [`Negotiate YWJjZA==, Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
  [`Negotiate, Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
  [[`Basic realm="x"`, `Bearer ${ERROR}, max_age="60"`], 'max_age=60'],
  [`DPoP algs="ES256", ${ERROR}, max_age="60"`, 'max_age=60'],
  [`Bearer error="invalid_token", Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
  [`Bearer ${ERROR}, acr_values="m\\fa", max_age="60"`, 'max_age=60&acr_values=mfa'],
  [`Bearer ${ERROR}, acr_values=urn:phr`, 'max_age=300&acr_values=urn%3Aphr'],
  [`, ,Bearer , ${ERROR}, max_age="60", `, 'max_age=60'],
  [`Bearer ${ERROR}, max_age="60", max_age="9"`, 'max_age=60'],
])('%j asks the person to confirm, and renews nothing', async (challenge, loginQuery) => {
  const { page, renewals } = await answerTo(challenge)
  expect([page.status, renewals, fixture.api.seen.length]).toEqual([401, 0, 1])
  expect(page.json()).toMatchObject({ code: 'step_up_required', login_url: `/login?${loginQuery}` })
  expect(page.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_user_authentication", /)
  expect(page.headers['www-authenticate']).not.toContain('realm')
})

test.each([
  `Bearer ${ERROR}, max_age="0"`,
  `Bearer ${ERROR}, max_age="-1"`,
  `Bearer ${ERROR}, max_age="1.5"`,
  `Bearer ${ERROR}, max_age="1e3"`,
  `Bearer ${ERROR}, max_age="${'9'.repeat(30)}"`,
  `Bearer ${ERROR}, max_age=""`,
  `Bearer ${ERROR}, acr_values="m\\"fa"`,
  `Bearer ${ERROR}, acr_values="${'x'.repeat(300)}"`,
  `Bearer ${ERROR}, acr_values="caf\xe9"`,
])('%j asks for what cannot be asked of a provider: a refusal, and no renewal', async (challenge) => {
  const { page, renewals } = await answerTo(challenge)
  expect([page.status, page.json().code, renewals]).toEqual([403, 'api_refused', 0])
})

test.each([
  `Basic ${ERROR}, max_age="60"`,
  `Bearer error="invalid_token", error_description="not insufficient_user_authentication"`,
  `Bearer realm="Bearer error=\\"insufficient_user_authentication\\""`,
  `Bearer error="Insufficient_User_Authentication"`,
  'Bearer error="insufficient_user_authentication',
  `${ERROR}`,
  '"',
  `${',='.repeat(3000)}`,
  `Bearer ${'a="\\\\'.repeat(2000)}`,
])('a challenge that does not say so is none: %j', async (challenge) => {
  const { page } = await answerTo(challenge)
  expect([page.status, page.json().code]).toEqual([403, 'api_refused'])
})

test('a page is sent to confirm, and comes back', async () => {
  fixture.api.answer((_req, res) => {
    res.writeHead(401, { 'www-authenticate': `Bearer ${ERROR}, max_age="60"` }).end()
  })
  const page = await fixture.browser.navigate(fixture.url('/x'), { stopAt: () => true })
  expect([page.status, page.headers.location]).toEqual([302, '/login?max_age=60&return_to=%2Fapi%2Fx'])
})

test('who is not logged in is asked for both at once', async () => {
  const { page } = await answerTo(`Bearer ${ERROR}, acr_values="mfa"`, new Browser(), '/open/x')
  expect(page.json()).toMatchObject({ status: 401, login_url: '/login?max_age=300&acr_values=mfa' })
})
