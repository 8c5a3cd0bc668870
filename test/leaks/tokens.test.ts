// No token and no session cookie in anything that an app can look at, prints, answers or stores (issue 2, "done when").
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import type { Request, Response } from 'express'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import {
  expiredAccessToken,
  failedLogIns,
  failedRenewals,
  goodLife,
  IMPATIENT,
  newBrowser,
  type Scene,
} from './life.ts'
import { createHaystack, into, withoutLogoutHint } from './search.ts'
import {
  addAnswers,
  addAnswersWithoutCookies,
  cookiesOf,
  type RedisWitness,
  secretsOf,
  watchRedis,
} from './witness.ts'

/** Against a hang: a failure after the other, each with a login of its own. */
const MANY_LIVES_MS = 120_000

describe('in this process', () => {
  const haystack = createHaystack()
  /** Where a session's cookie must not be either: everything but the requests and answers that it belongs to. */
  const told = createHaystack()
  const stored = createHaystack()
  const logged: string[] = []
  const warned: unknown[] = []
  const onWarning = (warning: Error) => void warned.push(warning)
  let witness: RedisWitness

  const { provider, redis, scene, apps } = useParts(async (start) => {
    const provider = await start(startProvider())
    const redis = await start(startRedis())
    witness = await watchRedis(into(haystack, stored), redis)
    process.on('warning', onWarning)
    const note = (line: string, fields: object = {}) => void logged.push(line + JSON.stringify(fields))
    const logger = { error: note, warn: note, info: note }
    const onCallbackError: AuthOptions['onCallbackError'] = (error, _req, _res, next) => {
      told.add('an error of the callback', error)
      next()
    }
    const setUp = { provider, redisUrl: redis.url }
    const app = await start(startApp({ ...setUp, options: { ...IMPATIENT, logger, onCallbackError } }))
    const patient = await start(startApp({ ...setUp, options: { logger } }))
    const scene: Scene = { url: app.url, provider, browsers: [] }
    lookAtRequests(app)
    return { provider, redis, scene, apps: { app, patient } }
  })
  afterAll(() => void process.off('warning', onWarning))

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
  ])(
    '%s is lived through',
    async (_what, live) => {
      await live(scene)
      await witness.dump('on the way')
    },
    MANY_LIVES_MS,
  )

  test('a handler looks at everything while a renewal is on its way', async () => {
    const { patient } = apps
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
    // Given up by nobody, however slow this machine is.
    const { patient } = apps
    const { url } = patient
    const browser = newBrowser(scene)
    await browser.logIn(url, { user: 'heidi' })
    const held = provider.holdNext('token', { mode: 'after' })
    const renewing = browser.request('POST', `${url}/fresh`)
    await held.processed
    await witness.dump('before Redis goes')
    witness.stop()
    await redis.kill()
    held.release()
    await renewing
    const paths = ['/private', '/token', '/cart', '/me', '/public']
    await Promise.all([
      ...paths.map((path) => browser.request('GET', url + path)),
      browser.request('POST', `${url}/logout`),
    ])
    await redis.restart()
    witness = await watchRedis(into(haystack, stored), redis)
    await eventually('Redis to be used again', async () => {
      return (await browser.request('GET', `${url}/private`)).status === 401
    })
    await newBrowser(scene).logIn(url, { user: 'heidi' })
    await witness.dump('after Redis came back')
    expect(patient.events.map(({ name }) => name)).toContain('commit-delayed')
  })

  test('no secret is in anything that was left behind', async () => {
    const { app, patient } = apps
    const events = [...app.events, ...patient.events]
    await Promise.all([app.auth.close(), patient.auth.close()])
    witness.stop()
    addAnswers(haystack, scene)
    addAnswersWithoutCookies(told, scene)
    const { add } = into(haystack, told)
    for (const { name, event } of events) add(`the event ${name}`, event)
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
    expect(new Set(events.map(({ name }) => name)).size).toBeGreaterThanOrEqual(8)
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
})

describe('in an app process, with Express’s default error handler in development mode', () => {
  const { provider, redis, app, eager } = useParts(async (start) => {
    const provider = await start(startProvider())
    const redis = await start(startRedis())
    const setup = { provider, redisUrl: redis.url, env: { NODE_ENV: 'development' } }
    const [app, eager] = await Promise.all([
      start(startAppProcess(setup)),
      // Every request finds the session due, first beside it and then before it.
      start(startAppProcess({ ...setup, options: { renewal: { afterSeconds: 1, aheadSeconds: 1 } } })),
    ])
    return { provider, redis, app, eager }
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
})

describe('the search itself: a token that is planted in each kind of place, in each form, is found there', () => {
  const OPAQUE = 'dLKvgQxolYzqHr0Atnqn_a7xfgXhSrGm8BsPrgxTLmy'
  const JWT = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"alice"}').toString('base64url')}.FrGVcmDb5YYi0fwNec6HMv2bwOV2YT0Xu`
  const END = 'https://issuer.example/session/end'

  const findIn = (value: unknown, secrets = [OPAQUE, JWT]) => {
    const haystack = createHaystack()
    haystack.add('harmless', { sub: 'alice', text: 'nothing here' })
    haystack.add('planted', value)
    return haystack.find(secrets)
  }

  class Private extends EventEmitter {
    protected hidden = OPAQUE
  }

  test.each<[string, (token: string) => unknown]>([
    ['a body', (token) => `{"authenticated":true,"token":"${token}"}`],
    ['a header', (token) => ({ headers: { 'set-cookie': [`a=b; Path=/`, `t=${token}`] } })],
    ['a log line', (token) => `warn: refresh of ${token} failed\n`],
    ['an error’s message', (token) => new Error(`bad ${token}`)],
    [
      'an error’s cause’s cause',
      (token) => new Error('a', { cause: new Error('b', { cause: { body: token } }) }),
    ],
    [
      'an error’s own member',
      (token) => Object.assign(new TypeError('a'), { response: { body: { token } } }),
    ],
    ['an aggregate error', (token) => new AggregateError([new Error('a'), new Error(token)])],
    ['a stack', (token) => Object.assign(new Error('a'), { stack: `Error\n    at ${token}` })],
    ['a hidden member', (token) => Object.defineProperty({}, 'x', { value: token, enumerable: false })],
    ['a symbol', (token) => ({ [Symbol('x')]: { token } })],
    ['a symbol’s name', (token) => ({ [Symbol(token)]: 1 })],
    ['a member’s name', (token) => ({ [token]: 1 })],
    ['a Map in a Set', (token) => new Set([new Map([['k', { token }]])])],
    ['a Map’s key', (token) => new Map([[{ token }, 1]])],
    ['a function’s member', (token) => Object.assign(() => {}, { token })],
    ['a list of a thousand', (token) => [...Array(1000).fill('x'), token]],
    ['a text of a megabyte', (token) => ['x'.repeat(1_000_000) + token]],
    [
      'a hundred levels down',
      (token) =>
        Array(100)
          .fill(0)
          .reduce((inner) => ({ inner }), { token }),
    ],
    ['a buffer', (token) => ({ chunk: Buffer.from(`xx${token}`) })],
    ['a big buffer', (token) => ({ chunk: Buffer.concat([Buffer.alloc(5000), Buffer.from(token)]) })],
    ['an ArrayBuffer', (token) => new TextEncoder().encode(token).buffer],
    ['an URL', (token) => new URL(`https://app.example/?t=${token}`)],
    ['an emitter', (token) => Object.assign(new Private(), { token })],
    ['a Redis value', (token) => ['HSET', 'key', 'sealed', Buffer.from(token).toString('base64')]],
    ['base64 of a pair', (token) => `Basic ${Buffer.from(`a:${token}`).toString('base64')}`],
    ['base64 of another pair', (token) => `Basic ${Buffer.from(`ab:${token}`).toString('base64')}`],
    ['base64 of a third', (token) => `Basic ${Buffer.from(`abc:${token}`).toString('base64')}`],
    ['hex', (token) => Buffer.from(token).toString('hex')],
    ['only its end', (token) => `…${token.slice(-24)}`],
  ])('a token in %s is found', (_where, plant) => {
    for (const token of [OPAQUE, JWT]) {
      // A JWT's end alone says nothing that its signature's beginning does not.
      const planted = token === JWT && _where === 'only its end' ? token.split('.')[2] : plant(token)
      expect(findIn(planted).map(({ place }) => place)).toContain('planted')
    }
  })

  test('nothing is found where nothing is, and a find names no secret', () => {
    expect(findIn({ sub: 'alice', aud: 'client', generation: 2 })).toEqual([])
    expect(findIn('eyJhbGciOiJSUzI1NiJ9 is how every token begins')).toEqual([])
    const found = findIn({ OPAQUE, JWT })
    expect(found.length).toBeGreaterThan(1)
    expect(JSON.stringify(found)).not.toContain(OPAQUE)
  })

  test('a secret with letters that URLs and JSON escape is found in both', () => {
    const secret = 'a “secret”, with\t"quotes" & more /+='
    for (const planted of [secret, encodeURIComponent(secret), JSON.stringify({ secret })]) {
      expect(findIn(planted, [secret])).not.toEqual([])
    }
  })

  test('the hint is taken out of the address of the end-session endpoint, and nothing else is', () => {
    const address = `${END}?id_token_hint=${JWT}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F`
    expect(findIn(address)).not.toEqual([])
    expect(withoutLogoutHint(address, END)).toBe(
      `${END}?post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F`,
    )
  })

  test.each([
    ['at another endpoint', `https://issuer.example/session/other?id_token_hint=${JWT}`],
    ['at another host', `https://evil.example/session/end?id_token_hint=${JWT}`],
    ['below the endpoint', `${END}/more?id_token_hint=${JWT}`],
    ['on our own site', `/logged-out?id_token_hint=${JWT}`],
    ['in another parameter', `${END}?state=${JWT}`],
    ['in the fragment', `${END}#id_token_hint=${JWT}`],
    ['of another token beside it', `${END}?id_token_hint=x&logout_hint=${OPAQUE}`],
  ])('a token %s is still found', (_where, location) => {
    expect(findIn(withoutLogoutHint(location, END))).not.toEqual([])
  })
})
