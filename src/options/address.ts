// What goes by the address under which browsers reach the app: where they come back to, their cookie, and whose pages are its own.
import { urlBelow } from './app-paths.ts'
import type { AuthOptions } from './auth-options.ts'
import type { BaseURLs } from './base-urls.ts'
import type { AddressConfig, AddressesConfig } from './config.ts'
import type { Mistakes } from './mistakes.ts'
import { origins } from './read-option.ts'
import type { Routes } from './routes.ts'
import { resolveSession } from './session.ts'

/** What is wrong with it is told by `mistakes`. @returns the first one's, with those of the others */
export function resolveAddresses(
  options: AuthOptions,
  { all, of }: BaseURLs,
  routes: Readonly<Routes>,
  { attempt }: Mistakes,
): AddressesConfig {
  // What is wrong at one is mostly wrong at the others: it is told once.
  const [sessions, ownOrigins] = [
    attempt(() => all.map((baseURL) => resolveSession(options.session, baseURL, routes))),
    attempt(() => all.map((baseURL) => resolveOrigins(options, baseURL))),
  ]
  const addresses = all.map(
    (baseURL, at): AddressConfig =>
      Object.freeze({
        baseURL,
        redirectURI: urlBelow(baseURL, routes.callback),
        session: sessions?.[at] as AddressConfig['session'],
        origins: ownOrigins?.[at] as AddressConfig['origins'],
        isOneOfSeveral: all.length > 1,
      }),
  )
  const [first, ...otherAddresses] = addresses
  return { ...(first as AddressConfig), otherAddresses: Object.freeze(otherAddresses), addressOf: of }
}

/** Another base URL of the app's is none of these by itself: a preview must not post to what customers use. */
function resolveOrigins({ allowedOrigins }: AuthOptions, baseURL: URL): readonly string[] {
  const example = 'https://admin.example.com'
  const others = origins(allowedOrigins, 'allowedOrigins', { example })
  return Object.freeze([baseURL.origin, ...others])
}
