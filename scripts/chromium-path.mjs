// Where this machine has a Chromium, or a browser that is made of it.
import { isExecutable, onPath } from './ensure-program.mjs'

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const MAC_APPS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** What `CHROMIUM_PATH` names, else the first that is found; undefined where there is none. */
export function chromiumPath() {
  const given = process.env.CHROMIUM_PATH
  if (given) return isExecutable(given) ? given : undefined
  for (const command of COMMANDS) {
    const file = onPath(command)
    if (file !== undefined) return file
  }
  return MAC_APPS.find(isExecutable)
}
