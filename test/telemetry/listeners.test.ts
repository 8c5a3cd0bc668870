// bff.on(): what a listener does breaks nothing, in the process neither.
import { AuthEventEmitter } from '../../src/events.ts'

/** In place of Node.js's, which prints them. */
const warnings: unknown[] = []
const { emitWarning } = process
beforeAll(() => {
  process.emitWarning = (warning) => void warnings.push(warning)
})
afterAll(() => {
  process.emitWarning = emitWarning
})

test.each<[string, () => void]>([
  [
    'throws',
    () => {
      throw new Error('odd')
    },
  ],
  ['rejects', () => Promise.reject(new Error('odd'))],
])('what a listener %s is a warning, and the others are told', async (_how, listener) => {
  warnings.length = 0
  const events = new AuthEventEmitter()
  const told: unknown[] = []
  events.on('provider-unavailable', listener)
  events.on('provider-unavailable', (event) => told.push(event))
  events.emit('provider-unavailable', { detail: 'x' })
  await Promise.resolve()
  expect(told).toEqual([{ detail: 'x' }])
  expect(warnings).toEqual(["a listener of 'provider-unavailable' threw Error: odd"])
})
