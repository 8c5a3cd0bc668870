// session.cookie: a domain for several hosts, a path, and no Max-Age; in every cookie that is set or dropped, req.session's too.
import { startApp, type TestApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange, type HeaderValues } from '../support/browser/http-exchange.ts'
import { cookieAttributes, cookiePair, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const HTTPS = 'https://app.example.test'

/** Reached by http, as behind a proxy that ends TLS and takes `/shop` from the address. */
const { domain, path, transient } = useParts(async (start) => {
  const provider = await start(startProvider())
  const at = (baseURL: string, cookie: object) =>
    start(startApp({ provider, options: { baseURL, session: { cookie } } }))
  return {
    domain: await at(HTTPS, { domain: '.Example.test' }),
    path: await at(`${HTTPS}/shop`, { path: '/shop' }),
    transient: await at(HTTPS, { transient: true }),
  }
})

/** A whole session by hand: each cookie that was set, and then dropped. */
async function live(app: TestApp, name: string) {
  const send = (method: string, path: string, cookie?: string, more: HeaderValues = {}) =>
    exchange({ method, url: `${app.url}${path}`, headers: { cookie, origin: HTTPS, ...more } })
  const begun = await send('GET', '/login')
  const [login] = setCookieLines(begun)
  const browser = new Browser()
  const stopAt = (url: URL) => url.origin === HTTPS
  const page = await browser.navigate(begun.headers.location ?? '', { stopAt })
  const last = await browser.finish(page, { user: 'ada' }, stopAt)
  const callback = await send(
    'GET',
    `/callback${new URL(last.headers.location ?? '').search}`,
    cookiePair(login),
  )
  const session = setCookieLine(callback, name)
  const cart = await send('POST', '/cart', undefined, { 'content-type': 'application/json' })
  const anonymous = setCookieLine(cart, name)
  expect(JSON.parse((await send('GET', '/public', cookiePair(session))).body)).toMatchObject({ sub: 'ada' })
  expect(JSON.parse((await send('GET', '/cart', cookiePair(anonymous))).body)).toEqual({ cart: 'full' })
  const put = await send('POST', '/cart', cookiePair(session), { 'content-type': 'application/json' })
  expect(setCookieLines(put)).toEqual([])
  const logout = await send('POST', '/logout', cookiePair(session))
  return {
    login: [cookiePair(login).replace(/-login-.*/, '-login-'), ...cookieAttributes(login)],
    loginDropped: cookieAttributes(setCookieLines(callback).find((line) => line.includes('-login-'))),
    session: cookieAttributes(session),
    anonymous: cookieAttributes(anonymous),
    dropped: cookieAttributes(setCookieLine(logout, name)),
  }
}

test('a domain: the prefix is __Secure-, and every cookie is for the hosts below it', async () => {
  const reach = ['Domain=example.test', 'HttpOnly']
  const rest = ['Path=/', 'SameSite=Lax', 'Secure']
  expect(await live(domain, '__Secure-bff')).toEqual({
    login: ['__Secure-bff-login-', ...reach, 'Max-Age=600', ...rest],
    loginDropped: [...reach, ...rest],
    session: [...reach, 'Max-Age=604800', ...rest],
    anonymous: [...reach, ...rest],
    dropped: [...reach, ...rest],
  })
})

test('a path: the prefix is __Secure-, and every cookie is for what is below it, though a proxy takes it away', async () => {
  const rest = ['Path=/shop', 'SameSite=Lax', 'Secure']
  expect(await live(path, '__Secure-bff')).toEqual({
    login: ['__Secure-bff-login-', 'HttpOnly', 'Max-Age=600', ...rest],
    loginDropped: ['HttpOnly', ...rest],
    session: ['HttpOnly', 'Max-Age=604800', ...rest],
    anonymous: ['HttpOnly', ...rest],
    dropped: ['HttpOnly', ...rest],
  })
})

test('transient: the browser is not told how long; the prefix stays', async () => {
  const rest = ['Path=/', 'SameSite=Lax', 'Secure']
  expect(await live(transient, '__Host-Http-bff')).toMatchObject({
    login: ['__Host-Http-bff-login-', 'HttpOnly', 'Max-Age=600', ...rest],
    session: ['HttpOnly', ...rest],
  })
})

/** A login that begins there, and whose callback comes without its cookie. */
async function refusalAfterLoginAt(host: string) {
  domain.events.length = 0
  const begun = await new Browser().navigate(`${domain.url}/login`, { headers: { host }, stopAt: () => true })
  const state = new URL(begun.headers.location ?? '').searchParams.get('state')
  await new Browser().navigate(`${domain.url}/callback?state=${state}&code=invented`)
  return refusalsIn(domain.events)[0]
}

test('a login may begin at another host below the domain: its cookie comes along', async () => {
  expect(await refusalAfterLoginAt('www.example.test:8443')).not.toContain('the login began at')
  expect(await refusalAfterLoginAt('www.example.org')).toContain('the login began at www.example.org')
  expect(await refusalAfterLoginAt('myexample.test')).toContain('the login began at myexample.test')
})
