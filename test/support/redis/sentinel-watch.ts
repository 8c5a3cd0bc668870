// The sentinels of a test: how they come to watch a master, and which one they name.
import { eventually } from '../deadline.ts'
import type { RedisProcess } from './launch.ts'
import { every, inSync, isFollowing } from './replicas.ts'

/** A master that does not answer for so long is down; less, and a busy machine loses its master by itself. */
const SETTINGS = { 'down-after-milliseconds': 800, 'failover-timeout': 2000, 'parallel-syncs': 2 }
/** Not faster pings: a replica's INFO may be as old as five of them, or it is not chosen. */
const PERIODS = { 'info-period': 500, 'ask-period': 200, 'publish-period': 200, 'tilt-period': 1000 }

/** The first server becomes the master; resolves when the sentinels know everybody and could agree on a failover. */
export async function watchMaster(
  [master, ...replicas]: RedisProcess[],
  sentinels: RedisProcess[],
  name: string,
): Promise<void> {
  if (!master) throw new Error('no master')
  await Promise.all(replicas.map(({ admin }) => admin.replicaof('127.0.0.1', master.port)))
  // Sentinel finds a replica when it asks the master, every ten seconds where the period cannot be set (before 7).
  await eventually('the replicas to follow', () => every(replicas, isFollowing))
  await eventually('the replicas to be in sync', () => inSync(master))
  await Promise.all(sentinels.map((each) => monitor(each, name, master.port)))
  await eventually('the sentinels to be ready', () => every(sentinels, (each) => isReady(each, name)))
}

async function monitor({ admin }: RedisProcess, name: string, masterPort: number): Promise<void> {
  const sentinel = (...args: (string | number)[]) => admin.call('SENTINEL', ...args)
  await sentinel('DEBUG', ...Object.entries(PERIODS).flat()).catch(() => {})
  await sentinel('MONITOR', name, '127.0.0.1', masterPort, 2)
  await sentinel('SET', name, ...Object.entries(SETTINGS).flat())
}

async function isReady({ admin }: RedisProcess, name: string): Promise<boolean> {
  await admin.call('SENTINEL', 'CKQUORUM', name)
  const known = async (kind: string) =>
    ((await admin.call('SENTINEL', kind, name)) as string[][]).map(toRecord)
  const sentinels = await known('SENTINELS')
  const replicas = await known('REPLICAS')
  return (
    sentinels.filter(({ flags }) => flags === 'sentinel').length === 2 &&
    replicas.filter((each) => each.flags === 'slave' && each['master-link-status'] === 'ok').length === 2
  )
}

export async function masterNamedBy({ admin }: RedisProcess, name: string): Promise<number> {
  const [, port] = (await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as string[]
  return Number(port)
}

function toRecord(flat: string[]): Record<string, string | undefined> {
  return Object.fromEntries(flat.flatMap((key, at) => (at % 2 ? [] : [[key, flat[at + 1]]])))
}
