// What anybody can send to /backchannel-logout: it forges no line of the log, and takes nothing from logins.
import type { TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { sendLogout } from '../support/provider/logout-client.ts'
import { createSigningKey } from '../support/provider/signing-key.ts'

let fixture: LogoutFixture
let app: TestApp

beforeAll(async () => {
  fixture = await startLogoutFixture()
  app = await fixture.start()
})
beforeEach(() => {
  fixture.lines.length = 0
})
afterEach(() => fixture.provider.normal())
afterAll(() => fixture?.stop())

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

test('keys that nobody knows do not keep a login from asking for a new key', async () => {
  expect(await fixture.isIn(await fixture.logIn('alice'))).toBe(true)
  const [unknown, next] = await Promise.all([createSigningKey(), createSigningKey()])
  for (let count = 0; count < 3; count += 1) {
    const forged = await fixture.client.token(
      { sub: 'alice' },
      { key: unknown.jwk, header: { kid: `no-${count}` } },
    )
    expect(await sendLogout(app.url, forged)).toMatchObject({ status: 400 })
  }
  fixture.provider.answerAll('jwks', { status: 200, body: { keys: [next.publicJwk] } })
  void forgeNext(fixture.provider, signed(undefined, { key: next.jwk, header: { kid: next.jwk.kid } }))
  expect(await fixture.isIn(await fixture.logIn('bob'))).toBe(true)
})

test('while the keys cannot be fetched, tokens by the dozen make few requests for them', async () => {
  const late = await fixture.start()
  fixture.provider.answerAll('jwks', { status: 500, body: 'no' })
  const before = fixture.provider.requests({ endpoint: 'jwks' }).length
  const tokens = await Promise.all(Array.from({ length: 20 }, () => fixture.client.token({ sub: 'alice' })))
  for (const token of tokens) expect(await sendLogout(late.url, token)).toMatchObject({ status: 400 })
  expect(fixture.provider.requests({ endpoint: 'jwks' }).length - before).toBeLessThanOrEqual(5)
})
