// Waiting that always ends: with what was waited for, or with an error that says what did not come.

const DEFAULT_MS = 10_000

/** `promise`, or an error that names `what` after `ms`. */
export async function within<T>(promise: Promise<T>, what: string, ms = DEFAULT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks `check` again and again until it answers something truthy; its last error is the reason given at the end. */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  ms = DEFAULT_MS,
): Promise<NonNullable<T>> {
  const end = Date.now() + ms
  let reason: unknown
  do {
    try {
      const answer = await within(Promise.resolve(check()), what, Math.max(1, end - Date.now()))
      if (answer) return answer
      reason = undefined
    } catch (error) {
      reason = error
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  } while (Date.now() < end)
  throw new Error(`${what}: not within ${ms} ms`, { cause: reason })
}

/** A promise that is settled from outside; nobody has to be listening. */
export interface Signal<T = void> {
  readonly promise: Promise<T>
  resolve(value: T): void
}

export function createSignal<T = void>(): Signal<T> {
  let settle: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => {
    settle = resolve
  })
  return { promise, resolve: (value) => settle(value) }
}
