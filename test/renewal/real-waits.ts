// What takes real time: situations that have nothing to do with each other all at once, and the end of a time in Redis.
import type { Redis } from 'ioredis'
import type { UserAgent } from '../support/browser/user-agent.ts'
import { eventually } from '../support/deadline.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

/** Like `test.each`, but they all run before the first of these tests, which says only how its own one went. */
export function testAllAtOnce<Row extends readonly [string, ...unknown[]]>(
  rows: readonly Row[],
): (name: string, run: (...row: Row) => Promise<void>) => void {
  return (name, run) => {
    describe('at once', () => {
      let outcomes: PromiseSettledResult<void>[] = []
      beforeAll(async () => {
        outcomes = await Promise.allSettled(rows.map((row) => run(...row)))
      })
      test.each(rows.map((row, at) => [...row, at] as const))(name, (...row) => {
        const outcome = outcomes[Number(row.at(-1))]
        if (outcome?.status !== 'fulfilled') throw outcome?.reason ?? new Error('it did not run')
      })
    })
  }
}

/** Until the store's clock says that this time in the browser's session is over, or it is gone. */
export async function timeOver(
  redis: Redis,
  browser: UserAgent,
  field: 'retryAt' | 'leaseEndsAt',
): Promise<void> {
  const key = `bff:{${await sessionIdOf(browser)}}:auth`
  await eventually(`${field} to be over`, async () => {
    const [end, [seconds, microseconds]] = await Promise.all([redis.hget(key, field), redis.time()])
    return Number(end) <= Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  })
}
