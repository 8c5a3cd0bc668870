// Reads a text of the environment, which may have come from a .env file with more in it than was meant.
import type { ConfigurationError } from '../errors/errors.ts'
import { optionError } from './read-option.ts'

/** @throws ConfigurationError that shows the value: not for what is secret */
export function fromEnvironment(value: string | undefined, option: string): string | undefined {
  if (value !== undefined && isCommented(value)) throw commentError(option, value)
  return value
}

export function isCommented(value: string): boolean {
  return /\s#/.test(value)
}

/** @param value none where it may hold a secret */
export function commentError(option: string, value?: string): ConfigurationError {
  const which = value === undefined ? option : `${option} is ${shown(value)}, which`
  return optionError(which, "has a space and '#' in it: is a comment of the .env file part of it?")
}

/** Printable, not very long, and without what may be a password in an address. */
export function shown(value: string): string {
  const printable = value.slice(value.lastIndexOf('@') + 1).replace(/[^\x20-\x7e]/g, '?')
  return JSON.stringify(printable.length > 100 ? `${printable.slice(0, 99)}…` : printable)
}
