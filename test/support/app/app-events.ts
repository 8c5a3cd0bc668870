// Everything `auth()` told, in order: its events have no "all of them".
import type { AuthEvents } from '../../../src/events/events.ts'
import type { Auth } from './app-routes.ts'

export interface AppEvent {
  name: string
  event: unknown
}

// A record of every name, so that the compiler misses the one that is not here.
const NAMES: Record<keyof AuthEvents, boolean> = {
  'logged-in': true,
  'refresh-token-missing': true,
  'claims-missing': true,
  renewed: true,
  'renewal-failed': true,
  'commit-delayed': true,
  'commit-lost': true,
  'session-ended': true,
  refused: true,
  'store-unavailable': true,
  'provider-unavailable': true,
  'record-unreadable': true,
  // Told so often that no test wants to see each.
  'renewal-awaited': false,
  'token-answered': false,
  'store-answered': false,
  'near-cache-read': false,
}

const isNoted = (name: string): name is keyof AuthEvents => NAMES[name as keyof AuthEvents]

export function listenToAll(auth: Auth, tell: (told: AppEvent) => void): void {
  for (const name of Object.keys(NAMES).filter(isNoted)) {
    auth.on(name, (event) => tell({ name, event }))
  }
}

/** The requests that were refused, as the log tells them; but the log tells a few of each kind a minute. */
export function refusalsIn(events: readonly AppEvent[]): string[] {
  return events
    .filter(({ name }) => name === 'refused')
    .map(({ event }) => {
      const { code, detail } = event as AuthEvents['refused']
      return `refused (${code}): ${detail}`
    })
}
