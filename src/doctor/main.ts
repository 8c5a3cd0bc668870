#!/usr/bin/env node
// The command express-bff-session.
import { readArguments, USAGE, UsageError } from './arguments.ts'
import { runDoctor } from './doctor.ts'
import { asJSON, asText } from './print.ts'

async function main(args: readonly string[]): Promise<number> {
  const asked = readArguments(args)
  if (asked.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const findings = await runDoctor(asked)
  process.stdout.write(asked.json ? asJSON(findings) : asText(findings))
  return findings.some(({ status }) => status === 'failed') ? 1 : 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  // What else an error says may be somebody's secret.
  const said =
    error instanceof UsageError ? `${error.message}\n\n${USAGE}` : `it failed itself (${nameOf(error)})\n`
  process.stderr.write(`express-bff-session: ${said}`)
  process.exitCode = 2
}

// What the options opened, such as a Redis client of the app's, is not ours to close, and would keep the process.
process.stdout.write('', () => process.stderr.write('', () => process.exit()))

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
