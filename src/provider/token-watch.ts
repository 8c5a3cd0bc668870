// Token requests, told to whoever listens: what came of each, and how long it took.
import type { AuthEventEmitter, AuthEvents, TokenOutcome } from '../events/events.ts'
import type { Exchange } from './bounded-fetch.ts'
import { isErrorResponse, outcomeOf } from './failure-kinds.ts'
import { salvage } from './token-response.ts'

/** @returns to be called at the end, with what was wrong */
export type TokenWatch = (
  grant: AuthEvents['token-answered']['grant'],
  exchange: Exchange,
) => (fault?: unknown) => void

export function createTokenWatch(events: AuthEventEmitter): TokenWatch {
  return (grant, exchange) => {
    const began = performance.now()
    return (fault) => {
      // What a callback says, or a key that is not there, may be wrong before anything is sent.
      if (exchange.sent === undefined || !events.hears('token-answered')) return
      const milliseconds = performance.now() - began
      events.emit('token-answered', { grant, outcome: outcome(fault, exchange), milliseconds })
    }
  }
}

function outcome(fault: unknown, exchange: Exchange): TokenOutcome {
  if (fault === undefined) return 'granted'
  if (isErrorResponse(fault, 'invalid_grant')) return 'rejected'
  const { refreshToken, hasIdToken } = salvage(exchange)
  return hasIdToken || refreshToken !== undefined ? 'not-passed' : outcomeOf(fault, exchange)
}
