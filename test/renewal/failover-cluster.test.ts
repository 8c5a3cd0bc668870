// H19 on a Redis Cluster: three masters with a replica each; each of the two failovers of this file uses up one.
import { startRedisCluster } from '../support/redis/cluster.ts'
import { testFailovers } from './failover-table.ts'

testFailovers(async () => {
  const servers = await startRedisCluster()
  const alone = new Set<number>()
  const masterOf = async (key: string) => (await servers.masterOf(key)).port
  return {
    ...servers,
    configuration: { nodes: servers.nodes },
    masterOf,
    isAlone: (port) => alone.has(port),
    async failedOver(key) {
      await servers.failedOver(key)
      alone.add(await masterOf(key))
    },
  }
})
