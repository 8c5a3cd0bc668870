// What Redis says of itself, as far as its user may ask: none of it is needed for sessions, and so it never counts as an outage.
import type { Cluster, Redis } from 'ioredis'
import { type Finding, failed, ok, unknown, warning } from '../../findings.ts'
import { withDeadline } from '../../lib/deadline.ts'
import type { Config } from '../../options/config.ts'
import { evictionFault } from './eviction.ts'

/** ioredis asks for the protocol of Redis 6 (RESP3), and users with rights of their own came with it. */
const OLDEST = 6
const MOST_SAMPLES = 20
const MOST_SCANS = 20

type Asked = Pick<Config, 'redisTimeoutSeconds' | 'waitReplicas'>

export async function checkRedis(redis: Redis | Cluster, config: Asked): Promise<Finding[]> {
  const ask = <T>(command: () => Promise<T>): Promise<T | undefined> => {
    const asked = Promise.resolve()
      .then(command)
      .catch(() => undefined)
    return withDeadline(asked, config.redisTimeoutSeconds, () => undefined)
  }
  const info = await ask(() => redis.info())
  const sizes = await sampled(redis, ask)
  return [...(info === undefined ? UNASKED : findingsIn(info, config)), memoryFinding(sizes, info ?? '')]
}

const UNASKED = (['store', 'eviction', 'replicas'] as const).map((name) =>
  unknown(name, 'Redis says nothing of itself: its user may not use INFO, or it is out of reach'),
)

function findingsIn(info: string, { waitReplicas }: Asked): Finding[] {
  const fault = evictionFault(info)
  return [
    version(info),
    fault === undefined
      ? ok('eviction', 'Redis drops no sessions to make room')
      : warning('eviction', `Redis ${fault}`),
    replicas(info, waitReplicas),
  ]
}

function version(info: string): Finding {
  const found = read(info, 'redis_version')
  if (found === undefined) return unknown('store', 'Redis answers, and does not say its version')
  if (Number.parseInt(found, 10) >= OLDEST) return ok('store', `Redis ${found} answers`)
  return failed('store', `Redis ${found} is too old: ${OLDEST}.0 or later is needed`, 'install a later one')
}

function replicas(info: string, wanted: number): Finding {
  const connected = info.match(/^slave\d+:.*\bstate=online\b/gm)?.length ?? 0
  const isReplica = read(info, 'role') === 'slave'
  if (isReplica)
    return failed('replicas', 'this Redis is itself a replica', 'name the master, or the Sentinels')
  const counted = `${connected} connected, and waitReplicas is ${wanted}`
  if (connected < wanted)
    return failed(
      'replicas',
      `${counted}: each renewal waits for one that is not there`,
      'look at the replicas, or lower waitReplicas',
    )
  if (connected === 0 || wanted > 0) return ok('replicas', counted)
  return warning(
    'replicas',
    `${counted}: a failover may lose the last renewals, and log people out`,
    'set waitReplicas: 1',
  )
}

function memoryFinding(sizes: readonly number[], info: string): Finding {
  const [used, most] = [Number(read(info, 'used_memory') ?? 0), Number(read(info, 'maxmemory') ?? 0)]
  const share = most > 0 ? Math.round((used / most) * 100) : 0
  const total = most > 0 ? `; ${share} % of maxmemory is used` : ''
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  const each =
    sizes.length === 0
      ? 'no session could be measured: there is none, or its user may not use SCAN and MEMORY USAGE'
      : `${Math.round(mean)} bytes a session, by ${sizes.length} of them`
  if (share >= 90) return warning('memory', each + total, 'give it more (maxmemory)')
  return sizes.length === 0 && total === '' ? unknown('memory', each) : ok('memory', each + total)
}

/** Of a few sessions, in bytes. A Cluster is asked at one of its nodes. */
async function sampled(
  redis: Redis | Cluster,
  ask: <T>(command: () => Promise<T>) => Promise<T | undefined>,
): Promise<number[]> {
  const prefix = redis.options.keyPrefix ?? ''
  // ioredis puts the prefix before keys, and not before patterns.
  const pattern = `${prefix.replace(/[*?[\]\\]/g, '\\$&')}bff:{s-*}:auth`
  const sizes: number[] = []
  let cursor = '0'
  for (let scans = 0; scans < MOST_SCANS && sizes.length < MOST_SAMPLES; scans += 1) {
    const answer = await ask(() => redis.scan(cursor, 'MATCH', pattern, 'COUNT', 100))
    if (answer === undefined) break
    const [next, keys] = answer
    for (const key of keys.slice(0, MOST_SAMPLES - sizes.length)) {
      const name = key.slice(prefix.length)
      const own = await ask(() => redis.memory('USAGE', name))
      const appData = await ask(() => redis.memory('USAGE', name.replace(/auth$/, 'app')))
      if (own === undefined) return sizes
      if (Number(own) > 0) sizes.push(Number(own) + Number(appData ?? 0))
    }
    cursor = String(next)
    if (cursor === '0') break
  }
  return sizes
}

function read(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:([\\w.+-]{1,40})`, 'm').exec(info)?.[1]
}
