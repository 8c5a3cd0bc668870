// What happens to sessions, told to whoever listens: no event carries a token, a cookie or a foreign error.
import { EventEmitter } from 'node:events'
import { types } from 'node:util'
import { createOnceLog } from '../lib/once-log.ts'
import type { RenewalTrigger } from './operations.ts'
import { type EventOrigin, originOf } from './origin.ts'

export type { EventOrigin } from './origin.ts'

/** Why a session ended. */
export type SessionEndReason =
  /** The person logged out here. */
  | 'logout'
  /** The provider said so at `/backchannel-logout`. */
  | 'backchannel_logout'
  /** The app said so, by `sessions.revoke()` or `sessions.revokeAll()`. */
  | 'revoked'
  /** The provider takes the refresh token no more (`invalid_grant`): the account was blocked, the grant revoked, or the token is too old. */
  | 'refresh_token_rejected'
  /** The renewed tokens were another person's. */
  | 'subject_changed'
  /** The ID tokens of its renewals were refused, five in a row; `detail` says why. */
  | 'id_token_rejected'
  /**
   * The provider refused its renewals for minutes, at least five in a row, with a 400 that does not say why (`invalid_request`,
   * or no error at all): so do some where the refresh token is gone.
   */
  | 'renewal_refused'
  /** The renewed ID token says that the session at the provider is over (`session_expiry`). */
  | 'session_expiry'
  /** Your `afterRenewal` said no, and `detail` is what it said; or `tenants` does not let the person's organization in any more. */
  | 'refused_by_app'
  /** Another login in the same browser took its place. */
  | 'replaced_by_login'

/** What kind of failure a renewal met. */
export type RenewalOutcome =
  /** The provider did not answer in time. */
  | 'timeout'
  /** There was no connection. */
  | 'unreachable'
  /** It answered 429. */
  | 'rate-limited'
  /** It answered 5xx. */
  | 'server-error'
  /** It answered 4xx: most often a mistake of yours, such as a changed client secret. */
  | 'refused'
  /** Its answer is not one of a provider. */
  | 'unreadable'

/** What came of a token request. */
export type TokenOutcome =
  /** Tokens that passed every check. */
  | 'granted'
  /** Tokens that did not pass a check, or could not be checked. */
  | 'not-passed'
  /** The code or the refresh token is taken no more (`invalid_grant`). */
  | 'rejected'
  /** What a renewal may fail with. */
  | RenewalOutcome

/**
 * Each event's name and what its listener is given.
 *
 * @example bff.on('renewal-failed', ({ detail }) => console.warn(detail))
 */
export interface AuthEvents {
  /** Somebody logged in. */
  'logged-in': { subject: string; hasRefreshToken: boolean }
  /** A login ended without a refresh token: the session cannot be renewed. `hint` says what to check. */
  'refresh-token-missing': { subject: string; hint: string }
  /**
   * The provider said less of the person than was asked for: nothing but `sub`, no groups where they are many, or nothing at a
   * renewal. `hint` says what to do.
   */
  'claims-missing': { subject: string; hint: string }
  /** The tokens were renewed. `idToken` says what became of the ID token in the answer. */
  renewed: {
    subject: string
    generation: number
    idToken: 'renewed' | 'absent' | 'rejected'
    detail?: string
  }
  /** A renewal did not succeed; the session is kept. */
  'renewal-failed': {
    subject: string
    generation: number
    outcome: RenewalOutcome
    detail: string
    retryAfterSeconds: number
  }
  /** The renewed tokens could not be stored yet; they are kept in memory and storing is tried again. */
  'commit-delayed': { subject: string; generation: number }
  /** Renewed tokens could not be stored within 15 minutes, or before the process ended, and are gone; the session lives on only where the provider allows it. */
  'commit-lost': { subject: string; generation: number }
  /** A session is over; `reason` says why. */
  'session-ended': { subject: string; reason: SessionEndReason; detail?: string }
  /** A request was refused, or a back-channel logout failed; `code` is the error's. */
  refused: { code: string; detail: string }
  /** The store is out of reach. Once for each question to it, and up to 50 requests share one. */
  'store-unavailable': { detail: string }
  /** The provider is out of reach, or did not take a revocation. */
  'provider-unavailable': { detail: string }
  /** A record was found that cannot be read: another secret, provider or client, another version, or garbage. Its session counts as logged out. */
  'record-unreadable': { detail: string }
  /** A request waited for a renewal, its own or another's. `outcome` is what it goes on with: `unavailable` may be served all the same, while its tokens are valid. */
  'renewal-awaited': {
    trigger: RenewalTrigger
    outcome: 'renewed' | 'ended' | 'unavailable'
    milliseconds: number
  }
  /** A code or a refresh token was sent to the provider. */
  'token-answered': {
    grant: 'authorization_code' | 'refresh_token'
    outcome: TokenOutcome
    milliseconds: number
  }
  /** The store was asked something; of sessions that are looked for together, once. */
  'store-answered': { operation: string; outcome: 'answered' | 'failed'; milliseconds: number }
  /** A request looked for its session in the near cache first: very often, so a listener should be quick. */
  'near-cache-read': { isHit: boolean }
}

type Listener<Name extends keyof AuthEvents> = (event: AuthEvents[Name] & EventOrigin) => void

/** A typed emitter whose listeners cannot break a request. */
export class AuthEventEmitter {
  readonly #emitter: EventEmitter
  /** Undefined: there is one of each. */
  readonly origin: EventOrigin | undefined

  readonly #warn = createOnceLog((line) => process.emitWarning(line, 'ExpressBffSession'))

  constructor(emitter = new EventEmitter(), origin?: EventOrigin) {
    this.#emitter = emitter
    this.origin = origin
  }

  /** The same one, where what happens is said to be of that provider or tenant besides. */
  of({ provider, tenant }: EventOrigin): AuthEventEmitter {
    if (provider === undefined && tenant === undefined) return this
    return new AuthEventEmitter(this.#emitter, { ...this.origin, ...originOf({ provider, tenant }) })
  }

  on<Name extends keyof AuthEvents>(name: Name, listener: Listener<Name>): void {
    // A renewal must not fail because somebody who watches it did, and no process end.
    const failed = (error: unknown) => this.#warn(`a listener of '${name}' threw ${String(error)}`)
    this.#emitter.on(name, (event: AuthEvents[Name] & EventOrigin) => {
      try {
        const listening: unknown = listener(event)
        if (types.isPromise(listening)) listening.catch(failed)
      } catch (error) {
        failed(error)
      }
    })
  }

  /** Whether anybody does: what costs time is measured for somebody only. */
  hears(name: keyof AuthEvents): boolean {
    return this.#emitter.listenerCount(name) > 0
  }

  emit<Name extends keyof AuthEvents>(name: Name, event: AuthEvents[Name]): void {
    this.#emitter.emit(name, this.origin === undefined ? event : { ...event, ...this.origin })
  }
}
