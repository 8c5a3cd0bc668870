// The option `logger`: whose console it is, and what becomes of one that fails.
import { resolve } from './valid.ts'

test('the console is the one of the moment at which auth() is called', () => {
  const before = globalThis.console
  const lines: string[] = []
  // As whoever sends the console elsewhere does it, after the package was loaded.
  globalThis.console = Object.assign(Object.create(before), { warn: (line: string) => lines.push(line) })
  try {
    resolve().logger.warn('by default')
    resolve({ logger: console }).logger.warn('by name')
  } finally {
    globalThis.console = before
  }
  expect(lines).toEqual(['by default', 'by name'])
})

test('one that fails by a promise ends no process', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    resolve({
      logger: {
        async warn() {
          throw new Error('the collector does not answer')
        },
      },
    }).logger.warn('a line')
    await new Promise((turn) => setImmediate(turn))
  } finally {
    process.off('unhandledRejection', note)
  }
  expect(unhandled).toEqual([])
})
