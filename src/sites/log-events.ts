// Events that the log tells too: one that nobody listens to helps nobody, and one that repeats floods nothing.

import type { AuthEventEmitter, AuthEvents, EventOrigin } from '../events/events.ts'
import { originOf } from '../events/origin.ts'
import { isOfClient } from '../lib/details.ts'
import type { LimitedLog } from '../lib/limited-log.ts'
import type { Log, LogFields } from '../lib/log.ts'
import { createOnceLog } from '../lib/once-log.ts'
import { isOfDiscovery, isOfKeys } from '../provider/failures.ts'
import { withoutWords } from '../provider/provider-words.ts'

interface Told extends LogFields {
  readonly event: keyof AuthEvents
  readonly what: string
  readonly detail: string
  readonly advice?: string
  readonly isError?: boolean
  /** So many lines a minute. */
  readonly most?: number
}

const GOES_ON = 'The session is kept, and the renewal tried again'

export function logEvents(events: AuthEventEmitter, log: LimitedLog, logger: Log): void {
  /** What lasts is told once a minute, however many sessions it concerns. */
  function tell({ what, detail, advice, isError = false, most = 1, ...fields }: Told): void {
    const said = `express-bff-session: ${what}${named(fields)}: `
    const line = advice === undefined ? said + detail : `${said}${detail}. ${advice}`
    log.say(said + withoutWords(detail), line, { level: isError ? 'error' : 'warn', fields, most })
  }

  /** Of the set-up: it stays as it is until somebody changes it. */
  function tellOnce(event: 'refresh-token-missing' | 'claims-missing', prefix = ''): void {
    const sayOnce = createOnceLog(logger.warn, { event })
    events.on(event, ({ hint, ...of }) => sayOnce(prefix + hint + named(of)))
  }

  tellOnce('refresh-token-missing', 'the provider sent no refresh token, so sessions cannot be renewed: ')
  tellOnce('claims-missing')

  events.on('provider-unavailable', ({ detail, ...of }) => {
    const what = 'the provider cannot be used just now'
    const isError = isOfClient(detail) || isOfDiscovery(detail)
    tell({ event: 'provider-unavailable', what, detail, isError, ...originOf(of) })
  })

  events.on('renewal-failed', ({ outcome, detail, ...of }) => {
    const what = `a renewal failed (${outcome})`
    const isError = isOfClient(detail)
    tell({ event: 'renewal-failed', outcome, what, detail, advice: GOES_ON, isError, ...originOf(of) })
  })

  events.on('renewed', ({ idToken, detail = '', ...of }) => {
    // What is refused for another reason ends by itself, and is told then.
    if (idToken !== 'rejected' || !isOfKeys(detail)) return
    const what = 'the ID token of a renewal could not be checked'
    tell({ event: 'renewed', what, detail, advice: GOES_ON, ...originOf(of) })
  })

  events.on('session-ended', ({ reason, subject, detail = '', ...of }) => {
    const why = ENDINGS[reason]
    if (why === undefined) return
    const [what, advice] = why
    tell({
      event: 'session-ended',
      reason,
      subject,
      what: `a session ended, because ${what}`,
      detail,
      advice,
      ...originOf(of),
    })
  })

  events.on('record-unreadable', ({ detail, ...of }) => {
    const what = 'the record of a session cannot be read, which counts as logged out'
    const advice =
      'Where there are many: SECRET, ISSUER_BASE_URL or CLIENT_ID has changed, or two deployments share their keys in Redis'
    tell({ event: 'record-unreadable', what, detail, advice, ...originOf(of) })
  })

  events.on('commit-delayed', (of) => {
    const what = 'renewed tokens could not be stored yet'
    tell({
      event: 'commit-delayed',
      what,
      detail: 'they are in the memory of this process: do not end it now',
      ...originOf(of),
    })
  })

  events.on('commit-lost', ({ subject, ...of }) => {
    const what = 'renewed tokens could not be stored and are lost'
    const detail = 'whose they are may have to log in again'
    tell({ event: 'commit-lost', subject, what, detail, isError: true, most: 10, ...originOf(of) })
  })
}

/** Whom it is about, where there are several. */
function named({ provider, tenant }: EventOrigin): string {
  const names = [provider && `provider ${provider}`, tenant && `tenant ${tenant}`].filter(Boolean)
  return names.length === 0 ? '' : ` (${names.join(', ')})`
}

/** Those that somebody may wonder about: what happened, and what may be done. */
const ENDINGS: { readonly [reason in AuthEvents['session-ended']['reason']]?: readonly [string, string] } = {
  id_token_rejected: [
    'the ID tokens of its renewals were refused every time',
    'Log in again, or change it at the provider',
  ],
  renewal_refused: [
    'the provider refused its renewals for minutes',
    'So do some where the refresh token is gone: log in again',
  ],
}
