// The example, as `npm start` runs it: its page, a login at its development provider, its API, and what it is there to show.
import express from 'express'
import request from 'supertest'
import { type API, BANK_API, startAPI } from '../../example-app/api.ts'
import { listenOnLoopback } from '../../example-app/loopback.ts'
import { Browser } from '../support/browser/browser.ts'
import { findForm } from '../support/browser/html-form.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import type { Page } from '../support/browser/page.ts'
import { createSigningKey, type Forgery, signToken } from '../support/provider/signing-key.ts'
import { useParts } from '../support/servers.ts'
import { useBank } from './use-bank.ts'

/** of the bank that is open now */
let url: string
const browsers: Browser[] = []

const get = async (browser: Browser, path: string) => (await browser.request('GET', url + path)).json()
const isLoggedIn = async (browser: Browser) => (await get(browser, '/me')).authenticated
const send = (browser: Browser) =>
  browser.request('POST', `${url}/api/transfers`, { json: { to: 'Grace', amount: 12.5 } })
const move = (browser: Browser) =>
  browser.request('PUT', `${url}/api/address`, { json: { address: '12 New Row' } })

function open(): Browser {
  const browser = new Browser()
  browsers.push(browser)
  return browser
}

async function logIn(user: string): Promise<Browser> {
  const browser = open()
  await browser.logIn(url, { user })
  return browser
}

/** As a press of a button of the page does. */
function press(browser: Browser, page: Page, fields: Record<string, string>): Promise<Page> {
  const form = findForm(page.body, page.url)
  return browser.submit(form?.action ?? '', { ...form?.fields, ...fields })
}

async function profileOf(browser: Browser): Promise<string> {
  const { user } = (await get(browser, '/me')) as { user: { profile: string } }
  return user.profile
}

afterEach(() => {
  for (const browser of browsers.splice(0)) browser.close()
})

describe.each([
  { where: 'behind an API', withoutAPI: false },
  { where: 'at the bank itself', withoutAPI: true },
])('with the accounts $where', ({ withoutAPI }) => {
  const bank = useBank({ withoutAPI })
  beforeAll(() => {
    url = bank.url
  })

  test('an account is for people who are logged in', async () => {
    const answer = await request(bank.server).get('/api/account').expect(401)
    expect(answer.body).toMatchObject({ code: 'login_required', login_url: '/login' })
    const ada = await logIn('Ada')
    expect(await get(ada, '/api/account')).toMatchObject({ balance: 1000, address: expect.any(String) })
  })

  test('a transfer asks the provider first, however fresh the session is', async () => {
    const grace = await logIn('Grace')
    await get(grace, '/api/account')
    const generationOf = async () =>
      ((await get(grace, '/me')) as { session: { generation: number } }).session.generation
    const before = await generationOf()
    // The access token for the API came with the login.
    expect(before).toBe(1)
    const transfer = await send(grace)
    expect(transfer).toMatchObject({ status: 200 })
    expect(transfer.json()).toMatchObject({ balance: 987.5, transfer: { to: 'Grace', amount: 12.5 } })
    expect(await generationOf()).toBe(before + 1)
    await get(grace, '/api/account')
    expect(await generationOf()).toBe(before + 1)
  })

  test('who is blocked at the provider still sees the balance, and sends nothing', async () => {
    const eve = await logIn('Eve')
    await get(eve, '/api/account')
    const blocked = await press(eve, await eve.navigate(await profileOf(eve)), { blocked: 'yes' })
    expect(blocked.body).toContain('Eve is blocked')
    expect(await get(eve, '/api/account')).toMatchObject({ balance: 1000 })

    const refused = await send(eve)
    expect(refused).toMatchObject({ status: 401 })
    expect(refused.json()).toMatchObject({ code: 'session_ended' })
    expect(await get(eve, '/me')).toEqual({ authenticated: false })

    const gate = await eve.navigate(`${url}/login`)
    expect(gate.body).toContain('Unblock them?')
    expect(await press(eve, gate, { unblock: 'yes' })).toMatchObject({ status: 200, url: `${url}/` })
    expect(await get(eve, '/api/account')).toMatchObject({ balance: 1000 })
  })

  test('an address changes once the provider has asked for the PIN', async () => {
    const ida = await logIn('Ida')
    const refused = await move(ida)
    expect(refused).toMatchObject({ status: 401 })
    const { code, login_url: way } = refused.json<{ code: string; login_url: string }>()
    expect(code).toBe('step_up_required')

    const asked = await ida.navigate(`${url}${way}`)
    expect(asked.body).toContain('Is it still you?')
    expect(await press(ida, asked, { pin: '12' })).toMatchObject({ status: 422 })
    expect(await press(ida, asked, { pin: '1234' })).toMatchObject({ status: 200, url: `${url}/` })
    expect((await move(ida)).json()).toMatchObject({ address: '12 New Row' })
  })

  test('an address stays when somebody else answers at the provider', async () => {
    const lise = await logIn('Lise')
    const { login_url: way } = (await move(lise)).json<{ login_url: string }>()
    const asked = await lise.navigate(`${url}${way}`)
    // The provider logs the first of them out, by a page that submits itself.
    const back = await press(lise, await press(lise, asked, { login: 'Mallory', pin: '1234' }), {})
    expect(back.url).toBe(`${url}/?problem=step_up_failed`)
    expect(await move(lise)).toMatchObject({ status: 401 })
  })
})

describe('in one bank', () => {
  const bank = useBank()
  beforeAll(() => {
    url = bank.url
  })

  test('the page has no script or style of its own inside, and a policy that would refuse one', async () => {
    const page = await request(bank.server).get('/').expect(200).expect('content-type', /html/)
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
    expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\s(?:on\w+|style)=/i)
  })

  test('only a transfer and an address can be written through the bank', async () => {
    const ada = await logIn('Ada')
    const statusOf = async (method: string, path: string) =>
      (await ada.request(method, url + path, { json: {} })).status
    expect(await statusOf('POST', '/api/account')).toBe(405)
    expect(await statusOf('DELETE', '/api/transfers')).toBe(405)
    expect(await statusOf('POST', '/api/%74ransfers')).toBe(405)
  })

  test('logging out ends it here and at the provider', async () => {
    const browser = await logIn('Hedy')
    const { sessions } = await get(browser, '/api/sessions')
    expect(sessions).toMatchObject([{ isThis: true, address: expect.stringMatching(/127\.0\.0\.1|::1/) }])
    // The provider's page submits itself, as if the button had been pressed.
    const after = await press(browser, await browser.submit(`${url}/logout`, {}), { logout: 'yes' })
    expect(after.url).toBe(`${url}/`)
    expect(await isLoggedIn(browser)).toBe(false)
    // The provider has forgotten them too: it asks for the name again.
    expect((await browser.navigate(`${url}/login`)).body).toContain('name="login" value=""')
  })

  test('a login that was given up says so on the page', async () => {
    const browser = open()
    const gate = await browser.navigate(`${url}/login`)
    const back = await press(browser, gate, { cancel: 'yes' })
    expect(back).toMatchObject({ status: 200, url: `${url}/?problem=login_denied` })
  })

  test('somebody who is logged in twice sees both sessions, ends the other one, and then all', async () => {
    const [here, there, stranger] = [await logIn('Barbara'), await logIn('Barbara'), await logIn('Mallory')]
    const { sessions: list } = (await get(here, '/api/sessions')) as { sessions: { id: string }[] }
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
  })

  test('somebody who logs out at the provider is logged out at the bank', async () => {
    const browser = await logIn('Katherine')
    const page = await browser.navigate(`${bank.provider.issuer}/session/end`)
    await press(browser, page, { logout: 'yes' })
    expect(await get(browser, '/me')).toEqual({ authenticated: false })
  })
})

describe('its API: whose access tokens it takes, asked without the bank in between', () => {
  let keysAreThere = true

  const { key, issuer, api, another } = useParts(async (start) => {
    const closable = async <T extends { close(): Promise<void> }>(starting: Promise<T>) => {
      const started = await starting
      await start({ stop: () => started.close() })
      return started
    }
    const key = await createSigningKey()
    const app = express()
    const issuer = await closable(listenOnLoopback(app))
    app.get('/.well-known/openid-configuration', (_req, res) => {
      if (keysAreThere) res.json({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` })
      else res.sendStatus(503)
    })
    app.get('/jwks', (_req, res) => void res.json({ keys: [key.publicJwk] }))
    const options = { issuer: issuer.url, audience: BANK_API.audience }
    return { key, issuer, api: await closable(startAPI(options)), another: await closable(startAPI(options)) }
  })

  function tokenWith(claims: object, forgery?: Forgery): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const good = { iss: issuer.url, aud: BANK_API.audience, sub: 'ada', scope: BANK_API.scope, exp: now + 60 }
    return signToken(key, { ...good, ...claims }, forgery)
  }

  async function ask(method: string, path: string, authorization?: string, at: Pick<API, 'url'> = api) {
    const headers = authorization === undefined ? {} : { authorization }
    const answer = await exchange({ method, url: at.url + path, headers })
    return {
      status: answer.status,
      challenge: answer.headers['www-authenticate'],
      body: JSON.parse(answer.body),
    }
  }

  test('a token of its issuer for this API opens the account of its subject', async () => {
    const answer = await ask('GET', '/account', `Bearer ${await tokenWith({})}`)
    expect(answer).toMatchObject({ status: 200, body: { balance: 1000 } })
  })

  interface Row {
    what: string
    claims?: object
    forgery?: Forgery
  }

  test.each<Row>([
    { what: 'for another API', claims: { aud: 'https://another.example' } },
    { what: 'of another issuer', claims: { iss: 'https://another.example' } },
    { what: 'that has expired', claims: { exp: 1 } },
    { what: 'that never expires', claims: { exp: undefined } },
    { what: 'of nobody', claims: { sub: undefined } },
    { what: 'without a signature', forgery: { alg: 'none' } },
    { what: 'signed with a secret', forgery: { alg: 'HS256', key: 'one that is long enough for that' } },
  ])('a token $what is refused', async ({ claims = {}, forgery }) => {
    const answer = await ask('GET', '/account', `Bearer ${await tokenWith(claims, forgery)}`)
    expect(answer).toMatchObject({ status: 401, challenge: 'Bearer error="invalid_token"' })
  })

  test.each([undefined, 'Basic YTpi', 'Bearer '])(
    'a request with authorization %j is refused',
    async (header) => {
      expect(await ask('GET', '/account', header)).toMatchObject({ status: 401, challenge: 'Bearer' })
    },
  )

  test('a token that may read may not write', async () => {
    const token = await tokenWith({ scope: 'accounts:read' })
    expect(await ask('GET', '/account', `Bearer ${token}`)).toMatchObject({ status: 200 })
    const answer = await ask('POST', '/transfers', `Bearer ${token}`)
    expect(answer).toMatchObject({ status: 403, challenge: 'Bearer error="insufficient_scope"' })
  })

  test('an issuer that cannot be asked for its keys makes no token wrong, and is asked again', async () => {
    const { error } = console
    const said: unknown[] = []
    console.error = (...line) => said.push(...line)
    try {
      keysAreThere = false
      const token = await tokenWith({})
      expect(await ask('GET', '/account', `Bearer ${token}`, another)).toMatchObject({ status: 500 })
      expect(said).toEqual([expect.stringContaining(`${issuer.url} answered 503`)])
      keysAreThere = true
      expect(await ask('GET', '/account', `Bearer ${token}`, another)).toMatchObject({ status: 200 })
    } finally {
      console.error = error
    }
  })
})
