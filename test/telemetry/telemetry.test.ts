// Metrics and traces of what really happens: OpenTelemetry's own SDK, a Prometheus exporter that is scraped, a real provider,
// a real Redis.

import { type Operation, relay } from '../../src/index.ts'
import { instrument } from '../../src/telemetry/index.ts'
import { openSpan } from '../../src/telemetry/spans.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { startApp } from '../support/app/app.ts'
import { startTelemetry } from '../support/app/telemetry.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { freePort } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, endBackOff, sessionIdOf } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const AFTER_SECONDS = 900

/** `near` has the near cache; the Redis of `away` is not there. */
const { provider, redis, api, telemetry, app, near, away } = useParts(async (start) => {
  const [provider, redis, api, telemetry] = await Promise.all([
    start(startProvider()),
    start(startRedis()),
    start(startApiServer()),
    start(startTelemetry()),
  ])
  const { meterProvider, tracerProvider } = telemetry
  const renewal = { afterSeconds: AFTER_SECONDS }
  const app = await start(startApp({ provider, redisUrl: redis.url, options: { renewal } }))
  const nearRedis = { url: redis.url, nearCache: true }
  const near = await start(startApp({ provider, options: { redis: nearRedis, renewal } }))
  const away = await start(startApp({ provider, redisUrl: `redis://127.0.0.1:${await freePort()}` }))
  for (const { auth, app: routes, server } of [app, near, away]) {
    expect(instrument(auth, { meterProvider, tracerProvider })).toBe(auth)
    server.removeAllListeners('request')
    server.on('request', telemetry.traced(routes))
  }
  app.app.use('/api', relay({ target: `${api.url}/v1` }))
  return { provider, redis, api, telemetry, app, near, away }
})
afterEach(() => {
  provider.normal()
  api.echo()
})

/** How far it went up. */
async function increase(name: string, labels: Record<string, string>, act: () => Promise<unknown>) {
  const before = await telemetry.sum(name, labels)
  await act()
  return (await telemetry.sum(name, labels)) - before
}

/** What ends after the answer does too. */
async function newSpans(name: string, act: () => Promise<unknown>, count = 1) {
  const before = telemetry.spans(name).length
  await act()
  return eventually(`spans of ${name}`, () => {
    const spans = telemetry.spans(name).slice(before)
    return spans.length >= count ? spans : undefined
  })
}

const post = ({ browser }: LoggedIn, path: string) => browser.request('POST', `${app.url}${path}`)
const enter = () => logIn(provider, app.url)

test('a login is counted and timed, and its callback leads to its beginning', async () => {
  const labels = { bff_outcome: 'logged-in' }
  const ended = await increase('bff_session_login_ended_total', labels, async () => {
    const begun = increase('bff_session_login_begun_total', {}, enter)
    expect(await begun).toBe(1)
  })
  expect(ended).toBe(1)
  expect(await telemetry.sum('bff_session_login_duration_count', labels)).toBeGreaterThan(0)
  const granted = { bff_grant: 'authorization_code' }
  expect(await telemetry.sum('bff_session_token_request_duration_count', granted)).toBeGreaterThan(0)
  const [begin, callback] = [telemetry.spans('login').at(-1), telemetry.spans('callback').at(-1)]
  expect(callback?.links[0]?.context).toMatchObject({
    traceId: begin?.spanContext().traceId,
    spanId: begin?.spanContext().spanId,
  })
  expect(callback?.attributes).toEqual({ 'bff.outcome': 'logged-in' })
  const requests = telemetry.requestSpans().map((span) => span.spanContext().spanId)
  expect(requests).toEqual(expect.arrayContaining([begin?.parentSpanContext?.spanId]))
  expect(requests).toEqual(expect.arrayContaining([callback?.parentSpanContext?.spanId]))
})

test('what the app itself has a login carry stays', () => {
  const operation: Operation = { name: 'login', carry: 'the app’s own' }
  openSpan(telemetry.tracerProvider.getTracer('test'), operation, () => ({})).end({ outcome: 'begun' })
  expect(operation.carry).toBe('the app’s own')
})

test('a callback that is refused is counted by its code', async () => {
  const browser = new Browser()
  const unknown = () => browser.navigate(`${app.url}/callback?state=odd&code=odd`)
  const labels = { error_type: 'login_unknown' }
  expect(await increase('bff_session_login_ended_total', { ...labels, bff_outcome: 'failed' }, unknown)).toBe(
    1,
  )
  expect(await increase('bff_session_refused_total', labels, unknown)).toBe(1)
  expect(telemetry.spans('callback').at(-1)?.status.code).toBe(2)
})

test.each([
  ['timeframe', (one: LoggedIn) => one.get(`${app.url}/private`), AFTER_SECONDS],
  ['require-fresh', (one: LoggedIn) => post(one, '/fresh'), 0],
  ['renew', (one: LoggedIn) => post(one, '/renew'), 0],
])('a renewal is counted by its trigger, and so is who waited for it: %s', async (trigger, ask, age) => {
  const one = await enter()
  await ageSession(redis.connect(), one.browser, age)
  const labels = { bff_trigger: trigger, bff_outcome: 'renewed' }
  const spans = await newSpans('renewal', async () => {
    const waited = await increase('bff_session_renewal_wait_duration_count', labels, async () => {
      expect(await increase('bff_session_renewal_ended_total', labels, () => ask(one))).toBe(1)
    })
    expect(waited).toBe(1)
  })
  expect(spans.map(({ attributes }) => attributes)).toEqual([
    { 'bff.trigger': trigger, 'bff.outcome': 'renewed' },
  ])
  expect(spans[0]?.links).toEqual([])
  expect(telemetry.requestSpans().map((span) => span.spanContext().spanId)).toContain(
    spans[0]?.parentSpanContext?.spanId,
  )
})

test('ten requests that share one renewal have waited ten times, for one', async () => {
  const one = await enter()
  await ageSession(redis.connect(), one.browser, AFTER_SECONDS)
  const renewed = await increase('bff_session_renewal_ended_total', {}, async () => {
    const hold = provider.holdNext('token')
    let arrived = 0
    const arrive = () => {
      arrived += 1
    }
    app.server.on('request', arrive)
    const waited = await increase('bff_session_renewal_wait_duration_count', {}, async () => {
      const asking = Array.from({ length: 10 }, () => one.get(`${app.url}/private`))
      await eventually('all of them to be there', () => arrived === 10)
      // They wait once their sessions were looked up: a question to the store that is asked after them is answered after them.
      await app.auth.sessions.list(one.user)
      app.server.off('request', arrive)
      hold.release()
      await Promise.all(asking)
    })
    expect(waited).toBe(10)
  })
  expect(renewed).toBe(1)
})

test('a renewal that nobody waits for is a trace of its own, and names the request that began it', async () => {
  const one = await enter()
  await ageSession(redis.connect(), one.browser, AFTER_SECONDS * 0.99, { jitter: 0 })
  const waits = await increase('bff_session_renewal_wait_duration_count', {}, async () => {
    const [renewal] = await newSpans('renewal', () => one.get(`${app.url}/private`))
    expect(renewal?.attributes).toMatchObject({ 'bff.trigger': 'ahead', 'bff.outcome': 'renewed' })
    expect(renewal?.parentSpanContext).toBeUndefined()
    expect(telemetry.requestSpans().map((span) => span.spanContext().spanId)).toContain(
      renewal?.links[0]?.context.spanId,
    )
  })
  expect(waits).toBe(0)
})

test.each([
  ['server-error', 503, ''],
  ['unreadable', 200, '<p>Welcome to the network of this hotel'],
])(
  'a renewal that fails is counted with its kind, and the back-off timed: %s',
  async (kind, status, body) => {
    const one = await enter()
    provider.answerNext('token', { status, headers: {}, body })
    const labels = { error_type: kind }
    const backOffs = await increase('bff_session_renewal_back_off_duration_count', labels, async () => {
      const tokens = await increase('bff_session_token_request_duration_count', labels, async () => {
        expect(await increase('bff_session_renewal_ended_total', labels, () => post(one, '/renew'))).toBe(1)
      })
      expect(tokens).toBe(1)
    })
    expect(backOffs).toBe(1)
    const span = telemetry.spans('renewal').at(-1)
    expect([span?.attributes, span?.status.code]).toEqual([
      { 'bff.trigger': 'renew', 'bff.outcome': 'failed', 'error.type': kind },
      2,
    ])
    await endBackOff(redis.connect(), one.browser)
  },
)

test('a session that a renewal ends is counted by the reason', async () => {
  const one = await enter()
  provider.blockAccount(one.user)
  const reason = 'refresh_token_rejected'
  const ended = await increase('bff_session_ended_total', { bff_reason: reason }, async () => {
    const labels = { bff_outcome: 'ended', error_type: reason }
    expect(await increase('bff_session_renewal_ended_total', labels, () => post(one, '/renew'))).toBe(1)
  })
  expect(ended).toBe(1)
})

test('what relay() hands on is timed by method and status, with a span below the request', async () => {
  const one = await enter()
  const labels = { http_request_method: 'GET', server_address: '127.0.0.1', http_response_status_code: '200' }
  const [span] = await newSpans('relay', async () => {
    const ask = () => one.get(`${app.url}/api/orders?token=in-the-query`)
    expect(await increase('bff_session_relay_duration_count', labels, ask)).toBe(1)
  })
  expect(span?.attributes).toEqual({
    'bff.outcome': 'answered',
    'http.request.method': 'GET',
    'server.address': '127.0.0.1',
    'http.response.status_code': 200,
  })
  expect(span?.parentSpanContext).toBeDefined()
})

test('methods that are not HTTP’s own are one', async () => {
  const labels = { http_request_method: '_OTHER' }
  const ask = async () => {
    for (const method of ['PROPFIND', 'MKCOL']) await new Browser().request(method, `${app.url}/api/orders`)
  }
  expect(await increase('bff_session_relay_duration_count', labels, ask)).toBe(2)
})

test('an API’s 401 is one renewal, inside the span of the relay', async () => {
  const one = await enter()
  let asked = 0
  api.answer((_req, res) => {
    asked += 1
    res.writeHead(asked === 1 ? 401 : 200).end()
  })
  const [span] = await newSpans('relay', () => one.get(`${app.url}/api/orders`))
  const renewal = telemetry.spans('renewal').at(-1)
  expect(renewal?.attributes).toMatchObject({ 'bff.trigger': 'api-401', 'bff.outcome': 'renewed' })
  expect(renewal?.parentSpanContext?.spanId).toBe(span?.spanContext().spanId)
})

test('what an API fails at, and what nobody is logged in for, is told apart', async () => {
  api.answer((_req, res) => res.writeHead(502).end())
  const one = await enter()
  const [failed] = await newSpans('relay', () => one.get(`${app.url}/api/orders`))
  expect(failed?.attributes).toMatchObject({ 'bff.outcome': 'answered', 'error.type': '502' })
  const [stranger] = await newSpans('relay', () => new Browser().request('GET', `${app.url}/api/orders`))
  expect(stranger?.attributes).toMatchObject({ 'bff.outcome': 'failed', 'error.type': 'login_required' })
  expect(stranger?.status.code).toBe(0)
})

test('the store is timed by what it was asked, and the near cache says how often it was not', async () => {
  const one = await logIn(provider, near.url)
  const hits = await increase('bff_session_near_cache_reads_total', { bff_result: 'hit' }, () =>
    eventually('the session to be known', async () => {
      await one.get(`${near.url}/private`)
      return telemetry.sum('bff_session_near_cache_reads_total', { bff_result: 'hit' })
    }),
  )
  expect(hits).toBeGreaterThan(0)
  expect(await telemetry.sum('bff_session_near_cache_reads_total', { bff_result: 'miss' })).toBeGreaterThan(0)
  for (const bff_operation of ['find', 'create', 'acquire', 'commit', 'index-add'])
    expect(await telemetry.sum('bff_session_store_duration_count', { bff_operation })).toBeGreaterThan(0)
})

test('a store that does not answer is counted by what it was asked', async () => {
  const one = await enter()
  const labels = { bff_operation: 'find', error_type: 'store_unavailable' }
  const failed = await increase('bff_session_store_duration_count', labels, async () => {
    expect((await one.get(`${away.url}/private`)).status).toBe(503)
  })
  expect(failed).toBe(1)
})

test('an ordinary request has no span of this package', async () => {
  const one = await enter()
  const before = telemetry.spans().length
  expect((await one.get(`${app.url}/private`)).status).toBe(200)
  expect(telemetry.spans()).toHaveLength(before)
})

test('no token, no secret, no person and no session is in any of it', async () => {
  const browser = new Browser()
  const back = new URL(await browser.startLogin(app.url, { user: 'zoe-who-is-named-nowhere' }))
  const page = await browser.navigate(back.href)
  await browser.request('GET', `${app.url}/api/orders?secret=in-the-query`)
  await browser.request('POST', `${app.url}/renew`)
  const told = [
    await telemetry.scrape(),
    ...telemetry
      .spans()
      .map(({ name, attributes, links, events, status }) =>
        JSON.stringify({ name, attributes, links, events, status }),
      ),
  ].join('\n')
  const secrets = [
    ...provider.secretsSeen(),
    back.searchParams.get('state') ?? '',
    await sessionIdOf(browser),
    'zoe-who-is-named-nowhere',
    'in-the-query',
  ]
  expect([page.status, secrets.length > 50]).toEqual([200, true])
  expect(told).toContain('bff_session_login_ended_total')
  expect(secrets.filter((secret) => secret === '' || told.includes(secret))).toEqual([])
})
