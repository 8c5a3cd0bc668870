// Tells each window of a person what happens to their sessions, as it happens: Server-Sent Events. No event carries a token.
import type { Request, RequestHandler, Response } from 'express'
import type { AuthEvents, AuthHandler } from 'express-bff-session'
import { keyOf, type Person, personOf } from './person.ts'

const HEARTBEAT_SECONDS = 15
/** Then the browser asks again by itself, so that nobody listens for long after their session has run out. */
const LONGEST_SECONDS = 300
const MOST_WINDOWS_OF_A_PERSON = 10

interface Window {
  /** of the session that it listens by */
  id: string
  tell(text: string): void
  end(): void
}

/** For people who are logged in. With several servers, hand the events on from one to the others, for example by Redis. */
export function createSessionEvents(bff: Pick<AuthHandler, 'on' | 'sessions'>): RequestHandler {
  const windowsOf = new Map<string, Set<Window>>()

  // One listener for each event, however many windows there are.
  bff.on('logged-in', ({ subject: sub, provider }) => tell({ sub, provider }, 'logged-in'))
  bff.on('renewed', ({ subject: sub, provider }) => tell({ sub, provider }, 'renewed'))
  bff.on('session-ended', ({ subject: sub, provider, reason }) => {
    tell({ sub, provider }, 'session-ended', { reason })
    // A store that cannot be asked ends nothing: the streams end by themselves.
    endOld({ sub, provider }).catch(() => {})
  })

  function tell(person: Person, name: keyof AuthEvents, data = {}): void {
    for (const window of windowsOf.get(keyOf(person)) ?? []) {
      window.tell(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
    }
  }

  /** Who listens by a session that is over hears no more. */
  async function endOld(person: Person): Promise<void> {
    const ids = (await bff.sessions.list(person)).map(({ id }) => id)
    for (const window of windowsOf.get(keyOf(person)) ?? []) if (!ids.includes(window.id)) window.end()
  }

  return function streamSessionEvents(req: Request, res: Response): void {
    const { session: { id = '' } = {} } = req.oidc
    const key = keyOf(personOf(req))
    const windows = windowsOf.get(key) ?? new Set<Window>()
    // HTML: an EventSource that gets 204 does not ask again.
    if (windows.size >= MOST_WINDOWS_OF_A_PERSON) return void res.status(204).end()

    // A proxy must not keep events back until there are more of them.
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store, no-transform' })
    res.write('retry: 2000\n\n')
    const beating = setInterval(() => res.write(':\n\n'), HEARTBEAT_SECONDS * 1000)
    const enough = setTimeout(end, LONGEST_SECONDS * 1000)
    const window = { id, tell: (text: string) => res.write(text), end }
    windowsOf.set(key, windows.add(window))
    res.once('close', end)

    function end(): void {
      clearInterval(beating)
      clearTimeout(enough)
      windows.delete(window)
      if (windows.size === 0 && windowsOf.get(key) === windows) windowsOf.delete(key)
      res.end()
    }
  }
}
