// Work that no request waits for, and that the end of the process does.

export interface WorkBeside {
  /** Takes work that reports its own failures. */
  run(work: Promise<unknown>): void
  /** Resolves when nothing is left. */
  done(): Promise<void>
}

export function createWorkBeside(): WorkBeside {
  const underWay = new Set<Promise<unknown>>()
  return {
    run(work) {
      const settled: Promise<unknown> = work.catch(() => undefined).finally(() => underWay.delete(settled))
      underWay.add(settled)
    },
    async done() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
