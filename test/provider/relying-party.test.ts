// The table in RELYING-PARTY.md names, for each module of the OpenID Foundation, tests that are there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const MODULES = [
  'invalid-iss',
  'missing-sub',
  'invalid-aud',
  'missing-aud',
  'missing-iat',
  'kid-absent-single-jwks',
  'kid-absent-multiple-jwks',
  'idtoken-sig-rs256',
  'idtoken-sig-none',
  'invalid-sig-rs256',
  'invalid-sig-es256',
  'invalid-sig-hs256',
  'userinfo-invalid-sub',
  'nonce-invalid',
  'client-secret-basic',
  'discovery-issuer-mismatch',
  'discovery-jwks-uri-keys',
  'signing-key-rotation',
  'signing-key-rotation-just-before-signing',
  'invalid-athash',
  'refresh-token',
  'refresh-token-invalid-issuer',
  'refresh-token-invalid-sub',
  'rp-init-logout',
  'rp-init-logout-other-state',
  'rp-init-logout-no-state',
  '3rd-party-init-login',
]

const FORGERIES = '../support/provider/id-token-forgeries.ts'
const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8')
const rows = [...read('RELYING-PARTY.md').matchAll(/^\| `(.+?)` \|.*\| \[.*\]\((.+?)\) \| `(.+)` \|$/gm)].map(
  ([, module = '', file = '', name = '']) => ({ module, file, name }),
)

/** The forged ID tokens are named where the tables are that some tests share. */
function sourceOf(file: string): string {
  const source = read(file)
  return source.includes('...FORGED_CLAIMS,') ? source + read(FORGERIES) : source
}

test('every module has its row, and every line of the table is one', () => {
  expect([...new Set(rows.map(({ module }) => module))]).toEqual(MODULES)
  expect(rows).toHaveLength(read('RELYING-PARTY.md').match(/^\| `/gm)?.length ?? 0)
})

test.each(rows)('$module is tested in $file as $name', ({ module, file, name }) => {
  // The name is the module's own, and not that of one whose name begins the same.
  expect(name).toMatch(new RegExp(`^(?:H\\d+: )?${module}(?!-)`))
  expect(['`', "'", '"'].some((quote) => sourceOf(file).includes(quote + name))).toBe(true)
})

test.each(['../login/id-token.test.ts', '../renewal/renewed-id-token.test.ts'])(
  '%s tries every forged ID token',
  (file) => {
    const tables = [...read(FORGERIES).matchAll(/^export const ([A-Z_]+): /gm)].map(([, table]) => table)
    expect(tables).toEqual(['FORGED_CLAIMS', 'FORGED_SIGNATURES', 'UNUSUAL'])
    for (const table of tables) expect(read(file)).toMatch(new RegExp(`^ {2}\\.\\.\\.${table},$`, 'm'))
  },
)
