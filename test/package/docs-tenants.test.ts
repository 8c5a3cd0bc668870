// The app in docs/tenants.md, run as it stands there, with two tenants at a real provider.
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { startPageScript } from './page-script.ts'

const clientSecret = 'a secret of that client'
const HOSTS = ['127.0.2.1', '127.0.2.2'] as const

const { provider, server } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const rowsAt = (port: number) =>
    HOSTS.map((host) => {
      const client = { issuerBaseURL: provider.issuer, clientID: host, clientSecret }
      const baseURL = `http://${host}:${port}`
      return [host, { ...client, baseURL, authorizationParams: { prompt: 'consent' } }]
    })
  const environment = (port: number) => ({
    REDIS_URL: redis.url,
    TENANTS: JSON.stringify(Object.fromEntries(rowsAt(port))),
  })
  const server = await start(startPageScript('docs/tenants.md', environment))
  return { provider, server }
})

test('each tenant’s people log in at their own address, and have nothing of it at the other', async () => {
  const { port } = new URL(server.url)
  const browsers = new Map<string, Browser>()
  for (const host of HOSTS) {
    await provider.registerClient({ clientId: host, clientSecret, baseURL: `http://${host}:${port}` })
    const browser = new Browser()
    const page = await browser.logIn(`http://${host}:${port}`, { user: 'ann', path: '/' })
    expect(page.json()).toEqual({ name: 'ann Example', tenant: host })
    browsers.set(host, browser)
  }
  const [one, other] = HOSTS
  const devices = await browsers.get(one)?.request('GET', `http://${one}:${port}/devices`)
  expect(devices?.json<{ tenant: string }[]>().map(({ tenant }) => tenant)).toEqual([one])
  expect((await browsers.get(one)?.request('GET', `http://${other}:${port}/`))?.status).toBe(401)
  expect((await new Browser().request('GET', `http://127.0.2.3:${port}/`)).json()).toMatchObject({
    status: 404,
    code: 'tenant_unknown',
  })
})
