// What the command finds: what `bff.check()` does, and what only whoever stands outside can see.
import type { Finding } from '../index.ts'

export type OutsideName =
  /** The options and the environment: every mistake in them. */
  | 'options'
  /** `--url` has to be where `baseURL` says that browsers are. */
  | 'url'
  /** `/login` there leads to the provider, with this client and this redirect URI. */
  | 'url-login'
  /** The cookie of that login reaches a browser, and it keeps it. */
  | 'url-cookie'
  /** `/callback` there is answered by this package, and by nothing before it. */
  | 'url-callback'
  /** `/me` there is JSON, fresh each time. */
  | 'url-me'
  /** Browsers are told to come by https only (HSTS, RFC 6797). */
  | 'url-https'

export type Found = Omit<Finding, 'name'> & { readonly name: Finding['name'] | OutsideName }

export function found(name: OutsideName, status: Found['status'], what: string, cure?: string): Found {
  // Some of it comes from elsewhere, and goes to a terminal.
  const printable = what.replace(/[^\x20-\x7e…]/g, '?')
  return { name, status, found: printable, ...(cure !== undefined && { cure }) }
}
