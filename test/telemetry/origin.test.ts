// Of several providers and tenants: metrics and spans say of which they are, a tenant only where that is asked for.
import { instrument } from '../../src/telemetry/index.ts'
import { type Series, seriesIn, startTelemetry } from '../support/app/telemetry.ts'
import { useStarted } from '../support/servers.ts'
import { createTelling } from './telling.ts'

/** What the process as a whole has one of. */
const OF_ALL = /^(?:target_info|bff_session_(?:store|near_cache)_)/

const named = useStarted(() => startTelemetry())

async function told(options: { tenants?: boolean }): Promise<Series[]> {
  const app = createTelling()
  instrument(app.bff, { ...named, ...options })
  await app.tellAll({ provider: 'staff', tenant: 'acme' })
  const all = seriesIn(await named.scrape())
  return all.filter(({ name, value }) => !OF_ALL.test(name) && value > 0)
}

const spansOf = () =>
  named.spans().map(({ name, attributes }) => [name, attributes['bff.provider'], attributes['bff.tenant']])
const SPANS = ['login', 'callback', 'renewal', 'relay', 'relay'].map((name) => `bff.session.${name}`)

test('each says its provider, and by default no tenant, of which there may be very many', async () => {
  const series = await told({})
  expect(new Set(series.map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, ''))).size).toBeGreaterThan(
    10,
  )
  expect(series.filter(({ labels }) => !labels.includes('bff_provider="staff"'))).toEqual([])
  expect(series.filter(({ labels }) => labels.some((label) => label.startsWith('bff_tenant')))).toEqual([])
  expect(spansOf()).toEqual(SPANS.map((name) => [name, 'staff', undefined]))
})

test('each says its tenant where the app wants it', async () => {
  const series = await told({ tenants: true })
  const namesOf = (some: Series[]) => [...new Set(some.map(({ name }) => name))].sort()
  const ofTenant = series.filter(({ labels }) => labels.includes('bff_tenant="acme"'))
  expect(namesOf(ofTenant)).toEqual(namesOf(series))
  expect(spansOf().slice(SPANS.length)).toEqual(SPANS.map((name) => [name, 'staff', 'acme']))
})
