// A redis-server of the test's own, which can be frozen, killed, restarted and flushed.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { eventually, within } from './deadline.ts'
import { freePort } from './listen.ts'
import { createClients } from './redis-clients.ts'

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

// When the pipe from the test process ends, however that process died, the guard kills redis-server and tidies up.
const GUARDED =
  'exec 3<&0; { read -r _ <&3; kill -9 $$; rm -rf "$REDIS_DIR"; } >/dev/null 2>&1 & exec redis-server "$@"'
const ATTEMPTS = 5

export async function startRedis(): Promise<RedisServer> {
  const given = process.env.TEST_REDIS_URL
  return given ? givenServer(given) : ownServer()
}

async function ownServer(): Promise<RedisServer> {
  const clients = createClients()
  let port = 0
  let child = await launchAnywhere()
  const url = `redis://127.0.0.1:${port}`

  async function launchAnywhere(): Promise<ChildProcess> {
    for (let attempt = 1; ; attempt += 1) {
      port = await freePort()
      try {
        return await launch(port)
      } catch (error) {
        if (attempt === ATTEMPTS) throw error
      }
    }
  }

  async function kill() {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await within(exited, 'redis-server to die')
  }

  return {
    url,
    port,
    own: true,
    connect: () => clients.open(url),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    restart: async () => {
      await kill()
      // Any outgoing connection of the machine may hold the port for a moment.
      child = await eventually(`redis-server to come back on port ${port}`, () => launch(port))
    },
    flush: async () => void (await clients.open(url).flushall()),
    stop: async () => {
      clients.close()
      await kill()
    },
  }
}

async function launch(port: number): Promise<ChildProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'bff-redis-'))
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir]
  const child = spawn('sh', ['-c', GUARDED, 'sh', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, REDIS_DIR: dir },
  })
  const log: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log.push(chunk))
  const probe = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 20 })
  probe.on('error', () => {})
  const died = once(child, 'close').then(() => {
    throw new Error(`redis-server ended on port ${port}: ${Buffer.concat(log)}`)
  })
  died.catch(() => {})
  try {
    await Promise.race([
      died,
      eventually(`redis-server on port ${port} to answer`, () => answers(probe, child)),
    ])
    return child
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    probe.disconnect()
  }
}

// Another server that took the port first answers PING too: only our own process id counts.
async function answers(probe: Redis, child: ChildProcess): Promise<boolean> {
  return (await probe.info('server')).includes(`process_id:${child.pid}\r\n`)
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
