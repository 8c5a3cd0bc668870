// Where this machine has a Chromium, or a browser that is made of it.
import { isExecutable, onPath } from './ensure-program.mjs'

/** Without a window, and so without its costs: less than half. Debian has it as a package of its own. */
export const SHELL = 'chromium-headless-shell'
const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const MAC_APPS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * What `CHROMIUM_PATH` names, else the first that is found; undefined where there is none.
 *
 * @param {{ whole?: boolean }} [options] `whole` where the headless shell, which keeps no page for the way back, is not enough
 */
export function chromiumPath({ whole = false } = {}) {
  const given = process.env.CHROMIUM_PATH
  if (given) return isExecutable(given) ? given : undefined
  for (const command of whole ? COMMANDS : [SHELL, ...COMMANDS]) {
    const file = onPath(command)
    if (file !== undefined) return file
  }
  return MAC_APPS.find(isExecutable)
}
