// The metrics, counted from the events of an `auth()` and the operations that end.
import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api'
import type { AuthHandler, Operation, OperationEnd } from '../index.ts'
import { METRICS } from './metric-table.ts'
import type { AboutOrigin } from './origin.ts'

type Key = keyof typeof METRICS

/** Of answers over the network. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const BACK_OFF_SECONDS = [1, 2.5, 5, 10, 15, 20, 30, 45, 60]
const STORE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** OpenTelemetry's conventions for HTTP: clients invent others. */
const METHODS = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']

/** What is said of how an operation, or a request to somebody, ended: nothing that names a person or a session. */
export type TellEnd = (operation: Operation, end: OperationEnd, milliseconds: number) => void

export function measure(bff: Pick<AuthHandler, 'on'>, meter: Meter, aboutOrigin: AboutOrigin): TellEnd {
  const counter = (key: Key): Counter => meter.createCounter(METRICS[key].name, optionsOf(key))
  const histogram = (key: Key, explicitBucketBoundaries = SECONDS): Histogram =>
    meter.createHistogram(METRICS[key].name, { ...optionsOf(key), advice: { explicitBucketBoundaries } })

  countEvents(bff, counter, aboutOrigin)
  timeEvents(bff, histogram, aboutOrigin)
  countCacheReads(bff, meter)
  return tellEnds(counter, histogram, aboutOrigin)
}

function countEvents(
  bff: Pick<AuthHandler, 'on'>,
  counter: (key: Key) => Counter,
  aboutOrigin: AboutOrigin,
): void {
  const [ended, refused] = [counter('ended'), counter('refused')]
  bff.on('session-ended', ({ reason, ...of }) => ended.add(1, { 'bff.reason': reason, ...aboutOrigin(of) }))
  bff.on('refused', ({ code, ...of }) => refused.add(1, { 'error.type': code, ...aboutOrigin(of) }))
  for (const [event, key] of [
    ['commit-delayed', 'delayed'],
    ['commit-lost', 'lost'],
    ['provider-unavailable', 'providerFailures'],
    ['record-unreadable', 'unreadable'],
  ] as const) {
    const counting = counter(key)
    // There from the beginning, so that the first one is an increase.
    counting.add(0)
    bff.on(event, (of) => counting.add(1, aboutOrigin(of)))
  }
}

function timeEvents(
  bff: Pick<AuthHandler, 'on'>,
  histogram: (key: Key, boundaries?: number[]) => Histogram,
  aboutOrigin: AboutOrigin,
): void {
  const [waited, tokenTime] = [histogram('waited'), histogram('tokenTime')]
  bff.on('renewal-awaited', ({ trigger, outcome, milliseconds, ...of }) =>
    waited.record(milliseconds / 1000, {
      'bff.trigger': trigger,
      'bff.outcome': outcome,
      ...aboutOrigin(of),
    }),
  )
  const backOff = histogram('backOff', BACK_OFF_SECONDS)
  bff.on('renewal-failed', ({ outcome, retryAfterSeconds, ...of }) =>
    backOff.record(retryAfterSeconds, { 'error.type': outcome, ...aboutOrigin(of) }),
  )
  bff.on('token-answered', ({ grant, outcome, milliseconds, ...of }) =>
    tokenTime.record(milliseconds / 1000, {
      'bff.grant': grant,
      ...aboutOrigin(of),
      ...(outcome !== 'granted' && { 'error.type': outcome }),
    }),
  )

  const storeTime = histogram('storeTime', STORE_SECONDS)
  bff.on('store-answered', ({ operation, outcome, milliseconds }) =>
    storeTime.record(milliseconds / 1000, {
      'bff.operation': operation,
      ...(outcome === 'failed' && { 'error.type': 'store_unavailable' }),
    }),
  )
}

/** Several thousand a second, perhaps: they are added up here. */
function countCacheReads(bff: Pick<AuthHandler, 'on'>, meter: Meter): void {
  let [hits, misses] = [0, 0]
  bff.on('near-cache-read', ({ isHit }) => {
    if (isHit) hits += 1
    else misses += 1
  })
  const { name } = METRICS.cacheReads
  meter.createObservableCounter(name, optionsOf('cacheReads')).addCallback((result) => {
    // Without a near cache there is nothing to tell.
    if (hits + misses === 0) return
    result.observe(hits, { 'bff.result': 'hit' })
    result.observe(misses, { 'bff.result': 'miss' })
  })
}

function tellEnds(
  counter: (key: Key) => Counter,
  histogram: (key: Key) => Histogram,
  aboutOrigin: AboutOrigin,
): TellEnd {
  const [begun, logins, renewals] = [counter('begun'), counter('logins'), counter('renewals')]
  const [loginTime, renewalTime] = [histogram('loginTime'), histogram('renewalTime')]
  const relayTime = histogram('relayTime')

  return (operation, end, milliseconds) => {
    const origin = aboutOrigin(operation)
    const attributes = { ...aboutOperation(operation), ...aboutEnd(end), ...origin }
    const { 'bff.outcome': outcome, ...rest } = attributes
    switch (operation.name) {
      case 'login':
        begun.add(1, rest)
        break
      case 'callback':
        logins.add(1, attributes)
        loginTime.record(milliseconds / 1000, { 'bff.outcome': outcome, ...origin })
        break
      case 'renewal':
        renewals.add(1, attributes)
        renewalTime.record(milliseconds / 1000, { 'bff.outcome': outcome, ...origin })
        break
      case 'relay':
        relayTime.record(milliseconds / 1000, attributes)
        break
    }
  }
}

/** Of metrics and spans alike. */
export function aboutOperation(operation: Operation): Attributes {
  if (operation.name === 'renewal') return { 'bff.trigger': operation.trigger }
  if (operation.name !== 'relay') return {}
  return {
    'http.request.method': METHODS.includes(operation.method) ? operation.method : '_OTHER',
    'server.address': new URL(operation.target).hostname,
  }
}

export function aboutEnd({
  outcome,
  error,
  status,
}: OperationEnd): Attributes & { 'bff.outcome': OperationEnd['outcome'] } {
  const fault = error ?? (status !== undefined && status >= 500 ? String(status) : undefined)
  return {
    'bff.outcome': outcome,
    ...(fault !== undefined && { 'error.type': fault }),
    ...(status !== undefined && { 'http.response.status_code': status }),
  }
}

function optionsOf(key: Key) {
  return { unit: METRICS[key].unit, description: METRICS[key].what }
}
