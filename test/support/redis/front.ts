// A front between apps and a real redis-server, where a test holds, refuses, delays and counts single commands.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { eventually } from '../deadline.ts'
import { resetConnection } from '../listen.ts'
import { type CommandFaults, createCommandFaults, type HeldCommand } from './command-faults.ts'
import { type Match, type ScriptName, scriptOf } from './commands.ts'
import { passCommands } from './front-connection.ts'

export interface SeenCommand {
  /** in lower case */
  name: string
  /** which of the project's scripts an EVAL or EVALSHA is */
  script?: ScriptName
  /** the name first */
  args: string[]
}

export interface RedisFront {
  readonly url: string
  readonly port: number
  /** stops the next such command before Redis sees it, and all later ones of the same connection */
  holdNext(match: Match): HeldCommand
  /** Redis runs the next such command; its answer, and all later ones of the same connection, are kept back */
  holdAnswerOf(match: Match): HeldCommand
  /** answers such commands in Redis's place, until `normal()` */
  refuseAll(match: Match, error?: string): void
  /** every command reaches Redis so much later, those on their way together at the same time */
  delayAll(ms: number): void
  /** no faults any more; what is held goes on */
  normal(): void
  /** resets all connections */
  cutAll(): void
  /** resets all connections and refuses new ones */
  down(): Promise<void>
  /** on the same port again */
  up(): Promise<void>
  /** what Redis was given to run, in order */
  seen(match?: Match): SeenCommand[]
  stop(): Promise<void>
}

const READ_ONLY = "READONLY You can't write against a read only replica."

export async function startRedisFront(redis: { readonly port: number }): Promise<RedisFront> {
  const faults: CommandFaults = createCommandFaults()
  const sockets = new Set<Socket>()
  let seen: SeenCommand[] = []
  const server = createServer({ noDelay: true }, (client) => {
    sockets.add(client)
    client.on('close', () => sockets.delete(client))
    passCommands(client, redis.port, faults, note)
  })

  function note(args: string[]) {
    const [name = ''] = args
    const script = scriptOf(args)
    const entry = { name: name.toLowerCase(), ...(script && { script }), args }
    seen.push(entry)
    return () => {
      seen = seen.filter((each) => each !== entry)
    }
  }

  async function listen(port: number): Promise<number> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  function cutAll() {
    for (const socket of sockets) resetConnection(socket)
  }

  async function down() {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    cutAll()
    await closed
  }

  const port = await listen(0)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    holdNext: (match) => faults.hold('before', match),
    holdAnswerOf: (match) => faults.hold('after', match),
    refuseAll: (match, error = READ_ONLY) => faults.refuse(match, error),
    delayAll: (ms) => faults.delay(ms),
    normal: () => faults.clear(),
    cutAll,
    down,
    up: async () => {
      // Any outgoing connection of the machine may hold the port for a moment.
      if (!server.listening) await eventually(`port ${port} to be free again`, () => listen(port))
    },
    seen: (match = () => true) => seen.filter(({ args }) => match(args)),
    stop: async () => {
      faults.clear('cut')
      await down()
    },
  }
}
