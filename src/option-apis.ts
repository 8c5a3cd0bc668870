// The APIs that a person's access tokens are for, and those that handlers may send one to.
import { type AccessTokenRequest, accessTokenFault } from './access-token.ts'
import type { Api } from './config.ts'
import { group, mistake, onlyKnown } from './option-readers.ts'

/** @param given `authorizationParams` */
export function resolveResources(given: unknown): readonly string[] {
  const { resource } = group(given, 'authorizationParams')
  if (resource === undefined) return Object.freeze([])
  const resources: unknown[] = [resource].flat()
  // RFC 8707 §2
  if (resources.length === 0 || !resources.every((one) => isURI(one) && !one.includes('#'))) {
    throw mistake(
      'authorizationParams.resource',
      'must be the URL of an API without a fragment, such as https://api.example.com, or a list of them',
    )
  }
  return Object.freeze(resources as string[])
}

/** @param resources what a log-in asks access to */
export function resolveApis(given: unknown, resources: readonly string[]): readonly Api[] {
  if (given === undefined) return Object.freeze([])
  if (!Array.isArray(given))
    throw mistake('apis', 'must be a list of origins or of { origin, audience, scope }')
  const apis = given.map((one: unknown, at) => resolveApi(one, `apis[${at}]`, resources))
  const twice = apis.find(({ origin }, at) => apis.findIndex((each) => each.origin === origin) !== at)
  if (twice !== undefined)
    throw mistake('apis', `must name each origin once, and names ${twice.origin} twice`)
  return Object.freeze(apis)
}

function resolveApi(given: unknown, option: string, resources: readonly string[]): Api {
  const { origin, ...wanted } = typeof given === 'string' ? { origin: given } : group(given, option)
  onlyKnown(wanted, ['audience', 'scope'], `${option}.`)
  if (typeof origin !== 'string' || !isURI(origin) || new URL(origin).origin !== origin) {
    throw mistake(option, 'must have an origin such as https://api.example.com, without a path')
  }
  const fault = accessTokenFault(wanted, resources)
  if (fault !== undefined) throw mistake(option, fault)
  return Object.freeze({ origin, ...(wanted as AccessTokenRequest) })
}

function isURI(value: unknown): value is string {
  return typeof value === 'string' && URL.canParse(value)
}
