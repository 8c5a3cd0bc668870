// `session.store`: the Redis behind it keeps the sessions, by commands that no express-session store has.
import type { AuthOptions } from '../index.ts'
import { optionError } from './inside.ts'

const OPTION = 'session.store'
const USE = "set REDIS_URL, or redis: 'redis://…' beside session, and session.store may stay or go"

/** The part of a node-redis client's options that names its server. */
interface NodeRedisOptions {
  readonly url?: string
  readonly username?: string
  readonly password?: string
  readonly database?: number
  readonly credentialsProvider?: unknown
  readonly socket?: {
    readonly host?: string
    readonly port?: number
    readonly path?: string
    readonly tls?: unknown
    readonly ca?: unknown
    readonly cert?: unknown
    readonly key?: unknown
  }
}

/**
 * Where the store's client keeps things: that client, where it is one of ioredis, or the address of node-redis's.
 *
 * @param elsewhere what the options or the environment say of Redis: that goes before an address that cannot be seen
 */
export function redisOf(store: unknown, elsewhere: unknown): AuthOptions['redis'] {
  const { client } = (typeof store === 'object' && store !== null ? store : {}) as { client?: unknown }
  if (isObject(client) && 'defineCommand' in client)
    return client as NonNullable<AuthOptions['redis']> & object
  if (isObject(client) && isObject(client.options)) return urlOf(client.options)
  if (elsewhere !== undefined && elsewhere !== '') return undefined
  throw optionError(
    OPTION,
    isObject(client)
      ? `is on a Redis that cannot be seen from outside (connect-redis 7 and 8 keep their client to themselves, a cluster of node-redis is no single server): ${USE}`
      : `is no store on Redis, and tokens are kept by commands that only Redis has: ${USE}; with neither, sessions are in memory`,
  )
}

/** ioredis opens a connection of its own there. */
function urlOf(options: NodeRedisOptions): string {
  const { credentialsProvider, username, password, socket = {} } = options
  // node-redis makes a provider of a name and a password, too.
  const isAsked = credentialsProvider !== undefined && username === undefined && password === undefined
  if (isAsked || [socket.ca, socket.cert, socket.key].some((one) => one !== undefined)) {
    throw optionError(
      OPTION,
      'has a node-redis client with certificates or credentials of its own, which no URL can say: give redis an ioredis client that has them',
    )
  }
  const given = options.url === undefined ? undefined : new URL(options.url)
  const url = new URL(
    `${socket.tls === true ? 'rediss' : (given?.protocol.replace(':', '') ?? 'redis')}://localhost`,
  )
  url.hostname = socket.host ?? given?.hostname ?? 'localhost'
  url.port = String(socket.port ?? (given?.port || 6379))
  url.username = encodeURIComponent(options.username ?? '') || (given?.username ?? '')
  url.password = encodeURIComponent(options.password ?? '') || (given?.password ?? '')
  const database = options.database ?? given?.pathname.slice(1)
  if (database) url.pathname = `/${database}`
  return socket.path === undefined ? url.href : `unix://${socket.path}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
