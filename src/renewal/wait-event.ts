// Requests that wait for a renewal, told to whoever listens.
import type { AuthEventEmitter } from '../events/events.ts'
import type { RenewalTrigger } from '../events/operations.ts'
import type { RenewalResult } from './renewal-result.ts'

/** Whoever asks for these does not wait. */
const UNAWAITED: readonly RenewalTrigger[] = ['ahead', 'connection']

export async function tellOfWait(
  events: AuthEventEmitter,
  trigger: RenewalTrigger,
  answer: Promise<RenewalResult>,
): Promise<void> {
  if (UNAWAITED.includes(trigger) || !events.hears('renewal-awaited')) return
  const began = performance.now()
  const result = await answer.catch(() => undefined)
  if (result === undefined) return
  events.emit('renewal-awaited', { trigger, outcome: result.kind, milliseconds: performance.now() - began })
}
