// Lines for whoever runs the app, with fields for whoever searches them.

/** What a line is about; no field holds a token, a secret or somebody else's words. */
export interface LogFields {
  /** The event that the line tells of; `'setup'` where it is advice on the set-up. */
  readonly event?: string
  /** The `code` of the error that was answered with. */
  readonly code?: string
  /** Of `renewal-failed`. */
  readonly outcome?: string
  /** Of `session-ended`. */
  readonly reason?: string
  /** The `sub` of the person, where the line is about one. */
  readonly subject?: string
  /** Of several, the one that the line is about. */
  readonly provider?: string | undefined
  readonly tenant?: string | undefined
}

export type LogLevel = 'error' | 'warn' | 'info'

/** Never throws. */
export type Log = { readonly [level in LogLevel]: (line: string, fields: LogFields) => void }

export const OF_SETUP: LogFields = { event: 'setup' }
