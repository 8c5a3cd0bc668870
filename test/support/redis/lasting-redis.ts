// A redis-server that is killed and comes back with everything it had, as one that keeps a file does.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../deadline.ts'
import { launchRedis, launchRedisAt, type RedisProcess } from './launch.ts'

export interface LastingRedis {
  readonly port: number
  /** the server that runs now */
  readonly server: RedisProcess
  kill(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startLastingRedis(): Promise<LastingRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'bff-lasting-redis-'))
  const config = [`dir ${dir}`, 'appendonly yes', 'appendfsync always']
  let server = await launchRedis({ config })
  const { port } = server
  return {
    port,
    get server() {
      return server
    },
    kill: () => server.kill(),
    async restart() {
      server = await eventually(`redis-server to come back on port ${port}`, () =>
        launchRedisAt(port, { config }),
      )
    },
    async stop() {
      await server.kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
