// The option `logger`.
import { types } from 'node:util'
import { optionError } from './read-option.ts'

export interface Logger {
  warn(line: string): void
  /** While the app is being set up (`NODE_ENV` is `development`, or not set): the addresses to enter at the provider. */
  info?(line: string): void
}

export function resolveLogger(given: unknown = console): Logger {
  const logger = given as Partial<Logger> | null
  if (typeof logger?.warn !== 'function')
    throw optionError('logger', 'must have a method warn(line), as console has')
  return patient(logger)
}

/** For each logger one, so that the same options become the same configuration. */
const patients = new WeakMap<object, Logger>()

/** It may throw, at once or by a promise, and whoever has something to tell is not the one to hear of it. */
function patient(logger: Partial<Logger>): Logger {
  const known = patients.get(logger)
  if (known !== undefined) return known
  const said = (level: keyof Logger) => (line: string) => {
    try {
      const saying: unknown = logger[level]?.(line)
      if (types.isPromise(saying)) saying.catch(() => undefined)
    } catch {}
  }
  const own = Object.freeze({ warn: said('warn'), info: said('info') })
  patients.set(logger, own)
  return own
}
