// What one request knows of its session, and how it asks for a fresher one.
import { type AccessTokenRequest, accessTokenFault, isLive, isSame, tokenName } from './access-token.ts'
import { type AuthRecord, accessTokenOf } from './auth-record.ts'
import type { AuthRecords, StoredSession } from './auth-records/auth-records.ts'
import type { Config } from './config.ts'
import { type AuthError, ConfigurationError, isAuthError, SignInAgainError, TryLaterError } from './errors.ts'
import {
  ID_TOKEN_REFUSED,
  NOT_LATE_ENOUGH,
  renewalImpossible,
  tokenOf,
  unavailable,
} from './renewal/failures.ts'
import type { Renewer } from './renewal/renew.ts'
import { waitFor } from './renewal/waiting.ts'
import type { BrowserSession } from './session/browser-session.ts'
import { isDue, servesUntil } from './timeframe.ts'

export interface SessionRooms {
  readonly config: Config
  readonly records: AuthRecords
  readonly renewer: Renewer
}

/** An idle time that was extended less than this long ago is left as it is. */
const TOUCH_EVERY_SECONDS = 60
const MOST_ROUNDS = 3

export class CurrentSession {
  readonly browser: BrowserSession
  readonly #rooms: SessionRooms
  /** The store's clock when the session was read, and this process's: the difference is time that passed. */
  readonly #readAt: number
  readonly #readAtHere = performance.now()
  #idleEndsAt: number
  #record: AuthRecord | undefined
  #problem: AuthError | undefined

  private constructor(
    rooms: SessionRooms,
    browser: BrowserSession,
    readAt: number,
    stored: StoredSession | undefined,
  ) {
    this.#rooms = rooms
    this.browser = browser
    this.#readAt = readAt
    this.#idleEndsAt = stored?.idleEndsAt ?? readAt
    const id = browser.authId
    this.#record = stored && id !== undefined ? rooms.renewer.newest(id, stored.record) : undefined
  }

  /** Reads the session. A store that does not answer makes a session that is not known, not one that is over. */
  static async read(rooms: SessionRooms, browser: BrowserSession): Promise<CurrentSession> {
    try {
      const id = browser.authId
      const { now, value } =
        id === undefined ? { now: Date.now(), value: undefined } : await rooms.records.find(id)
      await browser.attach(value)
      return new CurrentSession(rooms, browser, now, value)
    } catch (error) {
      if (!isAuthError(error)) throw error
      await browser.attach('unavailable')
      const session = new CurrentSession(rooms, browser, Date.now(), undefined)
      session.#problem = error
      return session
    }
  }

  /** The record, if the request may be served by it. */
  get record(): AuthRecord | undefined {
    return this.#problem === undefined ? this.#record : undefined
  }

  /** Nobody is logged in, and that is known. */
  get isAnonymous(): boolean {
    return this.#problem === undefined && this.#record === undefined
  }

  /** @throws TryLaterError where nobody could say just now whether there is a session: asking again is of no use */
  requireKnown(): void {
    if (this.#problem instanceof TryLaterError) throw this.#problem
  }

  /** When the request was read, by the store's clock. */
  get arrivedAt(): number {
    return this.#readAt
  }

  /** When the session ends unless it is used again. */
  get endsAt(): number {
    return this.#idleEndsAt
  }

  get now(): number {
    return this.#readAt + (performance.now() - this.#readAtHere)
  }

  /** @throws the reason why the request may not pass as a logged-in one */
  require(): AuthRecord {
    if (this.#problem !== undefined) throw this.#problem
    if (this.#record === undefined) throw new SignInAgainError('login_required', 'Log in to continue.')
    return this.#record
  }

  /** The timeframe: a session that is due is renewed before the request goes on, one that soon is, beside it. */
  async keepWithinTimeframe(): Promise<void> {
    const record = this.record
    const id = this.browser.authId
    if (record === undefined || id === undefined) return
    const due = isDue(record, this.now, this.#rooms.config.renewal)
    if (due === 'soon' && record.refreshToken !== undefined) {
      // Nobody waits for it; its events say how it ended.
      this.#rooms.renewer.renew(id, record).catch(() => undefined)
    }
    if (due !== 'now') return
    if (record.refreshToken === undefined) {
      this.#problem = renewalImpossible()
      return
    }
    const failure = await this.#renew(record)
    const current = this.record
    // What could not be renewed serves while its tokens are valid; so does a renewal whose ID token was refused.
    if (current === undefined || isDue(current, this.now, this.#rooms.config.renewal) !== 'now') return
    if (this.now >= servesUntil(current)) this.#problem = failure ?? unavailable(ID_TOKEN_REFUSED)
  }

  /**
   * A record whose renewal began at `since` or later, by the store's clock.
   *
   * @throws SignInAgainError, TryLaterError
   */
  async renewedSince(since: number): Promise<AuthRecord> {
    for (let rounds = 0; ; rounds += 1) {
      const record = this.require()
      if (record.renewedAt >= since) return record
      if (record.refreshToken === undefined) throw renewalImpossible()
      // The second round is for whom a renewal was in flight already; more only a clock that went back asks for.
      const failure = rounds < MOST_ROUNDS ? await this.#renew(record) : unavailable(NOT_LATE_ENOUGH)
      if (failure !== undefined) throw failure
    }
  }

  /**
   * The access token for that API, fetched first where there is none that lives.
   *
   * @param refused a token that the API did not take
   * @throws as renewedSince; RefusedError where the provider gives none
   */
  async accessToken(wanted: AccessTokenRequest = {}, refused?: string): Promise<string> {
    const fault = accessTokenFault(wanted, this.#rooms.config.resources)
    if (fault !== undefined) throw new ConfigurationError('invalid_option', `An access token ${fault}`)
    const name = tokenName(wanted)
    const record = this.require()
    const known = accessTokenOf(record, name)
    if (known !== undefined && isLive(known, this.now) && (refused === undefined || refused !== known.token))
      return tokenOf(known)
    if (record.refreshToken === undefined) throw renewalImpossible()
    const failure = await this.#renew(record, wanted)
    if (failure !== undefined) throw failure
    const found = accessTokenOf(this.require(), name)
    // The refresh token may have been all that could be used of the answer.
    if (found === undefined || isSame(found, known)) throw unavailable(ID_TOKEN_REFUSED)
    return tokenOf(found)
  }

  /** Extends the idle time where that is worth a write. Best effort. */
  async touch(): Promise<void> {
    const { config, records } = this.#rooms
    const record = this.record
    const id = this.browser.authId
    if (record === undefined || id === undefined) return
    const fullTime = Math.min(this.#readAt + config.session.idleTimeoutSeconds * 1000, record.endsAt)
    const often = Math.min(TOUCH_EVERY_SECONDS, config.session.idleTimeoutSeconds / 4)
    if (fullTime - this.#idleEndsAt < often * 1000) return
    await records.touch(id).catch(() => undefined)
  }

  /** @returns why there is no new record */
  async #renew(record: AuthRecord, wanted?: AccessTokenRequest): Promise<AuthError | undefined> {
    const { renewer, config } = this.#rooms
    const id = this.browser.authId ?? ''
    const renewal = await waitFor(renewer.renew(id, record, wanted), config.renewal.timeoutSeconds)
    switch (renewal.kind) {
      case 'renewed':
        this.#record = renewal.record
        return undefined
      case 'ended':
        this.#problem = new SignInAgainError('session_ended', 'The session has ended. Log in again.')
        // Without a reason somebody else ended it, and the browser may have another session's cookie by now.
        if (renewal.reason !== undefined) await this.browser.forget()
        return this.#problem
      case 'unavailable':
        return unavailable(renewal)
    }
  }
}
