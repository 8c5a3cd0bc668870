// app.use(auth()) with nothing but the environment set is the whole set-up (issue 2, point 2), in a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Browser } from '../support/browser/browser.ts'
import { eventually, within } from '../support/deadline.ts'
import { freePort } from '../support/listen.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'

const require = createRequire(import.meta.url)
const SNIPPET = `
  import express from ${JSON.stringify(pathToFileURL(require.resolve('express')).href)}
  import { auth, requireAuth, requireFresh } from ${JSON.stringify(pathToFileURL(process.env.TEST_PACKAGE ?? '').href)}
  const app = express()
  app.use(auth())
  app.get('/', (req, res) => res.json({ user: req.oidc.user?.sub }))
  app.get('/profile', requireAuth(), (req, res) => res.json({ ...req.oidc.user, ...req.oidc.session }))
  app.post('/transfer', requireFresh(), (req, res) => res.json(req.oidc.session))
  app.listen(new URL(process.env.BASE_URL).port, 'localhost')
`

interface EnvironmentApp {
  readonly url: string
  /** with its exit code, when all of its output is there */
  readonly ended: Promise<unknown>
  output(): string
  stop(): Promise<void>
}

const SECRET = 'a secret from the environment which is long enough'

/** Nothing of this test run's own environment comes with it but where the programs are. */
function spawnApp(url: string, env: Record<string, string>): EnvironmentApp {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SNIPPET], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, BASE_URL: url, ...env },
  })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const ended = once(child, 'close').then(([code]) => code)
  return {
    url,
    ended,
    output: () => `${Buffer.concat(output)}`,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A client of that provider, as soon as it answers. */
async function startEnvironmentApp(provider: TestProvider, redis: { url: string }, env = {}) {
  const url = `http://localhost:${await freePort()}`
  const { clientId, clientSecret = '' } = await provider.registerClient({ baseURL: url })
  const app = spawnApp(url, {
    ISSUER_BASE_URL: provider.issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    SECRET,
    REDIS_URL: redis.url,
    ...env,
  })
  try {
    await eventually('the app to answer', () => new Browser().request('GET', `${url}/`), 15_000)
  } catch (error) {
    await app.stop()
    throw new Error(`the app said: ${app.output()}`, { cause: error })
  }
  return app
}

const { provider, store, app, plainApp } = useParts(async (start) => {
  // A provider that gives a refresh token without being asked for consent, as most hosted ones do.
  const [provider, plain, redis] = await Promise.all([
    start(startProvider({ configure: (plain) => ({ ...plain, issueRefreshToken: async () => true }) })),
    start(startProvider()),
    start(startRedis()),
  ])
  const env = {
    SCOPE: 'openid offline_access',
    AUDIENCE: 'https://api.example.com',
    RENEW_AFTER_SECONDS: '100',
  }
  const [app, plainApp] = await Promise.all([
    start(startEnvironmentApp(provider, redis, env)),
    start(startEnvironmentApp(plain, redis)),
  ])
  return { provider, store: redis.connect(), app, plainApp }
})

/** A line of its own, and the only one where all is well. */
const ADDRESSES = /^express-bff-session: to be entered at the provider, .*\n?$/

test('logs in, keeps the session in Redis, renews in time, and logs out', async () => {
  const { url } = app
  const browser = new Browser()
  const generationOf = async () => (await browser.request('GET', `${url}/profile`)).json().generation
  expect((await browser.request('GET', `${url}/profile`)).status).toBe(401)
  const page = await browser.logIn(url, { path: '/profile' })
  expect([page.status, page.url]).toEqual([200, `${url}/profile`])
  expect(page.json()).toMatchObject({ sub: 'alice', generation: 1 })
  expect(provider.authorizationRequests()[0]?.params).toMatchObject({
    scope: 'openid offline_access',
    audience: 'https://api.example.com',
  })
  expect(await store.keys('bff:{s-*:auth')).toHaveLength(1)

  expect(await generationOf()).toBe(1)
  await ageSession(store, browser, 101, { secret: SECRET })
  expect(await generationOf()).toBe(2)
  const { generation } = (await browser.request('POST', `${url}/transfer`)).json()
  expect(generation).toBeGreaterThan(2)
  expect(provider.refreshCount()).toBe(Number(generation) - 1)

  expect((await browser.logOut(url)).url).toBe(`${url}/`)
  expect((await browser.request('GET', `${url}/profile`)).status).toBe(401)
  await eventually('the refresh token to be revoked', () => provider.liveRefreshTokens().length === 0)
  expect(app.output()).toMatch(ADDRESSES)
})

test('logs in without a refresh token too, and says once in the log what to check', async () => {
  const { url } = plainApp
  expect((await new Browser().logIn(url, { path: '/profile' })).json()).toMatchObject({ sub: 'alice' })
  expect((await new Browser().logIn(url, { path: '/profile', user: 'bob' })).json()).toMatchObject({
    sub: 'bob',
  })
  const lines = plainApp
    .output()
    .split('\n')
    .filter((line) => line !== '')
  expect(lines).toEqual([
    expect.stringMatching(ADDRESSES),
    expect.stringMatching(/no refresh token.*offline_access.*prompt 'consent'/),
  ])
})

test.each([
  ['without a secret', { SECRET: '' }, 'auth(): secret (SECRET) must be at least 32 characters'],
  [
    'in production on memory',
    { NODE_ENV: 'production', REDIS_URL: '' },
    'auth(): redis (REDIS_URL) is required in production',
  ],
])('does not start %s, and says why', async (_what, env, why) => {
  const refused = spawnApp('http://localhost:1', {
    ISSUER_BASE_URL: 'http://localhost:2',
    CLIENT_ID: 'client',
    SECRET,
    ...env,
  })
  const code = await within(refused.ended, 'the app to end', 15_000)
  expect([code, refused.output()]).toEqual([1, expect.stringContaining(why)])
})
