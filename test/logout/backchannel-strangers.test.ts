// What anybody can send to /backchannel-logout: it forges no line of the log, and takes nothing from log-ins.
import type { TestApp } from '../support/app.ts'
import { forgeNext, signed } from '../support/forge-id-token.ts'
import { type LogoutBench, startLogoutBench } from '../support/logout-bench.ts'
import { sendLogout } from '../support/logout-client.ts'
import { createSigningKey } from '../support/signing-key.ts'

let bench: LogoutBench
let app: TestApp

beforeAll(async () => {
  bench = await startLogoutBench()
  app = await bench.start()
})
beforeEach(() => {
  bench.lines.length = 0
})
afterEach(() => bench.provider.normal())
afterAll(() => bench?.stop())

test('a header of their own choice forges no line, and does not make it longer', async () => {
  const header = { crit: [`x\nforged line ${'A'.repeat(20_000)}`], exp: 1 }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  await sendLogout(app.url, `${encode({ alg: 'RS256', ...header })}.${encode({})}.AA`)
  expect(bench.lines.length).toBeGreaterThan(0)
  for (const line of bench.lines) {
    expect(line).not.toContain('forged')
    expect(line).toMatch(/^[^\r\n]{1,400}$/)
  }
  expect(JSON.stringify(app.events)).not.toContain('forged')
})

test('keys that nobody knows do not keep a log-in from asking for a new key', async () => {
  expect(await bench.isIn(await bench.logIn('alice'))).toBe(true)
  const [unknown, next] = await Promise.all([createSigningKey(), createSigningKey()])
  for (let count = 0; count < 3; count += 1) {
    const forged = await bench.client.token(
      { sub: 'alice' },
      { key: unknown.jwk, header: { kid: `no-${count}` } },
    )
    expect(await sendLogout(app.url, forged)).toMatchObject({ status: 400 })
  }
  bench.provider.answerAll('jwks', { status: 200, body: { keys: [next.publicJwk] } })
  void forgeNext(bench.provider, signed(undefined, { key: next.jwk, header: { kid: next.jwk.kid } }))
  expect(await bench.isIn(await bench.logIn('bob'))).toBe(true)
})

test('while the keys cannot be fetched, tokens by the dozen make few requests for them', async () => {
  const late = await bench.start()
  bench.provider.answerAll('jwks', { status: 500, body: 'no' })
  const before = bench.provider.requests({ endpoint: 'jwks' }).length
  const tokens = await Promise.all(Array.from({ length: 20 }, () => bench.client.token({ sub: 'alice' })))
  for (const token of tokens) expect(await sendLogout(late.url, token)).toMatchObject({ status: 400 })
  expect(bench.provider.requests({ endpoint: 'jwks' }).length - before).toBeLessThanOrEqual(5)
})
