// Events say of which provider and tenant they are, where there are several, and nothing besides where there is one.
import { AuthEventEmitter } from '../../src/events/events.ts'
import { reportRefused } from '../../src/http/report-refused.ts'
import { RefusedError } from '../../src/index.ts'
import { createLimitedLog } from '../../src/lib/limited-log.ts'
import { logEvents } from '../../src/sites/log-events.ts'
import { createLog } from '../support/evidence.ts'

const REFUSED = { code: 'cross_site', detail: 'words' }

function listening() {
  const events = new AuthEventEmitter()
  const heard: unknown[] = []
  events.on('refused', (event) => heard.push(event))
  return { events, heard }
}

test('what happens at one of several says which, to the listeners of all', () => {
  const { events, heard } = listening()
  const tenant = events.of({ tenant: 'acme' })
  tenant.of({ provider: 'staff' }).emit('refused', REFUSED)
  events.of({ provider: 'staff' }).emit('refused', REFUSED)
  tenant.emit('refused', REFUSED)
  events.emit('refused', REFUSED)
  expect(heard).toEqual([
    { ...REFUSED, tenant: 'acme', provider: 'staff' },
    { ...REFUSED, provider: 'staff' },
    { ...REFUSED, tenant: 'acme' },
    REFUSED,
  ])
})

test('where there is one of each the event is the one that was given', () => {
  const { events, heard } = listening()
  const only = events.of({ provider: undefined, tenant: undefined })
  only.emit('refused', REFUSED)
  expect(heard[0]).toBe(REFUSED)
  expect(only.origin).toBeUndefined()
})

test('a listener that is added to one of them hears all, and whoever asks is told so', () => {
  const { events, heard } = listening()
  const staff = events.of({ provider: 'staff' })
  staff.on('logged-in', (event) => heard.push(event))
  expect([events.hears('logged-in'), staff.hears('refused'), staff.hears('renewed')]).toEqual([
    true,
    true,
    false,
  ])
  events.emit('logged-in', { subject: 'alice', hasRefreshToken: true })
  expect(heard).toEqual([{ subject: 'alice', hasRefreshToken: true }])
})

test('a line of the log names them, and so do its fields; each provider has lines of its own', () => {
  const { told, logger } = createLog()
  const events = new AuthEventEmitter()
  const log = createLimitedLog(logger)
  logEvents(events, log, logger)
  const names = ['staff', 'customers', 'staff']
  for (const provider of names) events.of({ provider }).emit('provider-unavailable', { detail: 'it is away' })
  for (const provider of names)
    events.of({ provider }).emit('claims-missing', { subject: 'a', hint: 'set userInfo' })
  expect(told.map(({ line, fields }) => [line, fields])).toEqual([
    ...['staff', 'customers'].map((provider) => [
      `express-bff-session: the provider cannot be used just now (provider ${provider}): it is away`,
      { event: 'provider-unavailable', provider },
    ]),
    ...['staff', 'customers'].map((provider) => [
      `express-bff-session: set userInfo (provider ${provider})`,
      { event: 'claims-missing' },
    ]),
  ])
  log.close()
})

test('a refusal names them in the fields of its line', () => {
  const { told, logger } = createLog()
  const { events, heard } = listening()
  const log = createLimitedLog(logger)
  const parts = { events: events.of({ provider: 'staff', tenant: 'acme' }), log }
  reportRefused(parts, new RefusedError('cross_site', 403, 'words'))
  expect(heard).toEqual([{ ...REFUSED, provider: 'staff', tenant: 'acme' }])
  expect(told.map(({ fields }) => fields)).toEqual([
    { event: 'refused', code: 'cross_site', provider: 'staff', tenant: 'acme' },
  ])
  log.close()
})
