// Each tenant has secrets of its own, made from those of the app.
import { createSealer } from '../../src/lib/seal.ts'
import { tenantSecrets } from '../../src/lib/tenant-secrets.ts'

const [newer, older] = ['n'.repeat(32), 'o'.repeat(32)]
const app = Object.freeze([newer])

test('a tenant has the same secrets in every process, and none that anybody else has', () => {
  const [a, again, b] = ['a', 'a', 'b'].map((key) => tenantSecrets(() => app, key)())
  expect(again).toEqual(a)
  expect(new Set([...app, ...(a ?? []), ...(b ?? [])]).size).toBe(3)
  for (const secret of [...(a ?? []), ...(b ?? [])]) expect(secret).toMatch(/^[\w-]{43}$/)
})

test('what one tenant sealed opens for it, and for nobody else', () => {
  const sealers = [tenantSecrets(() => app, 'a'), tenantSecrets(() => app, 'b'), () => app].map((secrets) =>
    createSealer(secrets, 'auth record'),
  )
  const sealed = sealers[0]?.seal('text', 'place') ?? ''
  expect(sealers.map((sealer) => sealer.open(sealed, 'place'))).toEqual(['text', undefined, undefined])
})

test('they follow the app’s: newest first, another list only where there are others', () => {
  let current: readonly string[] = [older]
  const secrets = tenantSecrets(() => current, 'a')
  const before = secrets()
  expect(secrets()).toBe(before)
  current = [newer, older]
  const after = secrets()
  expect(after).toHaveLength(2)
  expect(after[1]).toBe(before[0])
  expect(secrets()).toBe(after)
  expect(Object.isFrozen(after)).toBe(true)
})

test('the tenant that the app was before reads with the app’s own secrets, and writes with its', () => {
  const former = tenantSecrets(() => app, 'a', true)
  expect(former()).toEqual([...tenantSecrets(() => app, 'a')(), newer])
  const [own, before] = [createSealer(former, 'auth record'), createSealer(() => app, 'auth record')]
  expect(own.open(before.seal('text', 'place'), 'place')).toBe('text')
  expect(before.open(own.seal('text', 'place'), 'place')).toBeUndefined()
})
