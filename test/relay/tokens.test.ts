// Whose token goes to the API, and what they see who may not pass.
import { type RelayOptions, relay, requireClaim, requireFresh, requireStepUp } from '../../src/index.ts'
import { Browser } from '../support/browser.ts'
import { type RelayBench, startRelayBench } from '../support/relay-bench.ts'

let bench: RelayBench

beforeAll(async () => {
  bench = await startRelayBench()
  mount('/open', { token: 'user-or-none' })
  mount('/get', { methods: ['get', 'HEAD'] })
  const { app, api } = bench
  app.app.use('/fresh', requireFresh(), relay({ target: api.url }))
  app.app.use('/step-up', requireStepUp({ acr: 'mfa' }), relay({ target: api.url }))
  app.app.use('/admins', requireClaim('role', 'admin'), relay({ target: api.url }))
})
afterAll(() => bench?.stop())
beforeEach(() => {
  bench.api.seen.length = 0
  bench.lines.length = 0
  bench.api.echo()
})

function mount(path: string, options: Partial<RelayOptions>) {
  bench.app.app.use(path, relay({ target: bench.api.url, ...options }))
}

const tokensSeen = () => bench.api.seen.map(({ headers }) => headers.authorization)

test('the person’s access token goes to the API, and nothing of it comes back', async () => {
  const page = await bench.browser.request('GET', bench.url('/x'))
  const [sent = ''] = tokensSeen()
  expect(page.status).toBe(200)
  expect(bench.provider.secretsSeen()).toContain(sent.replace('Bearer ', ''))
  expect(JSON.stringify(page)).not.toContain(sent.replace('Bearer ', ''))
})

test('who is not logged in gets what requireAuth() answers, and the API is not asked', async () => {
  const script = await new Browser().request('POST', bench.url('/x'), { json: {} })
  expect([script.status, script.json()]).toEqual([
    401,
    expect.objectContaining({ code: 'login_required', login_url: '/login' }),
  ])
  const page = await new Browser().navigate(bench.url('/x?a=1'), { stopAt: () => true })
  expect([page.status, page.headers.location]).toEqual([302, '/login?return_to=%2Fapi%2Fx%3Fa%3D1'])
  expect(bench.api.seen).toEqual([])
})

test('where that is asked for, who is not logged in passes without a token, and the others with theirs', async () => {
  expect((await new Browser().request('GET', `${bench.app.url}/open/x`)).status).toBe(200)
  expect((await bench.browser.request('GET', `${bench.app.url}/open/x`)).status).toBe(200)
  expect(tokensSeen()).toEqual([undefined, expect.stringMatching(/^Bearer ./)])
})

test('an API that wants a log-in of who has none is answered with ours', async () => {
  bench.api.answer((_req, res) => res.writeHead(401, { 'www-authenticate': 'Bearer' }).end())
  const page = await new Browser().request('GET', `${bench.app.url}/open/x`)
  expect([page.status, page.json().code]).toEqual([401, 'login_required'])
  expect(page.headers).not.toHaveProperty('www-authenticate')
})

test('another site’s page cannot send anything through the relay', async () => {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  const page = await bench.browser.request('POST', bench.url('/x'), { headers })
  expect([page.status, page.json().code]).toEqual([403, 'cross_site'])
  expect(bench.api.seen).toEqual([])
})

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])(
  'a method that is not on the list is refused: %s',
  async (method) => {
    const page = await bench.browser.request(method, `${bench.app.url}/get/x`)
    expect(page).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    expect(page.json()).toMatchObject({ code: 'method_not_allowed' })
    expect(bench.api.seen).toEqual([])
  },
)

test.each(['GET', 'HEAD'])('one that is on it passes: %s', async (method) => {
  expect((await bench.browser.request(method, `${bench.app.url}/get/x`)).status).toBe(200)
})

test('TRACE never passes, PATCH does', async () => {
  expect((await bench.browser.request('TRACE', bench.url('/x'))).status).toBe(405)
  expect((await bench.browser.request('PATCH', bench.url('/x'))).status).toBe(200)
  expect(bench.api.seen.map(({ method }) => method)).toEqual(['PATCH'])
})

test('guards above a relay decide before it', async () => {
  const get = (path: string) => bench.browser.request('GET', bench.app.url + path)
  const before = bench.provider.refreshCount()
  expect((await get('/fresh/x')).status).toBe(200)
  expect(bench.provider.refreshCount() - before).toBe(1)
  expect((await get('/step-up/x')).json()).toMatchObject({ code: 'step_up_required' })
  expect((await get('/admins/x')).json()).toMatchObject({ code: 'claim_required' })
  expect(bench.api.seen).toHaveLength(1)
})
