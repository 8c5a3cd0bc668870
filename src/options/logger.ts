// The option `logger`.
import { optionError } from './read-option.ts'

export interface Logger {
  warn(line: string): void
  /** While the app is being set up (`NODE_ENV` is `development`, or not set): the addresses to enter at the provider. */
  info?(line: string): void
}

const ofConsole = patient(console)

export function resolveLogger(given: unknown = console): Logger {
  if (given === console) return ofConsole
  const logger = given as Partial<Logger> | null
  if (typeof logger?.warn !== 'function')
    throw optionError('logger', 'must have a method warn(line), as console has')
  return patient(logger)
}

/** It may throw, and whoever has something to tell is not the one to hear of it. */
function patient(logger: Partial<Logger>): Logger {
  const said = (level: keyof Logger) => (line: string) => {
    try {
      logger[level]?.(line)
    } catch {}
  }
  return Object.freeze({ warn: said('warn'), info: said('info') })
}
