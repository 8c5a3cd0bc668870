// What lasts (a WebSocket, an event stream) ends with the session it began in, whoever ended that, on whatever process.
import type { Config } from '../options/config.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { isDue } from '../record/due.ts'
import type { Renewer } from '../renewal/renew.ts'
import type { SessionStore } from '../store/store.ts'

export interface SessionWatch {
  /**
   * Calls `end` within five seconds of the session's end, where the store can be asked.
   *
   * @returns to be called when it ended by itself
   */
  add(id: string, end: () => void): () => void
  /** How many sessions something lasts of. */
  size(): number
  close(): void
}

interface Watched {
  readonly ends: Set<() => void>
  /** No renewal before, by this process's clock. */
  renewFrom: number
}

/** With the time that the store may take to answer, less than five seconds. */
const LOOK_EVERY_MILLISECONDS = 2000

export function createSessionWatch(
  config: Pick<Config, 'renewal'>,
  store: SessionStore,
  renewer: Renewer,
): SessionWatch {
  const sessions = new Map<string, Watched>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  return {
    add(id, end) {
      const watched = sessions.get(id) ?? { ends: new Set(), renewFrom: 0 }
      sessions.set(id, watched)
      watched.ends.add(end)
      lookLater()
      return () => {
        watched.ends.delete(end)
        if (watched.ends.size === 0 && sessions.get(id) === watched) sessions.delete(id)
      }
    },
    size: () => sessions.size,
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }

  function lookLater(): void {
    if (sessions.size > 0 && !isClosed) timer ??= setTimeout(look, LOOK_EVERY_MILLISECONDS).unref()
  }

  async function look(): Promise<void> {
    // In one turn, so that many share a command. None waits for a renewal: a provider may take its time.
    await Promise.all([...sessions].map(([id, watched]) => lookAt(id, watched)))
    timer = undefined
    lookLater()
  }

  async function lookAt(id: string, watched: Watched): Promise<void> {
    // A store that does not answer ends nothing.
    const found = await store.find(id, { mayBeCached: true }).catch(() => undefined)
    if (found === undefined) return
    const record = found.value && renewer.newest(id, found.value.record)
    const due = record === undefined ? undefined : isDue(record, found.now, config.renewal)
    if (record === undefined || (due === 'now' && record.refreshToken === undefined))
      for (const end of watched.ends) end()
    // Or an account that was blocked could go on listening.
    else if (due !== 'no' && record.refreshToken !== undefined) void renew(id, record, watched)
  }

  /** What it comes to is seen at the next look. */
  async function renew(id: string, record: AuthRecord, watched: Watched): Promise<void> {
    if (performance.now() < watched.renewFrom) return
    watched.renewFrom = Number.POSITIVE_INFINITY
    const renewal = await renewer.renew({ id, seen: record, trigger: 'connection' }).catch(() => undefined)
    const wait = renewal?.kind === 'unavailable' ? renewal.retryAfterSeconds : 0
    watched.renewFrom = performance.now() + wait * 1000
  }
}
