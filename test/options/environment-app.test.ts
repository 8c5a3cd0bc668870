// app.use(auth()) with nothing but the environment set is the whole set-up (issue 2, point 2), in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Browser } from '../support/browser/browser.ts'
import { eventually, within } from '../support/deadline.ts'
import { freePort } from '../support/listen.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

const require = createRequire(import.meta.url)
const SNIPPET = `
  import express from ${JSON.stringify(pathToFileURL(require.resolve('express')).href)}
  import { auth, requireAuth, requireFresh } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
  const app = express()
  app.use(auth())
  app.get('/', (req, res) => res.json({ user: req.oidc.user?.sub }))
  app.get('/profile', requireAuth(), (req, res) => res.json({ ...req.oidc.user, ...req.oidc.session }))
  app.post('/transfer', requireFresh(), (req, res) => res.json(req.oidc.session))
  app.listen(new URL(process.env.BASE_URL).port, 'localhost')
`

interface EnvironmentApp {
  readonly url: string
  readonly process: ChildProcess
  output(): string
}

const running: ChildProcess[] = []
let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    child.kill('SIGKILL')
    await ended
  }
})
afterAll(() => redis?.stop())

/** Nothing of this test run's own environment comes with it but where the programs are. */
async function start(url: string, env: Record<string, string>): Promise<EnvironmentApp> {
  const args = ['--import', pathToFileURL(require.resolve('tsx')).href, '--input-type=module', '-e', SNIPPET]
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, BASE_URL: url, ...env },
  })
  running.push(child)
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  return { url, process: child, output: () => `${Buffer.concat(output)}` }
}

async function answering(app: EnvironmentApp): Promise<EnvironmentApp> {
  try {
    await eventually('the app to answer', () => new Browser().request('GET', `${app.url}/`), 15_000)
  } catch (error) {
    throw new Error(`the app said: ${app.output()}`, { cause: error })
  }
  return app
}

async function environmentFor(provider: TestProvider, url: string): Promise<Record<string, string>> {
  const { clientId, clientSecret = '' } = await provider.registerClient({ baseURL: url })
  return {
    ISSUER_BASE_URL: provider.issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    SECRET: 'a secret from the environment which is long enough',
    REDIS_URL: redis.url,
  }
}

test('logs in, keeps the session in Redis, renews in time, and logs out', async () => {
  // A provider that gives a refresh token without being asked for consent, as most hosted ones do.
  const provider = await startProvider({
    configure: (configuration) => ({ ...configuration, issueRefreshToken: async () => true }),
  })
  try {
    const url = `http://localhost:${await freePort()}`
    const app = await answering(
      await start(url, {
        ...(await environmentFor(provider, url)),
        SCOPE: 'openid offline_access',
        AUDIENCE: 'https://api.example.com',
        RENEW_AFTER_SECONDS: '1',
      }),
    )
    const browser = new Browser()
    expect((await browser.request('GET', `${url}/profile`)).status).toBe(401)
    const page = await browser.logIn(url, { path: '/profile' })
    expect([page.status, page.url]).toEqual([200, `${url}/profile`])
    expect(page.json()).toMatchObject({ sub: 'alice', generation: 1 })
    expect(provider.authorizationRequests()[0]?.params).toMatchObject({
      scope: 'openid offline_access',
      audience: 'https://api.example.com',
    })
    expect(await redis.connect().keys('bff:{s-*:auth')).toHaveLength(1)

    await eventually('the timeframe to end', async () => {
      return Number((await browser.request('GET', `${url}/profile`)).json().generation) >= 2
    })
    const { generation } = (await browser.request('POST', `${url}/transfer`)).json()
    expect(generation).toBeGreaterThan(2)
    expect(provider.refreshCount()).toBe(Number(generation) - 1)

    expect((await browser.logOut(url)).url).toBe(`${url}/`)
    expect((await browser.request('GET', `${url}/profile`)).status).toBe(401)
    await eventually('the refresh token to be revoked', () => provider.liveRefreshTokens().length === 0)
    expect(app.output()).toBe('')
  } finally {
    await provider.stop()
  }
})

test('logs in without a refresh token too, and says once in the log what to check', async () => {
  const provider = await startProvider()
  try {
    const url = `http://localhost:${await freePort()}`
    const app = await answering(await start(url, await environmentFor(provider, url)))
    expect((await new Browser().logIn(url, { path: '/profile' })).json()).toMatchObject({ sub: 'alice' })
    expect((await new Browser().logIn(url, { path: '/profile', user: 'bob' })).json()).toMatchObject({
      sub: 'bob',
    })
    const lines = app
      .output()
      .split('\n')
      .filter((line) => line !== '')
    expect(lines).toEqual([expect.stringMatching(/no refresh token.*offline_access.*prompt 'consent'/)])
  } finally {
    await provider.stop()
  }
})

test.each([
  ['without a secret', { SECRET: '' }, 'auth(): secret (SECRET) must be at least 32 characters'],
  [
    'in production on memory',
    { NODE_ENV: 'production', REDIS_URL: '' },
    'auth(): redis (REDIS_URL) is required in production',
  ],
])('does not start %s, and says why', async (_what, env, why) => {
  const app = await start('http://localhost:1', {
    ISSUER_BASE_URL: 'http://localhost:2',
    CLIENT_ID: 'client',
    SECRET: 'a secret from the environment which is long enough',
    ...env,
  })
  const [code] = await within(once(app.process, 'close'), 'the app to end', 15_000)
  expect([code, app.output()]).toEqual([1, expect.stringContaining(why)])
})
