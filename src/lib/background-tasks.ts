// Work that no request waits for, and that the end of the process does.

export interface BackgroundTasks {
  /** Takes work that reports its own failures. */
  run(work: Promise<unknown>): void
  /** Resolves when nothing is left. */
  done(): Promise<void>
}

export function createBackgroundTasks(): BackgroundTasks {
  const running = new Set<Promise<unknown>>()
  return {
    run(work) {
      const settled: Promise<unknown> = work.catch(() => undefined).finally(() => running.delete(settled))
      running.add(settled)
    },
    async done() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
