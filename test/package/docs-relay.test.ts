// docs/relay.md, its server run as it stands there.
import { type ApiServer, startApiServer } from '../support/app/api-server.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type PageScript, startPageScript } from './page-script.ts'

const client = { clientId: 'relaying', clientSecret: 'a secret of that client' }

let provider: TestProvider
let api: ApiServer
let server: PageScript
const browser = new Browser()

beforeAll(async () => {
  ;[provider, api] = await Promise.all([
    startProvider({ configure: (plain) => ({ ...plain, issueRefreshToken: async () => true }) }),
    startApiServer(),
  ])
  server = await startPageScript('docs/relay.md', {
    ISSUER_BASE_URL: provider.issuer,
    CLIENT_ID: client.clientId,
    CLIENT_SECRET: client.clientSecret,
    API_URL: api.url,
  })
  await provider.registerClient({ ...client, baseURL: server.url })
  await browser.logIn(server.url, { user: 'ann' })
}, 40_000)
afterAll(async () => {
  await server?.stop()
  await Promise.all([provider?.stop(), api?.stop()])
})

test('the page’s server hands on what it says', async () => {
  const ask = (method: string, path: string) => browser.request(method, server.url + path, { json: { a: 1 } })
  expect((await browser.request('GET', `${server.url}/api/accounts?open=1`)).json()).toMatchObject({
    method: 'GET',
    url: '/v1/accounts?open=1',
  })
  expect((await ask('POST', '/api/accounts')).status).toBe(405)
  expect((await ask('POST', '/api/transfers')).json()).toMatchObject({
    url: '/v1/transfers',
    body: '{"a":1}',
  })
  expect(provider.refreshCount()).toBe(1)
  expect((await ask('POST', '/notes')).json()).toEqual({ a: 1 })
})
