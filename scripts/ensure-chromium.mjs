// Makes sure that the tests have a Chromium to start.
import { chromiumPath } from './chromium-path.mjs'
import { ensureProgram } from './ensure-program.mjs'

if (process.env.CHROMIUM_PATH && chromiumPath() === undefined) {
  console.error('CHROMIUM_PATH does not name a program. Correct it, or type:  unset CHROMIUM_PATH')
  process.exitCode = 1
} else {
  ensureProgram({
    name: 'Chromium',
    isThere: () => chromiumPath() !== undefined,
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
}
