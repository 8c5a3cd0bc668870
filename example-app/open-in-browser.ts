// `npm start -- --open`: shows the bank in the browser of this machine, by what its system has for that.
import { spawn } from 'node:child_process'

const OPENERS: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ['open'],
  // Not `start`: it belongs to a shell, to which an address may be a command.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** @param whenItCannot is called where there is no browser: the app runs all the same */
export function openInBrowser(url: string, whenItCannot: () => void): void {
  const [command = '', ...options] = OPENERS[process.platform] ?? ['xdg-open']
  const opener = spawn(command, [...options, url], { stdio: 'ignore', detached: true })
  opener.once('error', whenItCannot)
  opener.once('exit', (code) => code && whenItCannot())
  opener.unref()
}
