// Replicas that lag: nothing written from now on reaches them, and they come back when the test says so.
import { eventually } from '../deadline.ts'
import type { RedisProcess } from './launch.ts'

export const REPLICA_CONFIG = [
  // By way of the disk, a new replica follows as soon as it has its copy; without it, up to a second later.
  'repl-diskless-sync no',
  // A Cluster names no replica that has received nothing yet, and an empty master sends nothing but pings.
  'repl-ping-replica-period 1',
]

/** Resolves when the replicas have all that was written before, and will get nothing of what is written now. */
export async function freezeReplicas(masters: RedisProcess[], replicas: RedisProcess[]): Promise<void> {
  const living = replicas.filter((each) => each.awake())
  // After a failover the others come to the new master a moment later; until then it counts no replica at all.
  await eventually('the replicas to follow', () => every(living, isFollowing))
  await Promise.all(masters.map((master) => eventually('the replicas to be in sync', () => inSync(master))))
  for (const replica of living) replica.freeze()
  // A stopped process still has a socket, and would read from it when it wakes what it was sent in its sleep.
  await Promise.all(masters.map((master) => master.admin.call('CLIENT', 'KILL', 'TYPE', 'replica')))
}

/** Resolves when they answer again; in sync they are a moment later, if their master lives. */
export async function thawReplicas(processes: RedisProcess[]): Promise<void> {
  const replicas = processes.filter((each) => each.frozen())
  for (const replica of replicas) replica.thaw()
  await eventually('the replicas to answer', () => every(replicas, ({ admin }) => admin.ping()))
}

/** Asks them all at once. */
export async function every(
  processes: RedisProcess[],
  check: (each: RedisProcess) => Promise<unknown>,
): Promise<boolean> {
  return (await Promise.all(processes.map(check))).every(Boolean)
}

export async function isMaster({ admin }: RedisProcess): Promise<boolean> {
  return (await admin.info('replication')).includes('role:master\r\n')
}

/** A replica that has copied its master, and follows it. */
export async function isFollowing({ admin }: RedisProcess): Promise<boolean> {
  return (await admin.info('replication')).includes('master_link_status:up\r\n')
}

/** As many replicas as it has, have all that was written. */
export async function inSync({ admin }: RedisProcess): Promise<boolean> {
  const count = Number((await admin.info('replication')).match(/connected_slaves:(\d+)/)?.[1])
  return (await admin.wait(count, 500)) >= count
}
