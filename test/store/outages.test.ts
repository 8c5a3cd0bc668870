// A Redis that cannot be used is told in the log: once for each kind, with the cure, without its password; and when it is back.
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { createServer as createTLSServer } from 'node:tls'
import { TryLaterError } from '../../src/errors/errors.ts'
import { AuthEventEmitter } from '../../src/events/events.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { freePort } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { isCommand } from '../support/redis/commands.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { createRedisStore, type OneStore } from '../support/session/one-store.ts'
import { configWith, recordAt } from './stores.ts'

const PASSWORD = 'the-password-of-nobody'
const { server, admin, secure, front } = useParts(async (start) => {
  const server = await start(startRedis())
  return {
    server,
    admin: server.connect(),
    secure: await start(startSecure(server.port)),
    front: await start(startRedisFront(server)),
  }
})

/** The same Redis by TLS, with a certificate of a CA that nobody knows. */
async function startSecure(port: number) {
  const sockets = new Set<Socket>()
  const { cert, key } = (await createCertificates()).server
  const gate = createTLSServer({ cert, key }, (socket) => pipeline(socket, connect(port), socket, () => {}))
  gate.on('connection', (socket) => void sockets.add(socket))
  gate.listen(0, '127.0.0.1')
  await once(gate, 'listening')
  return {
    host: `127.0.0.1:${(gate.address() as AddressInfo).port}`,
    stop() {
      gate.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
const opened: OneStore[] = []
afterEach(async () => {
  for (const records of opened.splice(0)) await records.close()
  front.normal()
  await admin.config('SET', 'maxmemory', '0')
  await admin.config('SET', 'maxmemory-policy', 'noeviction')
  await admin.call('ACL', 'DELUSER', 'app')
})

function open(url: string) {
  const { lines, logger } = createLog()
  const config = configWith({ logger, redisTimeoutSeconds: 2 })
  const records = createRedisStore(config, { url }, new AuthEventEmitter())
  opened.push(records)
  return { lines, records }
}

async function causeOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  if (!(error instanceof TryLaterError)) throw new Error(`no TryLaterError: ${String(error)}`)
  expect(error.message).not.toMatch(/127\.0\.0\.1/)
  return String((error.cause as Error).message)
}

const addressed = (user: string) => server.url.replace('redis://', `redis://${user}:${PASSWORD}@`)
const host = () => new URL(server.url).host

// The first of these is over two seconds after its end: so long ioredis keeps the deadline of each command.
test.each([
  [
    'rediss:// where nobody speaks TLS',
    () => `rediss://${host()}`,
    /timed out: .*whether that port speaks TLS/,
  ],
  [
    'redis:// where TLS is spoken',
    () => `redis://${secure.host}`,
    /: it ends the connection: .*wants TLS \(rediss:/,
  ],
  [
    'a certificate that nobody here vouches for',
    () => `rediss://${secure.host}`,
    /certificate.*: .*NODE_EXTRA_CA_CERTS/,
  ],
])('%s is told with what to change', async (_what, url, said) => {
  const { lines, records } = open(url())
  await causeOf(records.now())
  expect(lines).toEqual([expect.stringMatching(said)])
})

test('nobody listens: once, with the address and what to change, however often it is asked', async () => {
  const port = await freePort()
  const { lines, records } = open(`redis://app:${PASSWORD}@127.0.0.1:${port}`)
  await Promise.all(Array.from({ length: 5 }, () => causeOf(records.now())))
  await causeOf(records.now())
  expect(lines).toEqual([
    `express-bff-session: Redis at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}: nobody listens there: start Redis, or change the address (REDIS_URL, the option redis)`,
  ])
})

test('a wrong password is told by Redis’s code, and stands nowhere', async () => {
  await admin.call('ACL', 'SETUSER', 'app', 'on', '>another', '~*', '&*', '+@all')
  const { lines, records } = open(addressed('app'))
  const cause = await causeOf(records.now())
  const line = await eventually('the line', () => lines.find((each) => each.includes('WRONGPASS')))
  expect(line).toContain(`Redis at ${host()} cannot be used: WRONGPASS`)
  expect(line).toContain('change those in REDIS_URL')
  expect(`${lines.join('\n')}${cause}`).not.toContain(PASSWORD)
})

test('a command that its user may not use is named, and ready() has the same words', async () => {
  await admin.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', '-time')
  const { lines, records } = open(addressed('app'))
  const cause = await causeOf(records.now())
  expect(cause).toMatch(/NOPERM.*'time'.*docs\/deploying\.md/)
  expect(lines).toEqual([`express-bff-session: ${cause}`])
})

test.each([
  ['allkeys-lru', '100mb', 1],
  ['volatile-ttl', '100mb', 1],
  ['noeviction', '100mb', 0],
  ['allkeys-lru', '0', 0],
])('a Redis with %s and %s of memory is told at the start, once: %i', async (policy, most, count) => {
  await admin.config('SET', 'maxmemory', most)
  await admin.config('SET', 'maxmemory-policy', policy)
  const { lines, records } = open(server.url)
  await records.usable()
  await records.usable()
  const line = expect.stringMatching(
    `Redis at ${host()} may drop sessions .*is ${policy}; set it to noeviction`,
  )
  expect(lines).toEqual(Array(count).fill(line))
})

test('a near cache that its user is not allowed is told once, and sessions are read all the same', async () => {
  await admin.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', '-client|tracking')
  const { lines, logger } = createLog()
  const config = configWith({ logger, redis: { url: addressed('app'), nearCache: true } })
  const records = createRedisStore(config, { url: addressed('app') }, new AuthEventEmitter())
  opened.push(records)
  const line = await eventually('the line', () => lines.find((each) => each.includes('nearCache')))
  expect(line).toMatch(
    /Redis at 127\.0\.0\.1:\d+ does not tell what changes, .*NOPERM.*its user needs client/,
  )
  expect(line).not.toContain(PASSWORD)
  await records.find(`u-${'a'.repeat(43)}`, { mayBeCached: true })
  expect(lines).toHaveLength(1)
})

test('a database that it has not is told as that', async () => {
  const { lines, records } = open(`${server.url}/99`)
  await records.now()
  expect(lines[0]).toMatch(/DB index.*: it has no database of that number, and uses its first: .*REDIS_URL/)
})

test.each([
  ['MOVED 3999 127.0.0.1:6381', /it is a Cluster: name its nodes/],
  ['CLUSTERDOWN Hash slot not served', /it is a Cluster: name its nodes/],
  ["ERR unknown command 'TIME'", /it is too old, or no Redis$/],
  ['MISCONF Redis is configured to save RDB snapshots', /it cannot write to its disk/],
  ['LOADING Redis is loading the dataset in memory', /it is starting/],
  ['WHAT nobody has seen before', /look at Redis and its log$/],
])('%s is told with what it means', async (error, said) => {
  front.refuseAll(isCommand('time'), error)
  const { lines, records } = open(front.url)
  const cause = await causeOf(records.now())
  expect([cause, lines]).toEqual([expect.stringMatching(said), [`express-bff-session: ${cause}`]])
  expect(cause).toContain(error)
})

test('whose user may not ask for that, it is usable all the same', async () => {
  await admin.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all', '-info')
  const { lines, records } = open(addressed('app'))
  await records.usable()
  expect(lines).toEqual([])
})

test('a logger that throws ends neither the process nor the answer', async () => {
  const logger = {
    warn() {
      throw new Error('the disk is full')
    },
  }
  const config = configWith({ logger, redisTimeoutSeconds: 2 })
  const records = createRedisStore(
    config,
    { url: `redis://127.0.0.1:${await freePort()}` },
    new AuthEventEmitter(),
  )
  opened.push(records)
  expect(await causeOf(records.now())).toMatch(/ECONNREFUSED/)
})

test('memory that is full is told, and once it is not, that too', async () => {
  const { lines, records } = open(server.url)
  await admin.config('SET', 'maxmemory', '1')
  const ids = ['a', 'b'].map((letter) => `u-${letter.repeat(43)}`)
  for (const id of ids) expect(await causeOf(records.create(id, recordAt(Date.now()), '{}'))).toMatch(/OOM/)
  expect(lines).toEqual([expect.stringMatching(/: OOM .*\(noeviction\): give it more \(maxmemory\)$/)])
  await admin.config('SET', 'maxmemory', '0')
  await records.now()
  await records.now()
  expect(lines.slice(1)).toEqual([`express-bff-session: Redis at ${host()} answers again`])
})
