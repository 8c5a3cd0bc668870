// The option `logout`: how a logout is asked of the provider.
import { group, namesOf, onlyKnown, optionError, text, wholeNumber } from './read-option.ts'
import { webURL } from './web-url.ts'

/**
 * @example auth({ logout: { endpoint: 'https://bank.auth.eu-west-1.amazoncognito.com/logout', returnToParam: 'logout_uri' } })
 */
export interface LogoutOptions {
  /**
   * Where the provider logs people out, where its discovery document does not say so, for example Cognito's `/logout` or
   * Auth0's `/v2/logout`. @defaultValue its `end_session_endpoint`
   */
  endpoint?: string | undefined
  /**
   * The parameter that names the page after the logout: `logout_uri` at Cognito, `returnTo` at Auth0's `/v2/logout`. With
   * another name than the standard's, no `id_token_hint` is sent. @defaultValue `'post_logout_redirect_uri'`
   */
  returnToParam?: string | undefined
  /** Further parameters; `null` leaves one out that is sent otherwise, such as `id_token_hint`. @defaultValue none */
  params?: Readonly<Record<string, string | null>> | undefined
  /**
   * An address that would be longer goes without the ID token, and with `logout_hint`: proxies answer 502 to headers of 4 kB.
   * @defaultValue `2048`
   */
  maxURLBytes?: number | undefined
}

/** Parameters of the provider's logout. `null` leaves out what is sent otherwise. */
export type LogoutParams = Readonly<Record<string, string | null>>

export interface LogoutConfig {
  readonly endpoint: URL | undefined
  readonly returnToParam: string
  /** RP-Initiated Logout 1.0, and not a provider's own. */
  readonly isStandard: boolean
  readonly params: LogoutParams
  readonly maxURLBytes: number
}

const NAMES = namesOf<LogoutOptions>({
  endpoint: true,
  returnToParam: true,
  params: true,
  maxURLBytes: true,
})
const STANDARD_PARAM = 'post_logout_redirect_uri'

export function resolveLogout(given: unknown, production: boolean): LogoutConfig {
  const logout = group(given, 'logout')
  if (Object.hasOwn(logout, 'returnTo')) {
    throw optionError(
      'logout.returnTo',
      'is now allowedReturnOrigins, which stands beside logout: logins may end there too',
    )
  }
  onlyKnown(logout, NAMES, 'logout.')
  const cure = "must be the name of a parameter, such as 'logout_uri'"
  const returnToParam = text(logout.returnToParam ?? STANDARD_PARAM, 'logout.returnToParam', cure)
  if (['id_token_hint', 'client_id', 'logout_hint'].includes(returnToParam))
    throw optionError('logout.returnToParam', cure)
  return Object.freeze({
    endpoint:
      logout.endpoint === undefined
        ? undefined
        : webURL(logout.endpoint, 'logout.endpoint', 'https://tenant.eu.auth0.com/v2/logout', production),
    returnToParam,
    isStandard: returnToParam === STANDARD_PARAM,
    params: resolveParams(logout.params, returnToParam),
    maxURLBytes: wholeNumber(logout.maxURLBytes, 'logout.maxURLBytes', { fallback: 2048, min: 256 }),
  })
}

function resolveParams(given: unknown, returnToParam: string): LogoutParams {
  const params = group(given, 'logout.params')
  const fault = logoutParamsFault(params, returnToParam)
  if (fault !== undefined) throw optionError(`logout.params.${fault.name}`, fault.cure)
  const entries = Object.entries(params).filter(([, value]) => value !== undefined)
  return Object.freeze(Object.fromEntries(entries)) as LogoutParams
}

/** What every logout makes anew can be left out, and not be given: the page after it would be anybody's. */
export function logoutParamsFault(
  params: Readonly<Record<string, unknown>>,
  returnToParam: string,
): { readonly name: string; readonly cure: string } | undefined {
  const made = ['id_token_hint', 'client_id', STANDARD_PARAM, returnToParam]
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined) continue
    if (made.includes(name)) return { name, cure: 'is made at every logout; null leaves it out' }
    if (typeof value !== 'string') return { name, cure: 'must be a string, or null to leave it out' }
  }
  return undefined
}
