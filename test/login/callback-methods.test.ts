// The callback's methods and forms: GET alone unless the provider is asked to answer with a form.
import express from 'express'
import { auth, type CallbackLogin } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { findForm } from '../support/browser/html-form.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const formUsers: CallbackLogin['formUser'][] = []

const { provider, app, formApp, parsingApp, askingApp, askingFormApp } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const options = { logger: createLog().logger }
  const setup = { provider, redisUrl: redis.url, options }
  const formSetup = {
    ...setup,
    options: { ...options, authorizationParams: { response_mode: 'form_post' } },
  }
  const afterCallback = ({ formUser }: CallbackLogin) => void formUsers.push(formUser)
  return {
    provider,
    askingApp: await start(
      startApp({
        ...setup,
        options: { ...options, afterCallback },
      }),
    ),
    askingFormApp: await start(startApp({ ...formSetup, options: { ...formSetup.options, afterCallback } })),
    app: await start(startApp(setup)),
    formApp: await start(startApp(formSetup)),
    // What its own parser makes of a form, above auth(), decides nothing.
    parsingApp: await start(
      startOwnApp(formSetup, (given) => {
        const handler = auth(given)
        const own = express().use(express.urlencoded({ extended: true }), handler)
        own.get('/', (req, res) => void res.json({ sub: req.oidc.user?.sub ?? null }))
        return { app: own, auth: handler }
      }),
    ),
  }
})

const FORM = 'application/x-www-form-urlencoded'
const exchanges = () => provider.tokenRequests('authorization_code').length

/** What the provider's last page posts to the callback by itself, not posted yet. */
async function answerByForm(
  browser: Browser,
  user: string,
  { url }: { url: string } = formApp,
): Promise<URLSearchParams> {
  let page = await browser.navigate(`${url}/login`)
  for (;;) {
    const form = findForm(page.body, page.url)
    if (!form) throw new Error(`no form at ${page.url}: ${page.body}`)
    if (form.action.startsWith(url)) return new URLSearchParams(form.fields)
    page = await browser.submit(form.action, {
      ...form.fields,
      ...('login' in form.fields && { login: user, password: 'any' }),
    })
  }
}

/** As the provider's page would post it, whatever its body is. */
function post(browser: Browser, body: string, type = FORM, { url }: { url: string } = formApp) {
  const headers = { 'content-type': type, accept: 'text/html' }
  return browser.request('POST', `${url}/callback`, { body, headers, from: provider.issuer })
}

/** The GET that the answer to the form sends the browser to. */
async function complete(browser: Browser, posted: Page): Promise<Page> {
  expect(posted.status).toBe(303)
  const next = new URL(posted.headers.location ?? '', posted.url).href
  const answer = await browser.navigate(next, { stopAt: () => true })
  expect(answer.status).toBe(303)
  return answer
}

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND']
test.each(METHODS)('%s to a callback that answers GET is refused, and the login goes on', async (method) => {
  const browser = new Browser()
  const url = await browser.startLogin(app.url, { user: 'methods' })
  const before = exchanges()
  const page = await browser.request(method, url, { headers: { 'content-type': FORM } })
  expect(page).toMatchObject({ status: 405, headers: { allow: 'GET' } })
  expect(exchanges()).toBe(before)
  expect((await browser.navigate(url)).json()).toMatchObject({ sub: 'methods' })
})

test.each<[string, string, string, Record<string, string>]>([
  ['of 5 MB', '', 'x'.repeat(5_000_000), {}],
  ['in text/plain', '', 'code=x', { 'content-type': 'text/plain' }],
  ['that says it is a GET', '&_method=GET', '_method=GET', { 'x-http-method-override': 'GET' }],
])('a POST %s to a callback that answers GET is refused with 405', async (_name, query, body, headers) => {
  const browser = new Browser()
  const url = await browser.startLogin(app.url, { user: 'posts' })
  const before = exchanges()
  const page = await browser.request('POST', url + query, {
    body,
    headers: { 'content-type': FORM, ...headers },
    from: provider.issuer,
  })
  expect(page).toMatchObject({ status: 405, headers: { allow: 'GET' } })
  expect(setCookieLines(page)).toEqual([])
  expect(exchanges()).toBe(before)
  expect((await browser.navigate(url)).json()).toMatchObject({ sub: 'posts' })
})

test('form_post: the login comes back by a cross-site POST, and is answered by 303', async () => {
  const browser = new Browser()
  const last = await browser.finish(await browser.navigate(`${formApp.url}/login`), { user: 'form' })
  expect(last).toMatchObject({ status: 200, url: `${formApp.url}/` })
  expect(last.json()).toMatchObject({ home: true, authenticated: true, sub: 'form' })
  // The form, then a GET of our own: the code is in no URL.
  expect(last.hops.at(-3)).toMatchObject({ status: 303, url: `${formApp.url}/callback` })
  expect(last.hops.at(-2)?.url).toMatch(/\/callback\?state=[\w-]+$/)
})

test("form_post: the login's cookie may come with a cross-site POST, the session's may not", async () => {
  const browser = new Browser()
  const page = await browser.navigate(`${formApp.url}/login`, { stopAt: () => true })
  expect(setCookieLines(page)).toEqual([
    expect.stringMatching(/^bff-login-.*HttpOnly; Secure; SameSite=None$/),
  ])
  const answer = await complete(browser, await post(browser, `${await answerByForm(browser, 'form')}`))
  const session = setCookieLines(answer).filter((line) => line.startsWith('bff='))
  expect(session).toEqual([expect.stringMatching(/HttpOnly; SameSite=Lax$/)])
})

/** Apple's, at a person's first login. */
const APPLES = { name: { firstName: 'Ada', lastName: 'L.' }, email: 'ada@example.com' }

test.each<[what: string, field: string | undefined, told: object | undefined]>([
  ['a person', JSON.stringify(APPLES), APPLES],
  ['nothing', undefined, undefined],
  ['no JSON', '{"name"', undefined],
  ['a list', '[1]', undefined],
  ['a text', '"ada"', undefined],
])('form_post: %s in the form’s user reaches afterCallback as what it is', async (_what, field, told) => {
  formUsers.length = 0
  const browser = new Browser()
  const form = await answerByForm(browser, 'ada', askingFormApp)
  if (field !== undefined) form.set('user', field)
  await complete(browser, await post(browser, `${form}`, FORM, askingFormApp))
  expect(formUsers).toEqual([told])
})

test('a user in the callback’s address is no form’s', async () => {
  formUsers.length = 0
  const browser = new Browser()
  const url = await browser.startLogin(askingApp.url, { user: 'ada' })
  await browser.navigate(`${url}&user=${encodeURIComponent(JSON.stringify(APPLES))}`)
  expect(formUsers).toEqual([undefined])
})

type Row = [name: string, status: number, body: (params: URLSearchParams) => string, type?: string]
const forms: Row[] = [
  ['in text/plain', 415, (params) => `${params}`, 'text/plain'],
  ['in JSON', 415, (params) => JSON.stringify(Object.fromEntries(params)), 'application/json'],
  ['in multipart/form-data', 415, (params) => `${params}`, 'multipart/form-data; boundary=x'],
  ['in an unknown charset', 400, (params) => `${params}`, `${FORM}; charset=klingon`],
  ['of 5 MB', 413, (params) => `${params}&x=${'x'.repeat(5_000_000)}`],
  ['with a code of 100 kB', 413, (params) => `${params}${'x'.repeat(100_000)}`],
  ['that is empty', 400, () => ''],
  ['without state', 400, (params) => `code=${params.get('code')}`],
  ['with state twice', 400, (params) => `${params}&state=other`],
  ['with the same state twice', 400, (params) => `${params}&state=${params.get('state')}`],
  ['with code twice', 400, (params) => `${params}&code=other`],
  ['with the same code twice', 400, (params) => `${params}&code=${params.get('code')}`],
  ['with iss twice', 400, (params) => `${params}&iss=https://evil.example`],
  ['with code[length]=9', 400, (params) => `${params}`.replace('code=', 'code[length]=9&x=')],
  ['with code under an escaped name too', 400, (params) => `${params}&c%6Fde=other`],
  ['with state and a null byte', 400, (params) => `${params}`.replace(/(state=[^&]*)/, '$1%00')],
  ['with __proto__ as state', 400, (params) => `${params}`.replace(/state=[^&]*/, 'state=__proto__')],
  ['with state[]', 400, (params) => `${params}`.replace('state=', 'state[]=')],
  ['with both code and error', 400, (params) => `${params}&error=access_denied`],
  ['with two thousand parameters', 413, (params) => `${params}&${'x=1&'.repeat(2000)}`],
]

test.each(forms.map(([name, status, body, type = FORM]) => ({ name, status, body, type })))(
  'a form $name is refused with $status before any token request',
  async ({ status, body, type }) => {
    const browser = new Browser()
    const params = await answerByForm(browser, 'forms')
    const before = exchanges()
    const page = await post(browser, body(params), type)
    expect(page.status).toBe(status)
    expect(setCookieLines(page)).toEqual([])
    expect(exchanges()).toBe(before)
    await complete(browser, await post(browser, `${params}`))
    expect((await browser.request('GET', `${formApp.url}/public`)).json()).toMatchObject({ sub: 'forms' })
  },
)

test('a form is refused whose parameters are in the query alone', async () => {
  const browser = new Browser()
  const params = await answerByForm(browser, 'query')
  const before = exchanges()
  const options = { body: 'x=1', headers: { 'content-type': FORM }, from: provider.issuer }
  const page = await browser.request('POST', `${formApp.url}/callback?${params}`, options)
  expect(page.status).toBe(400)
  expect(setCookieLines(page)).toEqual([])
  expect(exchanges()).toBe(before)
})

test.each([
  ['a short page', 100, 1500],
  ['a long page', 2000, 1500],
  ['a long code', 100, 8000],
])('form_post: no cookie is longer than browsers keep (4096 bytes), with %s', async (_name, page, code) => {
  const browser = new Browser()
  const returnTo = `/${'p'.repeat(page)}`
  const login = await browser.navigate(`${formApp.url}/login?return_to=${returnTo}`, { stopAt: () => true })
  const state = new URL(login.headers.location ?? '').searchParams.get('state') ?? ''
  const form = new URLSearchParams({ state, code: 'c'.repeat(code), iss: provider.issuer })
  const answer = await post(browser, `${form}`)
  expect(answer.status).toBeLessThan(500)
  for (const line of setCookieLines(answer)) expect(line.split(';')[0]?.length).toBeLessThanOrEqual(4096)
})

test('form_post: the session before it is gone, in Redis too', async () => {
  const browser = new Browser()
  await browser.finish(await browser.navigate(`${formApp.url}/login`), { user: 'twice' })
  const before = browser.clone()
  await browser.finish(await browser.navigate(`${formApp.url}/login`), { user: 'twice' })
  expect((await browser.request('GET', `${formApp.url}/public`)).json()).toMatchObject({ sub: 'twice' })
  expect((await before.request('GET', `${formApp.url}/public`)).json()).toMatchObject({
    authenticated: false,
  })
})

test('form_post: what the app knows of an anonymous visitor is kept', async () => {
  const browser = new Browser()
  await browser.request('POST', `${formApp.url}/cart`, { json: { cart: 'apples' } })
  await browser.finish(await browser.navigate(`${formApp.url}/login`), { user: 'shopper' })
  expect((await browser.request('GET', `${formApp.url}/cart`)).json()).toEqual({ cart: 'apples' })
})

describe('form_post, as the provider’s page posts it', () => {
  const postBack = (browser: Browser, form: URLSearchParams) =>
    browser.submit(`${formApp.url}/callback`, Object.fromEntries(form), { from: `${provider.issuer}/` })

  test('an unknown state leads a browser with a live session to a page', async () => {
    const browser = new Browser()
    await browser.finish(await browser.navigate(`${formApp.url}/login`), { user: 'form' })
    const before = exchanges()
    const page = await postBack(browser, new URLSearchParams({ code: 'any', state: 'u'.repeat(43) }))
    expect([page.status, page.url]).toEqual([200, `${formApp.url}/`])
    expect(exchanges()).toBe(before)
  })

  test('an unknown state is refused where nobody is logged in', async () => {
    const before = exchanges()
    const page = await postBack(new Browser(), new URLSearchParams({ code: 'any', state: 'u'.repeat(43) }))
    expect([page.status, setCookieLines(page)]).toEqual([400, []])
    expect(exchanges()).toBe(before)
  })

  test('the back button to the posted form leads to the page', async () => {
    const browser = new Browser()
    const form = await answerByForm(browser, 'back')
    await postBack(browser, form)
    const page = await postBack(browser, form)
    expect([page.status, page.url]).toEqual([200, `${formApp.url}/`])
  })

  test('two tabs that post at the same moment both end on a page', async () => {
    const one = new Browser()
    const two = one.tab()
    const forms = [await answerByForm(one, 'two'), await answerByForm(two, 'two')] as const
    const pages = await Promise.all([postBack(one, forms[0]), postBack(two, forms[1])])
    expect(pages.map(({ status }) => status)).toEqual([200, 200])
  })
})

describe('in an app that parses forms itself', () => {
  test('a login works', async () => {
    const browser = new Browser()
    const page = await browser.finish(await browser.navigate(`${parsingApp.url}/login`), { user: 'parsed' })
    expect(page.json()).toEqual({ sub: 'parsed' })
  })

  test.each<[string, (params: URLSearchParams) => string]>([
    ['code twice', (params) => `${params}&code=other`],
    ['state twice', (params) => `${params}&state=other`],
    ['code[length]=9', (params) => `${params}`.replace('code=', 'code[length]=9&x=')],
    ['code[]', (params) => `${params}`.replace('code=', 'code[]=')],
    ['__proto__[code]', (params) => `${params}`.replace('code=', '__proto__[code]=')],
    [
      'constructor[prototype][code]',
      (params) => `${params}`.replace('code=', 'constructor[prototype][code]='),
    ],
    ['state[toString]', (params) => `${params}`.replace('state=', 'state[toString]=')],
  ])('a form with %s is refused before any token request', async (_name, body) => {
    const browser = new Browser()
    const params = await answerByForm(browser, 'parsed', parsingApp)
    const before = provider.tokenRequests().length
    const send = (text: string) => post(browser, text, FORM, parsingApp)
    expect((await send(body(params))).status).toBe(400)
    expect(provider.tokenRequests()).toHaveLength(before)
    expect((await send(`${params}`)).status).toBe(303)
  })
})
