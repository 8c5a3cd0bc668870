// Packs the package and checks the tarball, which is what users get, with publint and attw.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'express-bff-session-pack-'))
const run = (/** @type {string} */ command, /** @type {string[]} */ ...args) =>
  execFileSync(command, args, { stdio: 'inherit' })

try {
  run('npm', 'pack', '--silent', '--pack-destination', folder)
  const tarball = join(folder, readdirSync(folder)[0] ?? '')
  run('npx', '--no-install', 'publint', 'run', tarball, '--strict')
  run('npx', '--no-install', 'attw', tarball)
} catch (error) {
  // The tool has already said what is wrong.
  process.exitCode = 1
  if (!(error instanceof Error && 'status' in error)) throw error
} finally {
  rmSync(folder, { recursive: true, force: true })
}
