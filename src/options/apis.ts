// The APIs that a person's access tokens are for, and those that handlers may send one to.
import { type AccessTokenRequest, accessTokenFault } from '../record/access-token.ts'
import { group, isURI, namesOf, onlyKnown, optionError } from './read-option.ts'

/**
 * An API and the access token for it. Without `audience` and `scope`: the token that came with the login.
 *
 * @example auth({ apis: [{ origin: 'https://api.example.com', audience: 'https://api.example.com/orders' }] })
 */
export interface ApiOptions extends AccessTokenRequest {
  /** For example `https://api.example.com`. Required. */
  origin: string
}

/** An API, by its origin, and the access token for it. */
export interface Api extends AccessTokenRequest {
  readonly origin: string
}

const TOKEN_NAMES = namesOf<AccessTokenRequest>({ audience: true, scope: true })

/** @param resources what a login asks access to */
export function resolveApis(given: unknown, resources: readonly string[]): readonly Api[] {
  if (given === undefined) return Object.freeze([])
  if (!Array.isArray(given))
    throw optionError('apis', 'must be a list of origins or of { origin, audience, scope }')
  const apis = given.map((one: unknown, at) => resolveApi(one, `apis[${at}]`, resources))
  const twice = apis.find(({ origin }, at) => apis.findIndex((each) => each.origin === origin) !== at)
  if (twice !== undefined)
    throw optionError('apis', `must name each origin once, and names ${twice.origin} twice`)
  return Object.freeze(apis)
}

function resolveApi(given: unknown, option: string, resources: readonly string[]): Api {
  const { origin, ...wanted } = typeof given === 'string' ? { origin: given } : group(given, option)
  onlyKnown(wanted, TOKEN_NAMES, `${option}.`)
  if (typeof origin !== 'string' || !isURI(origin) || new URL(origin).origin !== origin) {
    throw optionError(option, 'must have an origin such as https://api.example.com, without a path')
  }
  const fault = accessTokenFault(wanted, resources)
  if (fault !== undefined) throw optionError(option, fault)
  return Object.freeze({ origin, ...(wanted as AccessTokenRequest) })
}
