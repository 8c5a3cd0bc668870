// A whole life with every failure that holds a token in its hands: what the leak tests look at afterwards.
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import type { TestProvider } from '../support/provider/provider.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { echoes } from './echoes.ts'

/** So that a provider that does not answer is given up before long, and a busy machine is not taken for one. */
export const IMPATIENT = { renewal: { timeoutSeconds: 3 }, httpTimeoutSeconds: 3 }

export interface Scene {
  url: string
  provider: TestProvider
  /** every browser that took part */
  browsers: Browser[]
}

export function newBrowser({ browsers }: Scene): Browser {
  const browser = new Browser()
  browsers.push(browser)
  return browser
}

async function loggedIn(scene: Scene, user: string): Promise<Browser> {
  const browser = newBrowser(scene)
  const page = await browser.logIn(scene.url, { user, returnTo: '/private' })
  expect([user, page.status, page.json().sub]).toEqual([user, 200, user])
  return browser
}

/** Everything goes well: log in, renew, be fresh, use the token, come back to the callback, log out. */
export async function goodLife(scene: Scene): Promise<void> {
  const { url, provider } = scene
  const browser = newBrowser(scene)
  const callback = await browser.startLogin(url, { user: 'alice' })
  await browser.navigate(callback)
  for (const path of ['/', '/me', '/private', '/token', '/public', '/cart']) {
    expect([path, (await browser.request('GET', url + path)).status]).toEqual([path, 200])
  }
  await browser.request('POST', `${url}/cart`, { json: { cart: 1 } })
  expect((await browser.request('POST', `${url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect((await browser.request('POST', `${url}/renew`)).json()).toMatchObject({ generation: 3 })
  expect((await browser.navigate(callback)).status).toBe(200)
  const out = await browser.request('POST', `${url}/logout`)
  expect([out.status, out.headers.location]).toEqual([303, expect.stringContaining('id_token_hint=')])
  await eventually('the revocation', () => provider.liveRefreshTokens('alice').length === 0)

  const other = await loggedIn(scene, 'albert')
  expect((await other.logOut(url)).url).toBe(`${url}/`)
  const answered = await newBrowser(scene).navigate(`${url}/private`, { stopAt: () => true })
  expect(answered.status).toBe(302)
}

/** The callback goes wrong, each time with a real code, and in the provider's answer an echo of it. */
export async function failedLogIns(scene: Scene): Promise<void> {
  const { url, provider } = scene
  const steps: [string, (code: string, browser: Browser, callback: URL) => Promise<number>][] = [
    [
      'another browser',
      async (_code, _browser, callback) => (await newBrowser(scene).navigate(callback.href)).status,
    ],
    ['another state', (_code, browser, callback) => visit(browser, callback, { state: 'other' })],
    ['the code as error', (code, browser, callback) => visit(browser, callback, { code: '', error: code })],
    [
      'the code described',
      (code, browser, callback) =>
        visit(browser, callback, { code: '', error: 'access_denied', error_description: `no ${code}` }),
    ],
    ['the code as iss', (code, browser, callback) => visit(browser, callback, { iss: code })],
    ['the code as a name', (code, browser, callback) => visit(browser, callback, { [`code[${code}]`]: '1' })],
    [
      'the code as a name, twice',
      (code, browser, callback) =>
        browser.navigate(`${callback}&${code}=1&${code}=2`).then(({ status }) => status),
    ],
    ['POST', async (code, browser, callback) => (await browser.submit(callback.href, { code })).status],
    ...echoes().map(([what, echo]): (typeof steps)[number] => [
      what,
      async (code, browser, callback) => {
        provider.answerNext('token', echo(code))
        return (await browser.navigate(callback.href)).status
      },
    ]),
    [
      'an ID token for another login',
      async (_code, browser, callback) => {
        provider.rewriteNext('token', async ({ id_token, ...rest }) => ({
          ...rest,
          id_token: await provider.signIdToken({ ...claimsOfToken(String(id_token)), nonce: 'other' }),
        }))
        return (await browser.navigate(callback.href)).status
      },
    ],
    [
      'no answer',
      async (_code, browser, callback) => {
        const held = provider.holdNext('token', { mode: 'after' })
        const { status } = await browser.navigate(callback.href)
        held.release()
        return status
      },
    ],
    [
      'a cut answer',
      async (_code, browser, callback) => {
        provider.cutNext('token', 'midway')
        return (await browser.navigate(callback.href)).status
      },
    ],
  ]
  for (const [what, step] of steps) {
    const browser = newBrowser(scene)
    const callback = new URL(await browser.startLogin(url, { user: 'carol' }))
    const status = await step(callback.searchParams.get('code') ?? '', browser, callback)
    expect([what, status >= 400 && status < 600]).toEqual([what, true])
    expect((await browser.request('GET', `${url}/me`)).json()).toEqual({ authenticated: false })
    provider.normal()
  }
}

async function visit(browser: Browser, callback: URL, changes: Record<string, string>): Promise<number> {
  const changed = new URL(callback)
  for (const [name, value] of Object.entries(changes)) {
    if (value === '') changed.searchParams.delete(name)
    else changed.searchParams.set(name, value)
  }
  return (await browser.navigate(changed.href)).status
}

/** Renewals go wrong, each in a session of its own: the provider's answers are full of tokens. */
export async function failedRenewals(scene: Scene, which = /./): Promise<void> {
  const { url, provider } = scene
  const rejected =
    (changes: object, forgery = {}) =>
    () =>
      provider.rewriteNext('token', async ({ id_token, ...rest }) => ({
        ...rest,
        id_token: await provider.signIdToken({ ...claimsOfToken(String(id_token)), ...changes }, forgery),
      }))
  const faults: [string, (refreshToken: string) => void][] = [
    ...echoes().map(([what, echo]): (typeof faults)[number] => [
      what,
      (token) => provider.answerNext('token', echo(token)),
    ]),
    ['no answer', () => void provider.holdNext('token', { mode: 'after' })],
    ['a cut answer', () => provider.cutNext('token', 'midway')],
    ['another aud', rejected({ aud: 'other' })],
    ['another nonce', rejected({ nonce: 'other' })],
    ['a wrong signature', rejected({}, { alg: 'HS256', key: 'x'.repeat(32) })],
    ['no signature', rejected({}, { alg: 'none' })],
    ['expired', rejected({ exp: 1000, iat: 900 })],
    ['another sub', rejected({ sub: 'mallory' })],
  ]
  for (const [what, arm] of faults.filter(([name]) => which.test(name))) {
    const user = `renewing-${what.replaceAll(/\W/g, '-')}`
    const browser = await loggedIn(scene, user)
    arm(provider.liveRefreshTokens(user)[0] ?? '')
    const { status } = await browser.request('POST', `${url}/fresh`)
    expect([what, [401, 503].includes(status)]).toEqual([what, true])
    // What the app makes of it: its own error handler, and Express's default one.
    await browser.request('POST', `${url}/renew`)
    await browser.request('GET', `${url}/token`)
    provider.answerNext('revocation', { status: 500, body: provider.liveRefreshTokens(user).join() })
    await browser.request('POST', `${url}/logout`)
    provider.normal()
  }
}

/** An access token that has expired, and a provider that says no: the error goes to Express's default handler. */
export async function expiredAccessToken(scene: Scene): Promise<void> {
  const { url, provider } = scene
  const before = provider.lifetimes.accessToken
  provider.lifetimes.accessToken = 1
  const browser = await loggedIn(scene, 'erin')
  provider.lifetimes.accessToken = before
  const [token = ''] = provider.liveRefreshTokens('erin')
  provider.answerAll('token', { status: 500, body: { error: 'server_error', error_description: token } })
  const failed = await eventually('the access token to expire', async () => {
    const page = await browser.request('GET', `${url}/token`)
    return page.status === 503 ? page : undefined
  })
  expect(failed.headers['retry-after']).toMatch(/^\d+$/)
  provider.normal()
}
