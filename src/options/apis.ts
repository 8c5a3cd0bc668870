// The APIs that a person's access tokens are for, and those that handlers may send one to.
import { type AccessTokenRequest, accessTokenFault } from '../record/access-token.ts'
import type { Api } from './config.ts'
import { group, isURI, onlyKnown, optionError } from './read-option.ts'

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
  onlyKnown(wanted, ['audience', 'scope'], `${option}.`)
  if (typeof origin !== 'string' || !isURI(origin) || new URL(origin).origin !== origin) {
    throw optionError(option, 'must have an origin such as https://api.example.com, without a path')
  }
  const fault = accessTokenFault(wanted, resources)
  if (fault !== undefined) throw optionError(option, fault)
  return Object.freeze({ origin, ...(wanted as AccessTokenRequest) })
}
