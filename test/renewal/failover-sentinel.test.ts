// H19 under Sentinel: a master, two replicas, three sentinels; each of the two failovers of this file uses up a master.
import { startRedisSentinel } from '../support/redis/sentinel.ts'
import { testFailovers } from './failover-table.ts'

testFailovers(async () => {
  const servers = await startRedisSentinel()
  return {
    ...servers,
    configuration: { sentinels: servers.sentinels, name: servers.name },
    masterOf: servers.masterPort,
    isAlone: () => false,
    killMasterOf: servers.killMaster,
  }
})
