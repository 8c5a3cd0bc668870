// The spans: one around each login's two halves, each renewal, and each request that relay() hands on.
import {
  type Context,
  context,
  type Link,
  type Span,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Operation, OperationEnd } from '../index.ts'
import { aboutEnd, aboutOperation } from './metrics.ts'
import type { AboutOrigin } from './origin.ts'

/** Nobody waits for these renewals: they are a trace of their own. */
const DETACHED = ['ahead', 'connection']
/** What a stranger is answered every day. */
const NO_FAULTS = ['login_required', 'session_ended', 'renewal_impossible', 'step_up_required']

export interface OpenSpan {
  /** What runs in it has the span for its parent. */
  readonly inside: Context
  end(end: OperationEnd): void
}

export function openSpan(tracer: Tracer, operation: Operation, aboutOrigin: AboutOrigin): OpenSpan {
  const active = context.active()
  const attributes = { ...aboutOperation(operation), ...aboutOrigin(operation) }
  const span = tracer.startSpan(
    `bff.session.${operation.name}`,
    { root: isDetached(operation), links: linksOf(operation, active), attributes },
    active,
  )
  // The other half comes with another request, minutes later perhaps. What the app itself put there stays.
  if (operation.name === 'login') operation.carry ??= carried(span)
  return {
    inside: trace.setSpan(active, span),
    end(end) {
      span.setAttributes(aboutEnd(end))
      if (end.outcome === 'failed' && !NO_FAULTS.includes(end.error ?? ''))
        span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    },
  }
}

function isDetached(operation: Operation): boolean {
  return operation.name === 'renewal' && DETACHED.includes(operation.trigger)
}

function linksOf(operation: Operation, active: Context): Link[] {
  const linked =
    operation.name === 'callback'
      ? begunWith(operation.carried)
      : isDetached(operation)
        ? trace.getSpanContext(active)
        : undefined
  return linked === undefined ? [] : [{ context: linked }]
}

/** Ids of a trace say nothing of a person. One that is not recorded is no use to the callback. */
function carried(span: Span): string | undefined {
  const { traceId, spanId } = span.spanContext()
  return span.isRecording() ? `${traceId}-${spanId}` : undefined
}

function begunWith(text: string | undefined) {
  const [, traceId, spanId] = /^([0-9a-f]{32})-([0-9a-f]{16})$/.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined) return undefined
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }
}
