// The findings as people and as programs read them.
import { styleText } from 'node:util'
import type { Found } from './finding.ts'

type Status = Found['status']

const SIGNS: Readonly<Record<Status, [sign: string, colour: 'green' | 'yellow' | 'red' | 'cyan']>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✗', 'red'],
  unknown: ['?', 'cyan'],
}

/** For the whole of them: what a program reads first. */
export function asJSON(findings: readonly Found[]): string {
  return `${JSON.stringify({ failed: count(findings, 'failed'), warnings: count(findings, 'warning'), findings }, null, 2)}\n`
}

export function asText(findings: readonly Found[]): string {
  const lines = together(findings).map(({ names, status, found, cure }) => {
    const [sign, colour] = SIGNS[status]
    const cured = cure === undefined ? '' : `\n    → ${cure}`
    return `${styleText(colour, sign)} ${styleText('bold', names.join(', '))}: ${found}${cured}`
  })
  const counts = (['ok', 'warning', 'unknown', 'failed'] as const).map(
    (status) => `${count(findings, status)} ${status}`,
  )
  return `${[...lines, '', counts.join(', ')].join('\n')}\n`
}

/** What is said of several in a row is said once. */
function together(findings: readonly Found[]): (Omit<Found, 'name'> & { names: string[] })[] {
  const lines: (Omit<Found, 'name'> & { names: string[] })[] = []
  for (const { name, ...rest } of findings) {
    const last = lines.at(-1)
    if (last !== undefined && last.status === rest.status && last.found === rest.found) last.names.push(name)
    else lines.push({ ...rest, names: [name] })
  }
  return lines
}

function count(findings: readonly Found[], wanted: Status): number {
  return findings.filter(({ status }) => status === wanted).length
}
