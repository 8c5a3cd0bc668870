// The option `authorizationParams`: what every login asks of the provider.
import { fromEnvironment } from './environment.ts'
import { group, isURI, oneOf, optionError, text } from './read-option.ts'
import { isLoopback } from './web-url.ts'

/** What every login makes anew: neither the configuration nor a login of its own may fix it. */
export const RESERVED_PARAMS = [
  'client_id',
  'redirect_uri',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  // In their place all of the others are ignored (RFC 9101 §5), and what proves the client is no browser's to carry.
  'request',
  'request_uri',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
]

/** RFC 6749 §A.1 and §8.2, but for a leading sign: `__proto__` is no parameter. */
export function isParameterName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z][\w.-]{0,63}$/i.test(name)
}

export function resolveAuthorizationParams(
  given: unknown,
  env: NodeJS.ProcessEnv,
  baseURLs: readonly URL[],
): Readonly<Record<string, string>> {
  const params = paramsOfEnvironment(env)
  const { resource: _, ...others } = group(given, 'authorizationParams')
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) continue
    if (RESERVED_PARAMS.includes(name))
      throw optionError(`authorizationParams.${name}`, 'is made anew for every login; leave it out')
    params[name] = text(value, `authorizationParams.${name}`, 'must be a string that is not empty')
  }
  if (!params.scope?.split(' ').includes('openid'))
    throw optionError('authorizationParams.scope (SCOPE)', "must include 'openid'")
  // RFC 10017 §6.1: the authorization code grant, nothing else.
  oneOf(params.response_type, 'authorizationParams.response_type', ['code'], 'code')
  const mode = oneOf(
    params.response_mode,
    'authorizationParams.response_mode',
    ['query', 'form_post'],
    'query',
  )
  // The login's cookie has to come back with another site's form: SameSite=None, which browsers take only with
  // Secure, and that over plain http only from this machine.
  const isPlain = baseURLs.some(({ protocol, hostname }) => protocol === 'http:' && !isLoopback(hostname))
  if (mode === 'form_post' && isPlain) {
    throw optionError(
      'authorizationParams.response_mode',
      "is form_post, which needs an https baseURL (BASE_URL), or http://localhost: browsers drop the login's cookie otherwise. Use https, or leave response_mode out",
    )
  }
  return Object.freeze(params)
}

function paramsOfEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const scope = fromEnvironment(env.SCOPE, 'authorizationParams.scope (SCOPE)')
  // Restricts the access token (RFC 9700 §2.3); `resource` is the standard's word for it (RFC 8707 §2).
  const audience = fromEnvironment(env.AUDIENCE, 'authorizationParams.audience (AUDIENCE)')
  // Not `PROMPT`, which shells have for their own.
  const prompt = fromEnvironment(env.AUTH_PROMPT, 'authorizationParams.prompt (AUTH_PROMPT)')
  return {
    scope: scope || 'openid profile email offline_access',
    ...(audience && { audience }),
    ...(prompt && { prompt }),
  }
}

/** @param given `authorizationParams` */
export function resolveResources(given: unknown): readonly string[] {
  const { resource } = group(given, 'authorizationParams')
  if (resource === undefined) return Object.freeze([])
  const resources: unknown[] = [resource].flat()
  // RFC 8707 §2
  if (resources.length === 0 || !resources.every((one) => isURI(one) && !one.includes('#'))) {
    throw optionError(
      'authorizationParams.resource',
      'must be the URL of an API without a fragment, such as https://api.example.com, or a list of them',
    )
  }
  return Object.freeze(resources as string[])
}
