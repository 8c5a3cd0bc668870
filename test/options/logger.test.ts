// The option `logger`: how each library is called, whose console it is, and what becomes of one that fails.
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import winston from 'winston'
import type { Logger } from '../../src/index.ts'
import { resolve } from './valid.ts'

/** What a provider said may have any letters in it. */
const LINE = 'the provider said 100%, %s, %d and %%'
const FIELDS = { event: 'refused', code: 'login_failed' }
const LEVELS = ['error', 'warn', 'info'] as const

/** What it wrote, a line each. */
function written() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(`${chunk}`.trimEnd())
      done()
    },
  })
  return { lines, stream, objects: () => lines.map((line) => JSON.parse(line)) }
}

function sayAll(given: Logger): void {
  const { logger } = resolve({ logger: given })
  for (const level of LEVELS) logger[level](LINE, FIELDS)
}

test('pino has the line as its message, the fields beside it, and each level as it is', () => {
  const { stream, objects } = written()
  sayAll(pino({ base: null, timestamp: false }, stream))
  expect(objects()).toEqual([50, 40, 30].map((level) => ({ level, ...FIELDS, msg: LINE })))
})

test('a child of pino is pino, and what its level leaves out is left out, at any time', () => {
  const { stream, objects } = written()
  const child = pino({ base: null, timestamp: false }, stream).child({ part: 'login' })
  const { logger } = resolve({ logger: child })
  child.level = 'error'
  logger.warn(LINE, FIELDS)
  logger.error(LINE, FIELDS)
  expect(objects()).toEqual([{ level: 50, part: 'login', ...FIELDS, msg: LINE }])
})

test.each([
  ['as it is', winston.format.json()],
  // It fills the places of a message.
  ['with splat()', winston.format.combine(winston.format.splat(), winston.format.json())],
])('winston %s has the line as its message, the fields beside it, and each level', (_what, format) => {
  const { stream, objects } = written()
  const logger = winston.createLogger({ format, transports: new winston.transports.Stream({ stream }) })
  sayAll(logger)
  expect(objects()).toEqual(LEVELS.map((level) => ({ level, ...FIELDS, message: LINE })))
  sayAll(logger.child({ part: 'login' }))
  expect(objects().slice(3)).toEqual(
    LEVELS.map((level) => ({ level, part: 'login', ...FIELDS, message: LINE })),
  )
})

test('a console has the line alone, warnings and errors where it writes those', () => {
  const [out, err] = [written(), written()]
  sayAll(new Console({ stdout: out.stream, stderr: err.stream }))
  expect([out.lines, err.lines]).toEqual([[LINE], [LINE, LINE]])
})

test('an object of one’s own has the line, then the fields, and is called on itself', () => {
  const own = {
    told: [] as unknown[],
    warn(...all: unknown[]) {
      this.told.push(['warn', ...all])
    },
    error(...all: unknown[]) {
      this.told.push(['error', ...all])
    },
  }
  sayAll(own)
  expect(own.told).toEqual([
    ['error', LINE, FIELDS],
    ['warn', LINE, FIELDS],
  ])
})

test('one with warn() alone has errors too, and is asked for nothing else', () => {
  const told: unknown[][] = []
  sayAll({ warn: (...all) => told.push(all) })
  expect(told).toEqual([
    [LINE, FIELDS],
    [LINE, FIELDS],
  ])
})

test('what it does with the fields is not seen by another line', () => {
  const changing: Logger = {
    warn: (_line, fields) => void Object.assign(fields ?? {}, { code: 'another' }),
  }
  sayAll(changing)
  expect(FIELDS.code).toBe('login_failed')
})

test('the console is the one of the moment at which auth() is called', () => {
  const before = globalThis.console
  const lines: string[] = []
  // As whoever sends the console elsewhere does it, after the package was loaded.
  globalThis.console = Object.assign(Object.create(before), { warn: (line: string) => lines.push(line) })
  try {
    resolve().logger.warn('by default', {})
    resolve({ logger: console }).logger.warn('by name', {})
  } finally {
    globalThis.console = before
  }
  expect(lines).toEqual(['by default', 'by name'])
})

test('one that throws, or fails by a promise, ends no process', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  const fails = () => {
    throw new Error('the collector does not answer')
  }
  try {
    sayAll({ warn: fails, error: fails, info: fails })
    sayAll({ warn: async () => fails(), error: async () => fails(), info: async () => fails() })
    await new Promise((turn) => setImmediate(turn))
  } finally {
    process.off('unhandledRejection', note)
  }
  expect(unhandled).toEqual([])
})
