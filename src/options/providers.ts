// The option `providers`: what each of several providers is given, by its own entry and by what stands beside them.
import type { AuthOptions, ProviderEntry } from './auth-options.ts'
import type { Mistakes } from './mistakes.ts'
import { ENTRY_NAMES, OPTION_NAMES } from './option-names.ts'
import { ENVIRONMENT_OF_ONE, ownOptions } from './own-options.ts'
import { group, isGroup, onlyKnown, optionError } from './read-option.ts'

/** The options of one provider, as if it were the only one. */
interface GivenProvider {
  readonly name: string | undefined
  readonly options: AuthOptions
  readonly env: NodeJS.ProcessEnv
  /** They are told by where the option stands. */
  readonly mistakes: Mistakes
}

/** Each is one provider's: beside several they would say nothing, or give one's secret to another. */
const OF_ONE = ['issuerBaseURL', 'clientID', 'clientSecret'] as const
/** In them an entry says what differs, and need not repeat the rest. */
const GROUPS: readonly (keyof ProviderEntry)[] = [
  'provider',
  'authorizationParams',
  'renewal',
  'logout',
  'routes',
]
/** They stand in links, and an object keeps others in the order in which they were written. */
const NAME = /^[a-z][\w-]{0,31}$/i
const EXAMPLE = '{ staff: { issuerBaseURL, clientID, clientSecret }, customers: { … } }'

/** @returns those of `providers`, or the one that the options are of. What is wrong with their form is told by `mistakes`. */
export function givenProviders(
  options: AuthOptions,
  env: NodeJS.ProcessEnv,
  mistakes: Mistakes,
): readonly GivenProvider[] {
  const alone = [{ name: undefined, options, env, mistakes }]
  if (options.providers === undefined) return alone
  const entries = mistakes.attempt(
    () => entriesOf(options.providers),
    () => [],
  )
  for (const name of OF_ONE) if (options[name] !== undefined) mistakes.attempt(() => refuseBeside(name))
  const { providers: _, ...shared } = options
  const sharedEnv = Object.fromEntries(
    Object.entries(env).filter(([name]) => !ENVIRONMENT_OF_ONE.includes(name)),
  )
  return entries.flatMap(([name, given]) => {
    const at = `providers.${name}.`
    const entry = mistakes.attempt(
      (): ProviderEntry | undefined => entryOf(given, at),
      () => undefined,
    )
    if (entry === undefined) return []
    const placed = mistakes.saidBy((fault) =>
      isOfAll(fault, entry, shared, sharedEnv) ? fault : at + read(fault),
    )
    return [{ name, options: ownOptions(entry, shared, GROUPS), env: sharedEnv, mistakes: placed }]
  })
}

function entriesOf(given: unknown): [string, unknown][] {
  const entries = Object.entries(group(given, 'providers'))
  if (entries.length === 0) throw optionError('providers', `must have an entry, such as ${EXAMPLE}`)
  const wrong = entries.find(([name]) => !NAME.test(name))
  if (wrong === undefined) return entries
  throw optionError(
    'providers',
    `must have names of up to 32 letters, digits, - and _ that begin with a letter, such as staff; not ${JSON.stringify(wrong[0].slice(0, 64))}`,
  )
}

function refuseBeside(name: string): never {
  throw optionError(name, `stands beside providers, and is one provider's: move it into that one's entry`)
}

function entryOf(given: unknown, at: string): ProviderEntry {
  const entry = group(given ?? null, at.slice(0, -1))
  const misplaced = Object.keys(entry).find(
    (name) => OPTION_NAMES.includes(name) && !ENTRY_NAMES.includes(name),
  )
  if (misplaced !== undefined)
    throw optionError(at + misplaced, 'is the same for all providers: move it beside providers')
  onlyKnown(entry, ENTRY_NAMES, at)
  onlyKnown(group(entry.routes, `${at}routes`), ['callback'], `${at}routes.`)
  return entry
}

/** What an entry leaves to what stands beside it, or to the environment, is wrong there, once for all. */
function isOfAll(fault: string, entry: ProviderEntry, shared: AuthOptions, env: NodeJS.ProcessEnv): boolean {
  const [, option = '', variable = ''] = /^([\w.]*)(?: \(([A-Z_]+)\))?/.exec(fault) ?? []
  return !isIn(entry, option) && (isIn(shared, option) || env[variable] !== undefined)
}

/** What an entry does not read is no cure for it. */
function read(fault: string): string {
  return fault.replace(new RegExp(` \\((?:${ENVIRONMENT_OF_ONE.join('|')})\\)`, 'g'), '')
}

function isIn(options: object, option: string): boolean {
  let value: unknown = options
  for (const part of option.split('.'))
    value = isGroup(value) ? (value as Readonly<Record<string, unknown>>)[part] : undefined
  return value !== undefined
}

/** What no provider says, and some process's environment does. */
export function unreadEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  const unread = ENVIRONMENT_OF_ONE.filter((name) => env[name] !== undefined && env[name] !== '')
  return unread.length === 0
    ? undefined
    : `auth(): ${unread.join(', ')} of the environment ${unread.length === 1 ? 'is' : 'are'} not read, since providers is given, and cannot say which of them is meant: give it to an entry`
}
