// Whose a session, a name or a token of an issuer is among several clients at several providers.
import { ownerName } from '../../src/record/owner.ts'
import { createRealms } from '../../src/session/realms.ts'
import { configWith, recordAt } from '../store/stores.ts'

const realmOf = (providerName: string, issuerBaseURL: string, clientID: string) => ({
  config: { ...configWith({ issuerBaseURL, clientID }), providerName },
})
const staff = realmOf('staff', 'https://one.example.com', 'staff')
const sales = realmOf('sales', 'https://one.example.com', 'sales')
const customers = realmOf('customers', 'https://two.example.com/', 'customers')

const realms = createRealms([staff, sales, customers])

test.each([staff, sales, customers])(
  'a session is of the realm that its owner names: $config.providerName',
  (realm) => {
    expect(realms.of(recordAt(0, { owner: ownerName(realm.config) }))).toBe(realm)
  },
)

test('an older session, which names no owner, is told by its ID token', () => {
  const claims = { iss: 'https://two.example.com', sub: 'alice', aud: 'customers', iat: 1, exp: 2 }
  expect(realms.of(recordAt(0, { claims }))).toBe(customers)
})

test('a realm is found by its name, and none by another', () => {
  expect([realms.byName('sales'), realms.byName('constructor')]).toEqual([sales, undefined])
})

test('an issuer names all of its realms, an audience among them those that it names', () => {
  expect(realms.byIssuer('https://one.example.com/')).toEqual([staff, sales])
  expect(realms.byIssuer('https://one.example.com', 'sales')).toEqual([sales])
  expect(realms.byIssuer('https://one.example.com', ['another', 'sales', 'staff'])).toEqual([staff, sales])
  expect(realms.byIssuer('https://two.example.com', 'staff')).toEqual([])
  expect(realms.byIssuer('https://three.example.com')).toEqual([])
})

test('an issuer of a tenant is that of all tenants, where their IDs are in one place (Entra ID)', () => {
  const [host, tid] = ['https://login.microsoftonline.com', '11111111-aaaa-4bbb-8ccc-000000000001']
  const entra = { config: { ...configWith({ issuerBaseURL: `${host}/organizations/v2.0`, tenants: [tid] }) } }
  const several = createRealms([staff, entra])
  const found = [`/${tid}/v2.0`, '/contoso.com/v2.0', `/${tid}/v2.0/`, `/x/${tid}/v2.0`, `/${tid}/v1.0`, '']
  expect(found.map((path) => several.byIssuer(host + path).length)).toEqual([1, 0, 0, 0, 0, 0])
  expect(several.byIssuer(`https://login.example.com/${tid}/v2.0`)).toEqual([])
})

test('whatever comes is the only one’s', () => {
  const only = createRealms([staff])
  expect(only.of(recordAt(0, { owner: 'another' }))).toBe(staff)
  expect(only.byIssuer('https://three.example.com')).toEqual([staff])
  expect([only.byName('staff'), only.byName('another')]).toEqual([staff, undefined])
})
