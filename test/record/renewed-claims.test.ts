// A renewed ID token against the first one: OpenID Connect Core §12.2, claim by claim.
import { type IdTokenClaims, renewedClaimMismatch } from '../../src/record/id-token-claims.ts'

const FIRST: IdTokenClaims = {
  iss: 'https://issuer.example/',
  sub: 'alice',
  aud: 'client',
  exp: 2000,
  iat: 1000,
  auth_time: 900,
  nonce: 'n-1',
}
const WITHOUT = { auth_time: undefined, nonce: undefined, azp: undefined } as unknown as IdTokenClaims

type Row = [what: string, first: object, next: object, mismatch: string | undefined]

test.each<Row>([
  ['the same claims', {}, {}, undefined],
  ['later times', {}, { exp: 3000, iat: 2500 }, undefined],
  ['earlier times', {}, { exp: 1500, iat: 500 }, undefined],
  ['other claims about the person', {}, { name: 'Alice', acr: 'other', sid: 'other' }, undefined],
  ['another iss', {}, { iss: 'https://issuer.example/1' }, 'iss'],
  ['iss without its trailing slash', {}, { iss: 'https://issuer.example' }, 'iss'],
  ['iss in other case', {}, { iss: 'https://ISSUER.example/' }, 'iss'],
  ['no iss', {}, { iss: undefined }, 'iss'],
  ['another sub', {}, { sub: 'mallory' }, 'sub'],
  ['sub with one letter more', {}, { sub: 'alice1' }, 'sub'],
  ['sub in other case', {}, { sub: 'Alice' }, 'sub'],
  ['an empty sub', {}, { sub: '' }, 'sub'],
  ['no sub', {}, { sub: undefined }, 'sub'],
  ['sub as a number', { sub: '7' }, { sub: 7 }, 'sub'],
  ['another aud', {}, { aud: 'other' }, 'aud'],
  ['no aud', {}, { aud: undefined }, 'aud'],
  ['the same aud as a list', {}, { aud: ['client'] }, undefined],
  ['one aud more', {}, { aud: ['client', 'other'] }, 'aud'],
  ['one aud less', { aud: ['client', 'api'] }, { aud: 'client' }, 'aud'],
  ['aud in other order', { aud: ['client', 'api'] }, { aud: ['api', 'client'] }, undefined],
  ['aud as long, with another in it', { aud: ['client', 'api'] }, { aud: ['client', 'other'] }, 'aud'],
  ['an empty list of aud', {}, { aud: [] }, 'aud'],
  ['the same azp', { azp: 'client' }, { azp: 'client' }, undefined],
  ['another azp', { azp: 'client' }, { azp: 'other' }, 'azp'],
  ['an azp where there was none', {}, { azp: 'client' }, 'azp'],
  ['no azp where there was one', { azp: 'client' }, { azp: undefined }, 'azp'],
  ['no nonce', {}, { nonce: undefined }, undefined],
  ['another nonce', {}, { nonce: 'n-11' }, 'nonce'],
  ['an empty nonce', {}, { nonce: '' }, 'nonce'],
  ['a nonce where there was none', WITHOUT, { nonce: 'n-1' }, 'nonce'],
  ['the original auth_time', {}, { auth_time: 900 }, undefined],
  ['a later auth_time', {}, { auth_time: 901 }, 'auth_time'],
  ['an earlier auth_time', {}, { auth_time: 899 }, 'auth_time'],
  ['auth_time as a text', {}, { auth_time: '900' }, 'auth_time'],
  ['no auth_time', {}, { auth_time: undefined }, undefined],
  ['an auth_time where there was none', WITHOUT, { auth_time: 900 }, undefined],
])('%s', (_what, first, next, mismatch) => {
  const original = { ...FIRST, ...first } as IdTokenClaims
  expect(renewedClaimMismatch(original, { ...original, ...next } as IdTokenClaims)).toBe(mismatch)
})

test('another sub is told as such where other claims differ too: it ends the session', () => {
  const next = { ...FIRST, sub: 'mallory', aud: 'other', nonce: 'x', auth_time: 1 }
  expect(renewedClaimMismatch(FIRST, next)).toBe('sub')
})
