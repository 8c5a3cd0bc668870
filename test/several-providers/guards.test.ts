// Guards that name a provider: who passes, who is sent where, and what a script is told.
import express, { type ErrorRequestHandler } from 'express'
import request from 'supertest'
import { auth, requireAuth, requireClaim, requireFresh, requireStepUp } from '../../src/index.ts'
import { signedIn, testOptions, testProvider } from '../../src/testing/index.ts'
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useStarted } from '../support/servers.ts'

const app = useStarted(() => startTwoProviders())

type From = 'staff' | 'customers' | 'nobody'

/** Somebody who is logged in with that provider, or nobody. */
async function visitor(from: From): Promise<Browser> {
  const browser = new Browser()
  if (from !== 'nobody') await browser.logIn(app.url, { path: `/login?provider=${from}`, user: 'alice' })
  return browser
}

const GUARDED = ['/staff', '/fresh', '/step-up', '/alice'] as const

describe.each<[From, code: string, passes: readonly string[]]>([
  ['nobody', 'login_required', []],
  ['customers', 'provider_required', ['/customers', '/either']],
  ['staff', 'provider_required', ['/staff', '/fresh', '/alice', '/either']],
])('%s', (from, code, passes) => {
  test.each([
    ['/staff', 'staff'],
    ['/customers', 'customers'],
    ['/either', 'customers'],
    ['/fresh', 'staff'],
    ['/step-up', 'staff'],
    ['/alice', 'staff'],
  ])('at %s', async (path, provider) => {
    const browser = await visitor(from)
    const answer = await browser.request('GET', app.url + path)
    if (passes.includes(path)) {
      expect(answer.status).toBe(200)
      expect(answer.json()).toMatchObject({ passed: path, sub: 'alice', provider: from })
      return
    }
    expect(answer.status).toBe(401)
    const stepUp = path === '/step-up' ? 'max_age=300&' : ''
    // A login of no step-up has not said when the person authenticated.
    const told = from === provider ? 'step_up_required' : code
    expect(answer.json()).toMatchObject({ code: told, login_url: `/login?${stepUp}provider=${provider}` })
    const page = await browser.navigate(app.url + path, { stopAt: () => true })
    expect(page.status).toBe(302)
    const sent = `/login?${stepUp}provider=${provider}&return_to=${encodeURIComponent(path)}`
    expect(page.headers.location).toBe(sent)
  })
})

test('a form of somebody from elsewhere is answered by a page that leads to the right login', async () => {
  const browser = await visitor('customers')
  const page = await browser.submit(`${app.url}/staff`, {}, { from: app.url })
  expect(page.status).toBe(401)
  expect(page.body).toContain('href="/login?provider=staff"')
  expect(page.body).toContain('Log in with &#39;staff&#39; to continue.')
})

test.each(GUARDED)('a customer at %s comes back to it as staff', async (path) => {
  const browser = await visitor('customers')
  const page = await browser.logIn(app.url, { path, user: 'alice' })
  expect(page).toMatchObject({ status: 200, url: app.url + path })
  expect(page.json()).toMatchObject({ passed: path, sub: 'alice', provider: 'staff' })
})

test('a name that auth() does not know is a mistake, told at the first request with the name that is near', async () => {
  const { status } = await new Browser().request('GET', `${app.url}/stuff`)
  expect(status).toBe(500)
  expect(app.errors.at(-1)).toMatchObject({
    code: 'invalid_option',
    message: `requireAuth(): provider is "stuff", which is none of the option providers; did you mean 'staff'?`,
  })
})

test('with authRequired too', async () => {
  const entry = { issuerBaseURL: 'https://id.example.com', clientID: 'shop' }
  const bff = auth(testOptions({ authRequired: true, providers: { staff: entry, customers: entry } }))
  const agent = request.agent(express().use(bff))
  await signedIn(agent, bff, { sub: 'mallory' }, { provider: 'customers', due: true })
  testProvider().block('mallory')
  const answer = await agent.get('/')
  expect([answer.status, answer.body]).toMatchObject([
    401,
    { code: 'session_ended', login_url: '/login?provider=customers' },
  ])
  testProvider().unblock('mallory')
  await bff.close()
})

test('with one provider there is none to name', async () => {
  const errors: unknown[] = []
  const bff = auth(testOptions())
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error)
    res.status(500).end()
  }
  const one = express().use(bff, requireAuth({ provider: 'staff' }), onError)
  expect((await request(one).get('/')).status).toBe(500)
  expect(errors).toMatchObject([
    {
      code: 'invalid_option',
      message:
        'requireAuth(): provider is "staff", which is none of the option providers: it is not given, and there is one provider only',
    },
  ])
  await bff.close()
})

test.each([
  ['requireAuth', () => requireAuth({ provider: '' })],
  ['requireAuth', () => requireAuth({ provider: [] })],
  ['requireFresh', () => requireFresh({ provider: 7 as never })],
  ['requireStepUp', () => requireStepUp({ acr: 'mfa', provider: [undefined as never] })],
  ['requireClaim', () => requireClaim('sub', 'alice', { provider: null as never })],
])('%s() is told at once of what can be no name', (name, make) => {
  expect(make).toThrow(`${name}(): provider must be a name of the option providers, or a list of them`)
})

test.each([
  ['requireAuth', () => requireAuth('staff' as never), 'a name alone'],
  ['requireAuth', () => requireAuth(['staff'] as never), 'a name alone'],
  ['requireAuth', () => requireAuth({ providers: 'staff' } as never), "'providers'"],
  ['requireFresh', () => requireFresh({ maxAgeSeconds: 5, Provider: 'staff' } as never), "'Provider'"],
  ['requireStepUp', () => requireStepUp({ acr: 'mfa', providr: 'staff' } as never), "'providr'"],
  ['requireClaim', () => requireClaim('sub', 'alice', 'staff' as never), 'a name alone'],
])('%s() lets nobody through whose provider is written in another way', (name, make, found) => {
  expect(make).toThrow(`${name}(): must be given { provider }, not ${found}`)
})

test('a session that has ended is begun again where it was', async () => {
  const browser = await visitor('customers')
  app.customers.blockAccount('alice')
  try {
    const answer = await browser.request('GET', `${app.url}/fresh-any`)
    expect(answer.json()).toMatchObject({ code: 'session_ended', login_url: '/login?provider=customers' })
  } finally {
    app.customers.unblockAccount('alice')
  }
})
