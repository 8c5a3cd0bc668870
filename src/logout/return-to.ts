// Where the browser lands after a logout: a page of ours, or one on another site that the options name.
import { LONGEST_PATH, ownPage } from '../http/return-to.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'

/** @returns a path of ours, or a URL elsewhere (RFC 9700 §4.11: no open redirector) */
export function pageAfterLogout(wanted: unknown, config: Config): string {
  if (wanted === undefined) return urlBelow(config.baseURL, config.routes.postLogoutRedirect).pathname
  return listedPage(wanted, config.logout.returnTo) ?? ownPage(wanted, config)
}

/** Only as it is written with its origin: what a browser would make of anything else, it does not get. */
function listedPage(wanted: unknown, origins: readonly string[]): string | undefined {
  if (typeof wanted !== 'string' || !URL.canParse(wanted)) return undefined
  const url = new URL(wanted)
  const isListed = origins.includes(url.origin) && url.username === '' && url.password === ''
  return isListed && url.href.length <= LONGEST_PATH ? url.href : undefined
}
