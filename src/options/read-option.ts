// Reads one option at a time; every mistake says which option, what it must be, and what to do.
import { ConfigurationError } from '../errors/errors.ts'
import { PREFIX } from './mistakes.ts'

/** Longer than anything that is counted here; milliseconds of it are still exact. */
const TEN_YEARS = 10 * 365 * 86_400

export function optionError(option: string, cure: string): ConfigurationError {
  return new ConfigurationError('invalid_option', `${PREFIX}${option} ${cure}`)
}

export function text(value: unknown, option: string, cure: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw optionError(option, cure)
  return value
}

export function emptyIsNone(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}

export function flag(value: unknown, option: string, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw optionError(option, 'must be true or false')
  return value
}

export function hook<T>(value: T | undefined, option: string, parameters: string): T | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw optionError(option, `must be a function of ${parameters}`)
}

/** A number of seconds; from the environment it arrives as text. */
export function seconds(
  value: unknown,
  option: string,
  { fallback, min = 1, max = TEN_YEARS }: { fallback: number; min?: number; max?: number },
): number {
  if (value === undefined || value === '') return fallback
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number) || number < min || number > max) {
    throw optionError(
      option,
      `must be a number of seconds from ${min} to ${max}, not ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
    )
  }
  return number
}

export function wholeNumber(
  value: unknown,
  option: string,
  { fallback, min = 0, max = Number.MAX_SAFE_INTEGER }: { fallback: number; min?: number; max?: number },
): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw optionError(option, `must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`)
  }
  return value
}

export function oneOf<const T extends string>(
  value: unknown,
  option: string,
  choices: readonly T[],
  fallback: T,
): T {
  if (value === undefined) return fallback
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw optionError(option, `must be one of ${choices.join(', ')}`)
  return choice
}

/** The names of a type of options, all of them: the compiler asks for each. */
export function namesOf<Options>(
  names: {
    readonly [Name in keyof Required<Options>]: true
  },
): readonly string[] {
  return Object.keys(names)
}

/** Refuses names that are not options, with the nearest one that is. */
export function onlyKnown(given: object, known: readonly string[], path = ''): void {
  const name = unknownIn(given, known)
  if (name !== undefined) throw optionError(path + name, unknownCure(name, known, path))
}

export function unknownIn(given: object, known: readonly string[]): string | undefined {
  return Object.keys(given).find((name) => !known.includes(name))
}

export function unknownCure(name: string, known: readonly string[], path = ''): string {
  const near = nearest(name, known)
  const isNear = near !== undefined && near.distance <= Math.max(2, name.length / 3)
  const hint = isNear ? `did you mean ${path}${near.candidate}?` : `the options are ${known.join(', ')}`
  return `is not an option; ${hint}`
}

export function group(value: unknown, option: string): Readonly<Record<string, unknown>> {
  if (value === undefined) return {}
  if (!isGroup(value)) throw optionError(option, 'must be an object')
  return { ...value }
}

export function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a parser throws may hold what it parsed, and is not handed on. */
export function attempt<T>(parse: () => T, option: string, cure: string): T {
  try {
    return parse()
  } catch {
    throw optionError(option, cure)
  }
}

/** The name that is nearest, and how many letters are others. */
export function nearest(
  name: string,
  known: readonly string[],
): { readonly candidate: string; readonly distance: number } | undefined {
  const ranked = known.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
  return ranked.sort((a, b) => a.distance - b.distance)[0]
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, left] of [...a.toLowerCase()].entries()) {
    const next = [i + 1]
    for (const [j, right] of [...b.toLowerCase()].entries()) {
      const substituted = (row[j] ?? 0) + (left === right ? 0 : 1)
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

export function isURI(value: unknown): value is string {
  return typeof value === 'string' && URL.canParse(value)
}

/** As a browser writes it: no slash, no path, no port that is the scheme's own. */
export function isOrigin(value: unknown): value is string {
  return isURI(value) && new URL(value).origin === value
}

/** @param isTaken what they have to be, besides */
export function origins(
  given: unknown,
  option: string,
  { example, isTaken = () => true }: { readonly example: string; readonly isTaken?: (url: URL) => boolean },
): readonly string[] {
  if (given === undefined) return Object.freeze([])
  if (!Array.isArray(given)) throw optionError(option, 'must be a list of origins')
  for (const one of given) {
    // No pattern: each is written out, and would be compared as it stands.
    if (!isOrigin(one) || one.includes('*') || !isTaken(new URL(one)))
      throw optionError(option, `must hold origins such as ${example}, not ${JSON.stringify(one)}`)
  }
  return Object.freeze([...given])
}

/** A mistake in what a method of the app's request was given. */
export function argumentError(method: string, what: string, cure: string): ConfigurationError {
  return new ConfigurationError('invalid_option', `${method}: ${what} ${cure}`)
}
