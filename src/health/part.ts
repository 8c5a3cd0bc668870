// What is known of one that is asked now and then: by what others met, and by questions of its own.

/** What is known of the store, or of the provider. */
export interface PartHealth {
  /** `up`: it answered when it was last asked. `down`: it did not, or not as it should. `unknown`: it was not asked yet. */
  readonly status: 'up' | 'down' | 'unknown'
  /** Since when it is up or down. */
  readonly since?: Date
  /** What is wrong while it is down, and what to change: one line for operators, without a secret. */
  readonly detail?: string
}

type Status = PartHealth['status']

export interface Part {
  answered(): void
  /** @param restSeconds for so long it is not asked again */
  failed(detail: string, restSeconds: number): void
  /** Asks it where what is known is too old; one question at a time, whoever wants to know. */
  askIfDue(): Promise<void>
  health(): PartHealth
  /** Until it may be asked again, while it is down. */
  rest(): { readonly retryAfterSeconds?: number }
}

interface RestSeconds {
  readonly afterAnswer: number
  /** @param failures in a row */
  afterFailure(failures: number): number
}

/** @param ask rejects with a `TryLaterError`, whose `cause` says more */
export function createPart(ask: () => Promise<unknown>, seconds: RestSeconds): Part {
  let status: Status = 'unknown'
  let since: Date | undefined
  let detail: string | undefined
  let askAt = 0
  let asking: Promise<void> | undefined
  let failures = 0

  function become(next: Status): void {
    if (status !== next) since = new Date()
    status = next
  }

  function answered(): void {
    become('up')
    detail = undefined
    failures = 0
    askAt = later(seconds.afterAnswer)
  }

  function failed(said: string, restSeconds: number): void {
    // What is wrong first is most often the reason of what comes after it.
    if (status !== 'down') detail = said
    askAt = status === 'down' ? Math.max(askAt, later(restSeconds)) : later(restSeconds)
    become('down')
  }

  async function askNow(): Promise<void> {
    try {
      await ask()
      answered()
    } catch (error) {
      failures += 1
      failed('', seconds.afterFailure(failures))
      detail = wordsOf(error)
    }
  }

  return {
    answered,
    failed,

    askIfDue() {
      if (asking === undefined && performance.now() >= askAt)
        asking = askNow().finally(() => {
          asking = undefined
        })
      return asking ?? Promise.resolve()
    },

    health: () => ({ status, ...(since && { since }), ...(detail !== undefined && { detail }) }),

    rest: () =>
      status === 'down'
        ? { retryAfterSeconds: Math.max(1, Math.ceil((askAt - performance.now()) / 1000)) }
        : {},
  }
}

function later(seconds: number): number {
  return performance.now() + seconds * 1000
}

/** For operators: what the browser is told says less. */
function wordsOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  return cause instanceof Error ? cause.message : 'no answer'
}
