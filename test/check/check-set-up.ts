// What `bff.check()` finds of a set-up, by name.
import { inspect } from 'node:util'
import { type AuthOptions, auth, type Finding } from '../../src/index.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'

export type Findings = Record<Finding['name'], Finding>

/** Of none of the options that are secret. */
export async function check(options: AuthOptions): Promise<Findings> {
  const bff = auth({ secret: TEST_SECRET, redis: false, logger: { warn() {} }, ...options })
  try {
    const findings = await bff.check()
    const names = findings.map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
    expect(inspect(findings)).not.toContain(TEST_SECRET)
    for (const { found, cure = '' } of findings) expect(found + cure).not.toMatch(/[^\x20-\x7e…→]/)
    return Object.fromEntries(findings.map((finding) => [finding.name, finding])) as Findings
  } finally {
    await bff.close()
  }
}

/** `status: found → cure` */
export const told = ({ status, found, cure }: Finding) =>
  `${status}: ${found}${cure === undefined ? '' : ` → ${cure}`}`

export function namesWith(status: Finding['status'], findings: Findings): string[] {
  return Object.values(findings)
    .filter((finding) => finding.status === status)
    .map(({ name }) => name)
}
