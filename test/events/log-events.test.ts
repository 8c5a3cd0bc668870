// The log of what events tell: how loud, with which fields, and no more often than somebody can read.
import { AuthEventEmitter, type AuthEvents } from '../../src/events/events.ts'
import { createLimitedLog } from '../../src/lib/limited-log.ts'
import { logEvents } from '../../src/sites/log-events.ts'
import { createLog } from '../support/evidence.ts'

const log = createLog()
const { lines, told, logger } = log
let events = new AuthEventEmitter()
let limited = createLimitedLog(logger)
beforeEach(() => {
  lines.length = told.length = 0
  events = new AuthEventEmitter()
  limited = createLimitedLog(logger)
  logEvents(events, limited, logger)
})

type Event = { [Name in keyof AuthEvents]: [name: Name, event: AuthEvents[Name]] }[keyof AuthEvents]
type Row = [...Event, level: string, line: RegExp, fields?: object]

const emit = ([name, event]: Event) => events.emit(name, event as never)
const REFUSED =
  "the provider answered 401 invalid_client: it does not accept this client's credentials. Check"
const failed = { subject: 'alice', generation: 2, retryAfterSeconds: 5 }
const ended = { subject: 'alice', detail: 'its iss differs' }

test.each<Row>([
  [
    'provider-unavailable',
    { detail: 'Discovery of https://x/ failed: y' },
    'error',
    /just now: Discovery of/,
  ],
  ['provider-unavailable', { detail: `Revocation failed: ${REFUSED}` }, 'error', /just now: Revocation/],
  [
    'provider-unavailable',
    { detail: `the provider answered 400 strange; its words: "${REFUSED}"` },
    'warn',
    /strange; its words/,
  ],
  ['provider-unavailable', { detail: 'Too many codes are being exchanged' }, 'warn', /just now: Too many/],
  [
    'renewal-failed',
    { ...failed, outcome: 'timeout', detail: 'the provider did not answer in time' },
    'warn',
    /a renewal failed \(timeout\): the provider did not answer in time\. The session is kept/,
    { outcome: 'timeout' },
  ],
  [
    'renewal-failed',
    { ...failed, outcome: 'refused', detail: REFUSED },
    'error',
    /a renewal failed \(refused\): .*credentials/,
    { outcome: 'refused' },
  ],
  ['commit-delayed', { subject: 'alice', generation: 2 }, 'warn', /could not be stored yet: .*do not end it/],
  ['commit-lost', { subject: 'alice', generation: 2 }, 'error', /are lost: /, { subject: 'alice' }],
  [
    'session-ended',
    { ...ended, reason: 'id_token_rejected' },
    'warn',
    /a session ended, because the ID tokens .*: its iss differs\. Log in again/,
    { reason: 'id_token_rejected', subject: 'alice' },
  ],
  [
    'record-unreadable',
    { detail: 'the seal does not open' },
    'warn',
    /the seal does not open\. .*SECRET.*Redis$/,
  ],
  ['claims-missing', { subject: 'alice', hint: 'no groups' }, 'warn', /^express-bff-session: no groups$/],
  ['refresh-token-missing', { subject: 'alice', hint: 'ask' }, 'warn', /sent no refresh token, .*: ask$/],
])('%s (%j) is told with the level %s', (name, event, level, line, fields = {}) => {
  emit([name, event] as Event)
  expect(told).toEqual([{ level, line: expect.stringMatching(line), fields: { event: name, ...fields } }])
})

test.each<Event>([
  ['logged-in', { subject: 'alice', hasRefreshToken: true }],
  ['renewed', { subject: 'alice', generation: 2, idToken: 'renewed' }],
  ['session-ended', { subject: 'alice', reason: 'logout' }],
  ['session-ended', { subject: 'alice', reason: 'refresh_token_rejected' }],
])('%s (%j) is everyday, and not in the log', (...event) => {
  emit(event)
  expect(lines).toEqual([])
})

test('what lasts is told once a minute, in whatever words the provider says it, and then how often', () => {
  for (let count = 0; count < 1000; count += 1) {
    const detail = `the provider answered 400 not_allowed; its words: "request ${count}"`
    emit(['renewal-failed', { ...failed, outcome: 'refused', detail }])
    emit(['provider-unavailable', { detail }])
  }
  expect(lines).toHaveLength(2)
  limited.close()
  expect(lines.slice(2)).toEqual([
    expect.stringMatching(/a renewal failed \(refused\): .*not_allowed: 999 more within a minute$/),
    expect.stringMatching(/the provider cannot be used just now: .*not_allowed: 999 more within a minute$/),
  ])
  // The minute after that.
  emit(['provider-unavailable', { detail: 'the provider answered 400 not_allowed' }])
  expect(lines).toHaveLength(5)
})
