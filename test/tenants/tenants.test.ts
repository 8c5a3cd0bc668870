// Whose a request is, by its host; what is made for each tenant, and what the log is told where one cannot be looked up.
import type { Request } from 'express'
import { isAuthError } from '../../src/errors/errors.ts'
import { createLimitedLog } from '../../src/lib/limited-log.ts'
import type { AuthOptions, TenantSetUp } from '../../src/options/auth-options.ts'
import type { Config } from '../../src/options/config.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { createTenants } from '../../src/tenants/tenants.ts'
import { createSignal, eventually, type Signal } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'

const SECRET = 'a secret of the tests of tenants, long enough'
const CLIENT_SECRET = 'a client’s secret that no line may have'

class Site {
  readonly config: Config
  isDone: Signal | undefined

  constructor(config: Config) {
    this.config = config
  }

  isBusy = () => this.isDone !== undefined
  idle = async () => this.isDone?.promise
}

const setUpOf = (key: string): TenantSetUp => ({
  baseURL: `https://${key}`,
  issuerBaseURL: 'https://id.example.net',
  clientID: 'shop',
  clientSecret: CLIENT_SECRET,
})

function setUp(
  resolve: (key: string) => unknown = setUpOf,
  { key = (req: Request) => req.hostname, ...more }: Partial<NonNullable<AuthOptions['tenant']>> = {},
) {
  const clock = { now: 0 }
  const { lines, told, logger } = createLog()
  const made: Site[] = []
  const { tenants: config } = resolveOptions(
    { secret: SECRET, logger, tenant: { key, resolve: resolve as () => TenantSetUp, ...more } },
    {},
  )
  if (config === undefined) throw new Error('there are no tenants')
  const make = (key: string, answer: unknown) => {
    const site = new Site(config.configsOf(key, answer, logger as never)[0])
    made.push(site)
    return site
  }
  const tenants = createTenants(config, make, createLimitedLog(logger), () => clock.now)
  const of = async (hostname: string) => tenants.of({ hostname } as Request)
  return { tenants, of, made, lines, told, clock }
}

async function codeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked
  } catch (error) {
    if (isAuthError(error)) return `${error.status} ${error.code}`
    throw error
  }
  throw new Error('nothing was refused')
}

test('a request has the site of its own host, made once, and a name does without a request', async () => {
  const { tenants, of, made } = setUp()
  const [a, again, b] = [await of('a.example.com'), await of('a.example.com'), await of('b.example.com')]
  expect(again).toBe(a)
  expect([a, b].map(({ config }) => [config.tenant, config.baseURL.host])).toEqual([
    ['a.example.com', 'a.example.com'],
    ['b.example.com', 'b.example.com'],
  ])
  expect(made).toEqual([a, b])
  expect(await tenants.byKey('a.example.com')).toBe(a)
  expect(tenants.counts()).toEqual({ known: 2, unavailable: 0 })
})

describe('nobody is served', () => {
  test.each<[what: string, key: unknown]>([
    ['no key', undefined],
    ['an empty one', ''],
    ['one of two lines', 'a\nb'],
    ['one that is too long', 'a'.repeat(256)],
    ['one of too many bytes', '\u{1f600}'.repeat(226)],
  ])('where the request has %s', async (_what, key) => {
    const { of, made, lines } = setUp(setUpOf, { key: () => key as string })
    expect(await codeOf(of('a'))).toBe('404 tenant_unknown')
    expect([made, lines]).toEqual([[], []])
  })

  test.each([undefined, null])('where the app says %p', async (answer) => {
    const { of, tenants, lines } = setUp(async () => answer)
    expect(await codeOf(of('a'))).toBe('404 tenant_unknown')
    expect(await codeOf(tenants.byKey('b'))).toBe('404 tenant_unknown')
    expect(await codeOf(tenants.byKey('a\nb'))).toBe('404 tenant_unknown')
    expect(lines).toEqual([])
  })
})

describe('a tenant that cannot be looked up is told, by its name, and with nothing secret', () => {
  test.each<[what: string, resolve: () => unknown, line: string]>([
    [
      'an error',
      () => {
        throw new Error(`password of the database: ${CLIENT_SECRET}`)
      },
      'express-bff-session: tenant.resolve() threw an error, for "a": let it tell your log what it was',
    ],
    [
      'a mistake',
      () => ({ ...setUpOf('a'), httpTimeoutSeconds: 0, clientSecrett: CLIENT_SECRET }),
      'express-bff-session: what tenant.resolve() answered cannot be used, for "a": clientSecrett is not an option; did you mean clientSecret?',
    ],
    [
      'two mistakes',
      () => ({ ...setUpOf('a'), httpTimeoutSeconds: 0, idpLogout: 'no' }),
      'express-bff-session: what tenant.resolve() answered cannot be used, for "a": 2 options need a change: - httpTimeoutSeconds must be a number of seconds from 0.1 to 60, not 0 - idpLogout must be true or false',
    ],
    [
      'no answer in time',
      () => new Promise(() => {}),
      'express-bff-session: tenant.resolve() took longer than tenant.timeoutSeconds (0.1), for "a"',
    ],
  ])('%s', async (_what, resolve, line) => {
    const { of, told } = setUp(resolve, { timeoutSeconds: 0.1 })
    expect(await codeOf(of('a'))).toBe('503 tenant_unavailable')
    // It is left alone for a while, and that is no other line.
    expect(await codeOf(of('a'))).toBe('503 tenant_unavailable')
    expect(told).toEqual([{ level: 'error', line, fields: { event: 'tenant', tenant: 'a' } }])
  })

  test.each<[what: string, key: () => string, line: RegExp]>([
    [
      'throws an error',
      () => {
        throw new Error(CLIENT_SECRET)
      },
      /^express-bff-session: tenant\.key\(\) threw an error, so the request was answered with 503$/,
    ],
    [
      'gives a promise',
      (async () => 'a') as never,
      /^express-bff-session: tenant\.key\(\) gave no text, .* at once, or undefined$/,
    ],
    ['gives a number', (() => 1) as never, /^express-bff-session: tenant\.key\(\) gave no text, /],
  ])('and so is a key() that %s', async (_what, key, line) => {
    const { of, lines } = setUp(setUpOf, { key })
    expect(await codeOf(of('a'))).toBe('503 tenant_unavailable')
    expect(lines).toEqual([expect.stringMatching(line)])
  })

  test('ten lines a minute, however many there are', async () => {
    const { of, lines } = setUp(() => {
      throw new Error('away')
    })
    for (let at = 0; at < 100; at += 1) await codeOf(of(`${at}.example.com`))
    expect(lines).toHaveLength(10)
  })
})

describe('an answer that has grown old', () => {
  test.each<[what: string, change: (answer: TenantSetUp) => TenantSetUp | undefined, isSame: boolean]>([
    [
      'with the same words in another order',
      (answer) => Object.fromEntries(Object.entries(answer).reverse()),
      true,
    ],
    [
      'with a secret of the same letters',
      (answer) => ({ ...answer, clientSecret: `${CLIENT_SECRET} `.trim() }),
      true,
    ],
    ['with another secret', (answer) => ({ ...answer, clientSecret: 'another' }), false],
    ['with one option more', (answer) => ({ ...answer, idpLogout: false }), false],
    ['with one that says nothing', (answer) => ({ ...answer, idpLogout: undefined }), true],
    ['with another in a group', (answer) => ({ ...answer, renewal: { afterSeconds: 61 } }), false],
    [
      'with another in a list',
      (answer) => ({ ...answer, apis: ['https://api.example.com', 'https://b.example.com'] }),
      false,
    ],
  ])('%s', async (_what, change, isSame) => {
    const before = { ...setUpOf('a'), renewal: { afterSeconds: 60 }, apis: ['https://api.example.com'] }
    let answer: TenantSetUp | undefined = before
    let asked = 0
    const { of, made, clock } = setUp(async () => {
      asked += 1
      return answer
    })
    const first = await of('a')
    answer = change(before)
    clock.now += 300_000
    expect(await of('a')).toBe(first)
    await eventually('the look', () => asked === 2)
    await new Promise(setImmediate)
    expect((await of('a')) === first).toBe(isSame)
    expect(made).toHaveLength(isSame ? 1 : 2)
  })

  test('is noticed although the app changed the very object that it gave', async () => {
    const answer = { ...setUpOf('a'), renewal: { afterSeconds: 60 } }
    const { of, made, clock } = setUp(async () => answer)
    const first = await of('a')
    answer.renewal.afterSeconds = 61
    clock.now += 300_000
    await of('a')
    await eventually('the newer', () => made.length === 2)
    expect([first.config.renewal.afterSeconds, (await of('a')).config.renewal.afterSeconds]).toEqual([60, 61])
  })

  test.each<[what: string, secret: () => () => string, isSame: boolean]>([
    [
      'the same function',
      (
        (one) => () =>
          one
      )(() => CLIENT_SECRET),
      true,
    ],
    ['a function like it', () => () => CLIENT_SECRET, false],
  ])('goes by %s', async (_what, secret, isSame) => {
    const { of, made, clock } = setUp(async () => ({ ...setUpOf('a'), clientSecret: secret() }))
    await of('a')
    clock.now += 300_000
    await of('a')
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
    expect(made).toHaveLength(isSame ? 1 : 2)
  })
})

test('the longest key there may be has secrets of its own', async () => {
  const key = '\u{1f600}'.repeat(225)
  const { tenants } = setUp()
  const { config } = await tenants.byKey(key)
  expect(config.secrets).toHaveLength(1)
})

test('a tenant with something under way is not given up; one that was is waited for at the end', async () => {
  const { tenants, of, made } = setUp(setUpOf, { maxTenants: 1 })
  const a = await of('a')
  a.isDone = createSignal()
  const b = await of('b')
  expect(tenants.counts().known).toBe(2)
  expect(await of('a')).toBe(a)
  expect(await of('b')).toBe(b)
  tenants.forget('a')
  expect(await of('a')).not.toBe(a)
  expect(made).toHaveLength(3)
  let isOver = false
  const over = tenants.idle(20).then(() => {
    isOver = true
  })
  await new Promise(setImmediate)
  expect(isOver).toBe(false)
  a.isDone.resolve()
  await over
})

test('one that was given up while something lasts of it is not lost sight of', async () => {
  const { tenants, of } = setUp()
  const socket = await of('a')
  // It does nothing just now, and will again.
  socket.isBusy = () => true
  tenants.forget('a')
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
  expect(tenants.sites()).toEqual([socket])
  socket.isBusy = () => false
  const b = await of('b')
  tenants.forget('b')
  expect(tenants.sites()).toEqual([b])
})
