// No token and no session cookie in anything that an app can look at: requests, errors, events, log lines, the handler (issue 2, "done when").
import { inspect } from 'node:util'
import type { Request, Response } from 'express'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import {
  expiredAccessToken,
  failedLogIns,
  failedRenewals,
  goodLife,
  IMPATIENT,
  newBrowser,
  type Scene,
} from './life.ts'
import { createHaystack, into } from './search.ts'
import {
  addAnswers,
  addAnswersWithoutCookies,
  cookiesOf,
  type RedisWitness,
  secretsOf,
  watchRedis,
} from './witness.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp
let patient: TestApp
let witness: RedisWitness
let scene: Scene
const haystack = createHaystack()
/** Where a session's cookie must not be either: everything but the requests and answers that it belongs to. */
const told = createHaystack()
const stored = createHaystack()
const logged: string[] = []
const warned: unknown[] = []
const onWarning = (warning: Error) => void warned.push(warning)

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  witness = await watchRedis(into(haystack, stored), redis)
  process.on('warning', onWarning)
  const logger = { warn: (line: string) => void logged.push(line) }
  const onCallbackError: AuthOptions['onCallbackError'] = (error, _req, _res, next) => {
    told.add('an error of the callback', error)
    next()
  }
  app = await startApp({ provider, redisUrl: redis.url, options: { ...IMPATIENT, logger, onCallbackError } })
  patient = await startApp({ provider, redisUrl: redis.url, options: { logger } })
  scene = { url: app.url, provider, browsers: [] }
  lookAtRequests(app)
})

afterAll(async () => {
  process.off('warning', onWarning)
  await app?.stop()
  await patient?.stop()
  await redis?.stop()
  await provider?.stop()
})

/** What a handler has, as a careless one prints it. */
function printOidc(req: Request, res: Response, when: string) {
  const showAll = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }
  for (const [name, value] of Object.entries({ 'req.oidc': req.oidc, 'res.oidc': res.oidc })) {
    into(haystack, told).add(`${name} with its getters, ${when}`, inspect(value, showAll))
    into(haystack, told).add(`${name}, ${when}`, value)
  }
}

/** One request of each kind, as a logger in front of the app sees it when it is over. */
function lookAtRequests({ server }: TestApp) {
  const kinds = new Set<string>()
  server.prependListener('request', (req: Request, res: Response) => {
    const [path = ''] = req.url.split('?')
    res.once('finish', () => {
      const kind = `${req.method} ${path} ${res.statusCode}`
      if (req.oidc !== undefined && !kinds.has(kind)) printOidc(req, res, `after ${kind}`)
      // The callback's own address holds the code, and a logout's the hint: what the browser gets of them is looked at
      // in its answers.
      if (['/callback', '/logout', '/look'].includes(path) || kinds.has(kind)) return
      kinds.add(kind)
      // A response has its request.
      haystack.add(`the response of ${kind}`, res)
    })
  })
}

test.each<[string, (scene: Scene) => Promise<void>]>([
  ['a whole life', goodLife],
  ['every failure of a login', failedLogIns],
  ['every failure of a renewal', failedRenewals],
  ['an access token that expires while the provider is away', expiredAccessToken],
])('%s is lived through', async (_what, live) => {
  await live(scene)
  await witness.dump('on the way')
})

test('a handler looks at everything while a renewal is on its way', async () => {
  patient.app.get('/look', async (req, res) => {
    const lookAt = (when: string) => {
      for (const [name, value] of Object.entries({ res, auth: patient.auth, app: patient.app })) {
        haystack.add(`${name}, ${when}`, value)
      }
      printOidc(req, res, when)
      into(haystack, told).add(`auth(), ${when}`, patient.auth)
      told.add(`req.session, ${when}`, inspect(req.session, { depth: Number.POSITIVE_INFINITY }))
    }
    lookAt('before')
    await req.oidc.getAccessToken()
    const held = provider.holdNext('token', { mode: 'after' })
    const renewal = req.oidc.renew()
    await held.processed
    lookAt('while the provider’s answer is awaited')
    haystack.add('the promise of a renewal', renewal)
    held.release()
    await renewal
    lookAt('after a renewal')
    await res.oidc.logout()
  })
  const browser = newBrowser(scene)
  await browser.logIn(patient.url, { user: 'grace' })
  const page = await browser.request('GET', `${patient.url}/look`)
  expect([page.status, page.headers.location]).toEqual([303, expect.stringContaining('id_token_hint=')])
})

test('Redis goes away while new tokens wait to be stored, and comes back empty', async () => {
  const browser = newBrowser(scene)
  await browser.logIn(app.url, { user: 'heidi' })
  const held = provider.holdNext('token', { mode: 'after' })
  const renewing = browser.request('POST', `${app.url}/fresh`)
  await held.processed
  await witness.dump('before Redis goes')
  witness.stop()
  await redis.kill()
  held.release()
  await renewing
  const paths = ['/private', '/token', '/cart', '/me', '/public']
  await Promise.all([
    ...paths.map((path) => browser.request('GET', app.url + path)),
    browser.request('POST', `${app.url}/logout`),
  ])
  await redis.restart()
  witness = await watchRedis(into(haystack, stored), redis)
  await eventually('Redis to be used again', async () => {
    return (await browser.request('GET', `${app.url}/private`)).status === 401
  })
  await newBrowser(scene).logIn(app.url, { user: 'heidi' })
  await witness.dump('after Redis came back')
  expect(app.events.map(({ name }) => name)).toContain('commit-delayed')
})

test('no secret is in anything that was left behind', async () => {
  await Promise.all([app.auth.close(), patient.auth.close()])
  witness.stop()
  addAnswers(haystack, scene)
  addAnswersWithoutCookies(told, scene)
  const { add } = into(haystack, told)
  for (const { name, event } of [...app.events, ...patient.events]) add(`the event ${name}`, event)
  for (const error of [...app.errors, ...patient.errors]) add('an error that the app saw', error)
  for (const line of logged) add('a log line', line)
  for (const warning of warned) add('a warning of the process', warning)
  add('the handler', app.auth)

  // All of it was looked at, and there was something to find.
  expect(provider.refreshCount()).toBeGreaterThan(15)
  const secrets = secretsOf(scene)
  expect(secrets.length).toBeGreaterThan(150)
  expect(app.errors.length).toBeGreaterThan(5)
  expect(logged.length).toBeGreaterThan(5)
  expect(new Set(app.events.map(({ name }) => name)).size).toBeGreaterThanOrEqual(8)
  expect(haystack.size()).toBeGreaterThan(200)
  expect(haystack.find(secrets)).toEqual([])
})

test('no session cookie is in anything but the header that sets it', () => {
  const { values } = cookiesOf(scene)
  expect(values.length).toBeGreaterThan(100)
  expect(told.size()).toBeGreaterThan(200)
  expect(told.find(values)).toEqual([])
  // Redis knows sessions by their ids, and who reads it is none of them for that.
  expect(stored.find(values)).toEqual([])
})
