// Makes sure that the tests have a Chromium to start.
import { spawnSync } from 'node:child_process'
import { chromiumPath, SHELL } from './chromium-path.mjs'
import { ensureProgram, onPath } from './ensure-program.mjs'

if (process.env.CHROMIUM_PATH && chromiumPath() === undefined) {
  console.error('CHROMIUM_PATH does not name a program. Correct it, or type:  unset CHROMIUM_PATH')
  process.exitCode = 1
} else {
  ensureProgram({
    name: 'Chromium',
    isThere: () => chromiumPath({ whole: true }) !== undefined,
    minutes: 10,
    packages: {
      apt: 'chromium',
      brew: '--cask chromium',
      dnf: 'chromium',
      apk: 'chromium',
      pacman: 'chromium',
    },
    otherwise: 'CHROMIUM_PATH=/path/to/chromium npm test',
  })
  if (!process.env.CHROMIUM_PATH && isPackage(SHELL)) {
    ensureProgram({
      name: SHELL,
      isThere: () => onPath(SHELL) !== undefined,
      minutes: 10,
      packages: { apt: SHELL },
      isOptional: true,
    })
  }
}

/** @param {string} name */
function isPackage(name) {
  return spawnSync('apt-cache', ['show', name], { stdio: 'ignore' }).status === 0
}
