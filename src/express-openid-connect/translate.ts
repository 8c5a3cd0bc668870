// Options of express-openid-connect in, options of this package out; every mistake is named at once.
import { type AuthOptions, ConfigurationError } from '../index.ts'
import type { ConfigParams, LayerConfig } from './config-params.ts'
import { onError } from './guards.ts'
import {
  createMistakes,
  group,
  type Mistakes,
  OPTION_NAMES,
  optionError,
  PREFIX,
  resolveOptions,
  unknownCure,
} from './inside.ts'
import { OPTIONS } from './options.ts'
import { ROUTES, requireOneBase } from './route-options.ts'
import type { Became, Row } from './row.ts'
import { COOKIE, SESSION } from './session-options.ts'

/** Options of one provider say all that its own names can. */
const CORE = OPTION_NAMES.filter((name) => name !== 'providers' && name !== 'onChooseProvider')

type Given = Readonly<Record<string, unknown>>

/** Options that are put together from several rows, and from what the app gave by this package's names. */
const GROUPS = ['session', 'routes', 'provider', 'logout', 'renewal'] as const

/** @throws ConfigurationError that names every option that is wrong */
export function translate(params: ConfigParams = {}): {
  readonly core: AuthOptions
  readonly layer: LayerConfig
} {
  const given = group(params, 'options')
  const mistakes = createMistakes()
  const became = [
    ...read('', OPTIONS, given, given, mistakes, ['session', 'routes', ...CORE]),
    ...readGroup('session', SESSION, given, mistakes, ['cookie']),
    ...readGroup('routes', ROUTES, given, mistakes),
    ...mistakes.attempt(
      () =>
        read(
          'session.cookie.',
          COOKIE,
          group(group(given.session, 'session').cookie, 'session.cookie'),
          given,
          mistakes,
        ),
      () => [],
    ),
  ]
  mistakes.attempt(() => checkLogin(given))
  mistakes.attempt(() => requireOneBase(given))
  const core = together([DEFAULTS, ...became.map((each) => each.core ?? {}), ours(given)])
  for (const line of faultsOf(core)) mistakes.attempt(() => fail(line))
  mistakes.end()
  return {
    core,
    layer: Object.assign(
      { maxAgeSeconds: undefined, callbackOfApp: undefined },
      ...became.map(({ layer }) => layer),
    ),
  }
}

/** Errors go where that package's go; and it keeps a session, with a refresh token or without. */
const DEFAULTS: AuthOptions = { onError, renewal: { required: false } }

function readGroup(
  name: string,
  rows: Readonly<Record<string, Row>>,
  given: Given,
  mistakes: Mistakes,
  more: string[] = [],
): Became[] {
  const values = mistakes.attempt(
    () => group(given[name], name),
    () => ({}),
  )
  return read(`${name}.`, rows, values, given, mistakes, more)
}

function read(
  path: string,
  rows: Readonly<Record<string, Row>>,
  values: Given,
  given: Given,
  { attempt }: Mistakes,
  more: string[] = [],
): Became[] {
  const known = [...new Set([...Object.keys(rows), ...more])]
  for (const name of Object.keys(values)) {
    if (!known.includes(name)) attempt(() => fail(`${path}${name} ${unknownCure(name, known, path)}`))
  }
  return Object.entries(rows).map(([name, row]) =>
    attempt(
      () => row(values[name], given),
      () => STAND_INS[path + name] ?? {},
    ),
  )
}

/** Or this package would miss what is wrong, and not missing. */
const STAND_INS: Readonly<Record<string, Became>> = {
  'session.store': { core: { redis: false, allowInMemoryStore: true } },
}

/** Logins begin in this folder, and ask for what that package's options say. */
function checkLogin({ login }: Given): void {
  const { params, appState } = group(login, 'login')
  if (params !== undefined)
    throw optionError(
      'login.params',
      'is not read by this /login: write a route with res.oidc.login({ authorizationParams })',
    )
  if (appState !== undefined) throw optionError('login.appState', 'is called getLoginState here')
}

/** What express-openid-connect has no name for goes through, over what became of its defaults. */
function ours(given: Given): AuthOptions {
  const others = Object.entries(given).filter(
    ([name, value]) =>
      value !== undefined &&
      CORE.includes(name) &&
      !(name in OPTIONS) &&
      name !== 'session' &&
      name !== 'routes',
  )
  return Object.fromEntries(others)
}

function together(parts: readonly AuthOptions[]): AuthOptions {
  const all: Record<string, unknown> = {}
  for (const part of parts) {
    for (const [name, value] of Object.entries(part)) {
      const before = all[name]
      const isGroup = (GROUPS as readonly string[]).includes(name) && typeof value === 'object'
      const isList = Array.isArray(before) && Array.isArray(value)
      all[name] = isGroup ? merged(before, value) : isList ? [...before, ...value] : value
    }
  }
  return all
}

/** Two deep, for `session.cookie`. */
function merged(one: unknown, other: object): object {
  const both: Record<string, unknown> = { ...(one as object | undefined) }
  for (const [name, value] of Object.entries(other))
    both[name] = name === 'cookie' ? { ...(both[name] as object), ...value } : value
  return both
}

/** What this package says of the options: nothing is opened by it. */
function faultsOf(core: AuthOptions): string[] {
  try {
    resolveOptions(core)
    return []
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const lines = error.message.split('\n- ')
    return (lines.length > 1 ? lines.slice(1) : lines).map((line) => line.replace(PREFIX, ''))
  }
}

function fail(line: string): never {
  const [option = '', ...words] = line.split(' ')
  throw optionError(option, words.join(' '))
}
