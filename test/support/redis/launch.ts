// A redis-server process of the test's own, which ends with the test process and leaves nothing behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { eventually, within } from '../deadline.ts'
import { freePort } from '../listen.ts'

export interface RedisProcess {
  readonly port: number
  readonly pid: number
  /** the bench's own questions: on a connection of its own, each ends within five seconds */
  readonly admin: Redis
  /** it runs, and it is not frozen */
  awake(): boolean
  frozen(): boolean
  /** SIGSTOP: the port accepts, nothing answers */
  freeze(): void
  thaw(): void
  /** SIGKILL: connections reset, nothing saved */
  kill(): Promise<void>
}

export interface LaunchOptions {
  /** a port that seems to be free */
  pickPort?(): Promise<number>
  /** lines of redis.conf, after the port, the address and the folder */
  config?: string[]
  sentinel?: boolean
}

// When the pipe from the test process ends, however that process died, the guard kills redis-server and tidies up.
const GUARDED =
  'exec 3<&0; { read -r _ <&3; kill -9 $$; rm -rf "$REDIS_DIR"; } >/dev/null 2>&1 & exec redis-server "$@"'
const ATTEMPTS = 5

/** All at once; if one does not come up, none stays. */
export async function launchRedisGroup(group: LaunchOptions[]): Promise<RedisProcess[]> {
  const started = await Promise.allSettled(group.map(launchRedis))
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = started.find((each) => each.status === 'rejected')
  if (!failed) return running
  await killAll(running)
  throw failed.reason
}

export async function killAll(processes: RedisProcess[]): Promise<void> {
  await Promise.all(processes.map((each) => each.kill()))
}

export async function launchRedis(options: LaunchOptions = {}): Promise<RedisProcess> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await (options.pickPort ?? freePort)()
    try {
      return await launchRedisAt(port, options)
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

export async function launchRedisAt(
  port: number,
  { config = [], sentinel = false }: LaunchOptions = {},
): Promise<RedisProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'bff-redis-'))
  const unsaved = sentinel ? [] : ['save ""', 'appendonly no']
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, ...unsaved, ...config]
  const file = join(dir, 'redis.conf')
  await writeFile(file, `${lines.join('\n')}\n`)
  const child = spawn('sh', ['-c', GUARDED, 'sh', file, ...(sentinel ? ['--sentinel'] : [])], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, REDIS_DIR: dir },
  })
  const log: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log.push(chunk))
  const probe = adminClient(port)
  const died = once(child, 'close').then(() => {
    throw new Error(`redis-server ended on port ${port}: ${Buffer.concat(log)}`)
  })
  died.catch(() => {})
  try {
    await Promise.race([
      died,
      eventually(`redis-server on port ${port} to answer`, () => answers(probe, child)),
    ])
    return controls(child, port)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    probe.disconnect()
  }
}

function controls(child: ChildProcess, port: number): RedisProcess {
  let admin: Redis | undefined
  let frozen = false
  const ended = () => child.exitCode !== null || child.signalCode !== null
  return {
    port,
    pid: child.pid ?? 0,
    get admin() {
      admin ??= adminClient(port)
      return admin
    },
    awake: () => !frozen && !ended(),
    frozen: () => frozen && !ended(),
    freeze() {
      frozen = child.kill('SIGSTOP')
    },
    thaw() {
      child.kill('SIGCONT')
      frozen = false
    },
    async kill() {
      if (ended()) return
      admin?.disconnect()
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await within(exited, 'redis-server to die')
    },
  }
}

function adminClient(port: number): Redis {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    protocol: 2,
    lazyConnect: true,
    retryStrategy: () => 20,
    commandTimeout: 5000,
    // ioredis waits so long for the end of a connection that may have ended before.
    disconnectTimeout: 50,
  })
  client.on('error', () => {})
  return client
}

// Another server that took the port first answers PING too: only our own process id counts.
async function answers(probe: Redis, child: ChildProcess): Promise<boolean> {
  return (await probe.info('server')).includes(`process_id:${child.pid}\r\n`)
}
