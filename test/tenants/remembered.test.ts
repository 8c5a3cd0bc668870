// What a process knows of tenants: looked up once, kept for a while, looked up anew beside the requests, and given up.
import { isAuthError } from '../../src/errors/errors.ts'
import { LateError } from '../../src/tenants/lookups.ts'
import { createRememberedTenants } from '../../src/tenants/remembered.ts'
import { createSignal, eventually } from '../support/deadline.ts'

interface Tenant {
  readonly name: string
  readonly version: number
}

/** An app that answers with versions, and a clock that stands until it is moved. */
function setUp({ maxTenants = 100, timeoutSeconds = 20 } = {}) {
  const clock = { now: 1_000_000 }
  const asked: string[] = []
  const ended: string[] = []
  const failures: string[] = []
  const signals: AbortSignal[] = []
  const busy = new Set<string>()
  const app = {
    version: 1,
    isSame: false,
    answer: async (name: string): Promise<Tenant | undefined> => ({ name, version: app.version }),
  }
  const tenants = createRememberedTenants<Tenant>(
    {
      async lookUp(key, signal, before) {
        asked.push(key)
        signals.push(signal)
        const tenant = await app.answer(key)
        return app.isSame && tenant !== undefined && before !== undefined ? before : tenant
      },
      mayEnd: ({ name }) => !busy.has(name),
      end: ({ name, version }) => void ended.push(`${name} ${version}`),
      failed: (key, error) => void failures.push(`${key}: ${error instanceof LateError ? 'late' : error}`),
      now: () => clock.now,
    },
    { maxTenants, ageSeconds: 300, unknownSeconds: 30, timeoutSeconds },
  )
  const pass = (seconds: number) => {
    clock.now += seconds * 1000
  }
  return { tenants, app, asked, ended, failures, signals, busy, pass }
}

/** The code of the error, and after how long to try again. */
async function refusal(asked: () => unknown): Promise<unknown> {
  try {
    await asked()
  } catch (error) {
    if (!isAuthError(error)) throw error
    return 'retryAfterSeconds' in error ? `${error.code} ${error.retryAfterSeconds}` : error.code
  }
  throw new Error('nothing was refused')
}

describe('a tenant is looked up once', () => {
  test('however many ask for it at the same time, and is at hand from then on', async () => {
    const { tenants, asked } = setUp()
    const all = await Promise.all(Array.from({ length: 20 }, () => tenants.of('a')))
    expect(new Set(all).size).toBe(1)
    expect(asked).toEqual(['a'])
    // No promise: nothing is waited for.
    expect(tenants.of('a')).toBe(all[0])
    expect(tenants.counts()).toEqual({ known: 1, unavailable: 0 })
  })

  test('each under its own key', async () => {
    const { tenants } = setUp()
    const both = await Promise.all([tenants.of('a'), tenants.of('b')])
    expect(both.map(({ name }) => name)).toEqual(['a', 'b'])
    expect([tenants.of('a'), tenants.of('b')]).toEqual(both)
  })
})

describe('what is known grows old', () => {
  test('it serves on while it is looked up anew, once, and the newer takes its place', async () => {
    const { tenants, app, asked, ended, pass } = setUp()
    const first = await tenants.of('a')
    pass(299)
    expect(tenants.of('a')).toBe(first)
    expect(asked).toHaveLength(1)
    pass(1)
    app.version = 2
    expect([tenants.of('a'), tenants.of('a')]).toEqual([first, first])
    await eventually('the newer', () => tenants.of('a') !== first)
    expect(tenants.of('a')).toEqual({ name: 'a', version: 2 })
    expect(asked).toHaveLength(2)
    expect(ended).toEqual(['a 1'])
  })

  test('the same answer keeps what is there, for another age', async () => {
    const { tenants, app, asked, ended, pass } = setUp()
    const first = await tenants.of('a')
    app.isSame = true
    for (const looks of [2, 3]) {
      pass(300)
      expect(tenants.of('a')).toBe(first)
      await eventually('the look', () => asked.length === looks)
      await new Promise(setImmediate)
    }
    expect(tenants.of('a')).toBe(first)
    expect([asked.length, ended]).toEqual([3, []])
  })

  test('it serves while it cannot be looked up, for ten ages, and not for longer', async () => {
    const { tenants, app, asked, failures, pass } = setUp()
    const first = await tenants.of('a')
    app.answer = async () => {
      throw new RangeError('away')
    }
    for (let age = 1; age < 10; age += 1) {
      pass(300)
      expect(tenants.of('a')).toBe(first)
      await eventually('the look', () => failures.length === age)
    }
    pass(300)
    expect(await refusal(() => tenants.of('a'))).toBe('tenant_unavailable 30')
    expect(asked).toHaveLength(11)
    app.answer = async (name) => ({ name, version: 9 })
    pass(30)
    expect(await tenants.of('a')).toEqual({ name: 'a', version: 9 })
  })

  test('a tenant that is no more is nobody at once', async () => {
    const { tenants, app, ended, pass } = setUp()
    const first = await tenants.of('a')
    app.answer = async () => undefined
    pass(300)
    expect(tenants.of('a')).toBe(first)
    await eventually('its end', () => ended.length === 1)
    expect(await refusal(() => tenants.of('a'))).toBe('tenant_unknown')
  })
})

describe('a tenant that nobody knows', () => {
  test('is refused, and not asked for again for a while', async () => {
    const { tenants, app, asked, pass } = setUp()
    app.answer = async () => undefined
    for (let times = 0; times < 3; times += 1)
      expect(await refusal(() => tenants.of('nobody'))).toBe('tenant_unknown')
    expect(asked).toHaveLength(1)
    pass(30)
    app.answer = async (name) => ({ name, version: 1 })
    expect(await tenants.of('nobody')).toMatchObject({ name: 'nobody' })
  })

  test('pushes none out that is known, however many names strangers think of', async () => {
    const { tenants, app, asked, ended } = setUp({ maxTenants: 3 })
    const known = [await tenants.of('a'), await tenants.of('b'), await tenants.of('c')]
    app.answer = async () => undefined
    for (let at = 0; at < 20_000; at += 1)
      expect(await refusal(() => tenants.of(`stranger-${at}`))).toBe('tenant_unknown')
    expect(['a', 'b', 'c'].map((key) => tenants.of(key))).toEqual(known)
    expect(ended).toEqual([])
    expect(tenants.counts()).toEqual({ known: 3, unavailable: 0 })
    // Of the strangers the newest are remembered, and the oldest are not.
    asked.length = 0
    for (const at of [19_999, 10_000, 9_999, 0]) await refusal(() => tenants.of(`stranger-${at}`))
    expect(asked).toEqual(['stranger-9999', 'stranger-0'])
  })
})

describe('a tenant that cannot be looked up', () => {
  test('is left alone for a second, then for twice as long each time, up to half a minute', async () => {
    const { tenants, app, asked, failures, pass } = setUp()
    app.answer = async () => {
      throw new RangeError('away')
    }
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      asked.length = 0
      expect(await refusal(() => tenants.of('a'))).toBe(`tenant_unavailable ${seconds}`)
      pass(seconds - 0.5)
      expect(await refusal(() => tenants.of('a'))).toBe('tenant_unavailable 1')
      expect(asked).toEqual(['a'])
      expect(tenants.counts()).toEqual({ known: 0, unavailable: 1 })
      pass(0.5)
    }
    expect(failures).toHaveLength(7)
    expect(tenants.counts()).toEqual({ known: 0, unavailable: 0 })
  })

  test('is no trouble of the others, and forgotten once it is there again', async () => {
    const { tenants, app, pass } = setUp()
    const works = app.answer
    app.answer = async (name) => {
      if (name === 'a') throw new RangeError('away')
      return works(name)
    }
    for (const seconds of [1, 2]) {
      expect(await refusal(() => tenants.of('a'))).toBe(`tenant_unavailable ${seconds}`)
      pass(seconds)
    }
    expect(await tenants.of('b')).toMatchObject({ name: 'b' })
    app.answer = works
    expect(await tenants.of('a')).toMatchObject({ name: 'a' })
    tenants.forget('a')
    app.answer = async () => {
      throw new RangeError('away')
    }
    expect(await refusal(() => tenants.of('a'))).toBe('tenant_unavailable 1')
  })

  test('in time is told so by a signal, and what comes too late is not taken', async () => {
    const { tenants, app, failures, signals, pass } = setUp({ timeoutSeconds: 0.05 })
    const late = createSignal<Tenant>()
    app.answer = () => late.promise
    expect(await refusal(() => tenants.of('a'))).toBe('tenant_unavailable 1')
    expect(failures).toEqual(['a: late'])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    late.resolve({ name: 'late', version: 1 })
    await new Promise(setImmediate)
    app.answer = async (name) => ({ name, version: 2 })
    pass(1)
    expect(await tenants.of('a')).toEqual({ name: 'a', version: 2 })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  test('for want of a place is refused at once; those that are known are looked up all the same', async () => {
    const { tenants, app, asked, pass } = setUp()
    const first = await tenants.of('known')
    pass(300)
    const gate = createSignal()
    app.answer = async (name) => {
      if (name.startsWith('slow')) await gate.promise
      return { name, version: 2 }
    }
    const slow = Array.from({ length: 50 }, async (_, at) => tenants.of(`slow-${at}`))
    expect(await refusal(() => tenants.of('one-too-many'))).toBe('tenant_unavailable 1')
    expect(asked).not.toContain('one-too-many')
    expect(tenants.of('known')).toBe(first)
    await eventually('the newer', () => tenants.of('known') !== first)
    gate.resolve()
    await Promise.all(slow)
    // Nothing failed, so nothing is left alone.
    expect(await tenants.of('one-too-many')).toMatchObject({ version: 2 })
  })
})

describe('so many are known, and no more', () => {
  test('the one that nobody has used for longest goes first', async () => {
    const { tenants, ended, asked } = setUp({ maxTenants: 3 })
    for (const key of ['a', 'b', 'c', 'a', 'd', 'e']) await tenants.of(key)
    expect(ended).toEqual(['b 1', 'c 1'])
    expect(tenants.counts().known).toBe(3)
    asked.length = 0
    for (const key of ['a', 'd', 'e', 'b']) await tenants.of(key)
    expect(asked).toEqual(['b'])
  })

  test('one with something under way stays until that is done', async () => {
    const { tenants, ended, busy } = setUp({ maxTenants: 2 })
    busy.add('a').add('b')
    for (const key of ['a', 'b', 'c', 'd']) await tenants.of(key)
    expect(ended).toEqual(['c 1'])
    expect(tenants.of('a')).toMatchObject({ name: 'a' })
    busy.clear()
    await tenants.of('e')
    expect(ended).toEqual(['c 1', 'b 1', 'd 1'])
    expect([...tenants.all()].map(({ name }) => name)).toEqual(['a', 'e'])
  })
})

describe('forget', () => {
  test('has the next one who comes look it up: what is known, what is unknown, what failed', async () => {
    const { tenants, app, ended } = setUp()
    const answers: (() => Promise<Tenant | undefined>)[] = [
      async () => ({ name: 'a', version: 1 }),
      async () => undefined,
      async () => {
        throw new RangeError('away')
      },
      async () => ({ name: 'a', version: 4 }),
    ]
    app.answer = () => answers.shift()?.() ?? Promise.resolve(undefined)
    const come = async () => {
      tenants.forget('a')
      return tenants.of('a')
    }
    expect(await come()).toMatchObject({ version: 1 })
    expect(await refusal(come)).toBe('tenant_unknown')
    expect(ended).toEqual(['a 1'])
    expect(await refusal(come)).toBe('tenant_unavailable 1')
    expect(await come()).toMatchObject({ version: 4 })
  })

  test('nobody is given an answer that was under way: not whoever comes now, and not who waits', async () => {
    const { tenants, app, asked } = setUp()
    const old = createSignal<Tenant>()
    app.answer = () => old.promise
    const waiting = tenants.of('a')
    app.answer = async (name) => ({ name, version: 2 })
    tenants.forget('a')
    const fresh = await tenants.of('a')
    expect(fresh).toEqual({ name: 'a', version: 2 })
    old.resolve({ name: 'a', version: 1 })
    expect(await waiting).toBe(fresh)
    expect(tenants.of('a')).toBe(fresh)
    expect(asked).toHaveLength(2)
  })
})
