// Work that is worth watching as a whole: the hook that an app may put around it, for traces or a context of its own.
import { isAuthError } from '../errors/errors.ts'
import type { EventOrigin } from './origin.ts'

/** Why tokens are renewed. */
export type RenewalTrigger =
  /** The timeframe has passed: a request waits for it. */
  | 'timeframe'
  /** It soon will have passed: beside a request, which goes on. */
  | 'ahead'
  /** A WebSocket or an event stream is open, and its session is due. */
  | 'connection'
  /** `requireFresh()`. */
  | 'require-fresh'
  /** `req.oidc.renew()`. */
  | 'renew'
  /** `req.oidc.getIdToken()`, and the one that is kept has expired. */
  | 'id-token'
  /** An access token is asked for, and none that is kept can be used. */
  | 'access-token'
  /** An API answered 401. */
  | 'api-401'

/**
 * What {@link AroundOperation} is told at the beginning. None of it is a secret, and none of it says who the person is. Where there
 * are several, `provider` and `tenant` say which it is of.
 */
export type Operation = EventOrigin &
  (
    | {
        /** A browser is sent to the provider. */
        readonly name: 'login'
        /** At most 128 letters, which the same login's callback brings back: set it before the work begins. Hooks share it. */
        carry?: string | undefined
      }
    | {
        /** It came back from there. */
        readonly name: 'callback'
        readonly carried: string | undefined
      }
    | {
        /** A refresh token is sent, and what comes back is checked and stored: once, for all who wait for it. */
        readonly name: 'renewal'
        readonly trigger: RenewalTrigger
      }
    | {
        /** A request is handed on to an API, until its answer begins. */
        readonly name: 'relay'
        readonly method: string
        /** The API's origin. */
        readonly target: string
      }
  )

/** How it ended. */
export interface OperationEnd {
  /**
   * A login is `begun`; a callback `logged-in`, `not-logged-in` (a silent one) or `already-done`; a renewal `renewed` or `ended`; a
   * relay `answered` or `gone`, where the browser went away. Each may be `failed`.
   */
  readonly outcome:
    | 'begun'
    | 'logged-in'
    | 'not-logged-in'
    | 'already-done'
    | 'renewed'
    | 'ended'
    | 'answered'
    | 'gone'
    | 'failed'
  /** A `code` of an error, an outcome of a renewal, a reason why the session ended, or `other`. */
  readonly error?: string | undefined
  /** Of the API's answer. */
  readonly status?: number | undefined
}

/**
 * Is called around each operation. It calls `run()` before it returns, in whatever context the work is to have, and is told when
 * and how it ended. The work waits neither for it nor for what it does then, and what it throws breaks nothing.
 */
export type AroundOperation = (operation: Operation, run: () => Promise<OperationEnd>) => unknown

/** One `auth()`'s. */
export interface Operations {
  add(hook: AroundOperation): void
  /** Does the work, once, whatever the hooks do. */
  run<T>(operation: Operation, work: () => Promise<T>, endOf: (result: T) => OperationEnd): Promise<T>
}

export function createOperations(): Operations {
  const hooks: AroundOperation[] = []

  return {
    add: (hook) => void hooks.push(hook),

    run(operation, work, endOf) {
      if (hooks.length === 0) return work()
      const begin = once(async () => work())
      const inside = once(() => begin().then(endOf, endOfError))
      const outside = hooks.reduceRight<typeof inside>((run, hook) => {
        return once(() => {
          call(hook, operation, run)
          return run()
        })
      }, inside)
      void outside()
      return begin()
    },
  }
}

/** Whatever a hook does with it, the hooks inside are called once. */
function once<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

async function call(hook: AroundOperation, ...given: Parameters<AroundOperation>): Promise<void> {
  try {
    await hook(...given)
  } catch (error) {
    process.emitWarning(`what was put around '${given[0].name}' threw ${String(error)}`, 'ExpressBffSession')
  }
}

function endOfError(error: unknown): OperationEnd {
  return { outcome: 'failed', error: isAuthError(error) ? error.code : 'other' }
}
