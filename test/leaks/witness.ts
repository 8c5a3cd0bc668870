// Keeps what a run leaves behind: answers, every command that reached Redis, and what is stored there.
import { connect } from 'node:net'
import type { Redis } from 'ioredis'
import { createSealer } from '../../src/lib/seal.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { eventually } from '../support/deadline.ts'
import type { TestProvider } from '../support/provider/provider.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import type { Scene } from './life.ts'
import { type Haystack, withoutLogoutHint } from './search.ts'

/** Every answer that a browser got from the app, whole, but for the one place where an ID token may be. */
export function addAnswers(haystack: Haystack, { browsers, provider }: Scene): void {
  for (const { received } of browsers) {
    for (const { method, url, status, headers, body } of received) {
      // By its route, and by res.oidc.logout() in the test's own.
      const isLogout = ['/logout', '/look'].includes(new URL(url).pathname) && status === 303
      const location =
        isLogout && headers.location !== undefined
          ? withoutLogoutHint(headers.location, `${provider.issuer}/session/end`)
          : headers.location
      haystack.add(`answer to ${method} ${url}`, { headers: { ...headers, location }, body })
    }
  }
}

/** The same answers without their Set-Cookie: a session's cookie may be in that header and nowhere else. */
export function addAnswersWithoutCookies(haystack: Haystack, { browsers }: Scene): void {
  for (const { method, url, headers, body } of browsers.flatMap(({ received }) => received)) {
    haystack.add(`answer to ${method} ${url}`, { headers: { ...headers, 'set-cookie': undefined }, body })
  }
}

export interface RedisWitness {
  /** what is stored now: every key of every type */
  dump(when: string): Promise<void>
  /** how many commands were seen */
  commands(): number
  stop(): void
}

export async function watchRedis(
  haystack: Pick<Haystack, 'add'>,
  server: RedisServer,
): Promise<RedisWitness> {
  const client = server.connect()
  const { hostname } = new URL(server.url)
  // By hand: a command that is told together with the answer to MONITOR breaks ioredis's queue of answers.
  const monitor = connect(server.port, hostname)
  let told = ''
  monitor.setEncoding('latin1')
  monitor.on('data', (text: string) => {
    told += text
  })
  monitor.on('error', () => {})
  monitor.write('MONITOR\r\n')
  await eventually('Redis to tell what it is told', () => told.startsWith('+OK'))
  // Each argument stands in quotes, with backslashes before some letters.
  const commands = () =>
    told
      .replace(/\\(["\\])/g, '$1')
      .split('\r\n')
      .slice(1, -1)

  return {
    async dump(when) {
      for (const key of await client.keys('*')) {
        haystack.add(`${when}, in Redis: ${key}`, { key, value: await storedAt(client, key) })
      }
    },
    commands: () => commands().length,
    stop() {
      haystack.add('commands to Redis', commands().join('\n'))
      monitor.destroy()
    },
  }
}

async function storedAt(client: Redis, key: string): Promise<unknown> {
  switch (await client.type(key)) {
    case 'string':
      return client.get(key)
    case 'hash':
      return client.hgetall(key)
    case 'list':
      return client.lrange(key, 0, -1)
    case 'set':
      return client.smembers(key)
    case 'zset':
      return client.zrange(key, '0', '-1', 'WITHSCORES')
    default:
      return client.dumpBuffer(key)
  }
}

/** Everything that nobody but the app and the provider may know. */
export function secretsOf({ provider, browsers }: Scene): string[] {
  const clients = (provider as TestProvider).store.all('Client').map((client) => client.client_secret)
  return [...provider.secretsSeen(), ...clients, TEST_SECRET, ...codeVerifiers(browsers)].filter(
    (secret): secret is string => typeof secret === 'string' && secret !== '',
  )
}

export interface SeenCookies {
  /** of sessions and logins, with what makes them good; who has one is that session */
  values: string[]
  /** what a session's cookie is without its signature: it names the session, and opens nothing */
  ids: string[]
}

/** Every cookie of ours that a browser was given. */
export function cookiesOf({ browsers }: Scene): SeenCookies {
  const lines = browsers.flatMap(({ received }) =>
    received.flatMap(({ headers }) => headers['set-cookie'] ?? []),
  )
  const given = lines.flatMap((line) => /^bff[^=]*=([^;]+)/.exec(line)?.[1] ?? [])
  const signed = given.map(decodeURIComponent).filter((value) => value.startsWith('s:'))
  const parts = signed.map((value) => value.slice(2).split('.'))
  return {
    values: [...new Set([...given, ...signed, ...parts.flatMap(([, signature = '']) => signature)])],
    ids: [...new Set(parts.flatMap(([id = '']) => id))],
  }
}

/** They are in no answer of the provider, but in the sealed cookies of the logins. */
function codeVerifiers(browsers: Scene['browsers']): string[] {
  const sealer = createSealer([TEST_SECRET], 'login transaction')
  return browsers
    .flatMap(({ received }) => received.flatMap(({ headers }) => headers['set-cookie'] ?? []))
    .flatMap((line) => {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const text = sealer.open(value, name)
      return text === undefined ? [] : [JSON.parse(text).codeVerifier as string]
    })
}
