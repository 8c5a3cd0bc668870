// A redis-server of the test's own, which can be frozen, killed, restarted and flushed.
import type { Redis } from 'ioredis'
import { eventually } from '../deadline.ts'
import { createClients } from './clients.ts'
import { launchRedis, launchRedisAt } from './launch.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** false when TEST_REDIS_URL names the server: then it cannot be frozen, killed, restarted or flushed */
  readonly own: boolean
  /** a client that reconnects by itself; stop() closes it */
  connect(): Redis
  /** SIGSTOP: the port accepts, nothing answers */
  freeze(): void
  thaw(): void
  /** SIGKILL: connections reset, nothing saved */
  kill(): Promise<void>
  /** the same port again, empty; resolves when it answers PING */
  restart(): Promise<void>
  flush(): Promise<void>
  stop(): Promise<void>
}

export async function startRedis(): Promise<RedisServer> {
  const given = process.env.TEST_REDIS_URL
  return given ? givenServer(given) : ownServer()
}

async function ownServer(): Promise<RedisServer> {
  const clients = createClients()
  let server = await launchRedis()
  const { port } = server
  const url = `redis://127.0.0.1:${port}`
  return {
    url,
    port,
    own: true,
    connect: () => clients.open(url),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: async () => {
      await server.kill()
      // Any outgoing connection of the machine may hold the port for a moment.
      server = await eventually(`redis-server to come back on port ${port}`, () => launchRedisAt(port))
    },
    flush: async () => void (await clients.open(url).flushall()),
    stop: async () => {
      clients.close()
      await server.kill()
    },
  }
}

function givenServer(url: string): RedisServer {
  const clients = createClients()
  const refuse = () => {
    throw new Error('this test needs a redis-server of its own: TEST_REDIS_URL is set, unset it')
  }
  return {
    url,
    port: Number(new URL(url).port || 6379),
    own: false,
    connect: () => clients.open(url),
    freeze: refuse,
    thaw: refuse,
    kill: refuse,
    restart: refuse,
    flush: refuse,
    stop: async () => clients.close(),
  }
}
