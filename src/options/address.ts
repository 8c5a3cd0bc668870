// What goes by the address under which browsers reach the app: where they come back to, their cookie, and whose pages are its own.
import { urlBelow } from './app-paths.ts'
import type { AuthOptions } from './auth-options.ts'
import type { AddressConfig } from './config.ts'
import type { Mistakes } from './mistakes.ts'
import { origins } from './read-option.ts'
import type { Routes } from './routes.ts'
import { resolveSession } from './session.ts'
import { webURL } from './web-url.ts'

/** @throws ConfigurationError */
export function resolveBaseURL({ baseURL }: AuthOptions, env: NodeJS.ProcessEnv, production: boolean): URL {
  return webURL(baseURL ?? env.BASE_URL, 'baseURL (BASE_URL)', 'https://app.example.com', production)
}

/** What is wrong with it is told by `mistakes`. */
export function resolveAddress(
  options: AuthOptions,
  baseURL: URL,
  routes: Readonly<Routes>,
  { attempt }: Mistakes,
): AddressConfig {
  return {
    baseURL,
    redirectURI: urlBelow(baseURL, routes.callback),
    session: attempt(() => resolveSession(options.session, baseURL, routes)),
    origins: attempt(() => resolveOrigins(options, baseURL)),
  }
}

function resolveOrigins({ allowedOrigins }: AuthOptions, baseURL: URL): readonly string[] {
  const example = 'https://admin.example.com'
  return Object.freeze([baseURL.origin, ...origins(allowedOrigins, 'allowedOrigins', { example })])
}
