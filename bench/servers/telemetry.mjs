// OpenTelemetry's SDK as in production: metrics read every ten seconds, one trace of twenty recorded, the active span known.
import { context, metrics, ROOT_CONTEXT } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node'

/** @param {{ traces: boolean }} what */
export function startSDK({ traces }) {
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 10_000,
  })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  if (!traces) return
  new NodeTracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.05) }),
    spanProcessors: [new BatchSpanProcessor(new InMemorySpanExporter())],
  }).register()
  // Node.js 20 looks after the active span at each promise from the first time on that there is one.
  context.with(ROOT_CONTEXT, () => {})
}
