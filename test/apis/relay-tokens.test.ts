// Whose token goes to the API, and what they see who may not pass.
import { type RelayOptions, relay, requireClaim, requireFresh, requireStepUp } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { Browser } from '../support/browser/browser.ts'

let fixture: RelayFixture

beforeAll(async () => {
  fixture = await startRelayFixture()
  mount('/open', { token: 'user-or-none' })
  mount('/get', { methods: ['get', 'HEAD'] })
  const { app, api } = fixture
  app.app.use('/fresh', requireFresh(), relay({ target: api.url }))
  app.app.use('/step-up', requireStepUp({ acr: 'mfa' }), relay({ target: api.url }))
  app.app.use('/admins', requireClaim('role', 'admin'), relay({ target: api.url }))
})
afterAll(() => fixture?.stop())
beforeEach(() => {
  fixture.api.seen.length = 0
  fixture.lines.length = 0
  fixture.api.echo()
})

function mount(path: string, options: Partial<RelayOptions>) {
  fixture.app.app.use(path, relay({ target: fixture.api.url, ...options }))
}

const tokensSeen = () => fixture.api.seen.map(({ headers }) => headers.authorization)

test('the person’s access token goes to the API, and nothing of it comes back', async () => {
  const page = await fixture.browser.request('GET', fixture.url('/x'))
  const [sent = ''] = tokensSeen()
  expect(page.status).toBe(200)
  expect(fixture.provider.secretsSeen()).toContain(sent.replace('Bearer ', ''))
  expect(JSON.stringify(page)).not.toContain(sent.replace('Bearer ', ''))
})

test('who is not logged in gets what requireAuth() answers, and the API is not asked', async () => {
  const script = await new Browser().request('POST', fixture.url('/x'), { json: {} })
  expect([script.status, script.json()]).toEqual([
    401,
    expect.objectContaining({ code: 'login_required', login_url: '/login' }),
  ])
  const page = await new Browser().navigate(fixture.url('/x?a=1'), { stopAt: () => true })
  expect([page.status, page.headers.location]).toEqual([302, '/login?return_to=%2Fapi%2Fx%3Fa%3D1'])
  expect(fixture.api.seen).toEqual([])
})

test('where that is asked for, who is not logged in passes without a token, and the others with theirs', async () => {
  expect((await new Browser().request('GET', `${fixture.app.url}/open/x`)).status).toBe(200)
  expect((await fixture.browser.request('GET', `${fixture.app.url}/open/x`)).status).toBe(200)
  expect(tokensSeen()).toEqual([undefined, expect.stringMatching(/^Bearer ./)])
})

test('an API that wants a login of who has none is answered with ours', async () => {
  fixture.api.answer((_req, res) => res.writeHead(401, { 'www-authenticate': 'Bearer' }).end())
  const page = await new Browser().request('GET', `${fixture.app.url}/open/x`)
  expect([page.status, page.json().code]).toEqual([401, 'login_required'])
  expect(page.headers).not.toHaveProperty('www-authenticate')
})

test('another site’s page cannot send anything through the relay', async () => {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  const page = await fixture.browser.request('POST', fixture.url('/x'), { headers })
  expect([page.status, page.json().code]).toEqual([403, 'cross_site'])
  expect(fixture.api.seen).toEqual([])
})

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])(
  'a method that is not on the list is refused: %s',
  async (method) => {
    const page = await fixture.browser.request(method, `${fixture.app.url}/get/x`)
    expect(page).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    expect(page.json()).toMatchObject({ code: 'method_not_allowed' })
    expect(fixture.api.seen).toEqual([])
  },
)

test.each(['GET', 'HEAD'])('one that is on it passes: %s', async (method) => {
  expect((await fixture.browser.request(method, `${fixture.app.url}/get/x`)).status).toBe(200)
})

test('TRACE never passes, PATCH does', async () => {
  expect((await fixture.browser.request('TRACE', fixture.url('/x'))).status).toBe(405)
  expect((await fixture.browser.request('PATCH', fixture.url('/x'))).status).toBe(200)
  expect(fixture.api.seen.map(({ method }) => method)).toEqual(['PATCH'])
})

test('guards above a relay decide before it', async () => {
  const get = (path: string) => fixture.browser.request('GET', fixture.app.url + path)
  const before = fixture.provider.refreshCount()
  expect((await get('/fresh/x')).status).toBe(200)
  expect(fixture.provider.refreshCount() - before).toBe(1)
  expect((await get('/step-up/x')).json()).toMatchObject({ code: 'step_up_required' })
  expect((await get('/admins/x')).json()).toMatchObject({ code: 'claim_required' })
  expect(fixture.api.seen).toHaveLength(1)
})
