// requireAuth() and authRequired: who may pass, and what everybody else sees.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: TestApp
let closed: TestApp

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({ provider })
  closed = await startApp({ provider, options: { authRequired: true } })
})
afterAll(async () => {
  await Promise.all([app?.stop(), closed?.stop()])
  await provider?.stop()
})

const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }

test.each([
  '/private',
  '/private?a=1&b=%2F%2Fx&c=%20d',
  '/private?next=https://x.example/&d=é',
  '/PRIVATE/?x=1',
])('a page is sent to log in, and comes back to %s exactly', async (path) => {
  const browser = new Browser()
  const url = new URL(path, app.url).href
  const refused = await browser.navigate(url, { stopAt: () => true })
  expect(refused).toMatchObject({ status: 302, headers: { 'cache-control': 'no-store' } })
  expect(refused.headers.location).toMatch(/^\/login\?return_to=/)
  const page = await browser.logIn(app.url, { path: url, user: 'visitor' })
  expect(page).toMatchObject({ status: 200, url })
  expect(page.json()).toMatchObject({ sub: 'visitor' })
})

test('a page asked for by a browser that sends no fetch metadata is sent to log in too', async () => {
  const browser = new Browser({ secFetch: false })
  const page = await browser.logIn(app.url, { path: '/private?old', user: 'old' })
  expect(page).toMatchObject({ status: 200, url: `${app.url}/private?old` })
})

/** 401 for a script: problem+json that says where to log in, and no redirect. */
async function expectProblem(
  method: string,
  headers: Record<string, string> = {},
  at = app,
  path = '/private',
) {
  const page = await new Browser().request(method, `${at.url}${path}`, { headers })
  expect(page.status).toBe(401)
  expect(page.headers.location).toBeUndefined()
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(page.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(page.headers.vary).toMatch(/Sec-Fetch-Mode/i)
  if (method === 'HEAD') return expect(page.body).toBe('')
  expect(page.json()).toEqual({
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    code: 'login_required',
    detail: expect.any(String),
    login_url: '/login',
  })
}

test.each<[string, Record<string, string>]>([
  ['a script', {}],
  ['a script that accepts anything', { accept: '*/*' }],
  ['a script that says it accepts HTML', { accept: 'text/html' }],
  ['XMLHttpRequest of an old browser', { accept: 'application/json', 'x-requested-with': 'XMLHttpRequest' }],
  ['an iframe', { ...NAVIGATION, 'sec-fetch-dest': 'iframe' }],
  ['a frame', { ...NAVIGATION, 'sec-fetch-dest': 'frame' }],
  ['an object', { ...NAVIGATION, 'sec-fetch-dest': 'object' }],
  ['an image', { accept: 'image/*', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
  ['a style sheet', { accept: 'text/css', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'style' }],
  ['a service worker', { 'sec-fetch-mode': 'same-origin', 'sec-fetch-dest': 'serviceworker' }],
  ['a WebSocket', { 'sec-fetch-mode': 'websocket', 'sec-fetch-dest': 'websocket' }],
])('%s gets 401 and is not redirected', async (_name, headers) => {
  await expectProblem('GET', headers)
})

test('a program without any browser headers gets 401', async () => {
  const page = await new Browser({ secFetch: false }).request('GET', `${app.url}/private`, {
    headers: { accept: undefined },
  })
  expect(page.json()).toMatchObject({ status: 401, code: 'login_required' })
})

test('HEAD gets 401 without a body', async () => {
  await expectProblem('HEAD')
  await expectProblem('HEAD', NAVIGATION)
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s gets 401', async (method) => {
  await expectProblem(method, {}, app, '/fresh')
})

test('a form that was posted by navigation gets 401 and is never sent again', async () => {
  const browser = new Browser()
  const page = await browser.submit(
    `${app.url}/fresh?amount=100`,
    { amount: '100' },
    { from: app.url, stopAt: () => true },
  )
  expect(page.status).toBe(401)
  expect(page.headers.location).toBeUndefined()
  expect(page.body).not.toContain('amount')
  expect(provider.authorizationRequests().filter(({ params }) => params.amount)).toEqual([])
})

test('the guard lets through who is logged in, whatever the method', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'inside' })
  expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: 'inside' })
  expect((await browser.request('HEAD', `${app.url}/private`)).status).toBe(200)
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ sub: 'inside' })
})

test('authRequired: every route below needs a login, and comes back to where it was', async () => {
  await expectProblem('GET', {}, closed, '/public')
  await expectProblem('POST', {}, closed, '/cart')
  await expectProblem('GET', {}, closed, '/nothing-here')
  const browser = new Browser()
  const page = await browser.logIn(closed.url, { path: '/public?x=1', user: 'member' })
  expect(page).toMatchObject({ status: 200, url: `${closed.url}/public?x=1` })
  expect(page.json()).toMatchObject({ sub: 'member' })
})

test('authRequired: what stands above auth() and the routes of auth() stay open', async () => {
  const browser = new Browser()
  expect((await browser.request('GET', `${closed.url}/ping`)).status).toBe(200)
  expect((await browser.request('GET', `${closed.url}/me`)).json()).toEqual({ authenticated: false })
  expect((await browser.navigate(`${closed.url}/login`, { stopAt: () => true })).status).toBe(302)
  expect((await browser.request('POST', `${closed.url}/logout`)).status).toBe(303)
})
