// npm run soak -- [--seconds 300] [--seed N]: 4 processes, 500 sessions, every fault there is, and an account at the end. In
// less than a minute not every fault comes, and then it fails.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startBalancer } from '../test/support/app/balancer.ts'
import { startRedis } from '../test/support/redis/redis-server.ts'
import { BROWSER_KINDS, browserStream } from './browsers.ts'
import { CHAOS_KINDS, chaosStreams } from './chaos.ts'
import { DEPLOYMENT_KINDS, deploymentStream, startDeployments } from './deployments.ts'
import { printFigures } from './figures.ts'
import { startFleet } from './fleet.ts'
import { startSoakProvider } from './provider-process.ts'
import { createSessions } from './sessions.ts'
import { startStreams } from './streams.ts'
import { createTally } from './tally.ts'
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
const elsewhere = await startSoakProvider()
const redis = await startRedis()
/** where people log in */
const site = await startBalancer()
const client = { clientId: 'soak', clientSecret: 'known to all four of them' }
await provider.seed(seed)
await provider.lifetimes({ idToken: 15, accessToken: 15 })
const options = { renewal: RENEWAL, redisTimeoutSeconds: REDIS_SECONDS }
const fleet = await startFleet(
  PROCESSES,
  redis,
  {
    ...options,
    issuerBaseURL: await provider.issuer(),
    baseURL: site.url,
    clientID: client.clientId,
    clientSecret: client.clientSecret,
  },
  (urls) => {
    site.targets = urls
  },
)
const deployments = await startDeployments(redis.url, client, { own: provider, other: elsewhere }, options)
const tally = createTally([...CHAOS_KINDS, ...BROWSER_KINDS, ...DEPLOYMENT_KINDS])
const losses: Loss[] = []
let failed = true

async function account(lost: Lost): Promise<void> {
  const owner = { user: lost.user, clientId: client.clientId }
  losses.push(judge(lost, await provider.history(owner), fleet, LEASE_MS))
  await provider.forget(owner)
}

try {
  await provider.register({ ...client, baseURL: site.url })
  const maker = await createSessions(site.url, provider, {
    url: redis.url,
    client: redis.connect(),
  })
  const sessions = await maker.make(SESSIONS)
  console.log(`soak: ready after ${((Date.now() - began) / 1000).toFixed(1)} s`)

  const users = startUsers({
    seed,
    tally,
    fleet,
    sessions,
    async onLost(lost) {
      await account(lost)
      const [next] = await maker.make(1)
      if (!next) throw new Error('no new session')
      return next
    },
  })
  const stopStreams = startStreams(seed, tally, [
    ...chaosStreams({ tally, fleet, provider, redis }),
    browserStream({ tally, provider, home: site.url, account }),
    deploymentStream({ tally, home: site.url, sessions, deployments, account }),
  ])
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  await stopStreams()
  await users.stop()

  // Everything runs again: every session is renewed once more, or is over.
  const until = Date.now() + SETTLE_MS
  const waiting = [...sessions]
  await Promise.all(
    Array.from({ length: SETTLE_AT_ONCE }, async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const outcome = await settle(next, fleet, until)
        if (outcome === undefined) tally.wrong('a session was neither renewed nor over', next.user)
        else if (outcome !== 'renewed') await account(outcome)
      }
    }),
  )

  const ledger = await provider.figures()
  const { strange, strangers } = await elsewhere.figures()
  failed = printFigures({
    seconds: (Date.now() - began) / 1000,
    seed,
    sessions: SESSIONS,
    requests: users.requests(),
    answers: users.answers,
    tally,
    events: fleet.events(),
    ledger: {
      ...ledger,
      strange: ledger.strange + strange,
      strangers: [...ledger.strangers, ...strangers],
    },
    losses,
  })
  if (failed) console.log(`the processes' last words:\n${fleet.output()}`)
} finally {
  await site.stop()
  for (const { app } of deployments) await app.stop()
  await fleet.stop()
  await redis.stop()
  await elsewhere.stop()
  await provider.stop()
}
process.exit(failed ? 1 : 0)
