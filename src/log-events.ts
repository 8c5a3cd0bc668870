// Events that the log tells too: one that nobody listens to helps nobody.
import type { AuthEventEmitter, AuthEvents } from './events.ts'
import { createOnceLog } from './lib/once-log.ts'

/** Of one kind, each another one. */
const MOST_WARNINGS = 20

export function logEvents(events: AuthEventEmitter, warn: (line: string) => void): void {
  function tell<Name extends keyof AuthEvents>(
    name: Name,
    lineOf: (event: AuthEvents[Name]) => string | undefined,
  ): void {
    const sayOnce = createOnceLog(warn, MOST_WARNINGS)
    events.on(name, (event) => {
      const line = lineOf(event)
      if (line !== undefined) sayOnce(line)
    })
  }

  tell(
    'refresh-token-missing',
    ({ hint }) => `the provider sent no refresh token, so sessions cannot be renewed: ${hint}`,
  )
  tell('claims-missing', ({ hint }) => hint)
  // It may be a mistake in the set-up, and then it lasts.
  tell('provider-unavailable', ({ detail }) => `the provider cannot be used just now: ${detail}`)
  tell('session-ended', ({ reason, detail }) =>
    reason === 'id_token_rejected'
      ? `a session ended, because the ID tokens of its renewals were refused every time: ${detail}. Log in again, or change it at the provider`
      : undefined,
  )
}
