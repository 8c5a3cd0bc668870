// What Redis says of itself: the commands it ran, the bytes it keeps.
import type { RedisClient } from './stage.ts'

export type Commands = Readonly<Record<string, number>>

const SCRIPTS = /^(?:eval|evalsha|fcall)(?:_ro)?$/
/** The bench's own questions, and what a connection says of itself. */
const IGNORED = /^(?:info|config|client|hello|select|ping|auth|script)\b/

export async function commandsRun(redis: RedisClient): Promise<Commands> {
  const info = await redis.info('commandstats')
  const counts: Record<string, number> = {}
  for (const [, name = '', calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (!IGNORED.test(name)) counts[name] = Number(calls)
  }
  return counts
}

export interface CommandsPerRequest {
  /** sent by the server */
  sent: number
  /** for people: which ones */
  names: string
}

export function commandsPerRequest(before: Commands, after: Commands, requests: number): CommandsPerRequest {
  const rates = Object.entries(after)
    .map(([name, calls]) => ({ name: name.toUpperCase(), rate: (calls - (before[name] ?? 0)) / requests }))
    .filter(({ rate }) => rate >= 0.01)
    .sort((a, b) => b.rate - a.rate)
  const scripts = rates.filter(({ name }) => SCRIPTS.test(name.toLowerCase()))
  // Redis counts what a script does among the commands: a server that sends scripts sends little else.
  const sent = scripts.length > 0 ? scripts : rates
  const inside = scripts.length > 0 ? rates.filter((each) => !scripts.includes(each)) : []
  const show = (list: typeof rates) => list.map(({ name }) => name).join(', ')
  return {
    sent: sent.reduce((sum, { rate }) => sum + rate, 0),
    names: show(sent) + (inside.length > 0 ? `: ${show(inside)}` : ''),
  }
}

/** What lasts: keys that are there for the login alone are gone in minutes. */
const LASTING_MS = 20 * 60_000

export async function bytesKept(redis: RedisClient): Promise<number> {
  let bytes = 0
  for (const key of await redis.keys('*')) {
    const ttl = await redis.pttl(key)
    if (ttl !== -1 && ttl < LASTING_MS) continue
    bytes += Number(await redis.memory('USAGE', key, 'SAMPLES', 0))
  }
  return bytes
}
