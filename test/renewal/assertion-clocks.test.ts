// H24: what a client signs is dated by the store's clock: processes ten minutes off are not refused by the provider.
import { generateKeyPairSync } from 'node:crypto'
import type { AuthOptions } from '../../src/index.ts'
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { type Balancer, startBalancer } from '../support/app/balancer.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const options: AuthOptions = {
  clientID: 'clocks',
  clientAssertionSigningKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  pushedAuthorizationRequests: true,
  signedAuthorizationRequests: true,
}

let provider: TestProvider
let redis: RedisServer
let site: Balancer
const processes: AppProcess[] = []

beforeAll(async () => {
  redis = await startRedis()
  site = await startBalancer()
  provider = await startProvider({
    configure: (configuration) => ({
      ...configuration,
      clientAuthMethods: ['private_key_jwt'],
      features: { ...configuration.features, requestObjects: { enabled: true } },
      // No provider allows for less.
      clockTolerance: 0,
    }),
  })
  await provider.registerClient({
    baseURL: site.url,
    clientId: 'clocks',
    authMethod: 'private_key_jwt',
    metadata: { jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }) }] } },
  })
})
afterEach(() => Promise.all(processes.splice(0).map((each) => each.stop())))
afterAll(() => Promise.all([site, redis, provider].map((each) => each?.stop())))

async function open(offSeconds: number): Promise<AppProcess> {
  const clock = new URL('../support/app/shifted-clock.mjs', import.meta.url)
  const app = await startAppProcess({
    redisUrl: redis.url,
    options: { issuerBaseURL: provider.issuer, baseURL: site.url, ...options },
    env: { NODE_OPTIONS: `--import=${clock}`, CLOCK_OFF_MS: String(offSeconds * 1000) },
  })
  processes.push(app)
  return app
}

const signed = (from: number) =>
  provider
    .requests()
    .slice(from)
    .filter(({ assertion }) => assertion !== undefined)
    .map(({ endpoint, status }) => [endpoint, status])

const isAnswered = (seen: ReturnType<typeof signed>) => seen.every(([, status]) => status !== undefined)

test.each([
  ['ten minutes ahead', 600],
  ['ten minutes behind', -600],
  ['some seconds ahead', 4],
  ['some seconds behind', -4],
])('H24: a process %s logs in, renews and revokes', async (what, offSeconds) => {
  const app = await open(offSeconds)
  site.targets = [app.url]
  const from = provider.requests().length
  const browser = new Browser()
  expect((await browser.logIn(site.url, { user: what })).json()).toMatchObject({ sub: what })
  expect((await browser.request('POST', `${site.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  await browser.request('POST', `${site.url}/logout`)
  await eventually('the revocation', () => signed(from).length === 4 && isAnswered(signed(from)))
  expect(provider.liveRefreshTokens(what)).toEqual([])
  expect(signed(from)).toEqual([
    ['pushed_request', 201],
    ['token', 200],
    ['token', 200],
    ['revocation', 200],
  ])
})

test.each([600, -600])(
  'H24: a logout is the first thing that a process %i seconds off says to the provider, and is heard',
  async (offSeconds) => {
    const user = `user ${offSeconds}`
    const right = await open(0)
    const off = await open(offSeconds)
    site.targets = [right.url]
    const browser = new Browser()
    await browser.logIn(site.url, { user })
    site.targets = [off.url]
    const from = provider.requests().length
    await browser.request('POST', `${site.url}/logout`)
    await eventually('the revocation', () => signed(from).length === 1 && isAnswered(signed(from)))
    expect(provider.liveRefreshTokens(user)).toEqual([])
    expect(signed(from)).toEqual([['revocation', 200]])
  },
)
