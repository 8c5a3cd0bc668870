// npm run soak -- [--seconds 300] [--seed N]: 4 processes, 500 sessions, every fault there is, and an account at the end.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startBalancer } from '../test/support/app/balancer.ts'
import { startRedis } from '../test/support/redis/redis-server.ts'
import { startChaos } from './chaos.ts'
import { printFigures } from './figures.ts'
import { startFleet } from './fleet.ts'
import { startSoakProvider } from './provider-process.ts'
import { createSessions } from './sessions.ts'
import { settle, startUsers } from './users.ts'
import { judge, type Loss, type Lost } from './verdict.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const seconds = Number(values.seconds)
const seed = Number(values.seed)
if (!(seconds >= 1 && seconds <= 1800) || !Number.isInteger(seed)) {
  throw new Error('--seconds must be 1 to 1800, --seed a whole number')
}

const PROCESSES = 4
const SESSIONS = 500
const RENEWAL = { afterSeconds: 2, timeoutSeconds: 4 }
const REDIS_SECONDS = 1
const LEASE_MS = (RENEWAL.timeoutSeconds + 2 * REDIS_SECONDS + 1) * 1000
/** A killed holder's lease, the patience of the others, and the back-off that began last. */
const SETTLE_MS = 75_000
const SETTLE_AT_ONCE = 20
const OVERTIME_MS = SETTLE_MS + 60_000

console.log(`soak: seed ${seed}, ${seconds} s, ${PROCESSES} processes, ${SESSIONS} sessions`)
const began = Date.now()
const watchdog = setTimeout(
  () => {
    console.error('soak: it did not end by itself')
    process.exit(3)
  },
  seconds * 1000 + OVERTIME_MS,
)
watchdog.unref()

const provider = await startSoakProvider()
const redis = await startRedis()
/** where the first of the sessions logs in */
const site = await startBalancer()
const client = { clientId: 'soak', clientSecret: 'known to all four of them' }
await provider.seed(seed)
await provider.lifetimes({ idToken: 15, accessToken: 15 })
const fleet = await startFleet(PROCESSES, redis, {
  issuerBaseURL: await provider.issuer(),
  baseURL: site.url,
  clientID: client.clientId,
  clientSecret: client.clientSecret,
  renewal: RENEWAL,
  redisTimeoutSeconds: REDIS_SECONDS,
})
const losses: Loss[] = []
const stuck: string[] = []
let wrong: string[] = []
let failed = true

async function account(lost: Lost): Promise<void> {
  losses.push(judge(lost, await provider.history(lost.user), fleet, LEASE_MS))
  await provider.forget(lost.user)
}

try {
  await provider.register({ ...client, baseURL: site.url })
  site.targets = fleet.slots.map(({ app }) => app.url)
  const maker = await createSessions(site.url, provider, {
    url: redis.url,
    client: redis.connect(),
  })
  const sessions = await maker.make(SESSIONS)
  console.log(`soak: ready after ${((Date.now() - began) / 1000).toFixed(1)} s`)

  const users = startUsers({
    seed,
    fleet,
    sessions,
    async onLost(lost) {
      await account(lost)
      const [next] = await maker.make(1)
      if (!next) throw new Error('no new session')
      return next
    },
  })
  const chaos = startChaos({ seed, fleet, provider, redis })
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  await chaos.stop()
  await users.stop()

  // Everything runs again: every session is renewed once more, or is over.
  const until = Date.now() + SETTLE_MS
  const waiting = [...sessions]
  await Promise.all(
    Array.from({ length: SETTLE_AT_ONCE }, async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const outcome = await settle(next, fleet, until)
        if (outcome === undefined) stuck.push(next.user)
        else if (outcome !== 'renewed') await account(outcome)
      }
    }),
  )

  wrong = [...users.wrong, ...chaos.wrong, ...stuck.map((user) => `${user} was neither renewed nor over`)]
  const ledger = await provider.figures()
  failed = printFigures({
    seconds: (Date.now() - began) / 1000,
    seed,
    sessions: SESSIONS,
    requests: users.requests(),
    answers: users.answers,
    faults: chaos.faults,
    events: fleet.events(),
    ledger,
    losses,
    wrong,
  })
  if (failed) console.log(`the processes' last words:\n${fleet.output()}`)
} finally {
  await site.stop()
  await fleet.stop()
  await redis.stop()
  await provider.stop()
}
process.exit(failed ? 1 : 0)
