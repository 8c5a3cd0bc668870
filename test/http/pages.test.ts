// The pages of this package: what each of them has, and where one may log in again.
import { requireClaim } from '../../src/index.ts'
import { Browser } from '../support/browser/browser.ts'
import { useServers } from '../support/servers.ts'

const { provider, app } = useServers()
const browser = new Browser()
beforeAll(async () => {
  app.app.get('/admin', requireClaim('role', 'admin'))
  await browser.logIn(app.url)
})

const PAGE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
const open = (method: string, path: string, headers = {}) =>
  browser.request(method, `${app.url}${path}`, { headers: { ...PAGE, ...headers } })

test.each<[what: string, status: number, link: string | undefined, () => ReturnType<typeof open>]>([
  [
    'a login that is not known',
    400,
    'Log in again',
    () => new Browser().navigate(`${app.url}/callback?state=x&code=y`),
  ],
  ['a link to the login that cannot be read', 400, 'Log in again', () => open('GET', '/login?max_age=x')],
  ['a form that needs a login', 401, 'Log in again', () => new Browser().submit(`${app.url}/fresh`, {})],
  ['a form that needs a step-up', 401, 'Confirm your identity', () => open('POST', '/step-up?acr=mfa')],
  ['what the person may not do', 403, undefined, () => open('GET', '/admin')],
  [
    'a step-up that was not confirmed',
    403,
    undefined,
    () => browser.clone().logIn(app.url, { path: '/step-up?acr=mfa' }),
  ],
  ['a method that is not taken', 405, undefined, () => open('POST', '/me')],
  [
    'the form of another site',
    403,
    undefined,
    () => open('POST', '/fresh', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }),
  ],
  [
    'a provider that is away',
    503,
    undefined,
    () => {
      provider.cutNext('token')
      return open('POST', '/fresh')
    },
  ],
])(
  '%s (%i): a page with a language and a title, for light and dark; its link: %s',
  async (_what, status, link, ask) => {
    const page = await ask()
    expect(page.status).toBe(status)
    expect(page.headers['content-type']).toMatch(/^text\/html; charset=utf-8/)
    expect(page.body).toMatch(/^<!doctype html><html lang="en">/)
    expect(page.body).toContain('<meta name="color-scheme" content="light dark">')
    const [, title] = /<title>([^<]+)<\/title>/.exec(page.body) ?? []
    expect(page.body).toContain(`<h1>${title}</h1>`)
    expect(/<a href="\/login[^"]*">([^<]+)<\/a>/.exec(page.body)?.[1]).toBe(link)
  },
)
