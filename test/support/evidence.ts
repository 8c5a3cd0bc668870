// What a test looks at besides the answer: the log, the Set-Cookie lines, what is in Redis.
import type { Redis } from 'ioredis'
import type { Hop } from './browser/page.ts'

/** A logger for `auth({ logger })` that keeps every line, and all that it was told with it. */
export function createLog() {
  const lines: string[] = []
  const told: { level: string; line: string; fields: unknown }[] = []
  const keep = (level: string) => (line: unknown, fields?: unknown) => {
    lines.push(String(line))
    told.push({ level, line: String(line), fields })
  }
  return { lines, told, logger: { warn: keep('warn'), error: keep('error'), info: keep('info') } }
}

export function setCookieLines({ headers }: Pick<Hop, 'headers'>): string[] {
  return headers['set-cookie'] ?? []
}

/** The line that sets (or drops) the cookie of that name. */
export function setCookieLine(answer: Pick<Hop, 'headers'>, name: string): string | undefined {
  return setCookieLines(answer).find((line) => line.startsWith(`${name}=`))
}

/** The keys of logged-in sessions' records. */
export async function authKeys(redis: Redis): Promise<string[]> {
  return (await redis.keys('bff:{*}:auth')).sort()
}

/** The id in the session cookie's value, which is `s:<id>.<signature>`, percent-encoded or not. */
export function idIn(cookieValue: string): string {
  return decodeURIComponent(cookieValue).slice(2).split('.')[0] ?? ''
}

/** `name=value` of a `Set-Cookie` line. */
export const cookiePair = (line = '') => line.split(';')[0] ?? ''

/** What a `Set-Cookie` line says besides, in order, but for `Expires`, which `Max-Age` says too. */
export const cookieAttributes = (line = '') =>
  line
    .split('; ')
    .slice(1)
    .filter((each) => !each.startsWith('Expires='))
    .sort()
