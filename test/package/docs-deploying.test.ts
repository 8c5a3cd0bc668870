// docs/deploying.md, run as it stands there: two servers behind a balancer, a Redis user with few rights, an end in order.
import { type Balancer, startBalancer } from '../support/app/balancer.ts'
import { Browser } from '../support/browser/browser.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, sessionIdOf, storedRecord } from '../support/session/age-session.ts'
import { PAGE_SECRET, type PageScript, startPageScript } from './page-script.ts'
import { snippetsOf } from './snippets.ts'

const PAGE = 'docs/deploying.md'
const client = { clientId: 'deployed', clientSecret: 'a secret of that client' }

let provider: TestProvider
let redis: RedisServer
let balancer: Balancer
let servers: PageScript[] = []

const start = (environment: Record<string, string> = {}) =>
  startPageScript(
    PAGE,
    {
      ISSUER_BASE_URL: provider.issuer,
      BASE_URL: balancer.url,
      CLIENT_ID: client.clientId,
      CLIENT_SECRET: client.clientSecret,
      REDIS_URL: redis.url.replace('//', '//bff:password@'),
      ...environment,
    },
    '/health',
  )

beforeAll(async () => {
  ;[provider, redis, balancer] = await Promise.all([
    startProvider({ configure: (plain) => ({ ...plain, issueRefreshToken: async () => true }) }),
    startRedis(),
    startBalancer(),
  ])
  const rights = snippetsOf(PAGE).find(({ code }) => code.startsWith('ACL SETUSER'))?.code ?? ''
  const [command = '', ...words] = rights.trim().split(' ')
  await redis.connect().call(command, ...words)
  await provider.registerClient({ ...client, baseURL: balancer.url })
  servers = await Promise.all([start(), start()])
  balancer.targets = servers.map(({ url }) => url)
}, 40_000)
afterAll(async () => {
  await balancer?.stop()
  await Promise.all(servers.map((server) => server.stop()))
  await Promise.all([provider, redis].map((each) => each?.stop()))
})

const health = (url: string) => exchange({ method: 'GET', url: `${url}/health` })

test('who logs in through one server is known to the other, with the rights that the page gives to Redis’s user', async () => {
  const browser = new Browser()
  await browser.logIn(balancer.url, { user: 'ann' })
  for (const _ of servers) {
    expect((await browser.request('GET', `${balancer.url}/`)).json()).toEqual({ name: 'ann Example' })
  }
  await ageSession(redis.connect(), browser, 1000, { secret: PAGE_SECRET })
  expect((await browser.request('GET', `${balancer.url}/`)).status).toBe(200)
  expect(provider.refreshCount()).toBe(1)
  await browser.request('POST', `${balancer.url}/logout`)
  expect((await browser.request('GET', `${balancer.url}/`)).status).toBe(401)
  expect(servers.map((server) => server.output())).toEqual(['', ''])
})

test('the provider out of reach is no reason to take a server out, and is said in its output', async () => {
  const browser = new Browser()
  await browser.logIn(balancer.url, { user: 'bea' })
  await ageSession(redis.connect(), browser, 1000, { secret: PAGE_SECRET })
  provider.answerNext('token', { status: 503 })
  expect((await browser.request('GET', `${balancer.url}/`)).status).toBe(200)
  expect(servers.map((server) => server.output()).join()).toMatch(/renewal-failed \{[^}]*server-error/)
  for (const { url } of servers) expect((await health(url)).status).toBe(200)
})

test('a server that is asked to end while it renews stores the new token, and leaves with code 0', async () => {
  const browser = new Browser()
  const admin = redis.connect()
  await browser.logIn(balancer.url, { user: 'cleo' })
  const id = await sessionIdOf(browser)
  const leaving = await start()
  try {
    await ageSession(admin, browser, 880, { secret: PAGE_SECRET })
    const held = provider.holdNext('token', { mode: 'after' })
    expect((await browser.request('GET', `${leaving.url}/`)).status).toBe(200)
    await held.processed
    const code = leaving.sigterm()
    await eventually('it to take no more requests', () =>
      health(leaving.url).then(
        () => false,
        () => true,
      ),
    )
    expect(await storedRecord(admin, id, PAGE_SECRET)).toMatchObject({ generation: 1 })
    held.release()
    expect(await code).toBe(0)
    expect(await storedRecord(admin, id, PAGE_SECRET)).toMatchObject({ generation: 2 })
  } finally {
    await leaving.stop()
  }
})

test('a server whose provider is not there does not start', async () => {
  await expect(start({ ISSUER_BASE_URL: 'http://127.0.0.1:1' })).rejects.toThrow(/the script ended/)
})
