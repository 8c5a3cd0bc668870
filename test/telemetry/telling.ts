// An app that tells everything that can be told, once.
import { RefusedError } from '../../src/errors/errors.ts'
import { AuthEventEmitter, type AuthEvents, type EventOrigin } from '../../src/events/events.ts'
import { createOperations, type Operation } from '../../src/events/operations.ts'
import type { instrument } from '../../src/telemetry/index.ts'

/** One of each kind. */
const EVENTS: Partial<{ [Name in keyof AuthEvents]: AuthEvents[Name] }> = {
  'session-ended': { subject: 'alice', reason: 'refresh_token_rejected' },
  refused: { code: 'login_failed', detail: 'x' },
  'renewal-failed': {
    subject: 'alice',
    generation: 1,
    outcome: 'timeout',
    detail: 'x',
    retryAfterSeconds: 5,
  },
  'renewal-awaited': { trigger: 'timeframe', outcome: 'renewed', milliseconds: 40 },
  'token-answered': { grant: 'refresh_token', outcome: 'timeout', milliseconds: 5000 },
  'store-answered': { operation: 'find', outcome: 'failed', milliseconds: 2 },
  'near-cache-read': { isHit: true },
  'commit-delayed': { subject: 'alice', generation: 2 },
  'commit-lost': { subject: 'alice', generation: 2 },
  'provider-unavailable': { detail: 'x' },
  'record-unreadable': { detail: 'x' },
}
const RELAY = { name: 'relay', method: 'GET', target: 'https://api.example.com:8443' } as const
const OPERATIONS: readonly Operation[] = [
  { name: 'login' },
  { name: 'callback', carried: 'no ids of a trace' },
  { name: 'renewal', trigger: 'ahead' },
  RELAY,
]

interface Telling {
  readonly bff: Parameters<typeof instrument>[0]
  /** @param origin of which of several it is */
  tellAll(origin?: EventOrigin): Promise<void>
}

export function createTelling(): Telling {
  const [events, operations] = [new AuthEventEmitter(), createOperations()]
  return {
    bff: {
      on: (...listening: Parameters<typeof events.on>) => void events.on(...listening),
      around: operations.add,
    } as unknown as Telling['bff'],

    async tellAll(origin = {}) {
      for (const [name, event] of Object.entries(EVENTS))
        events.of(origin).emit(name as 'refused', event as never)
      for (const operation of OPERATIONS) {
        const fail = () => Promise.reject(new RefusedError('login_failed', 400, 'x'))
        const run = operations.run({ ...operation, ...origin }, fail, () => ({ outcome: 'begun' }))
        await expect(run).rejects.toThrow('x')
      }
      const end = { outcome: 'answered', status: 502 } as const
      await operations.run(
        { ...RELAY, ...origin },
        async () => end,
        () => end,
      )
    },
  }
}
