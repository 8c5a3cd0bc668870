// The example, as `npm start` runs it: its pages, a log-in at its development provider, and what it is there to show.
import { createServer, type Server } from 'node:http'
import request from 'supertest'
import { type Bank, createBank } from '../../example-app/app.ts'
import { type DevelopmentProvider, startDevelopmentProvider } from '../../example-app/development-provider.ts'
import { Browser } from '../support/browser.ts'
import { findForm } from '../support/html-form.ts'
import { closeServer, listen } from '../support/listen.ts'

// In jest's own global oidc-provider finds no undici to guard its requests with, and says so.
const { warn } = console
console.warn = (...line) => {
  if (!String(line[0]).includes('SSRF protection')) warn(...line)
}

let server: Server
let provider: DevelopmentProvider
let bank: Bank
let url: string

beforeAll(async () => {
  server = createServer()
  url = `http://localhost:${await listen(server, 'localhost')}`
  provider = await startDevelopmentProvider({ appURL: url })
  const { issuer, clientID, clientSecret } = provider
  const secret = 'a secret of the example’s own test'
  bank = createBank({ baseURL: url, issuerBaseURL: issuer, clientID, clientSecret, secret })
  server.on('request', bank.app)
})
afterAll(async () => {
  await closeServer(server)
  await bank?.close()
  await provider?.close()
})

test('the page has no script or style of its own inside, and a policy that would refuse one', async () => {
  const page = await request(server).get('/').expect(200).expect('content-type', /html/)
  expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=/i)
})

test('the balance is for people who are logged in', async () => {
  const answer = await request(server).get('/api/balance').expect(401)
  expect(answer.body).toMatchObject({ code: 'login_required', login_url: '/login' })
  await request(server).get('/me').expect(200, { authenticated: false })
})

test('a transfer asks the provider first; logging out ends it here and there', async () => {
  const browser = new Browser()
  try {
    const home = await browser.logIn(url, { user: 'Ada' })
    expect(home).toMatchObject({ status: 200, url: `${url}/` })
    const me = (await browser.request('GET', `${url}/me`)).json()
    expect(me).toMatchObject({ authenticated: true, user: { name: 'Ada' }, session: { generation: 1 } })

    const json = { to: 'Grace', amount: 12.5 }
    const transfer = await browser.request('POST', `${url}/api/transfer`, { json })
    expect(transfer.status).toBe(200)
    expect(transfer.json()).toMatchObject({ session: { generation: 2 } })

    const { sessions } = (await browser.request('GET', `${url}/api/sessions`)).json()
    expect(sessions).toMatchObject([{ isThis: true, address: expect.stringMatching(/127\.0\.0\.1|::1/) }])

    const leaving = await browser.submit(`${url}/logout`, {})
    // Its page submits itself, as if the button had been pressed.
    const form = findForm(leaving.body, leaving.url)
    const after = await browser.submit(form?.action ?? '', { ...form?.fields, logout: 'yes' })
    expect(after.url).toBe(`${url}/`)
    expect((await browser.request('GET', `${url}/me`)).json()).toEqual({ authenticated: false })
    // The provider has forgotten them too: it asks for the name again.
    expect((await browser.navigate(`${url}/login`)).body).toContain('name="login"')
  } finally {
    browser.close()
  }
})

test('somebody who is logged in twice sees both sessions, ends the other one, and then all', async () => {
  const [here, there, stranger] = [new Browser(), new Browser(), new Browser()]
  const browsers = [here, there, stranger]
  try {
    for (const browser of [here, there]) await browser.logIn(url, { user: 'Barbara' })
    await stranger.logIn(url, { user: 'Mallory' })
    const listOf = async (browser: Browser) =>
      (await browser.request('GET', `${url}/api/sessions`)).json().sessions as { id: string }[]
    const isLoggedIn = async (browser: Browser) =>
      (await browser.request('GET', `${url}/me`)).json().authenticated

    const list = await listOf(here)
    expect(list).toMatchObject([{ isThis: false }, { isThis: true }])
    const other = `${url}/api/sessions/${list[0]?.id}`
    expect((await stranger.request('DELETE', other)).json()).toEqual({ ended: 0 })
    expect(await isLoggedIn(there)).toBe(true)
    expect((await here.request('DELETE', other)).json()).toEqual({ ended: 1 })
    expect([await isLoggedIn(there), await isLoggedIn(here)]).toEqual([false, true])

    await there.logIn(url, { user: 'Barbara' })
    expect((await here.request('DELETE', `${url}/api/sessions`)).json()).toEqual({ ended: 2 })
    for (const browser of [here, there]) expect(await isLoggedIn(browser)).toBe(false)
    expect(await isLoggedIn(stranger)).toBe(true)
  } finally {
    for (const browser of browsers) browser.close()
  }
})

test('somebody who logs out at the provider is logged out at the bank', async () => {
  const browser = new Browser()
  try {
    await browser.logIn(url, { user: 'Katherine' })
    const page = await browser.navigate(`${provider.issuer}/session/end`)
    const form = findForm(page.body, page.url)
    await browser.submit(form?.action ?? '', { ...form?.fields, logout: 'yes' })
    expect((await browser.request('GET', `${url}/me`)).json()).toEqual({ authenticated: false })
  } finally {
    browser.close()
  }
})
