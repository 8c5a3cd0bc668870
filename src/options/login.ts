// The option `login`: what a link to the login may ask for, what the app carries through it, and how long it may take.
import type { Request } from 'express'
import { isParameterName, RESERVED_PARAMS } from './authorization-params.ts'
import { group, hook, namesOf, onlyKnown, optionError, wholeNumber } from './read-option.ts'

/** What the app tells itself through a login: JSON, at most 1,000 bytes of it. */
export type AppState = Readonly<Record<string, unknown>>

/**
 * @param req what begins the login: the request to `/login`, or of a silent one the page that was asked for
 * @param login `returnTo`: the page on which it will end
 * @returns what `afterCallback` is told in `login.appState`; what it throws goes to Express, and no login begins
 * @example auth({ login: { appState: (req, { returnTo }) => ({ campaign: req.query.campaign, from: returnTo }) } })
 */
export type AskAppState = (
  req: Request,
  login: { readonly returnTo: string },
) => AppState | undefined | Promise<AppState | undefined>

/**
 * @example auth({ login: { params: ['screen_hint', 'ui_locales'] } })
 */
export interface LoginOptions {
  /**
   * Parameters of the authorization request that `/login?…`, and so the page's `login()`, may set, for example
   * `['screen_hint', 'ui_locales', 'organization', 'invitation', 'login_hint']`. Anybody may write such a link: whatever
   * else is in it is left out, and the log says so.
   * @defaultValue none
   */
  params?: readonly string[] | undefined
  /**
   * How long a login may take, from its beginning here to its end at the provider, in whole seconds: longer where people
   * have to find a letter or another device first. @defaultValue `600`
   */
  timeoutSeconds?: number | undefined
  /**
   * Asked where a login begins that `res.oidc.login({ appState })` did not begin: what it returns comes to `afterCallback`, as
   * `login.appState`. @defaultValue none
   */
  appState?: AskAppState | undefined
}

export interface LoginConfig {
  readonly params: readonly string[]
  readonly timeoutSeconds: number
  readonly appState: AskAppState | undefined
}

const NAMES = namesOf<LoginOptions>({ params: true, timeoutSeconds: true, appState: true })
const MOST_PARAMS = 20
/** What `/login` takes for itself. */
const TAKEN = ['return_to', 'again', 'iss', 'target_link_uri', 'max_age', 'acr_values']
/** What a login is for, and how it comes back: no stranger's link decides that. */
const THE_APPS = [
  'scope',
  'audience',
  'resource',
  'claims',
  'authorization_details',
  'id_token_hint',
  'response_type',
  'response_mode',
]

/** @param several providers, of which a link may name one */
export function resolveLogin(given: unknown, several: boolean): LoginConfig {
  const login = group(given, 'login')
  onlyKnown(login, NAMES, 'login.')
  return Object.freeze({
    params: Object.freeze(resolveParams(login.params, several ? [...TAKEN, 'provider'] : TAKEN)),
    timeoutSeconds: wholeNumber(login.timeoutSeconds, 'login.timeoutSeconds', {
      fallback: 600,
      min: 60,
      max: 86_400,
    }),
    appState: hook(login.appState as AskAppState | undefined, 'login.appState', '(req, { returnTo })'),
  })
}

function resolveParams(given: unknown, taken: readonly string[]): string[] {
  if (given === undefined) return []
  if (!Array.isArray(given) || given.length > MOST_PARAMS) {
    throw optionError(
      'login.params',
      `must be a list of at most ${MOST_PARAMS} parameters, for example ['screen_hint', 'ui_locales']`,
    )
  }
  for (const name of given) {
    const fault = faultOf(name, taken)
    if (fault !== undefined) throw optionError('login.params', fault)
  }
  return [...new Set(given)]
}

function faultOf(name: unknown, taken: readonly string[]): string | undefined {
  if (!isParameterName(name)) return `must hold names of parameters, not ${JSON.stringify(name)}`
  const lower = name.toLowerCase()
  if (RESERVED_PARAMS.includes(lower)) return `must not hold '${name}', which is made anew for every login`
  if (taken.includes(lower)) return `must not hold '${name}', which /login takes for itself; leave it out`
  if (THE_APPS.includes(lower)) {
    return `must not hold '${name}': anybody may write a link, and this is for the app to decide, by res.oidc.login({ authorizationParams })`
  }
  return undefined
}
