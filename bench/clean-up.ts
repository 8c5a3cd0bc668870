// Everything that the bench starts, it ends: last first, at the end, at an error, and on Ctrl-C.
export interface CleanUp {
  later(end: () => unknown): void
  now(): Promise<void>
}

export function createCleanUp(): CleanUp {
  const ends: (() => unknown)[] = []
  async function now() {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
      try {
        await end()
      } catch (error) {
        console.error(error)
      }
    }
  }
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => void now().finally(() => process.exit(code)))
  }
  return { later: (end) => void ends.push(end), now }
}
