// Redis does not answer, or refuses: told to whoever listens each time, and to the log once for each kind until it answers again.
import { types } from 'node:util'
import type { AuthEventEmitter } from '../../events/events.ts'
import { createLimitedLog } from '../../lib/limited-log.ts'
import { createOnceLog } from '../../lib/once-log.ts'
import type { Config } from '../../options/config.ts'

export interface Outages {
  /** @returns one line for operators, with no password in it */
  tell(error: unknown): string
  /** It answers, and will be in trouble: that once. */
  warn(fault: string): void
  /** It answered. */
  over(): void
  close(): void
}

/** What Redis, ioredis or the system says, and what to change. */
const KINDS: readonly [said: RegExp, cure: string][] = [
  [/ECONNREFUSED/, 'nobody listens there: start Redis, or change the address (REDIS_URL, the option redis)'],
  [/ENOTFOUND|EAI_AGAIN/, 'nobody knows that host: change the address (REDIS_URL, the option redis)'],
  [
    /WRONGPASS|NOAUTH|AUTH <password>|invalid password/,
    'it does not take the user and password: change those in REDIS_URL (the option redis)',
  ],
  // The second is what Redis 7 says within a script.
  [
    /NOPERM|user executing the script can't/,
    'its user may not do that: docs/deploying.md has the commands and keys that are needed',
  ],
  [
    /certificate|altnames|SSL|TLS|EPROTO/i,
    'the connection is not secure as it should be: rediss:// is for a server that speaks TLS, and NODE_EXTRA_CA_CERTS names the CA of its certificate',
  ],
  [
    /^OOM/,
    'its memory is full, and it rightly drops no session for that (noeviction): give it more (maxmemory)',
  ],
  [
    /^MOVED|^CROSSSLOT|^CLUSTERDOWN|SELECT is not allowed/,
    'it is a Cluster: name its nodes, { nodes: [{ host, port }] } (the option redis)',
  ],
  [
    /DB index|invalid DB/,
    'it has no database of that number, and uses its first: change the path of REDIS_URL (the option redis)',
  ],
  [/unknown command/, 'it does not know a command that is needed: it is too old, or no Redis'],
  [/^MISCONF/, 'it cannot write to its disk, and refuses all that changes something until it can'],
  [/^LOADING/, 'it is starting, and reads what it kept: it answers once it is through'],
  [/READONLY/, 'it is a replica: name the master, or the Sentinels'],
  [
    /^no answer within|timed out|ETIMEDOUT/,
    'look at its load and the network, and whether that port speaks TLS where the address says rediss://; redisTimeoutSeconds is how long is waited',
  ],
  [
    /max retries per request|Connection is closed|ECONNRESET|Protocol error/,
    'it ends the connection: look at Redis and its log, and whether it wants TLS (rediss://)',
  ],
]
/** What follows from it: what is wrong was said before. */
const AFTERWARDS = /max retries per request|Connection is closed|^no answer within|timed out/
const LONGEST = 200
const FIELDS = { event: 'store-unavailable' }

export function createOutages(
  { logger }: Pick<Config, 'logger'>,
  given: NonNullable<Config['redis']>,
  events: AuthEventEmitter,
): Outages {
  const where = addressOf(given)
  // What fails now and then would say so now and then.
  const log = createLimitedLog(logger)
  const sayOnce = createOnceLog(logger.warn)
  const said = new Set<string>()
  let last = ''

  return {
    tell(error) {
      const detail = types.isNativeError(error) ? error.message.slice(0, LONGEST) : 'no answer'
      events.emit('store-unavailable', { detail })
      if (said.size > 0 && AFTERWARDS.test(detail)) return last
      const cure = KINDS.find(([pattern]) => pattern.test(detail))?.[1] ?? 'look at Redis and its log'
      last = `Redis at ${where} cannot be used: ${detail.replace(/[^\x20-\x7e]+/g, ' ')}: ${cure}`
      if (!said.has(cure)) {
        said.add(cure)
        const how = { level: 'error', fields: FIELDS, most: 1 } as const
        log.say(`express-bff-session: Redis cannot be used: ${cure}`, `express-bff-session: ${last}`, how)
      }
      return last
    },

    warn: (fault) => sayOnce(`Redis at ${where} ${fault}`),

    over() {
      if (said.size === 0) return
      said.clear()
      const line = `express-bff-session: Redis at ${where} answers again`
      log.say(line, line, { fields: FIELDS, most: 1 })
    },

    close: () => log.close(),
  }
}

/** Without user and password. */
function addressOf(given: NonNullable<Config['redis']>): string {
  if ('url' in given) return hostOf(given.url)
  if ('sentinels' in given) return `the Sentinels ${(given.sentinels ?? []).map(named).join(', ')}`
  if ('nodes' in given && Array.isArray(given.nodes))
    return `the Cluster ${given.nodes.map(named).join(', ')}`
  const { options } = given as { options?: { host?: string; port?: number } }
  return options?.host === undefined ? 'the client of yours' : named(options)
}

function named(node: unknown): string {
  if (typeof node !== 'object' || node === null) return hostOf(String(node))
  const { host = 'localhost', port = 6379 } = node as { host?: string; port?: number }
  return `${host}:${port}`
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host || 'localhost' : 'its address'
}
