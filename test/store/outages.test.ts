// A Redis that cannot be used is told in the log: once for each kind, with the cure, without its password; and when it is back.
import { TryLaterError } from '../../src/errors.ts'
import { AuthEventEmitter } from '../../src/events.ts'
import { createRedisStore } from '../../src/store/redis/redis-store.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { freePort } from '../support/listen.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { configWith, recordAt } from './stores.ts'

const PASSWORD = 'the-password-of-nobody'
const { server, admin } = useParts(async (start) => {
  const server = await start(startRedis())
  return { server, admin: server.connect() }
})
const opened: SessionStore[] = []
afterEach(async () => {
  for (const records of opened.splice(0)) await records.close()
  await admin.config('SET', 'maxmemory', '0')
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

test('nobody listens: once, with the address and what to change, however often it is asked', async () => {
  const port = await freePort()
  const { lines, records } = open(`redis://app:${PASSWORD}@127.0.0.1:${port}`)
  for (let count = 0; count < 5; count += 1) await causeOf(records.now())
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
