// No token and no session cookie in what an app process prints, answers or stores, with Express's default error handler in development mode.
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { expiredAccessToken, failedRenewals, goodLife, IMPATIENT, newBrowser, type Scene } from './life.ts'
import { createHaystack, into } from './search.ts'
import { addAnswers, addAnswersWithoutCookies, cookiesOf, secretsOf, watchRedis } from './witness.ts'

let provider: TestProvider
let redis: RedisServer
let app: AppProcess
let eager: AppProcess

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  const setup = { provider, redisUrl: redis.url, env: { NODE_ENV: 'development' } }
  ;[app, eager] = await Promise.all([
    startAppProcess({ ...setup, options: IMPATIENT }),
    // Every request finds the session due, first beside it and then before it.
    startAppProcess({ ...setup, options: { renewal: { afterSeconds: 1, aheadSeconds: 1 } } }),
  ])
})
afterAll(async () => {
  await app?.stop()
  await eager?.stop()
  await redis?.stop()
  await provider?.stop()
})

test('no secret is in its output, its answers, its events or in Redis', async () => {
  const haystack = createHaystack()
  const [told, stored] = [createHaystack(), createHaystack()]
  const witness = await watchRedis(into(haystack, stored), redis)
  const scene: Scene = { url: app.url, provider, browsers: [] }
  await goodLife(scene)
  await failedRenewals(scene, /^(?:400|invalid_grant|garbage|another sub|a wrong signature)$/)
  await expiredAccessToken(scene)

  const browser = newBrowser(scene)
  await browser.logIn(eager.url, { user: 'ivan' })
  await eventually('renewals beside and before requests', async () => {
    await browser.request('GET', `${eager.url}/private`)
    return eager.events.filter(({ name }) => name === 'renewed').length >= 3
  })
  await witness.dump('at the end')
  expect(witness.commands()).toBeGreaterThan(50)
  witness.stop()

  // Errors of getAccessToken() were thrown into Express's own handler, which answers and prints the stack.
  const stacks = scene.browsers.flatMap(({ received }) =>
    received.filter(({ body }) => body.includes('TryLaterError')),
  )
  expect(stacks.length).toBeGreaterThan(0)
  expect(app.output()).toMatch(/TryLaterError[\s\S]*code: 'provider_unavailable'/)
  expect(await app.sigterm()).toBe(0)
  expect(await eager.sigterm()).toBe(0)

  addAnswers(haystack, scene)
  addAnswersWithoutCookies(told, scene)
  for (const each of [app, eager]) {
    into(haystack, told).add('the output', each.output())
    for (const { name, event } of each.events) into(haystack, told).add(`the event ${name}`, event)
  }
  const secrets = secretsOf(scene)
  expect(secrets.length).toBeGreaterThan(50)
  expect(haystack.find(secrets)).toEqual([])

  const { values, ids } = cookiesOf(scene)
  expect([values.length > 30, ids.length > 5]).toEqual([true, true])
  // An id is no credential, since it is not signed: Redis and the app know sessions by it. A log does not need it.
  expect(told.find(values)).toEqual([])
  expect(stored.find(values)).toEqual([])
  expect(ids.filter((id) => (app.output() + eager.output()).includes(id))).toEqual([])
})
