// form_post in an app that parses forms itself, above auth(): what its parser makes of a form decides nothing.
import express from 'express'
import { auth } from '../../src/index.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { findForm } from '../support/browser/html-form.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
let app: OwnApp

beforeAll(async () => {
  provider = await startProvider()
  const authorizationParams = { response_mode: 'form_post' }
  app = await startOwnApp(
    { provider, options: { authorizationParams, logger: createLog().logger } },
    (options) => {
      const handler = auth(options)
      const own = express().use(express.urlencoded({ extended: true }), handler)
      own.get('/', (req, res) => void res.json({ sub: req.oidc.user?.sub ?? null }))
      return { app: own, auth: handler }
    },
  )
})
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
})

async function answerByForm(browser: Browser): Promise<URLSearchParams> {
  let page = await browser.navigate(`${app.url}/login`)
  for (;;) {
    const form = findForm(page.body, page.url)
    if (!form) throw new Error(`no form at ${page.url}: ${page.body}`)
    if (form.action.startsWith(app.url)) return new URLSearchParams(form.fields)
    const login = 'login' in form.fields ? { login: 'parsed', password: 'any' } : {}
    page = await browser.submit(form.action, { ...form.fields, ...login })
  }
}

test('a login works', async () => {
  const browser = new Browser()
  const page = await browser.finish(await browser.navigate(`${app.url}/login`), { user: 'parsed' })
  expect(page.json()).toEqual({ sub: 'parsed' })
})

test.each<[string, (params: URLSearchParams) => string]>([
  ['code twice', (params) => `${params}&code=other`],
  ['state twice', (params) => `${params}&state=other`],
  ['code[length]=9', (params) => `${params}`.replace('code=', 'code[length]=9&x=')],
  ['code[]', (params) => `${params}`.replace('code=', 'code[]=')],
  ['__proto__[code]', (params) => `${params}`.replace('code=', '__proto__[code]=')],
  ['constructor[prototype][code]', (params) => `${params}`.replace('code=', 'constructor[prototype][code]=')],
  ['state[toString]', (params) => `${params}`.replace('state=', 'state[toString]=')],
])('a form with %s is refused before any token request', async (_name, body) => {
  const browser = new Browser()
  const params = await answerByForm(browser)
  const before = provider.tokenRequests().length
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const send = (text: string) =>
    browser.request('POST', `${app.url}/callback`, { body: text, headers, from: provider.issuer })
  expect((await send(body(params))).status).toBe(400)
  expect(provider.tokenRequests()).toHaveLength(before)
  expect((await send(`${params}`)).status).toBe(303)
})
