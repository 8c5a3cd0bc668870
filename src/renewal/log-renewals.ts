// Renewals that fail, in the log: once a minute what is wrong, however many sessions it concerns.
import type { AuthEventEmitter } from '../events.ts'
import type { LimitedLog } from '../lib/limited-log.ts'
import { isOfKeys } from '../provider/failures.ts'
import { withoutWords } from '../provider/provider-words.ts'

export function logRenewals(events: AuthEventEmitter, log: LimitedLog): void {
  const tell = (what: string, detail: string, advice: string) => {
    const said = `express-bff-session: ${what}: `
    log.warn(said + withoutWords(detail), `${said}${detail}. ${advice}`, 1)
  }
  const GOES_ON = 'The session is kept, and the renewal tried again'

  events.on('renewal-failed', ({ outcome, detail }) => tell(`a renewal failed (${outcome})`, detail, GOES_ON))
  events.on('renewed', ({ idToken, detail = '' }) => {
    // What is refused for another reason ends by itself, and is told then.
    if (idToken === 'rejected' && isOfKeys(detail))
      tell('the ID token of a renewal could not be checked', detail, GOES_ON)
  })
  events.on('session-ended', ({ reason, detail = '' }) => {
    if (reason !== 'renewal_refused') return
    const what = 'a session ended, because the provider refused its renewals for minutes'
    tell(what, detail, 'So do some where the refresh token is gone: log in again')
  })
}
