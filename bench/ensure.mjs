// Makes sure that the bench has its load generator and its peers, which are nobody else's dependencies.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensureProgram, onPath } from '../scripts/ensure-program.mjs'

ensureProgram({
  name: 'wrk',
  isThere: () => onPath('wrk') !== undefined,
  minutes: 5,
  packages: { apt: 'wrk', brew: 'wrk', dnf: 'wrk', apk: 'wrk', pacman: 'wrk' },
  otherwise: 'see https://github.com/wg/wrk',
})

const changedAt = (/** @type {string} */ file) =>
  statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0

// npm leaves this file behind when it is done.
if (
  process.exitCode === undefined &&
  changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')
) {
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    // Output goes to stderr, so that stdout is the table alone.
    stdio: ['ignore', 2, 2],
  })
  process.exitCode = status ?? 1
}
