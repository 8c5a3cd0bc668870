// The connection to Redis, and the deadline on every answer: what Redis does must not hang a request.
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { TryLaterError } from '../../errors/errors.ts'
import { withDeadline } from '../../lib/deadline.ts'
import type { Config } from '../../options/config.ts'
import type { ServerURL } from '../../options/redis-servers.ts'
import type { Outages } from './outages.ts'

export interface RedisConnection {
  readonly redis: Redis | Cluster
  /**
   * @param asking so many want to know it
   * @throws TryLaterError where there is no answer in time, or an error for one
   */
  answer<T>(command: () => Promise<T>, asking?: number): Promise<T>
  close(): void
}

/** Questions on their way at once. A Redis that takes none for seconds must not fill the memory with more. */
const MOST_QUESTIONS = 10_000

interface OpenOptions {
  /** a connection beside the one that was opened, or handed in, before */
  readonly another?: boolean
  /** one that hears what Redis tells (publish and subscribe) */
  readonly hears?: boolean
}

export function openRedis(
  given: NonNullable<Config['redis']>,
  seconds: number,
  outages: Pick<Outages, 'tell' | 'over'>,
  { another = false, hears = false }: OpenOptions = {},
): RedisConnection {
  const redis = isClient(given) ? (another ? duplicate(given) : given) : connect(given, seconds, hears)
  let underWay = 0
  // Without a listener ioredis prints each failed connection. A client that was handed in is its owner's to listen to.
  if (redis !== given) redis.on('error', (error: Error) => outages.tell(error))

  return {
    redis,

    async answer(command, asking = 1) {
      try {
        if (underWay >= MOST_QUESTIONS) throw new Error(`${underWay} questions are on their way already`)
        underWay += asking
        const sent = command().finally(() => {
          underWay -= asking
        })
        const answered = await withDeadline(sent, seconds, () => {
          // What comes after it, comes to nobody.
          sent.catch(() => undefined)
          throw new Error(`no answer within ${seconds} s`)
        })
        outages.over()
        return answered
      } catch (error) {
        const cause = new Error(outages.tell(error))
        const message = 'The session store does not answer. Nothing is lost; try again shortly.'
        throw new TryLaterError('store_unavailable', message, 1, { cause })
      }
    },

    close() {
      // A second time it would leave a timer behind, and keep the process for two seconds.
      if (redis !== given && redis.status !== 'end') redis.disconnect()
    },
  }
}

function duplicate(client: Redis | Cluster): Redis | Cluster {
  return 'slots' in client ? client.duplicate() : client.duplicate()
}

/** An ioredis client of the app's own. By its methods, since the app may have another copy of ioredis. */
function isClient(given: NonNullable<Config['redis']>): given is Redis | Cluster {
  return 'defineCommand' in given
}

function connect(
  given: Exclude<NonNullable<Config['redis']>, Redis | Cluster>,
  seconds: number,
  hears: boolean,
): Redis | Cluster {
  const deadlines = deadlinesOf(seconds)
  const hearing = hears ? HEARING : {}
  if ('url' in given) return new Redis(given.url, { ...deadlines, ...hearing, ...prefixOf(given) })
  if ('sentinels' in given) {
    return new Redis({
      ...deadlines,
      sentinelCommandTimeout: seconds * 1000,
      // After a failover the old master may live on as a replica: only a new connection finds the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      ...given,
      ...hearing,
      replyMapping: 'legacy',
    })
  }
  const { nodes, redisOptions, ...options } = given
  return new Cluster([...nodes], {
    slotsRefreshTimeout: seconds * 1000,
    clusterRetryStrategy: retryDelay,
    ...options,
    redisOptions: { ...deadlines, ...redisOptions, replyMapping: 'legacy' },
  })
}

/** Left out where there is none, since the URL may name one. */
function prefixOf({ keyPrefix }: ServerURL): Pick<RedisOptions, 'keyPrefix'> {
  return keyPrefix === undefined ? {} : { keyPrefix }
}

function deadlinesOf(seconds: number) {
  return {
    connectTimeout: seconds * 1000,
    commandTimeout: seconds * 1000,
    // A connection on which nothing comes back is dropped, with what waits on it.
    socketTimeout: seconds * 2000,
    maxRetriesPerRequest: 1,
    // Of a connection that is gone already ioredis waits so long for the end, and the process with it.
    disconnectTimeout: 50,
    // A command may be carried out although its answer was lost; who sent it decides whether to send it again.
    autoResendUnfulfilledCommands: false,
    retryStrategy: retryDelay,
  } satisfies RedisOptions
}

/** ioredis hands on what Redis tells only with the older protocol. */
const HEARING = { protocol: 2, autoResubscribe: false } satisfies RedisOptions

function retryDelay(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 5), 1000)
}
