// HOSTILE-INPUTS, "Floods": refused requests by the hundred are a few log lines, no write to Redis, nothing for the provider.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const REQUESTS = 50
const MOST_LINES = 10

const { provider, redis } = useParts(async (start) => ({
  provider: await start(startProvider()),
  redis: await start(startRedis()),
}))

type Refused = readonly [code: string, method: string, path: string, headers: Record<string, string>]

const PAGE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const KINDS: Refused[] = [
  ['login_unknown', 'GET', '/callback?state=unknown&code=invented', PAGE],
  ['callback_malformed', 'GET', '/callback?code=a&code=b', PAGE],
  ['login_malformed', 'GET', '/login?iss=https://evil.example', PAGE],
  ['cross_site', 'POST', '/logout', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['not_a_page_load', 'GET', '/login', { 'sec-purpose': 'prefetch' }],
  ['method_not_allowed', 'DELETE', '/login', {}],
  ['logout_token_invalid', 'POST', '/backchannel-logout', FORM],
]

/** What Redis was asked to write since it started. */
async function writes(): Promise<number> {
  const info = await redis.connect().info('persistence')
  return Number(/rdb_changes_since_last_save:(\d+)/.exec(info)?.[1])
}

async function flood({ url }: TestApp, [, method, path, headers]: Refused): Promise<void> {
  const browser = new Browser()
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, () => browser.tab().request(method, url + path, { headers })),
  )
  for (const { status } of answers) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  }
}

test.each(KINDS)('Floods: %s', async (...kind) => {
  const [code] = kind
  const log = createLog()
  const app = await startApp({ provider, redisUrl: redis.url, options: { logger: log.logger } })
  const told = () => log.lines.filter((line) => line.includes(`(${code})`))
  try {
    await app.auth.ready()
    const before = { writes: await writes(), requests: provider.requests().length }
    await flood(app, kind)
    expect(told()).toHaveLength(MOST_LINES)
    expect(await writes()).toBe(before.writes)
    // The keys, where a signature has to be looked at.
    expect(provider.requests().length - before.requests).toBeLessThanOrEqual(1)
    const refusals = app.events.filter(({ name }) => name === 'refused')
    expect(refusals).toHaveLength(REQUESTS)
  } finally {
    await app.stop()
  }
  expect(told().at(-1)).toContain(`${REQUESTS - MOST_LINES} more within a minute`)
})
