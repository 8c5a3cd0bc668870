// Tokens for APIs go by the session's provider: where they are from, where they may go, and what a 401 leads to.
import { relay } from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { startTwoProviders } from '../support/app/two-providers.ts'
import { Browser } from '../support/browser/browser.ts'
import { useParts } from '../support/servers.ts'

const { api, app } = useParts(async (start) => {
  const api = await start(startApiServer())
  const app = await start(
    startTwoProviders({
      staff: { apis: [api.url] },
      below: (app) =>
        app.use('/api', relay({ target: api.url })).get('/fetched', async (req, res) => {
          res.json({ status: (await req.oidc.fetch(api.url)).status })
        }),
    }),
  )
  return { api, app }
})
afterEach(() => api.echo())

async function loggedIn(provider: string): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(app.url, { path: `/login?provider=${provider}`, user: 'alice' })
  return browser
}

const sentToken = () => /^Bearer (.+)$/.exec(api.seen.at(-1)?.headers.authorization ?? '')?.[1] ?? ''

test.each([
  ['staff', 'customers'],
  ['customers', 'staff'],
] as const)(
  'a relay hands on with a token of %s, and renews it there after a 401',
  async (provider, other) => {
    const browser = await loggedIn(provider)
    expect((await browser.request('GET', `${app.url}/api/x`)).status).toBe(200)
    const first = sentToken()
    expect(app[provider].secretsSeen()).toContain(first)
    expect(app[other].secretsSeen()).not.toContain(first)
    const renewals = [app[provider].refreshCount(), app[other].refreshCount()] as const
    api.answer((req, res) => {
      res.statusCode = req.headers.authorization === `Bearer ${first}` ? 401 : 200
      res.end()
    })
    expect((await browser.request('GET', `${app.url}/api/x`)).status).toBe(200)
    expect(app[provider].secretsSeen()).toContain(sentToken())
    expect([app[provider].refreshCount(), app[other].refreshCount()]).toEqual([renewals[0] + 1, renewals[1]])
  },
)

test('where tokens may go is said by the entry', async () => {
  const staff = await loggedIn('staff')
  expect((await staff.request('GET', `${app.url}/fetched`)).json()).toEqual({ status: 200 })
  const before = api.seen.length
  const customer = await loggedIn('customers')
  expect((await customer.request('GET', `${app.url}/fetched`)).status).toBe(500)
  expect(app.errors.at(-1)).toMatchObject({ code: 'api_not_listed' })
  expect(api.seen).toHaveLength(before)
})
