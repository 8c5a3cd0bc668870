// Whose a record is: a client at a provider, of one tenant.
import { groupName, isOwnedBy, type Owner, ownerName } from '../../src/record/owner.ts'

const issuer = new URL('https://id.example.com/realm')
const shop: Owner = { issuer, clientID: 'shop' }
const [a, b]: [Owner, Owner] = [
  { ...shop, tenant: 'a.example.com' },
  { ...shop, tenant: 'b.example.com' },
]
const claims = { iss: issuer.href, aud: 'shop', sub: 'alice', iat: 1, exp: 2 }

test('the names of an owner without a tenant are those in everybody’s Redis', () => {
  expect(ownerName(shop)).toBe('EyPj40WMb-BpEGTs')
  expect(groupName(shop, { claim: 'sub', value: 'alice' })).toBe(
    'f07cirHzfJkhATINEpFc5wvyL8nNKCRRX56clRV9Uh4',
  )
})

test('tenants have names of their own, with the same client at the same provider too', () => {
  const others = [a, b, { issuer, clientID: 'shop', tenant: 'alice' }, { issuer, clientID: 'a.example.com' }]
  expect(new Set([shop, ...others].map(ownerName)).size).toBe(5)
  expect(
    new Set([shop, ...others].map((owner) => groupName(owner, { claim: 'sub', value: 'alice' }))).size,
  ).toBe(5)
  // What is a tenant here is a person there.
  expect(groupName(shop, { claim: 'sub', value: 'a.example.com' })).not.toBe(
    groupName(a, { claim: 'sub', value: 'a.example.com' }),
  )
})

test.each<[whose: string, owner: string | undefined, by: Owner, isTheirs: boolean]>([
  ['nobody by name, of a client without tenants', undefined, shop, true],
  ['nobody by name, of a tenant', undefined, a, false],
  ['the client without tenants, of itself', ownerName(shop), shop, true],
  ['the client without tenants, of a tenant', ownerName(shop), a, false],
  ['a tenant, of itself', ownerName(a), a, true],
  ['a tenant, of another with the same client', ownerName(a), b, false],
  ['a tenant, of the client without tenants', ownerName(a), shop, false],
  ['nobody by name, of the tenant that the app was before', undefined, { ...a, isFormer: true }, true],
  [
    'the client without tenants, of the tenant that the app was',
    ownerName(shop),
    { ...a, isFormer: true },
    true,
  ],
  ['a tenant, of itself, which the app was before', ownerName(a), { ...a, isFormer: true }, true],
  ['a tenant, of the one that the app was before', ownerName(b), { ...a, isFormer: true }, false],
  [
    'another client, of the tenant that the app was',
    ownerName({ issuer, clientID: 'bank' }),
    { ...a, isFormer: true },
    false,
  ],
])('a record of %s', (_whose, owner, by, isTheirs) => {
  expect(isOwnedBy({ claims, ...(owner !== undefined && { owner }) }, by)).toBe(isTheirs)
})
