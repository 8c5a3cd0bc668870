// allowedReturnOrigins: a login may end on a page of another origin that is listed, by whatever way it names one, and on no
// other: RFC 9700 §4.11. The table of addresses is in test/http/return-to.test.ts.
import { startApp } from '../support/app/app.ts'
import { ONE_CLIENT } from '../support/app/app-options.ts'
import { startKnownApp } from '../support/app/known-app.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const ELSEWHERE = 'https://spa.example'
const PAGE = `${ELSEWHERE}/orders?tab=1&next=//evil.example#/route`

const { provider, app, shortened } = useParts(async (start) => {
  const provider = await start(startProvider())
  const options = { logger: createLog().logger, allowedReturnOrigins: [ELSEWHERE, 'http://localhost:5173'] }
  const app = await start(startKnownApp({ provider, options }, 'traveller'))
  app.app.get('/begin', (req, res, next) => {
    res.oidc.login({ returnTo: String(req.query.page) }).catch(next)
  })
  // The same deployment, once the origin is not listed any more.
  const client = { clientID: ONE_CLIENT.clientId, clientSecret: ONE_CLIENT.clientSecret, baseURL: app.url }
  const shortened = await start(
    startApp({ provider, options: { ...options, ...client, allowedReturnOrigins: [] } }),
  )
  return { provider, app, shortened }
})

const WAYS: [way: string, path: (page: string) => string][] = [
  ['return_to', (page) => `/login?return_to=${encodeURIComponent(page)}`],
  ['res.oidc.login()', (page) => `/begin?page=${encodeURIComponent(page)}`],
  [
    'the provider',
    (page) => `/login?${new URLSearchParams({ iss: provider.issuer, target_link_uri: page })}`,
  ],
]
const HOSTILE = [
  '//spa.example/',
  'https:spa.example',
  'http://spa.example/',
  'https://spa.example:8443/',
  'https://spa.example./',
  'https://SPA.example/',
  'https://spa.example.evil.example/',
  'https://spa.example@evil.example/',
  'https://us@spa.example/',
  'https://spa.example\\@evil.example/',
  'https://spa.example\t.evil.example/',
  'https://spa.example/%0d%0aSet-Cookie:%20a=b',
  'https://spa.example//evil.example',
  'https://ｓｐａ.example/',
  'https://evil.example/https://spa.example/',
  'http://localhost:51730/',
  'http://localhost:5173@evil.example/',
]

/** Where the callback of a login that began at `path` sends the browser. */
async function landing(path: string, browser = app.visitor(), at = app.url) {
  const callback = await browser.startLogin(app.url, { path })
  const page = await browser.navigate(callback.replace(app.url, at), { stopAt: () => true })
  return { status: page.status, location: page.headers.location, headers: page.headers, callback, browser }
}

describe.each(WAYS)('by %s', (_way, path) => {
  test('a login ends on a listed page as it was named, which does not learn where it comes from', async () => {
    const { status, location, headers } = await landing(path(PAGE))
    expect([status, location]).toEqual([303, PAGE])
    expect(headers['referrer-policy']).toBe('no-referrer')
  })

  test('and again, of somebody who is logged in already', async () => {
    const { browser } = await landing(path(PAGE))
    expect((await landing(path(`${ELSEWHERE}/again`), browser)).location).toBe(`${ELSEWHERE}/again`)
    expect((await browser.request('GET', `${app.url}/private`)).status).toBe(200)
  })

  test.each(HOSTILE)('%j ends on the default page', async (page) => {
    expect((await landing(path(page))).location).toBe('/')
  })
})

test('the browser’s back button leads there once more', async () => {
  const { browser, callback } = await landing(`/login?return_to=${encodeURIComponent(PAGE)}`)
  const again = await browser.navigate(callback, { stopAt: () => true })
  expect([again.status, again.headers.location]).toEqual([303, PAGE])
})

test('a login that was begun while the origin was listed ends at home once it is not', async () => {
  const path = `/login?return_to=${encodeURIComponent(PAGE)}`
  expect((await landing(path, app.visitor(), shortened.url)).location).toBe('/')
})

test('a page that is longer than a cookie loses its query, and nothing else', async () => {
  const browser = app.visitor()
  // The longest cookie is another login's already.
  await browser.startLogin(app.url, {
    path: `/login?return_to=${encodeURIComponent(`/${'a'.repeat(1800)}`)}`,
  })
  const long = `${ELSEWHERE}/orders?${'a'.repeat(1900)}`
  expect((await landing(`/login?return_to=${encodeURIComponent(long)}`, browser)).location).toBe(
    `${ELSEWHERE}/orders`,
  )
})
