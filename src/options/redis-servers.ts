// The Redis servers that the option `redis` takes.
import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis'

interface NearCache {
  /**
   * Sessions that were read are used again until Redis says that they changed: an ordinary request asks it nothing. What
   * another process changes is seen within milliseconds; within two seconds where its word does not arrive.
   *
   * @defaultValue `false`
   */
  nearCache?: boolean | undefined
}

export interface RedisURL extends NearCache {
  /** Environment: `REDIS_URL`. */
  url?: string | undefined
  /**
   * Stands before the name of every key: deployments with other prefixes share nothing. `'staff:'`, or in the URL
   * `?keyPrefix=staff:`. ioredis's option of that name does the same for Sentinels and for a Cluster.
   *
   * @defaultValue none
   */
  keyPrefix?: string | undefined
}

/** What is left of it where the options are resolved. */
export type ServerURL = Readonly<Pick<RedisURL, 'keyPrefix'>> & { readonly url: string }

/** ioredis's options for Redis behind Sentinels. */
export type RedisSentinels = RedisOptions &
  NearCache & {
    sentinels: NonNullable<RedisOptions['sentinels']>
    name: string
  }

/** A Redis Cluster: some of its nodes, and ioredis's options for it. */
export type RedisCluster = ClusterOptions & { nodes: readonly ClusterNode[] }
