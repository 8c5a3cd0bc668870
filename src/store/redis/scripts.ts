// What changes a session in Redis, each step atomic; every script runs on the session's two keys.
import type { Cluster, Redis } from 'ioredis'

/** Milliseconds by Redis's own clock: leases and lifetimes go by it, whatever clock a process has. */
export const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

const LEASE_FIELDS = "'leaseOwner', 'leaseEndsAt', 'sentAt', 'takeOverAt'"

export const SCRIPTS = {
  // ARGV: sealed, generation, ends at, idle milliseconds, app data or ''
  create: `${NOW}
    local ttl = math.min(tonumber(ARGV[4]), ARGV[3] - now)
    redis.call('HSET', KEYS[1], 'sealed', ARGV[1], 'generation', ARGV[2], 'endsAt', ARGV[3])
    redis.call('PEXPIRE', KEYS[1], ttl)
    if ARGV[5] ~= '' then redis.call('SET', KEYS[2], ARGV[5], 'PX', ttl) end`,

  // ARGV: idle milliseconds
  touch: `${NOW}
    local endsAt = redis.call('HGET', KEYS[1], 'endsAt')
    if not endsAt then return end
    local ttl = math.min(tonumber(ARGV[1]), endsAt - now)
    redis.call('PEXPIRE', KEYS[1], ttl)
    redis.call('PEXPIRE', KEYS[2], ttl)`,

  // ARGV: the generation that may be ended, or ''
  finish: `
    local stored = redis.call('HMGET', KEYS[1], 'generation', 'sealed')
    if stored[1] and ARGV[1] ~= '' and stored[1] ~= ARGV[1] then return {0, stored[1], stored[2]} end
    return {redis.call('DEL', KEYS[1], KEYS[2]), stored[1], stored[2]}`,

  // ARGV: the generation seen, owner, and milliseconds: lease, reuse, patience, overdue or ''
  acquire: `${NOW}
    local stored = redis.call('HMGET', KEYS[1],
      'generation', 'sealed', 'leaseEndsAt', 'retryAt', 'sentAt', 'takeOverAt')
    local leaseEndsAt, retryAt, sentAt, takeOverAt =
      tonumber(stored[3]), tonumber(stored[4]), tonumber(stored[5]), tonumber(stored[6])
    if not stored[1] then return {'gone'} end
    if tonumber(stored[1]) > tonumber(ARGV[1]) then return {'renewed', stored[1], stored[2]} end
    -- The caller is ahead of the store: what it knows is on its way here.
    if stored[1] ~= ARGV[1] then return {'held'} end
    local overdue = ARGV[6] ~= '' and sentAt and now - sentAt >= tonumber(ARGV[6])
    local held = {overdue and 'overdue' or 'held'}
    if leaseEndsAt and leaseEndsAt > now then return held end
    if retryAt and retryAt > now then return {'backing-off', retryAt - now} end
    if sentAt and now - sentAt >= tonumber(ARGV[4]) then
      if not takeOverAt then redis.call('HSET', KEYS[1], 'takeOverAt', now + ARGV[5]) end
      if not takeOverAt or takeOverAt > now then return held end
    end
    redis.call('HSET', KEYS[1], 'leaseOwner', ARGV[2], 'leaseEndsAt', now + ARGV[3], 'sentAt', sentAt or now)
    redis.call('HDEL', KEYS[1], 'takeOverAt')
    return {'granted', now}`,

  // ARGV: owner, lease milliseconds
  extend: `${NOW}
    if redis.call('HGET', KEYS[1], 'leaseOwner') ~= ARGV[1] then return 0 end
    redis.call('HSET', KEYS[1], 'leaseEndsAt', now + ARGV[2])
    redis.call('HDEL', KEYS[1], 'takeOverAt')
    return 1`,

  // ARGV: the new generation, sealed, owner, back-off milliseconds
  commit: `${NOW}
    local stored = redis.call('HMGET', KEYS[1], 'generation', 'leaseOwner', 'committedBy')
    if not stored[1] then return 'gone' end
    if stored[1] == ARGV[1] and stored[3] == ARGV[3] then
      -- Said again because replicas did not have it: written again, so that there is something to wait for.
      redis.call('HSET', KEYS[1], 'committedBy', ARGV[3])
      return 'committed'
    end
    if stored[1] + 1 ~= tonumber(ARGV[1]) then return 'superseded' end
    -- Another holds a lease on the spent token. No lease at all: a failover lost it, and these tokens are the newest.
    if stored[2] and stored[2] ~= ARGV[3] then return 'held' end
    redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'sealed', ARGV[2], 'committedBy', ARGV[3], 'retryAt', now + ARGV[4])
    redis.call('HDEL', KEYS[1], ${LEASE_FIELDS}, 'failures')
    return 'committed'`,

  // ARGV: owner, first and longest back-off in milliseconds, share of it to wait, what the provider asked for or 0,
  // whether it is a refusal
  release: `${NOW}
    local stored = redis.call('HMGET', KEYS[1], 'leaseOwner', 'generation', 'refusedGeneration', 'refusedSince')
    if stored[1] ~= ARGV[1] then return {0, 0, 0} end
    local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
    local backOff = math.ceil(math.min(ARGV[2] * 2 ^ (failures - 1), tonumber(ARGV[3])) * ARGV[4])
    if tonumber(ARGV[5]) > 0 then backOff = tonumber(ARGV[5]) end
    redis.call('HSET', KEYS[1], 'retryAt', now + backOff)
    redis.call('HDEL', KEYS[1], ${LEASE_FIELDS})
    if ARGV[6] ~= '1' then return {backOff, 0, 0} end
    local since = tonumber(stored[4])
    -- By the generation, so that a renewal ends the row whoever stored it.
    if stored[3] ~= stored[2] or not since then
      since = now
      redis.call('HSET', KEYS[1], 'refusedGeneration', stored[2], 'refusedSince', now, 'refusals', 0)
    end
    return {backOff, redis.call('HINCRBY', KEYS[1], 'refusals', 1), now - since}`,

  // The app's data of a logged-in session lives as long as the auth record, and cannot come back without it.
  saveAppData: `
    local ttl = redis.call('PTTL', KEYS[1])
    if ttl > 0 then redis.call('SET', KEYS[2], ARGV[1], 'PX', ttl) end`,
} as const

export type ScriptName = keyof typeof SCRIPTS
/** The keys of a session: its auth record (a hash), the app's data (a string). */
export type Keys = readonly [auth: string, app: string]
type Script = (...args: (string | number)[]) => Promise<unknown>

export interface Scripts {
  run(name: ScriptName, keys: Keys, ...args: (string | number)[]): Promise<unknown>
  /** Runs a script that writes, then waits until that many replicas have what it wrote, or the time is over. */
  runReplicated(
    replicas: { readonly wanted: number; readonly milliseconds: number },
    name: ScriptName,
    keys: Keys,
    ...args: (string | number)[]
  ): Promise<{ result: unknown; replicas: number }>
}

/** ioredis sends a script's hash, and its text only where the server does not know it. */
export function defineScripts(redis: Redis | Cluster): Scripts {
  const commandOf = (name: ScriptName) => `expressBffSession_${name}`
  for (const [name, lua] of Object.entries(SCRIPTS)) {
    redis.defineCommand(commandOf(name as ScriptName), { numberOfKeys: 2, lua })
  }
  const scriptOn = (target: object, name: ScriptName): Script => {
    const script: Script = Reflect.get(target, commandOf(name))
    return script.bind(target)
  }

  return {
    run: (name, keys, ...args) => scriptOn(redis, name)(...keys, ...args),

    async runReplicated({ wanted, milliseconds }, name, keys, ...args) {
      // WAIT counts what its own connection wrote: in a pipeline both go to the same node, in a cluster too.
      const pipeline = redis.pipeline()
      void scriptOn(pipeline, name)(...keys, ...args)
      const [script, wait] = (await pipeline.wait(wanted, milliseconds).exec()) ?? []
      if (script === undefined) throw new Error('no answer')
      if (script[0] !== null) {
        // A pipeline that writes does not follow a redirect of the cluster. The script by itself does, and learns the
        // way; replicas are for the next try.
        if (!/^(?:MOVED|ASK) /.test(script[0].message)) throw script[0]
        return { result: await scriptOn(redis, name)(...keys, ...args), replicas: 0 }
      }
      return { result: script[1], replicas: wait?.[0] === null ? Number(wait[1]) : 0 }
    },
  }
}

/** KEYS: the claim. ARGV: who wants it, seconds, whom it may be taken from or ''. */
const CLAIM = `
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= ARGV[3] then return holder end
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  return ARGV[1]`

export function defineClaim(
  redis: Redis | Cluster,
): (key: string, owner: string, seconds: number, over: string) => Promise<string> {
  redis.defineCommand('expressBffSession_claim', { numberOfKeys: 1, lua: CLAIM })
  return Reflect.get(redis, 'expressBffSession_claim').bind(redis)
}
