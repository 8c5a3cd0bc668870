// A logout token while its keys, the provider or the store are out of reach: 400, and the same token is good later.
// What anybody can send forges no line of the log, and takes nothing from logins.
import type { TestApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { useLogoutFixture } from '../support/app/logout-fixture.ts'
import { eventually } from '../support/deadline.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { createSigningKey, type SigningKey } from '../support/provider/signing-key.ts'
import { isCommand, isMark, isScript } from '../support/redis/commands.ts'

const { fixture, front, app, first, second } = useLogoutFixture(async (fixture) => {
  const [first, second] = await Promise.all([createSigningKey(), createSigningKey()])
  return { front: await fixture.startFront(), app: await fixture.start(), first, second }
})
/** the app in a process that has not asked the provider for anything yet */
let late: TestApp

beforeEach(async () => {
  late = await fixture.start({}, front.url)
  fixture.lines.length = 0
})
afterEach(async () => {
  fixture.normal()
  await Promise.all([fixture.provider.up(), front.up()])
})

const keyFetches = () => fixture.provider.requests({ endpoint: 'jwks' }).length

/** The same process, so many seconds later by every clock of its own. */
async function later(seconds: number, run: () => Promise<void>): Promise<void> {
  const [date, steady] = [Date.now, performance.now]
  Date.now = () => date() + seconds * 1000
  performance.now = () => steady.call(performance) + seconds * 1000
  await run().finally(() => {
    Date.now = date
    performance.now = steady
  })
}

async function expectFailure(token: string, code: string): Promise<void> {
  const answer = await sendLogout(late.url, token)
  expect(answer).toMatchObject({ status: 400, headers: { 'cache-control': 'no-store' } })
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  const lines = fixture.lines.filter((line) => !/the provider cannot be used just now|Redis at /.test(line))
  expect(lines).toEqual([expect.stringContaining(`back-channel logout failed (${code})`)])
  const said = answer.body + fixture.lines + JSON.stringify(late.events)
  for (const part of token.split('.')) expect(said).not.toContain(part)
}

const faults: [string, () => unknown][] = [
  ['answer 500', () => fixture.provider.answerAll('jwks', { status: 500, body: 'oops' })],
  ['answer 404', () => fixture.provider.answerAll('jwks', { status: 404, body: { keys: [] } })],
  ['are HTML', () => fixture.provider.answerAll('jwks', { status: 200, body: '<html>' })],
  ['are no list', () => fixture.provider.answerAll('jwks', { status: 200, body: { keys: 'none' } })],
  [
    'are 2 MB',
    () => fixture.provider.answerAll('jwks', { status: 200, body: { keys: [], x: 'x'.repeat(2e6) } }),
  ],
  [
    'are elsewhere',
    () =>
      fixture.provider.answerAll('jwks', {
        status: 302,
        headers: { location: `${fixture.provider.issuer}/jwks?2` },
      }),
  ],
  ['reset the connection', () => fixture.provider.cutAll('jwks')],
  ['break off', () => fixture.provider.cutAll('jwks', 'midway')],
  [
    'hang',
    async () => {
      late = await fixture.start({ httpTimeoutSeconds: 1 }, front.url)
      fixture.provider.delayAll('jwks', 60_000)
    },
  ],
]

test.each(faults)('keys that %s make it 400; the token is good once they are there', async (_name, arm) => {
  const browser = await fixture.seedLogin('waiting')
  const token = await fixture.client.token({ sub: 'waiting' })
  await arm()
  await expectFailure(token, 'provider_unavailable')
  expect(await fixture.isIn(browser)).toBe(true)
  fixture.provider.normal()
  // What failed is not asked for again within a second.
  await later(2, async () => expect((await sendLogout(late.url, token)).status).toBe(200))
  expect(await fixture.isIn(browser)).toBe(false)
})

test('a provider that is down makes it 400; the token is good once it is back', async () => {
  const browser = await fixture.seedLogin('waiting')
  const token = await fixture.client.token({ sub: 'waiting' })
  await fixture.provider.down()
  await expectFailure(token, 'provider_unavailable')
  await fixture.provider.up()
  expect(await fixture.isIn(browser)).toBe(true)
  // A discovery that failed is tried again after a second.
  await eventually('the logout', async () => (await sendLogout(late.url, token)).status === 200)
  expect(await fixture.isIn(browser)).toBe(false)
})

const isOnce = (args: string[]) => isCommand('set')(args) && args.includes('NX')
const commands: [string, (args: string[]) => boolean, boolean][] = [
  ['the clock', isCommand('time'), true],
  ['whether the token was used', isCommand('exists'), true],
  ['the mark', isMark, true],
  ['the group', isCommand('zrevrange'), true],
  ['a batch of it', isCommand('zscan'), true],
  ['the end of a session', isScript('finish'), true],
  ['the index', isCommand('zrem'), false],
  ['that the token was used', isOnce, false],
]

test.each(commands)(
  'a store that refuses %s makes it 400; the token is good later',
  async (_name, match, stays) => {
    for (const claim of ['sub', 'sid']) {
      const browser = await fixture.seedLogin('waiting')
      const token = await fixture.client.token({
        [claim]: claim === 'sub' ? 'waiting' : await fixture.sidOf(browser),
      })
      fixture.lines.length = 0
      front.refuseAll(match)
      await expectFailure(token, 'store_unavailable')
      expect(await fixture.isIn(browser)).toBe(stays)
      front.normal()
      expect(await sendLogout(late.url, token)).toMatchObject({ status: 200 })
      expect(await fixture.isIn(browser)).toBe(false)
    }
  },
)

test('a store that is away makes it 400; the token is good once it is back', async () => {
  const browser = await fixture.seedLogin('waiting')
  const token = await fixture.client.token({ sub: 'waiting' })
  await front.down()
  await expectFailure(token, 'store_unavailable')
  await front.up()
  expect(await fixture.isIn(browser)).toBe(true)
  await eventually('the logout', async () => (await sendLogout(late.url, token)).status === 200)
  expect(await fixture.isIn(browser)).toBe(false)
})

test('many tokens at once fetch the keys once', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => fixture.client.token({ sub: 'nobody' })))
  const before = keyFetches()
  const answers = await Promise.all(tokens.map((token) => sendLogout(late.url, token)))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(keyFetches() - before).toBe(1)
})

test('unknown keys make the keys be fetched once more, and not again for a while', async () => {
  const name = () => fixture.client.token({ sub: 'x' }, { header: { kid: 'nobody knows it' } })
  const [good, ...forged] = await Promise.all([
    fixture.client.token({ sub: 'x' }),
    ...Array.from({ length: 20 }, name),
  ])
  const before = keyFetches()
  const sendAll = async () => {
    const answers = await Promise.all(forged.map((token) => sendLogout(late.url, token)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
    return keyFetches() - before
  }
  expect((await sendLogout(late.url, good)).status).toBe(200)
  expect(await sendAll()).toBe(2)
  expect(await sendAll()).toBe(2)
  await later(31, async () => {
    expect(await sendAll()).toBe(3)
    expect(await sendAll()).toBe(3)
  })
})

test('a key that the provider has changed to is taken at once, and a next one after a while', async () => {
  const sign = ({ jwk }: SigningKey) =>
    fixture.client.token({ sub: 'rotated' }, { key: jwk, header: { kid: jwk.kid } })
  const show = ({ publicJwk }: SigningKey) =>
    fixture.provider.answerNext('jwks', { status: 200, body: { keys: [publicJwk] } })
  const browser = await fixture.seedLogin('rotated')
  const [before, token, next] = await Promise.all([
    fixture.client.token({ sub: 'x' }),
    sign(first),
    sign(second),
  ])
  expect((await sendLogout(late.url, before)).status).toBe(200)
  show(first)
  expect((await sendLogout(late.url, token)).status).toBe(200)
  expect(await fixture.isIn(browser)).toBe(false)

  const again = await fixture.seedLogin('rotated')
  show(second)
  expect((await sendLogout(late.url, next)).status).toBe(400)
  expect(await fixture.isIn(again)).toBe(true)
  await later(31, async () => expect((await sendLogout(late.url, next)).status).toBe(200))
  expect(await fixture.isIn(again)).toBe(false)
})

test('processes whose clocks are ten minutes off go by the store’s', async () => {
  const clock = new URL('../support/app/shifted-clock.mjs', import.meta.url)
  const open = (off: number) =>
    startAppProcess({
      redisUrl: fixture.redis.url,
      options: { ...fixture.client.options },
      env: { NODE_OPTIONS: `--import=${clock}`, CLOCK_OFF_MS: String(off) },
    })
  const processes = await Promise.all([open(600_000), open(-600_000)])
  try {
    for (const { url } of processes) {
      const browser = await fixture.seedLogin('timed')
      const seconds = Math.floor(Date.now() / 1000)
      for (const wrong of [{ exp: seconds - 60 }, { iat: seconds + 300, exp: seconds + 500 }]) {
        expect((await sendLogout(url, await fixture.client.token({ sub: 'timed', ...wrong }))).status).toBe(
          400,
        )
      }
      expect(await fixture.isIn(browser)).toBe(true)
      expect((await sendLogout(url, await fixture.client.token({ sub: 'timed' }))).status).toBe(200)
      expect(await fixture.isIn(browser)).toBe(false)
    }
  } finally {
    await Promise.all(processes.map((each) => each.stop()))
  }
})

test('a header of their own choice forges no line, and does not make it longer', async () => {
  const header = { crit: [`x\nforged line ${'A'.repeat(20_000)}`], exp: 1 }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  await sendLogout(app.url, `${encode({ alg: 'RS256', ...header })}.${encode({})}.AA`)
  expect(fixture.lines.length).toBeGreaterThan(0)
  for (const line of fixture.lines) {
    expect(line).not.toContain('forged')
    expect(line).toMatch(/^[^\r\n]{1,400}$/)
  }
  expect(JSON.stringify(app.events)).not.toContain('forged')
})

test('while the keys cannot be fetched, tokens by the dozen make few requests for them', async () => {
  fixture.provider.answerAll('jwks', { status: 500, body: 'no' })
  const tokens = await Promise.all(Array.from({ length: 20 }, () => fixture.client.token({ sub: 'alice' })))
  const [before, began] = [keyFetches(), performance.now()]
  for (const token of tokens) expect(await sendLogout(late.url, token)).toMatchObject({ status: 400 })
  // One a second, however long it took.
  expect(keyFetches() - before).toBeLessThanOrEqual(2 + (performance.now() - began) / 1000)
})

// The last one: from then on the app knows no key but this.
test('keys that nobody knows do not keep a login from asking for a new key', async () => {
  expect(await fixture.isIn(await fixture.logIn('alice'))).toBe(true)
  for (let count = 0; count < 3; count += 1) {
    const forged = await fixture.client.token(
      { sub: 'alice' },
      { key: first.jwk, header: { kid: `no-${count}` } },
    )
    expect(await sendLogout(app.url, forged)).toMatchObject({ status: 400 })
  }
  fixture.provider.answerAll('jwks', { status: 200, body: { keys: [second.publicJwk] } })
  void forgeNext(fixture.provider, signed(undefined, { key: second.jwk, header: { kid: second.jwk.kid } }))
  expect(await fixture.isIn(await fixture.logIn('bob'))).toBe(true)
})
