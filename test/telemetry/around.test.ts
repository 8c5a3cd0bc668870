// bff.around(): whatever is put around an operation, the operation is done once, and as it would be without it.
import { TryLaterError } from '../../src/errors/errors.ts'
import { type AroundOperation, createOperations, type OperationEnd } from '../../src/events/operations.ts'

const OPERATION = { name: 'renewal', trigger: 'renew' } as const
const DONE: OperationEnd = { outcome: 'renewed' }

/** Does it with those hooks around it. */
async function runWith(hooks: readonly AroundOperation[], work: () => Promise<string>) {
  const operations = createOperations()
  for (const hook of hooks) operations.add(hook)
  return operations.run(OPERATION, work, () => DONE)
}

/** In place of Node.js's, which prints them. */
const warnings: unknown[] = []
const { emitWarning } = process
beforeAll(() => {
  process.emitWarning = (warning) => void warnings.push(warning)
})
afterAll(() => {
  process.emitWarning = emitWarning
})
beforeEach(() => void warnings.splice(0))

test('each hook is around those that were added after it, and is told how it ended', async () => {
  const told: unknown[] = []
  const hook =
    (name: string): AroundOperation =>
    async (operation, run) => {
      told.push(`${name} begins`, operation)
      const end = await run()
      told.push(`${name} ends`, end)
    }
  const work = async () => {
    told.push('work')
    return 'result'
  }
  expect(await runWith([hook('outer'), hook('inner')], work)).toBe('result')
  expect(told.slice(0, 5)).toEqual(['outer begins', OPERATION, 'inner begins', OPERATION, 'work'])
  expect(told.slice(5).filter((one) => one !== DONE)).toEqual(
    expect.arrayContaining(['outer ends', 'inner ends']),
  )
})

test.each<[string, AroundOperation]>([
  ['never runs it', () => {}],
  ['runs it twice', (_operation, run) => Promise.all([run(), run()])],
  [
    'throws before',
    () => {
      throw new Error('odd')
    },
  ],
  [
    'rejects after',
    async (_operation, run) => {
      await run()
      throw new Error('odd')
    },
  ],
  ['never ends', () => new Promise(() => {})],
])('a hook that %s changes nothing', async (_what, hook) => {
  let times = 0
  const work = async () => {
    times += 1
    return 'result'
  }
  expect(await runWith([hook], work)).toBe('result')
  expect(times).toBe(1)
})

test.each<[string, AroundOperation]>([
  ['never runs it', () => {}],
  ['runs it twice', (_operation, run) => Promise.all([run(), run()])],
  ['runs it late', (_operation, run) => Promise.resolve().then(run)],
])('a hook that %s keeps none inside from what it is told, once', async (_what, outer) => {
  const told: unknown[] = []
  const inner: AroundOperation = async (_operation, run) => {
    told.push('begins')
    told.push(await run())
  }
  const work = async () => {
    told.push('work')
    return 'result'
  }
  expect(await runWith([outer, inner], work)).toBe('result')
  await Promise.resolve()
  expect(told).toEqual(['begins', 'work', DONE])
})

test('work that fails before it returns a promise fails as it would without a hook, and is tried once', async () => {
  let times = 0
  const work = () => {
    times += 1
    throw new TypeError('odd')
  }
  await expect(runWith([(_operation, run) => run()], work)).rejects.toThrow('odd')
  expect([times, warnings]).toEqual([1, []])
})

test('what a hook throws is a warning', async () => {
  await runWith([() => Promise.reject(new Error('odd'))], async () => 'result')
  await Promise.resolve()
  expect(warnings).toEqual(["what was put around 'renewal' threw Error: odd"])
})

test.each([
  [new TryLaterError('store_unavailable', 'x'), 'store_unavailable'],
  [new TypeError('a secret'), 'other'],
])('an error goes its way, and the hook is told its code only: %s', async (error, code) => {
  let end: OperationEnd | undefined
  const hook: AroundOperation = async (_operation, run) => {
    end = await run()
  }
  await expect(runWith([hook], () => Promise.reject(error))).rejects.toBe(error)
  expect(end).toEqual({ outcome: 'failed', error: code })
})
