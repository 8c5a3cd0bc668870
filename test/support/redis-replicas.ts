// Replicas that lag: nothing written from now on reaches them, and they come back when the test says so.
import { eventually } from './deadline.ts'
import type { RedisProcess } from './redis-launch.ts'

/** A replica that has to copy its master does so at once, not in five seconds. */
export const REPLICA_CONFIG = ['repl-diskless-sync yes', 'repl-diskless-sync-delay 0']

/** Resolves when the replicas have all that was written before, and will get nothing of what is written now. */
export async function freezeReplicas(masters: RedisProcess[], replicas: RedisProcess[]): Promise<void> {
  await Promise.all(masters.map((master) => eventually('the replicas to be in sync', () => inSync(master))))
  for (const replica of replicas) replica.freeze()
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

async function inSync({ admin }: RedisProcess): Promise<boolean> {
  const count = Number((await admin.info('replication')).match(/connected_slaves:(\d+)/)?.[1])
  return (await admin.wait(count, 500)) >= count
}
