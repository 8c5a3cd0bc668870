// The option `logger`: the console, pino, winston, or what has their methods, each called as it wants to be.
import { Console } from 'node:console'
import { types } from 'node:util'
import type { Log, LogFields, LogLevel } from '../lib/log.ts'
import { optionError } from './read-option.ts'

export type { LogFields } from '../lib/log.ts'

/**
 * Where lines go: `console`, a logger of pino or winston, or one of your own.
 *
 * @example
 * import { auth } from 'express-bff-session'
 * import { pino } from 'pino'
 * auth({ logger: pino() })
 * @example auth({ logger: { warn: (line, fields) => console.warn(JSON.stringify({ message: line, ...fields })) } })
 */
export interface Logger {
  /** What may pass, or be a mistake; and what is for `error()`, where there is none. */
  warn(line: string, fields?: LogFields): void
  /** What somebody has to put right. */
  error?(line: string, fields?: LogFields): void
  /** While the app is being set up (`NODE_ENV` is `development`, or not set): the addresses to enter at the provider. */
  info?(line: string, fields?: LogFields): void
}

export function resolveLogger(given: unknown = console): Log {
  const logger = given as Partial<Logger> | null
  if (typeof logger?.warn !== 'function')
    throw optionError(
      'logger',
      'must have a method warn(line), as console, pino() and winston.createLogger() have',
    )
  return patient(logger)
}

/** For each logger one, so that the same options become the same configuration. */
const patients = new WeakMap<object, Log>()

/** It may throw, at once or by a promise, and whoever has something to tell is not the one to hear of it. */
function patient(logger: Partial<Logger>): Log {
  const known = patients.get(logger)
  if (known !== undefined) return known
  const given = logger as Given
  const argumentsOf = orderOf(logger)
  const said = (level: LogLevel, instead?: LogLevel) => (line: string, fields: LogFields) => {
    try {
      // A logger may change its methods with its level.
      const method = typeof given[level] === 'function' ? level : instead
      const saying = method && given[method]?.(...argumentsOf(line, fields))
      if (types.isPromise(saying)) saying.catch(() => undefined)
    } catch {}
  }
  const own = Object.freeze({ error: said('error', 'warn'), warn: said('warn'), info: said('info') })
  patients.set(logger, own)
  return own
}

type Given = { [level in LogLevel]?: (...args: unknown[]) => unknown }
type Order = (line: string, fields: LogFields) => unknown[]

/** The copy of the fields is theirs: winston writes into it. */
function orderOf(logger: object): Order {
  // The line says all that the fields do, in words.
  if (logger instanceof Console) return (line) => [line]
  const has = (name: string) => typeof (logger as Record<string, unknown>)[name] === 'function'
  // pino
  if (has('bindings') && has('child')) return (line, fields) => [{ ...fields }, line]
  // winston: given the line apart, it would take a % in it for a place to fill.
  if (has('configure') && 'transports' in logger) return (line, fields) => [{ ...fields, message: line }]
  return (line, fields) => [line, { ...fields }]
}
