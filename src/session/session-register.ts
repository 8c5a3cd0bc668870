// The logged-in sessions of a realm as a whole: begun, listed, and ended, from here or from elsewhere.
import { RefusedError } from '../errors/errors.ts'
import type { AuthEventEmitter, SessionEndReason } from '../events/events.ts'
import type { Config } from '../options/config.ts'
import type { Provider } from '../provider/provider.ts'
import { type AuthRecord, groupsOf, type SessionGroup } from '../record/auth-record.ts'
import { isTheirs, type Owner } from '../record/owner.ts'
import type { Renewer } from '../renewal/renew.ts'
import type { SessionStore } from '../store/store.ts'
import { claimKey, claimSeconds, closeClaim } from './claims.ts'
import type { EndedSessions } from './ended-sessions.ts'
import { type SessionEntry, toEntry } from './session-entry.ts'

export interface SessionRegister {
  /**
   * Stores the session of a login.
   *
   * @param startedAt when the login began, by the store's clock
   * @throws RefusedError where the person's sessions were ended from elsewhere meanwhile
   */
  begin(id: string, record: AuthRecord, appData: string | undefined, startedAt: number): Promise<void>
  /** Deletes the session whole, and says what it was; with a reason, to whoever listens too. */
  end(id: string, reason?: SessionEndReason): Promise<AuthRecord | undefined>
  /** Ends every session of the group, and every login of it that is under way; says how many sessions. */
  endGroup(
    group: SessionGroup,
    reason: SessionEndReason,
    each?: (id: string, record: AuthRecord) => void,
  ): Promise<number>
  /** A person's, the newest 100. `tid`: see `Who` */
  list(sub: string, tid?: string): Promise<SessionEntry[]>
  /** With what a step-up is about to make of it. False where there is none. */
  revoke(id: string): Promise<boolean>
  /** All of a person. */
  revokeAll(sub: string, tid?: string): Promise<number>
  /**
   * Tells the provider, where `revokeOnLogout` wants it, that the newest refresh token of an ended session is over
   * (RFC 7009); the answer is not worth waiting for. `now` is the store's clock, if it is at hand.
   */
  revokeRefreshToken(id: string, record: AuthRecord, now?: number): void
}

const LONGEST_LIST = 100
/** Sessions that ended unused stay in the index for a while, and are passed over. */
const MOST_READ = 1000
/** Refresh tokens that are revoked at the provider when somebody logs out everywhere; the others are just forgotten. */
const MOST_REVOCATIONS = 1000

export function createSessionRegister(
  config: Pick<Config, 'login' | 'revokeOnLogout'> & Owner,
  store: SessionStore,
  provider: Provider,
  renewer: Renewer,
  events: AuthEventEmitter,
  justEnded: EndedSessions,
): SessionRegister {
  const { index } = store

  return {
    async begin(id, record, appData, startedAt) {
      await index.add(id, record)
      try {
        await store.create(id, record, appData)
        // Whoever ends the group marks it first and looks for sessions then: either they see this one, or it sees the mark.
        for (const group of groupsOf(record)) {
          const endedAt = await index.endedAt(group)
          // A session at the provider is over for good; a person may log in again, as long as they begin later.
          if (endedAt === undefined || (group.claim === 'sub' && endedAt < startedAt)) continue
          // With every other session of theirs: its grant is shared with none that lives.
          if (group.claim === 'sub') revokeRefreshToken(id, record)
          throw new RefusedError('login_failed', 400, 'The login was ended from elsewhere. Log in again.', {
            reason: `the sessions of this ${group.claim} were ended while it was under way`,
          })
        }
      } catch (error) {
        await end(id).catch(() => undefined)
        throw error
      }
    },

    end,

    endGroup,

    revokeRefreshToken,

    async list(sub, tid) {
      if (!isIdentifier(sub)) return []
      const group = personOf(sub, tid)
      const entries: SessionEntry[] = []
      // What is named and not there may be a login of this moment, so the index is left as it is.
      for (let from = 0; from < MOST_READ && entries.length < LONGEST_LIST; from += LONGEST_LIST) {
        const ids = await index.page(group, from, LONGEST_LIST)
        const found = await Promise.all(ids.map((id) => store.find(id)))
        for (const [at, { value }] of found.entries()) {
          if (value?.record.claims.sub === sub) entries.push(toEntry(ids[at] ?? '', value, events.origin))
        }
        if (ids.length < LONGEST_LIST) break
      }
      return entries.slice(0, LONGEST_LIST)
    },

    async revoke(id) {
      // An anonymous session's id is none of these, and its data is left alone.
      const found = isIdentifier(id) ? (await store.find(id)).value : undefined
      if (found === undefined) return false
      // Nor is what a step-up in that browser is about to make of it, or just made. Another person's is not made of it: the
      // cookie may have been planted in their browser.
      let isOver = false
      for (const each of [
        id,
        ...(await closeClaim({ config, store }, claimKey('session', id), await store.now())),
      ]) {
        const current = each === id ? found : (await store.find(each)).value
        if (!isTheirs(current?.record, config, found.record.claims)) continue
        const record = await end(each, 'revoked')
        if (record !== undefined) revokeRefreshToken(each, record)
        isOver ||= record !== undefined
      }
      return isOver
    },

    async revokeAll(sub, tid) {
      if (!isIdentifier(sub)) return 0
      let count = 0
      return endGroup(personOf(sub, tid), 'revoked', (id, record) => {
        count += 1
        if (count <= MOST_REVOCATIONS) revokeRefreshToken(id, record)
      })
    },
  }

  async function endGroup(
    group: SessionGroup,
    reason: SessionEndReason,
    each?: (id: string, record: AuthRecord) => void,
  ): Promise<number> {
    let count = 0
    for await (const named of index.endGroup(group, claimSeconds(config))) {
      const found = await Promise.all(
        named.map(async (id) => ({ id, record: await end(id, reason, 'one of many') })),
      )
      const ended = found.filter((one): one is { id: string; record: AuthRecord } => one.record !== undefined)
      for (const { id, record } of ended) each?.(id, record)
      count += ended.length
      const ids = ended.map(({ id }) => id)
      const elsewhere = ended.map(({ id, record }) =>
        index.remove(
          [id],
          groupsOf(record).filter(({ claim }) => claim !== group.claim),
        ),
      )
      await Promise.all([index.remove(ids, [group]), ...elsewhere])
    }
    return count
  }

  async function end(
    id: string,
    reason?: SessionEndReason,
    amount?: 'one of many',
  ): Promise<AuthRecord | undefined> {
    justEnded.add(id)
    const { ended, record } = await store.end(id, undefined, amount)
    if (!ended || record === undefined) return undefined
    if (reason !== undefined) events.emit('session-ended', { subject: record.claims.sub, reason })
    return record
  }

  function revokeRefreshToken(id: string, record: AuthRecord, now?: number): void {
    const { refreshToken } = renewer.newest(id, record)
    if (!config.revokeOnLogout || refreshToken === undefined) return
    provider.revoke(refreshToken, now)
  }
}

function personOf(sub: string, tid: string | undefined): SessionGroup {
  return { claim: 'sub', value: sub, tid }
}

function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
