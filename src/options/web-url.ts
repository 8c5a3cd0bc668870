// Reads an option that is the address of a web server.
import { commentError, isCommented, shown } from './environment.ts'
import { optionError, text } from './read-option.ts'

/**
 * An http(s) URL without credentials, query or fragment. Plain http is for development, or for this machine.
 *
 * @param insecureOrigins of the provider, which may be named for it
 */
export function webURL(
  value: unknown,
  option: string,
  example: string,
  production: boolean,
  insecureOrigins?: readonly string[],
): URL {
  const given = text(value, option, `is required, for example ${example}`)
  if (isCommented(given)) throw commentError(option, given)
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw optionError(option, `must be an https URL such as ${example}, not ${shown(given)}`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw optionError(option, `must have no user name, query or fragment; write it like ${example}`)
  }
  const isNamed = insecureOrigins?.includes(url.origin) ?? false
  if (url.protocol === 'http:' && production && !isLoopback(url.hostname) && !isNamed) {
    const how = `provider: { allowInsecureHTTP: ['${url.origin}'] }`
    throw optionError(
      option,
      `must be https in production (NODE_ENV=production): tokens and cookies travel over it${insecureOrigins === undefined ? '' : `; inside a private network, name it for http: ${how}`}`,
    )
  }
  return url
}

export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
