// What happens to a session in Redis, each step atomic; every script runs on the session's two keys.
import type { Cluster, Redis } from 'ioredis'

/** Milliseconds by Redis's own clock: leases and lifetimes go by it, whatever clock a process has. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** KEYS: the auth record (a hash), the app's data (a string). */
const SCRIPTS = {
  find: `${NOW}
    local stored = redis.pcall('HMGET', KEYS[1], 'generation', 'sealed')
    -- An error is a value that is no hash: nobody's record.
    if stored.err or not stored[2] then return {now} end
    return {now, stored[1], stored[2], redis.call('GET', KEYS[2]), redis.call('PTTL', KEYS[1])}`,

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

  // ARGV: the generation seen, owner, lease milliseconds
  acquire: `${NOW}
    local stored = redis.call('HMGET', KEYS[1], 'generation', 'sealed', 'leaseEndsAt', 'retryAt')
    if not stored[1] then return {'gone'} end
    if tonumber(stored[1]) > tonumber(ARGV[1]) then return {'renewed', stored[1], stored[2]} end
    -- The caller is ahead of the store: what it knows is on its way here.
    if stored[1] ~= ARGV[1] then return {'held'} end
    if stored[3] and tonumber(stored[3]) > now then return {'held'} end
    if stored[4] and tonumber(stored[4]) > now then return {'backing-off', stored[4] - now} end
    redis.call('HSET', KEYS[1], 'leaseOwner', ARGV[2], 'leaseEndsAt', now + ARGV[3])
    return {'granted', now}`,

  // ARGV: the new generation, sealed, owner, back-off milliseconds
  commit: `${NOW}
    local stored = redis.call('HMGET', KEYS[1], 'generation', 'leaseOwner', 'committedBy')
    if not stored[1] then return 'gone' end
    if stored[1] == ARGV[1] and stored[3] == ARGV[3] then return 'committed' end
    if stored[1] + 1 ~= tonumber(ARGV[1]) or stored[2] ~= ARGV[3] then return 'superseded' end
    redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'sealed', ARGV[2], 'committedBy', ARGV[3], 'retryAt', now + ARGV[4])
    redis.call('HDEL', KEYS[1], 'leaseOwner', 'leaseEndsAt')
    return 'committed'`,

  // ARGV: owner, back-off milliseconds
  release: `${NOW}
    if redis.call('HGET', KEYS[1], 'leaseOwner') ~= ARGV[1] then return end
    redis.call('HSET', KEYS[1], 'retryAt', now + ARGV[2])
    redis.call('HDEL', KEYS[1], 'leaseOwner', 'leaseEndsAt')`,

  // The app's data of a signed-in session lives as long as the auth record, and cannot come back without it.
  saveAppData: `
    local ttl = redis.call('PTTL', KEYS[1])
    if ttl > 0 then redis.call('SET', KEYS[2], ARGV[1], 'PX', ttl) end`,
} as const

type ScriptName = keyof typeof SCRIPTS
export type Scripts = Record<
  ScriptName,
  (keys: readonly [string, string], ...args: (string | number)[]) => Promise<unknown>
>

/** ioredis sends a script's hash, and its text only where the server does not know it. */
export function defineScripts(redis: Redis | Cluster): Scripts {
  const entries = Object.entries(SCRIPTS).map(([name, lua]) => {
    const command = `expressBffSession_${name}`
    redis.defineCommand(command, { numberOfKeys: 2, lua })
    const run = Reflect.get(redis, command) as (...args: (string | number)[]) => Promise<unknown>
    return [
      name,
      (keys: readonly string[], ...args: (string | number)[]) => run.call(redis, ...keys, ...args),
    ]
  })
  return Object.fromEntries(entries) as Scripts
}
