// What changes the index in Redis, each step atomic.
import type { Cluster, Redis } from 'ioredis'
import { NOW } from './scripts.ts'

/** KEYS: the sorted set. ARGV: session id, when it ends at the latest. */
const ADD = `${NOW}
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  -- A few at a time: a set that somebody let grow must not hold Redis up.
  local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)
  if #over > 0 then redis.call('ZREM', KEYS[1], unpack(over)) end
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  if last then redis.call('PEXPIREAT', KEYS[1], last) end`

/** KEYS: the mark. ARGV: seconds. The later of two logouts at once is the one that is remembered. */
const MARK = `${NOW}
  local before = tonumber(redis.call('GET', KEYS[1]) or 0)
  redis.call('SET', KEYS[1], math.max(now, before), 'EX', ARGV[1])`

export interface IndexScripts {
  /** On the connection that waits for replicas. */
  add(key: string, id: string, endsAt: number): Promise<unknown>
  mark(key: string, seconds: number): Promise<unknown>
}

export function defineIndexScripts(redis: Redis | Cluster, replicating: Redis | Cluster): IndexScripts {
  replicating.defineCommand('expressBffSession_index', { numberOfKeys: 1, lua: ADD })
  redis.defineCommand('expressBffSession_mark', { numberOfKeys: 1, lua: MARK })
  return {
    add: Reflect.get(replicating, 'expressBffSession_index').bind(replicating),
    mark: Reflect.get(redis, 'expressBffSession_mark').bind(redis),
  }
}
