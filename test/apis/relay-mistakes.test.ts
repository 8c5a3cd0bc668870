// What is wrong with the set-up is said: at start-up by its name, or to the app's error handler.
import { inspect } from 'node:util'
import express, { type ErrorRequestHandler, type Request, type Response } from 'express'
import { ConfigurationError, type RelayOptions, relay } from '../../src/index.ts'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { openRequest } from '../support/browser/open-request.ts'
import { createSignal, within } from '../support/deadline.ts'

const target = 'https://api.example.com/v1'

test.each<[unknown, RegExp]>([
  [undefined, /relay\(\): needs options: give it a target/],
  ['https://api.example.com', /relay\(\): needs options/],
  [{}, /relay\(\): target must be an absolute http\(s\) URL such as/],
  [{ target: '' }, /target must be an absolute/],
  [{ target: '/v1' }, /target must be an absolute/],
  [{ target: 'api.example.com' }, /target must be an absolute/],
  [{ target: 'ws://api.example.com' }, /target must be an absolute/],
  [{ target: 'file:///etc' }, /target must be an absolute/],
  [{ target: 'https://user:pw@api.example.com' }, /target must have no user name, query or fragment/],
  [{ target: `${target}?a=b` }, /target must have no user name/],
  [{ target: `${target}?` }, /target must have no user name/],
  [{ target: new URL(`${target}#a`) }, /target must have no user name/],
  [{ target, audiance: 'x' }, /relay\(\): audiance is not an option; did you mean audience\?/],
  [{ target, followRedirects: true }, /followRedirects is not an option; the options are target, audience/],
  [{ target, audience: '' }, /must have an audience that is a string/],
  [{ target, audience: 7 }, /must have an audience that is a string/],
  [{ target, scope: 'a  b' }, /must have a scope of words/],
  [{ target, methods: [] }, /methods must be a list of methods/],
  [{ target, methods: 'GET' }, /methods must be a list/],
  [{ target, methods: [7] }, /methods must be a list/],
  [{ target, methods: ['GET', 'TRACE'] }, /methods has TRACE, which is not handed on/],
  [{ target, methods: ['connect'] }, /methods has CONNECT/],
  [{ target, methods: ['FETCH'] }, /methods has FETCH/],
  [{ target, token: 'none' }, /token must be 'user' or 'user-or-none'/],
  [{ target, timeoutSeconds: 0 }, /timeoutSeconds must be a number of seconds/],
  [{ target, timeoutSeconds: '30' }, /timeoutSeconds must be/],
  [{ target, timeoutSeconds: Number.NaN }, /timeoutSeconds must be/],
  [{ target, timeoutSeconds: 3601 }, /timeoutSeconds must be/],
  [{ target, requestHeaders: 'x-a' }, /requestHeaders must be a list of header names/],
  [{ target, requestHeaders: ['x a'] }, /requestHeaders must be a list/],
  [{ target, requestHeaders: ['X-Forwarded-For'] }, /requestHeaders has x-forwarded-for, which never goes/],
  [{ target, requestHeaders: ['x-ok', 'Cookie'] }, /requestHeaders has cookie/],
  [{ target, requestHeaders: ['authorization'] }, /requestHeaders has authorization/],
  [{ target, requestHeaders: ['connection'] }, /requestHeaders has connection/],
  [{ target, requestHeaders: ['content-length'] }, /requestHeaders has content-length/],
  [{ target, requestHeaders: ['x_user'] }, /requestHeaders has x_user/],
  [{ target, requestHeaders: ['Sec-Fetch-Site'] }, /requestHeaders has sec-fetch-site/],
])('relay(%j) is a mistake', (options, message) => {
  const make = () => relay(options as RelayOptions)
  expect(make).toThrow(message)
  expect(make).toThrow(ConfigurationError)
})

test('relay() is a named handler of three arguments, and leaves its options alone', () => {
  const options = Object.freeze({
    target,
    methods: Object.freeze(['GET']),
    requestHeaders: Object.freeze(['X-A']),
  })
  expect([relay(options).name, relay(options).length]).toEqual(['relay', 3])
})

test('a relay without auth() above it says so', async () => {
  const said = await new Promise((resolve) => {
    relay({ target })({ method: 'GET', url: '/', headers: {} } as Request, {} as Response, resolve)
  })
  expect(said).toMatchObject({ name: 'ConfigurationError', code: 'auth_not_mounted' })
})

describe('in an app', () => {
  let fixture: RelayFixture
  const errors: unknown[] = []

  beforeAll(async () => {
    fixture = await startRelayFixture()
    const { app, api } = fixture
    app.app.use('/parsed', express.json(), express.urlencoded(), relay({ target: api.url }))
    app.app.use('/foreign', relay({ target: api.url, audience: 'https://foreign.example' }))
    app.app.use(((error, _req, res, _next) => {
      errors.push(error)
      res.status(error.status ?? 500).end()
    }) satisfies ErrorRequestHandler)
  })
  afterAll(() => fixture?.stop())
  beforeEach(() => {
    errors.length = 0
    fixture.api.seen.length = 0
    fixture.api.echo()
  })

  test('a body parser above the relay has taken the body: an error that says so, and no waiting', async () => {
    const page = await fixture.browser.request('POST', `${fixture.app.url}/parsed/x`, { json: { a: 1 } })
    expect(page.status).toBe(500)
    expect(errors).toEqual([
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'body_already_read',
        message: expect.stringMatching(/mount relay\(\) above express\.json\(\)/),
      }),
    ])
    expect(fixture.api.seen).toEqual([])
  })

  test.each([
    ['without a body', 'GET', {}],
    ['with a body that it leaves alone', 'POST', { body: 'text', headers: { 'content-type': 'text/plain' } }],
    ['with an empty body', 'POST', { body: '', headers: { 'content-type': 'application/json' } }],
  ])('a request %s passes a body parser', async (_what, method, options) => {
    const page = await fixture.browser.request(method, `${fixture.app.url}/parsed/x`, options)
    expect([page.status, errors]).toEqual([200, []])
  })

  test('no token is to be seen in a request or an answer while they are relayed', async () => {
    const seen = createSignal<{ req: Request; res: Response }>()
    fixture.app.app.use('/watched', (req, res, next) => {
      seen.resolve({ req, res })
      next()
    })
    fixture.app.app.use('/watched', relay({ target: fixture.api.url }))
    const arrived = createSignal()
    fixture.api.answer((req, res) => {
      req.once('data', () => res.write('half'))
      arrived.resolve()
    })
    const { sent, response } = openRequest('POST', `${fixture.app.url}/watched/x`, { cookie: fixture.cookie })
    sent.write('half')
    await response()
    await within(arrived.promise, 'the request at the API')
    const { req, res } = await within(seen.promise, 'the request at the app')
    const all = {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      maxStringLength: null,
      maxArrayLength: null,
    }
    const shown = inspect(req, all) + inspect(res, all)
    sent.destroy()
    const token = fixture.api.seen[0]?.headers.authorization?.replace('Bearer ', '')
    expect(fixture.provider.secretsSeen()).toContain(token)
    expect(shown).toContain('/watched')
    expect(shown).not.toContain(token)
  })
})
