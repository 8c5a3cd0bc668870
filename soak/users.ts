// The people of a soak: each session is asked for again and again, by several requests at once, at any process.
import { exchange, type Received } from '../test/support/browser/http-exchange.ts'
import type { SeededSession } from '../test/support/session/many-sessions.ts'
import type { Fleet, Instance } from './fleet.ts'
import { createRandom } from './random.ts'
import type { Tally } from './tally.ts'
import type { Lost } from './verdict.ts'

export interface Users {
  /** how often each answer was given */
  readonly answers: Record<string, number>
  requests(): number
  stop(): Promise<void>
}

interface World {
  seed: number
  tally: Tally
  fleet: Fleet
  /** changes when a session is lost: somebody new takes its place */
  sessions: SeededSession[]
  /** accounts for a session that is over, and resolves with the next one in its place */
  onLost(lost: Lost): Promise<SeededSession>
}

/** So many people click at once; with the time they take to read, some 60 to 100 requests a second. */
const AT_ONCE = 12
const READING_MS = [60, 300] as const
const PATHS = [...Array(7).fill('/private'), '/fresh', '/token', '/public']

export function startUsers({ seed, tally, fleet, sessions, onLost }: World): Users {
  const answers: Record<string, number> = {}
  const busy = new Set<number>()
  let requests = 0
  let going = true

  const refuse = (what: string) => tally.wrong('a request was answered as none may be', what)

  async function ask(session: SeededSession, path: string, instance: Instance): Promise<Lost | undefined> {
    requests += 1
    const answer = await exchange({
      method: 'GET',
      url: instance.app.url + path,
      headers: { cookie: session.cookie, accept: 'application/json' },
    }).catch((error: Error) => {
      if (instance.up) refuse(`${path} at ${instance.name}: ${error.message}`)
      return undefined
    })
    const status = answer?.status ?? 'no answer'
    answers[status] = (answers[status] ?? 0) + 1
    return answer && check(session, path, answer)
  }

  function check(
    session: SeededSession,
    path: string,
    { status, headers, body }: Received,
  ): Lost | undefined {
    const { code, sub, authenticated } = JSON.parse(body || '{}')
    if (status === 401) return { user: session.user, id: session.id, code: String(code) }
    // An open page says by taking the cookie that the session is over.
    const over = status === 200 && authenticated === false && headers['set-cookie'] !== undefined
    if (over) return { user: session.user, id: session.id, code: 'cookie taken' }
    if (headers['set-cookie'] !== undefined) refuse(`${path} answered ${status} and sets a cookie`)
    if (status === 503 && !headers['retry-after']) refuse(`${path} answered 503 without Retry-After`)
    if (status !== 200 && status !== 503) refuse(`${path} answered ${status} ${body.slice(0, 200)}`)
    if (status === 200 && authenticated && sub !== session.user)
      tally.wrong('somebody was answered as somebody else', `${session.user} was answered as ${sub}`)
    return undefined
  }

  async function person(nth: number) {
    const random = createRandom(seed, `person ${nth}`)
    while (going) {
      await new Promise((resolve) => setTimeout(resolve, random.between(...READING_MS)))
      const place = Math.floor(random.next() * sessions.length)
      const session = sessions[place]
      const count = Math.floor(random.between(1, 4))
      const asked = Array.from({ length: count }, () => ({
        path: random.pick(PATHS) ?? '/private',
        instance: random.pick(fleet.slots.filter(({ up }) => up)),
      }))
      if (session === undefined || busy.has(place)) continue
      // One person for one session at a time, so that its end is noticed once.
      busy.add(place)
      try {
        const outcomes = await Promise.all(
          asked.map(({ path, instance }) => instance && ask(session, path, instance)),
        )
        const lost = outcomes.find((outcome) => outcome !== undefined)
        if (lost) sessions[place] = await onLost(lost)
      } finally {
        busy.delete(place)
      }
    }
  }

  const people = Array.from({ length: AT_ONCE }, (_, nth) =>
    person(nth).catch((error: unknown) => tally.wrong("the soak's own machinery failed", String(error))),
  )

  return {
    answers,
    requests: () => requests,
    async stop() {
      going = false
      await Promise.all(people)
    },
  }
}

/** Asks for one session until it is renewed, or over; undefined where neither comes in time. */
export async function settle(
  session: SeededSession,
  fleet: Fleet,
  untilMs: number,
): Promise<'renewed' | Lost | undefined> {
  for (let turn = 0; Date.now() < untilMs; turn += 1) {
    const instance = fleet.slots[turn % fleet.slots.length]
    if (!instance) return undefined
    const answer = await exchange({
      method: 'GET',
      url: `${instance.app.url}/fresh`,
      headers: { cookie: session.cookie },
    }).catch(() => undefined)
    if (answer?.status === 200) return 'renewed'
    if (answer?.status === 401)
      return { user: session.user, id: session.id, code: String(JSON.parse(answer.body).code) }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return undefined
}
