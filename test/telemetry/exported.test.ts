// Everything that can be told, exported: the tables of the documentation, the alerts and the dashboard speak of what is there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { instrument } from '../../src/telemetry/index.ts'
import { METRICS } from '../../src/telemetry/metric-table.ts'
import { type Series, seriesIn, startTelemetry } from '../support/app/telemetry.ts'
import { useStarted } from '../support/servers.ts'
import { createTelling } from './telling.ts'

const telemetry = useStarted(() => startTelemetry())
const docs = join(import.meta.dirname, '../../docs')

let exposition = ''
let series: Series[] = []
let atFirst: Series[] = []

beforeAll(async () => {
  const app = createTelling()
  instrument(app.bff, telemetry)
  atFirst = seriesIn(await telemetry.scrape())
  await app.tellAll()
  exposition = await telemetry.scrape()
  series = seriesIn(exposition)
})

const prometheusName = (name: string) => name.replaceAll('.', '_')
const labelName = (label: string) => label.replace(/=.*/, '')
const OF_EXPORTER = ['otel_scope_name', 'le']

test.each(Object.values(METRICS))(
  '$name is exported as its row says',
  ({ name, kind, unit, what, attributes }) => {
    const exported = prometheusName(name) + (kind === 'counter' ? '_total' : '')
    expect(exposition).toContain(
      `# HELP ${exported} ${what}\n# UNIT ${exported} ${unit}\n# TYPE ${exported} ${kind}\n`,
    )
    const own = series.filter((one) => one.name.replace(/_(?:bucket|sum|count)$/, '') === exported)
    const labels = new Set(own.flatMap((one) => one.labels.map(labelName)))
    const told = [...labels].filter((label) => !OF_EXPORTER.includes(label)).sort()
    expect(told).toEqual(attributes.map(prometheusName).sort())
  },
)

test('a back-off of any length is told from the others', () => {
  const bounds = series
    .filter(({ name }) => name === 'bff_session_renewal_back_off_duration_bucket')
    .flatMap(({ labels }) => labels.filter((label) => label.startsWith('le=')))
  // The longest is a minute.
  expect(bounds).toEqual(expect.arrayContaining(['le="30"', 'le="45"', 'le="60"']))
})

test('the first of what should never happen is an increase from none', () => {
  const { delayed, lost, providerFailures, unreadable } = METRICS
  for (const { name } of [delayed, lost, providerFailures, unreadable]) {
    const valueIn = (all: Series[]) => all.find((one) => one.name === `${prometheusName(name)}_total`)?.value
    expect([valueIn(atFirst), valueIn(series)]).toEqual([0, 1])
  }
})

interface Panel {
  title: string
  targets?: { expr: string }[]
}
const dashboard: { panels: Panel[] } = JSON.parse(readFileSync(join(docs, 'grafana-dashboard.json'), 'utf8'))
const page = readFileSync(join(docs, 'telemetry.md'), 'utf8')
const expressions = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ...[...page.matchAll(/alert: (\w+)\n +expr: (.*)/g)].map(
    ([, title = '', expr = '']) => [title, expr] as const,
  ),
]

test.each(expressions)('%s: its expression names what is exported', (_title, expression) => {
  const names = expression.match(/bff_session_[\w()?]*/g) ?? []
  expect(names).not.toEqual([])
  for (const name of names) {
    const pattern = new RegExp(`^${name}$`)
    const found = series.filter((one) => pattern.test(one.name))
    expect([name, found.length]).not.toEqual([name, 0])
    // By OTLP, Prometheus adds the unit to histograms.
    for (const { name: exported } of found)
      expect(exported.replace(/_(bucket|sum|count)$/, '_seconds_$1')).toMatch(
        /_(?:bucket|sum|count)$/.test(exported) ? pattern : exported,
      )
  }
  const labels = new Set(series.flatMap((one) => one.labels.map(labelName)))
  const inBraces = [...expression.matchAll(/(\w+)(?==|!=)/g)].map(([, name = '']) => name)
  const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '))
  for (const label of [...inBraces, ...grouped].filter((each) => each !== '__name__'))
    expect(labels).toContain(label)
})

test('too few of something are none too, of which Prometheus has no series', () => {
  const tooFew = expressions.map(([, expression]) => expression).filter((each) => each.includes(' < '))
  expect(tooFew).toHaveLength(1)
  for (const expression of tooFew) expect(expression).toMatch(/^\(.* or vector\(0\)\) < /)
})

test('every metric is on the dashboard', () => {
  const all = expressions.map(([, expression]) => expression).join('\n')
  for (const { name } of Object.values(METRICS)) expect(all).toContain(prometheusName(name))
})
