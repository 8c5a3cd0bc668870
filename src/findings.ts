// What `check()` finds: one thing each, with its cure.
import { type AuthError, RefusedError } from './errors/errors.ts'

/** What was looked at. */
export type FindingName =
  /** The provider's discovery document is read, and has to be that of the configured issuer. */
  | 'discovery'
  /** `idTokenSigningAlg` has to be among the algorithms that discovery offers. */
  | 'id-token-algorithm'
  /** The provider's keys are read, and one of them has to fit `idTokenSigningAlg`. */
  | 'keys'
  /** The scopes that a login asks for have to be offered, `offline_access` among them where it is needed. */
  | 'scopes'
  /** The grants `authorization_code` and `refresh_token` have to be offered. */
  | 'grants'
  /** PKCE, the response mode, pushed and signed requests: what discovery wants has to be what a login sends. */
  | 'login-parameters'
  /** Of several providers that share a callback path, each has to name itself in its callbacks. */
  | 'issuer-in-callback'
  /** The userinfo endpoint is there where `userInfo` wants it. */
  | 'userinfo-endpoint'
  /** The provider can be asked to end its own session. */
  | 'logout-endpoint'
  /** The provider can be told to forget a refresh token. */
  | 'revocation-endpoint'
  /** A code that does not exist is sent to the token endpoint: it has to be refused, and this client not. */
  | 'client-credentials'
  /** The same with a refresh token that does not exist: this client has to be allowed to renew. */
  | 'refresh-grant'
  /** A login with nobody there (`prompt=none`) is sent to the provider, which leads it back to a registered address only. */
  | 'redirect-uri'
  /** What the provider says to that login: that somebody has to log in, and nothing else. */
  | 'login'
  /** The page after a logout is sent to the provider, with nobody logged in. */
  | 'post-logout-uri'
  /** The address for the provider's own logouts, which nobody can be asked about. */
  | 'backchannel-logout-uri'
  /** Redis answers, and is new enough. */
  | 'store'
  /** A session of nobody is stored, renewed and ended: its user has to have every right that this takes. */
  | 'store-rights'
  /** Redis must not drop sessions to make room. */
  | 'eviction'
  /** What a session takes, from a few that are there, and how much of Redis's memory is used. */
  | 'memory'
  /** As many replicas are connected as `waitReplicas` waits for. */
  | 'replicas'
  /** The clocks of the provider, of Redis and of this machine agree. */
  | 'clock'

/**
 * One thing that was looked at.
 *
 * @example
 * for (const { name, status, found, cure } of await bff.check()) console.log(status, name, found, cure)
 */
export interface Finding {
  readonly name: FindingName
  /** Of several providers, the one that was asked, by its name in the option. */
  readonly provider?: string
  /** `unknown`: nobody could be asked, or the answer does not tell. */
  readonly status: 'ok' | 'warning' | 'failed' | 'unknown'
  /** What was found, and what was expected. One line, with no secret in it. */
  readonly found: string
  /** What to change, where `found` does not say it already. */
  readonly cure?: string
}

type Maker = (name: FindingName, found: string, cure?: string) => Finding

/** Some of it is the provider's, and it goes to a terminal. */
const printable = (words: string) => words.replace(/[^\x20-\x7e…→]+/g, '?')

const as =
  (status: Finding['status']): Maker =>
  (name, found, cure) => ({ name, status, found: printable(found), ...(cure !== undefined && { cure }) })

export const ok = as('ok')
export const warning = as('warning')
export const failed = as('failed')
export const unknown = as('unknown')

/** What an error says to operators. */
export function saidBy(error: AuthError): string {
  const said = error instanceof RefusedError ? error.reason : (error.cause as Error | undefined)?.message
  return said ?? error.message
}
