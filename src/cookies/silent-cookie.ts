// Remembers in the browser that it was sent to the provider once, unseen.
import type { Config } from '../options/config.ts'
import type { CookieChange } from './cookies.ts'

/** Lives until the browser is closed, and through a logout: whoever leaves is not brought back. */
export function triedCookie({ session: { name, cookie } }: Config): CookieChange {
  // Lax, or it would not come with a link from another site, and the browser be sent on again and again.
  return { name: `${name}-silent`, value: '1', options: { ...cookie, sameSite: 'lax' } }
}
