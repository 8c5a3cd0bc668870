// The nodes of a Redis Cluster: how they become one, and what each of them thinks of it.
import { eventually } from '../deadline.ts'
import type { RedisProcess } from './launch.ts'
import { every, inSync, isFollowing } from './replicas.ts'

type Range = [first: number, last: number, ...nodes: [host: string, port: number, ...rest: unknown[]][]]

const SLOTS = 16_384

/** What `redis-cli --cluster create` does, without its pauses of a second; as many replicas as masters. */
export async function formCluster(masters: RedisProcess[], replicas: RedisProcess[]): Promise<void> {
  const all = [...masters, ...replicas]
  const edge = (nth: number) => Math.floor((SLOTS * nth) / masters.length)
  const ids = await Promise.all(
    masters.map(async ({ admin }, at) => {
      const count = edge(at + 1) - edge(at)
      await admin.cluster('ADDSLOTS', ...Array.from({ length: count }, (_, nth) => edge(at) + nth))
      await admin.cluster('SET-CONFIG-EPOCH', at + 1)
      return admin.cluster('MYID')
    }),
  )
  const pairs = all.flatMap((node, at) => all.slice(0, at).map((other) => [node, other] as const))
  await Promise.all(pairs.map(([{ admin }, { port }]) => admin.cluster('MEET', '127.0.0.1', port)))
  await Promise.all(
    replicas.map(({ admin }, at) =>
      eventually('a replica to know its master', () => admin.cluster('REPLICATE', ids[at] ?? '')),
    ),
  )
  await eventually('the replicas to follow', () => every(replicas, isFollowing))
  await eventually('the replicas to be in sync', () => every(masters, inSync))
  await eventually('the nodes to know each other', () => every(all, (each) => knows(each, masters.length)))
  await eventually('the cluster to take commands', () => every(all, takesCommands))
}

export async function takesCommands({ admin }: RedisProcess): Promise<boolean> {
  return (await admin.cluster('INFO')).includes('cluster_state:ok\r\n')
}

/** The port of the master that has the key's slot, by what this node knows. */
export async function masterSeenBy(node: RedisProcess, key: string): Promise<number | undefined> {
  const slot = await node.admin.cluster('KEYSLOT', key)
  const range = (await rangesOf(node)).find(([first, last]) => first <= slot && slot <= last)
  return range?.[2]?.[1]
}

/** Every master, and a replica of each. */
async function knows(node: RedisProcess, masters: number): Promise<boolean> {
  const ranges = await rangesOf(node)
  return ranges.length === masters && ranges.every(([, , ...nodes]) => nodes.length === 2)
}

async function rangesOf({ admin }: RedisProcess): Promise<Range[]> {
  return (await admin.cluster('SLOTS')) as Range[]
}
