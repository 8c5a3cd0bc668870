// Which addresses of the provider may be plain http: those of this machine, and what is named for it.
import { isOrigin, optionError } from './read-option.ts'
import { isLoopback, webURL } from './web-url.ts'

/** `'anywhere'`: the issuer is http itself, and this is no production. Else the origins that the options name. */
export type PlainHTTP = 'anywhere' | readonly string[]

/** Where requests and browsers are sent; other URLs are names, as of AD FS's `access_token_issuer`, or pages to read. */
const ADDRESS = /^(?:[a-z_]{1,60}_(?:endpoint|iframe)|jwks_uri)$/
/** Where browsers are sent, who are in no private network of ours. */
const OF_BROWSERS = /^(?:authorization_endpoint|end_session_endpoint|check_session_iframe)$/

export function isAddress(name: string): boolean {
  return ADDRESS.test(name)
}

/** @returns what is wrong with an address of that name, or undefined */
export function addressFault(
  name: string,
  value: unknown,
  issuer: URL,
  plainHTTP: PlainHTTP,
): string | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'https:') return undefined
  if (url?.protocol !== 'http:') return 'is no URL'
  const isOfBrowsers = OF_BROWSERS.test(name) && issuer.protocol === 'https:'
  if (mayBePlain(url, issuer, plainHTTP) && !isOfBrowsers) return undefined
  return isOfBrowsers
    ? 'is no https URL'
    : `is no https URL; if that is inside a private network, name its origin: provider: { allowInsecureHTTP: ['${url.origin}'] }`
}

export function mayBePlain(url: URL, issuer: URL, plainHTTP: PlainHTTP): boolean {
  if (plainHTTP === 'anywhere' || plainHTTP.includes(url.origin)) return true
  return issuer.protocol === 'http:' && isLoopback(url.hostname)
}

export function resolveInsecureOrigins(given: unknown): readonly string[] {
  if (given === undefined) return Object.freeze([])
  const option = 'provider.allowInsecureHTTP'
  const example = "['http://keycloak:8080']"
  if (!Array.isArray(given)) throw optionError(option, `must be a list of origins such as ${example}`)
  for (const one of given) {
    if (!isOrigin(one) || !one.startsWith('http://'))
      throw optionError(option, `must hold http origins such as ${example}, not ${JSON.stringify(one)}`)
  }
  return Object.freeze([...given])
}

export function issuerURL(
  given: unknown,
  option: string,
  production: boolean,
  origins: readonly string[],
): URL {
  return webURL(given, option, 'https://tenant.eu.auth0.com', production, origins)
}
