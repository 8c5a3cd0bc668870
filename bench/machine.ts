// Where and when figures were taken: what one has to know to repeat them, and nothing that names the machine.
import { availableParallelism, cpus, loadavg } from 'node:os'
import type { RedisClient } from './stage.ts'

export interface Machine {
  /** `YYYY-MM-DD` */
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly redis: string
}

export async function describeMachine(redis: RedisClient): Promise<Machine> {
  const [, version = 'unknown'] = /^redis_version:(\S+)/m.exec(await redis.info('server')) ?? []
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.versions.node,
    redis: version,
  }
}

export function showMachine({ date, cpu, cores, node, redis }: Machine): string {
  return `${date}, ${cpu}, ${cores} cores, Node ${node}, Redis ${redis}`
}

/** More than a few tenths before the bench itself begins: somebody else is at work, and the figures are theirs too. */
export function showLoad(): string {
  return `load average ${loadavg()[0]?.toFixed(1)} before it began`
}
