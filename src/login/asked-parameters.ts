// What a login asks for besides the options: by the app's own code, or by a link, which anybody may have written.
import { type ConfigurationError, RefusedError } from '../errors/errors.ts'
import { OF_SETUP } from '../lib/log.ts'
import { isParameterName, RESERVED_PARAMS } from '../options/authorization-params.ts'
import type { AppState } from '../options/login.ts'
import { argumentError, namesOf, unknownCure, unknownIn } from '../options/read-option.ts'
import type { RequestContext } from '../session/request-context.ts'

export type Asked = Readonly<Record<string, string>>

/** A link's, each; as long as a `login_hint` of another site. */
export const LONGEST_VALUE = 512
/** Kept in the login's cookie, together, as JSON; the other half is for the page to return to. */
const [MOST_BYTES_OF_APP, MOST_BYTES_OF_LINK] = [1500, 1000]
/** What another login may have otherwise, and this one cannot: they are of the client, and of the login's cookie. */
const OF_ALL_LOGINS = ['response_type', 'response_mode', 'resource']

export interface LoginArguments {
  /**
   * A path of this site to come back to, or a URL on an origin in the option `allowedReturnOrigins`; anything else becomes the
   * default. Without one, the page that was asked for.
   */
  returnTo?: string | undefined
  /**
   * Parameters of the authorization request, over those of the options; a `prompt` is asked beside the configured one.
   * With `organization`, the ID token has to name it (`org_id`, or `org_name`), or nobody is logged in. `prompt: 'none'` asks
   * nobody anything: whom the provider does not know comes back as they left.
   *
   * @example await res.oidc.login({ authorizationParams: { screen_hint: 'signup', ui_locales: 'de' } })
   */
  authorizationParams?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * State of the app's own, for `afterCallback`: JSON, at most 1,000 bytes of it. It is sealed in the login's cookie; what is
   * longer belongs into `req.session`, which is kept through a login. Without it, the option `login.appState` is asked.
   *
   * @example await res.oidc.login({ appState: { invitation: 'k7Q', plan: 'team' } })
   */
  appState?: AppState | undefined
  /**
   * With which provider, by its name in the option `providers`. Without it: the one that the session is of; else the person
   * chooses, where `onChooseProvider` or `routes.chooseProvider` lets them and nothing is asked that is for one provider; else
   * the first.
   *
   * @example await res.oidc.login({ provider: 'staff' })
   */
  provider?: string | undefined
}

export const LOGIN_ARGUMENTS = namesOf<LoginArguments>({
  returnTo: true,
  authorizationParams: true,
  appState: true,
  provider: true,
})

/** The argument of a method. @throws ConfigurationError for what is none, with the nearest name */
export function readArguments<T extends object>(
  given: T | undefined,
  known: readonly string[],
  method: string,
): Partial<T> {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw argumentError(method, 'its argument', `must be an object of ${known.join(', ')}`)
  const name = unknownIn(given, known)
  if (name !== undefined) throw argumentError(method, name, unknownCure(name, known))
  return given
}

/** @throws ConfigurationError for what no login may ask for, RefusedError (413) for what is too long */
export function askedByApp(given: unknown): Asked {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrongParameter(undefined, "must be an object, for example { ui_locales: 'de' }")
  const asked = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [name, value] of asked) {
    const fault = faultOf(name, value)
    if (fault !== undefined) throw wrongParameter(name, fault)
  }
  return bounded(asked, MOST_BYTES_OF_APP)
}

function faultOf(name: string, value: unknown): string | undefined {
  const lower = name.toLowerCase()
  if (!isParameterName(name)) return 'is no name of a parameter'
  if (RESERVED_PARAMS.includes(lower)) return 'is made anew for every login; leave it out'
  if (OF_ALL_LOGINS.includes(lower))
    return 'is the same for all logins: set it in the authorizationParams of auth()'
  if (typeof value !== 'string' || value.trim() === '') return 'must be a string that is not empty'
  if (name === 'scope' && !value.split(' ').includes('openid')) return "must include 'openid'"
  if (name === 'prompt' && isNoneAndMore(value)) return "must be 'none' alone, or without it"
  return undefined
}

/**
 * What `login.params` names.
 *
 * @throws RefusedError for what is named and cannot be taken: without it the login would be another one
 * @internal
 */
export function askedByLink(query: URLSearchParams, { config }: RequestContext): Asked {
  const asked = config.login.params.flatMap((name) => {
    const value = oneOf(query, name)
    // RFC 6749 §3.1: without a value it is omitted.
    return value === undefined || value === '' ? [] : [[name, value] as const]
  })
  for (const [name, value] of asked) {
    if (value.length > LONGEST_VALUE) throw malformed(`has a '${name}' that is too long`)
    if (/\p{Cc}/u.test(value)) throw malformed(`has a '${name}' with control characters`)
    if (name === 'prompt' && isNoneAndMore(value)) throw malformed("has a 'prompt' of none and more")
  }
  return bounded(asked, MOST_BYTES_OF_LINK)
}

/** One line for all: names alone, since a value may be an invitation, or somebody's address. @internal */
export function tellLeftOut({ log }: RequestContext, query: URLSearchParams, taken: readonly string[]): void {
  const names = [...new Set(query.keys())].filter((name) => !taken.includes(name))
  if (names.length === 0) return
  const told = names.slice(0, 5).map((name) => `'${name.replace(/[^\w.[\]-]/g, '?').slice(0, 40)}'`)
  const more = names.length > told.length ? ` and ${names.length - told.length} more` : ''
  const kind = 'express-bff-session: left out at the login'
  log.say(
    kind,
    `${kind}: ${told.join(', ')}${more}; what a link may ask for stands in the option login.params`,
    { fields: OF_SETUP },
  )
}

/** @returns undefined where it is not there @throws RefusedError where it is there twice (RFC 6749 §3.1) */
export function oneOf(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name)
  if (values.length > 1) throw malformed(`has '${name}' more than once`)
  return values[0]
}

export function malformed(how: string): RefusedError {
  return new RefusedError('login_malformed', 400, `The request to log in ${how}.`)
}

function bounded(asked: readonly (readonly [string, string])[], mostBytes: number): Asked {
  const all = Object.fromEntries(asked)
  if (Buffer.byteLength(JSON.stringify(all)) <= mostBytes) return all
  throw new RefusedError('content_too_large', 413, 'What the login asks for is too long.')
}

/** OpenID Connect Core §3.1.2.1. */
function isNoneAndMore(prompt: string): boolean {
  return prompt.trim() !== 'none' && prompt.split(' ').includes('none')
}

function wrongParameter(name: string | undefined, cure: string): ConfigurationError {
  const option = name === undefined ? 'authorizationParams' : `authorizationParams.${name.slice(0, 64)}`
  return argumentError('res.oidc.login()', option, cure)
}
