// Looks sessions up. Those that are asked for in one turn of the event loop are asked for together: by itself, each
// would cost a command, a system call and a promise chain of its own.
// Not the global one, which an app's tests may have replaced.
import { clearImmediate, setImmediate } from 'node:timers'
import type { AuthEventEmitter } from '../../events/events.ts'
import { timed } from '../store-events.ts'
import type { RedisConnection } from './connection.ts'
import type { Opened } from './opened-records.ts'
import { type Keys, NOW } from './scripts.ts'

export interface Lookup {
  readonly keys: Keys
  readonly known: Opened | undefined
}

/** What Redis holds; without a generation nothing. `sealed` is null where it is what the caller knows. */
export type Reply = readonly [
  now: number,
  generation?: string,
  sealed?: string | null,
  appData?: string | null,
  endsAt?: number,
]

interface Waiting extends Lookup {
  resolve(reply: Reply): void
  reject(error: unknown): void
}

type Entry = readonly [generation?: string, sealed?: string | null, appData?: string | null, endsAt?: number]
type Replies = readonly [now: number, ...entries: (Entry | Error)[]]

/** So many are asked for at once: a script holds up everybody else. */
const MOST_TOGETHER = 50

/** KEYS: of each session both. ARGV: for each the hash and the generation that the caller knows, or '' and ''. */
const FIND = `${NOW}
local function find(auth, app, hash, generation)
  local stored = redis.pcall('HMGET', auth, 'generation', 'sealed')
  -- A value that is no hash is nobody's record. Any other error says nothing about the session.
  if stored.err and not string.find(stored.err, 'WRONGTYPE', 1, true) then return stored end
  if stored.err or not stored[2] then return {} end
  local sealed = stored[2]
  if generation == stored[1] and hash == redis.sha1hex(sealed) then sealed = false end
  local appData = redis.pcall('GET', app)
  if type(appData) == 'table' and appData.err then return appData end
  -- Since Redis 7. Without it the end is told from the time that is left, give or take a millisecond.
  local endsAt = redis.pcall('PEXPIRETIME', auth)
  if type(endsAt) ~= 'number' then endsAt = now + redis.call('PTTL', auth) end
  return {stored[1], sealed, appData, endsAt}
end
local found = {now}
for at = 1, #KEYS, 2 do
  found[#found + 1] = find(KEYS[at], KEYS[at + 1], ARGV[at], ARGV[at + 1])
end
return found`

export function createBatchedLookups(
  { redis, answer }: RedisConnection,
  events: AuthEventEmitter,
): (lookup: Lookup) => Promise<Reply> {
  const isCluster = 'slots' in redis
  // A cluster's client has to know the keys: sessions of one slot go together, and that is each by itself.
  redis.defineCommand('expressBffSession_find', isCluster ? { lua: FIND, numberOfKeys: 2 } : { lua: FIND })
  const script: (...args: unknown[]) => Promise<unknown> = Reflect.get(redis, 'expressBffSession_find')
  let together = isCluster ? 1 : MOST_TOGETHER
  let waiting: Waiting[] = []
  let turn: NodeJS.Immediate | undefined

  return ({ keys, known }) =>
    new Promise((resolve, reject) => {
      // After all that has arrived by now was looked at.
      if (waiting.push({ keys, known, resolve, reject }) >= together) askThem()
      else turn ??= setImmediate(askThem)
    })

  function askThem(): void {
    clearImmediate(turn)
    turn = undefined
    const batch = waiting
    waiting = []
    void ask(batch)
  }

  async function ask(batch: readonly Waiting[]): Promise<void> {
    try {
      const replies = await timed(events, 'find', () => answer(() => send(batch), batch.length))
      if (replies === 'refused') {
        for (const each of batch) void ask([each])
        return
      }
      const [now, ...entries] = replies
      for (const [at, { resolve, reject }] of batch.entries()) {
        const entry = entries[at]
        // What is wrong with one session's keys is nobody else's.
        if (entry instanceof Error) answer(() => Promise.reject(entry)).catch(reject)
        else resolve([now, ...(entry ?? [])])
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  /** @returns 'refused' where Redis may take the questions one by one */
  async function send(batch: readonly Lookup[]): Promise<Replies | 'refused'> {
    const keys = batch.flatMap((lookup) => lookup.keys)
    const known = batch.flatMap((lookup) => [lookup.known?.hash ?? '', lookup.known?.record.generation ?? ''])
    try {
      return (await script.call(redis, ...(isCluster ? [] : [keys.length]), ...keys, ...known)) as Replies
    } catch (error) {
      if (batch.length === 1 || !(error instanceof Error) || error.name !== 'ReplyError') throw error
      // A server in cluster mode, or a proxy before several, behind a client that takes it for an ordinary one.
      if (/slot/i.test(error.message)) together = 1
      return 'refused'
    }
  }
}
