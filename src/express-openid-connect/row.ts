// A row of the tables: what becomes of one option of express-openid-connect here.
import type { AuthOptions } from '../index.ts'
import type { LayerConfig } from './config-params.ts'
import { optionError } from './inside.ts'

export interface Became {
  /** Options of this package; groups such as `session` are put together from several rows. */
  readonly core?: Partial<AuthOptions>
  /** What stays in this folder. */
  readonly layer?: Partial<LayerConfig>
}

/**
 * @param value undefined where the option is not given: a row has the default of express-openid-connect too
 * @param all the options as they were given
 * @throws ConfigurationError where it is wrong, or cannot be had: with the reason, and what to do
 */
export type Row = (value: unknown, all: Readonly<Record<string, unknown>>) => Became

/** One row each: the compiler asks for all of them. */
export type Rows<Options> = { readonly [Name in keyof Required<Options>]: Row }

/** It is called the same, and means the same. */
export const same =
  (name: keyof AuthOptions): Row =>
  (value) =>
    value === undefined ? {} : { core: { [name]: value } }

/** There is nothing to do for it. */
export const needless: Row = () => ({})

/** @param why the sentence that follows the option's name, with what to use instead */
export const refused =
  (option: string, why: string): Row =>
  (value) => {
    if (value === undefined) return {}
    throw optionError(option, why)
  }

/** It may say what is so anyway. */
export const always =
  (option: string, is: unknown, why: string): Row =>
  (value) => {
    if (value === undefined || value === is) return {}
    throw optionError(option, why)
  }

/** A number in the bounds, for what is counted otherwise here. */
export function numberIn(
  value: unknown,
  option: string,
  { fallback, min, max, of }: { fallback: number; min: number; max: number; of: string },
): number {
  if (value === undefined) return fallback
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw optionError(option, `must be a number of ${of} from ${min} to ${max}, not ${JSON.stringify(value)}`)
}
