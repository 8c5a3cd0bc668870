// What one request knows of its session, and how it asks for a fresher one.
import { type AuthError, isAuthError, LoginRequiredError, TryLaterError } from '../errors/errors.ts'
import type { RenewalTrigger } from '../events/operations.ts'
import { type AccessTokenRequest, isSame, isUsable, tokenKey } from '../record/access-token.ts'
import { type AuthRecord, accessTokenOf } from '../record/auth-record.ts'
import { isDue, servesUntil, wantsTouch } from '../record/due.ts'
import type { Found } from '../store/store.ts'
import type { Realms } from './realms.ts'
import {
  checkRequest,
  ID_TOKEN_REFUSED,
  NOT_LATE_ENOUGH,
  noRefreshToken,
  renewalImpossible,
  tokenOf,
  unavailable,
} from './renewal-errors.ts'
import type { Services } from './services.ts'
import type { SessionBinding } from './session-binding.ts'

export type SessionServices = Pick<Services, 'config' | 'store' | 'renewer'>

export class CurrentSession {
  readonly binding: SessionBinding
  readonly #services: SessionServices
  /** When the request came, or a moment later, by the store's clock; and the same by this process's. */
  readAt = 0
  #readAtHere = 0
  /** When the session ends unless it is used again. */
  readonly endsAt: number
  #record: AuthRecord | undefined
  #isCached = false
  #touching: Promise<void> | undefined
  #problem: AuthError | undefined

  private constructor(services: SessionServices, binding: SessionBinding, found: Found) {
    this.#services = services
    this.binding = binding
    this.endsAt = found.value?.idleEndsAt ?? found.now
    this.#take(found)
  }

  /** Reads the session. A store that does not answer makes a session that is not known, not one that is over. */
  static async read(realms: Realms<SessionServices>, binding: SessionBinding): Promise<CurrentSession> {
    const id = binding.authId
    const nobody = { now: Date.now(), value: undefined }
    try {
      const found = id === undefined ? nobody : await realms.first.store.find(id, { mayBeCached: true })
      const attaching = binding.attach(found.value)
      if (attaching !== undefined) await attaching
      const own = found.value === undefined ? realms.first : realms.of(found.value.record)
      return new CurrentSession(own, binding, found)
    } catch (error) {
      if (!isAuthError(error)) throw error
      await binding.attach('unavailable')
      const session = new CurrentSession(realms.first, binding, nobody)
      session.#problem = error
      return session
    }
  }

  #take({ now, value, isCached = false }: Found): void {
    this.readAt = now
    this.#readAtHere = performance.now()
    this.#record = value && this.#services.renewer.newest(this.#id, value.record)
    this.#isCached = isCached
  }

  /** Asks the store, where the session, and with it the time, was known without. @throws TryLaterError */
  async reload(): Promise<void> {
    if (this.#isCached) this.#take(await this.#services.store.find(this.#id))
  }

  get #id(): string {
    return this.binding.authId ?? ''
  }

  /** If the request may be served by it. */
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

  get now(): number {
    return this.readAt + (performance.now() - this.#readAtHere)
  }

  /** @throws the reason why the request may not pass as a logged-in one */
  require(): AuthRecord {
    if (this.#problem !== undefined) throw this.#problem
    if (this.#record === undefined) throw new LoginRequiredError('login_required', 'Log in to continue.')
    return this.#record
  }

  /**
   * The timeframe: a session that is due is renewed before the request goes on, one that soon is, beside it.
   *
   * @returns what there is to wait for
   */
  keepWithinTimeframe(): Promise<void> | undefined {
    const record = this.record
    const due = record && isDue(record, this.now, this.#services.config.renewal)
    if (record === undefined || due === 'no') return undefined
    if (due === 'now') return this.#renewDue(record)
    // Nobody waits for it; its events say how it ended.
    if (record.refreshToken !== undefined)
      this.#services.renewer.renew({ id: this.#id, seen: record, trigger: 'ahead' }).catch(() => undefined)
    return undefined
  }

  async #renewDue(record: AuthRecord): Promise<void> {
    if (record.refreshToken === undefined) {
      this.#problem = renewalImpossible()
      return
    }
    const failure = await this.#renew(record, 'timeframe')
    const current = this.record
    // What could not be renewed serves while its tokens are valid; so does a renewal whose ID token was refused.
    if (current === undefined || isDue(current, this.now, this.#services.config.renewal) !== 'now') return
    if (this.now >= servesUntil(current)) this.#problem = failure ?? unavailable(ID_TOKEN_REFUSED)
  }

  /** A record whose renewal began at `since` or later, by the store's clock, after `reload()`. @throws LoginRequiredError, TryLaterError */
  async renewedSince(since: number, trigger: RenewalTrigger): Promise<AuthRecord> {
    for (let rounds = 0; ; rounds += 1) {
      const record = this.require()
      if (record.renewedAt >= since) return record
      if (record.refreshToken === undefined) throw renewalImpossible()
      // The second round is for whom a renewal was in flight already; more only a clock that went back asks for.
      const failure = rounds < 3 ? await this.#renew(record, trigger) : unavailable(NOT_LATE_ENOUGH)
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
    checkRequest(wanted, this.#services.config.resources)
    const name = tokenKey(wanted)
    for (let rounds = 0; rounds < 3; rounds += 1) {
      const record = this.require()
      const known = accessTokenOf(record, name)
      if (isUsable(known, this.now, refused)) return tokenOf(known)
      if (record.refreshToken === undefined) throw noRefreshToken(name, refused)
      const failure = await this.#renew(record, refused === undefined ? 'access-token' : 'api-401', wanted)
      if (failure !== undefined) throw failure
      const found = accessTokenOf(this.require(), name)
      if (found !== undefined && !isSame(found, known)) return tokenOf(found)
    }
    // Renewals for other tokens came first; or the refresh token was all that could be used of the answers.
    throw unavailable(ID_TOKEN_REFUSED)
  }

  /** The app may say that the request is no use of the session. */
  isUse = true

  /** True where extending the idle time is worth a write. */
  get wantsTouch(): boolean {
    const { session } = this.#services.config
    return (
      this.isUse && this.record !== undefined && wantsTouch(this.record, this.endsAt, this.readAt, session)
    )
  }

  /** Extends the idle time, once a request. Best effort. */
  touch(): void {
    this.#touching ??= this.#services.store.touch(this.#id).catch(() => undefined)
  }

  /** @returns why there is no new record */
  async #renew(seen: AuthRecord, trigger: RenewalTrigger, wanted?: AccessTokenRequest) {
    const renewal = await this.#services.renewer.renew({ id: this.#id, seen, trigger, wanted })
    switch (renewal.kind) {
      case 'renewed':
        this.#record = renewal.record
        return undefined
      case 'ended':
        this.#problem = new LoginRequiredError('session_ended', 'The session has ended. Log in again.')
        // Without a reason somebody else ended it, and the browser may have another session's cookie by now.
        if (renewal.reason !== undefined) await this.binding.beginAgain()
        return this.#problem
      case 'unavailable':
        return unavailable(renewal)
    }
  }
}
