// `express-bff-session/telemetry`: metrics and traces of an auth(), by OpenTelemetry's API.
import { context, type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import type { AuthHandler } from '../index.ts'
import { measure } from './metrics.ts'
import { createAboutOrigin } from './origin.ts'
import { openSpan } from './spans.ts'

/** Where metrics and spans go. */
export interface TelemetryOptions {
  /** @defaultValue the one that is registered with OpenTelemetry's API at this moment */
  meterProvider?: MeterProvider | undefined
  /** @defaultValue the one that is registered with OpenTelemetry's API */
  tracerProvider?: TracerProvider | undefined
  /**
   * Name the tenant too, as `bff.tenant`: each has series of its own, so this is for a few of them.
   * @defaultValue `false`
   */
  tenants?: boolean | undefined
}

const SCOPE = 'express-bff-session'

/**
 * Metrics of logins, renewals, sessions and the store, and spans of logins, renewals and what `relay()` hands on. No token,
 * no person and no session is named in any of them. Call it once for each `auth()`, after the SDK was started.
 *
 * @returns what it was given
 * @example
 * import express from 'express'
 * import { auth } from 'express-bff-session'
 * import { instrument } from 'express-bff-session/telemetry'
 *
 * express().use(instrument(auth()))
 */
export function instrument<Handler extends Pick<AuthHandler, 'on' | 'around'>>(
  bff: Handler,
  { meterProvider, tracerProvider, tenants = false }: TelemetryOptions = {},
): Handler {
  const meter = (meterProvider ?? metrics).getMeter(SCOPE)
  const tracer = (tracerProvider ?? trace).getTracer(SCOPE)
  const aboutOrigin = createAboutOrigin(tenants)
  const tell = measure(bff, meter, aboutOrigin)
  bff.around(async (operation, run) => {
    const began = performance.now()
    const span = openSpan(tracer, operation, aboutOrigin)
    const end = await context.with(span.inside, run)
    tell(operation, end, performance.now() - began)
    span.end(end)
  })
  return bff
}
