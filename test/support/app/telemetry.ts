// OpenTelemetry's SDK as an app sets it up: a Prometheus exporter that is scraped over HTTP, and spans kept in memory.
import { createServer, type RequestListener } from 'node:http'
import { context, SpanKind, trace } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { exchange } from '../browser/http-exchange.ts'
import { closeServer, listen } from '../listen.ts'

export interface Telemetry {
  readonly meterProvider: MeterProvider
  readonly tracerProvider: NodeTracerProvider
  /** as Prometheus reads it */
  scrape(): Promise<string>
  /** the value of each series of that name, summed, whose labels have all of those */
  sum(name: string, labels?: Record<string, string>): Promise<number>
  /** that have ended, of this package */
  spans(name?: string): ReadableSpan[]
  /** a span around each request, as the instrumentation of node:http makes it */
  traced(listener: RequestListener): RequestListener
  /** that have ended, of those */
  requestSpans(): ReadableSpan[]
  stop(): Promise<void>
}

const OF_PACKAGE = 'bff.session.'

export async function startTelemetry(): Promise<Telemetry> {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new MeterProvider({ readers: [exporter] })
  const memory = new InMemorySpanExporter()
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] })
  tracerProvider.register()
  const tracer = tracerProvider.getTracer('test')
  const server = createServer((req, res) => exporter.getMetricsRequestHandler(req, res))
  const port = await listen(server, '127.0.0.1')

  async function scrape() {
    const { body } = await exchange({ method: 'GET', url: `http://127.0.0.1:${port}/metrics`, headers: {} })
    return body
  }

  return {
    meterProvider,
    tracerProvider,
    scrape,
    async sum(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      return seriesIn(await scrape())
        .filter((series) => series.name === name && wanted.every((label) => series.labels.includes(label)))
        .reduce((sum, { value }) => sum + value, 0)
    },
    spans: (name = '') => memory.getFinishedSpans().filter((span) => span.name.startsWith(OF_PACKAGE + name)),
    requestSpans: () => memory.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER),
    traced: (listener) => (req, res) => {
      const span = tracer.startSpan(req.method ?? '', { kind: SpanKind.SERVER })
      res.once('close', () => span.end())
      context.with(trace.setSpan(context.active(), span), () => listener(req, res))
    },
    async stop() {
      await closeServer(server)
      await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()])
      trace.disable()
      context.disable()
    },
  }
}

export interface Series {
  name: string
  /** as they are written, `name="value"` */
  labels: string[]
  value: number
}

export function seriesIn(exposition: string): Series[] {
  return [...exposition.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: labels.match(/\w+="[^"]*"/g) ?? [],
    value: Number(value),
  }))
}
