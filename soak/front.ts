// The way of one process to Redis: a test front that keeps nothing but when each session's commit last landed.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createCommandFaults, type HeldCommand } from '../test/support/redis/command-faults.ts'
import { isCommand, isScript, type Match, scriptOf } from '../test/support/redis/commands.ts'
import { passCommands } from '../test/support/redis/front-connection.ts'

export interface SoakFront {
  readonly url: string
  /** when Redis last answered a commit of this session, epoch milliseconds */
  landedAt(id: string): number | undefined
  hold(moment: 'before' | 'after'): HeldCommand
  refuseWrites(): void
  cutAll(): void
  normal(): void
  stop(): Promise<void>
}

const isCommit = isScript('commit')
const isFind = isScript('find')
const isChange = isCommand('eval', 'evalsha', 'set', 'zrem', 'pexpire')
const WRITES: Match = (args) => isChange(args) && !isFind(args)
const READ_ONLY = "READONLY You can't write against a read only replica."

export async function startSoakFront(redis: { readonly port: number }): Promise<SoakFront> {
  const faults = createCommandFaults()
  const landed = new Map<string, number>()
  const sockets = new Set<Socket>()
  const watched = {
    ...faults,
    passing(moment: 'before' | 'after', args: string[]) {
      if (moment === 'after' && scriptOf(args) === 'commit') landed.set(idIn(args[3]), Date.now())
      return faults.passing(moment, args)
    },
  }
  const server = createServer({ noDelay: true }, (client) => {
    sockets.add(client)
    client.on('close', () => sockets.delete(client))
    passCommands(client, redis.port, watched, () => () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    landedAt: (id) => landed.get(id),
    hold: (moment) => faults.hold(moment, isCommit),
    refuseWrites: () => faults.refuse(WRITES, READ_ONLY),
    cutAll,
    normal: () => faults.clear(),
    async stop() {
      faults.clear('cut')
      const closed = once(server, 'close')
      server.close()
      cutAll()
      await closed
    },
  }
}

/** EVALSHA, the script, the number of keys, and the first of them: `bff:{id}:auth`. */
function idIn(key = ''): string {
  return key.slice(key.indexOf('{') + 1, key.indexOf('}'))
}
