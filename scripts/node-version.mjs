// Another version of Node.js, as the npm package `node` brings it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What was fetched before is used again; `npm ci` removes it.
 *
 * @param {string} wanted `24`, or `24.9.0`
 * @returns {{ node: string, version: string }} the program, and what it says that it is
 */
export function bringNode(wanted) {
  const folder = fileURLToPath(new URL(`../node_modules/.cache/node-${wanted}/`, import.meta.url))
  const node = `${folder}node_modules/node/bin/node`
  try {
    return { node, version: versionOf(node) }
  } catch {
    mkdirSync(folder, { recursive: true })
    // Its script fetches the program for this machine; npm runs none that is not allowed.
    writeFileSync(`${folder}package.json`, JSON.stringify({ private: true, allowScripts: { node: true } }))
    execFileSync('npm', ['install', '--no-save', '--loglevel=error', `node@${wanted}`], {
      cwd: folder,
      // Output goes to stderr, so that `--json` keeps stdout to itself.
      stdio: ['ignore', 2, 2],
    })
    return { node, version: versionOf(node) }
  }
}

/** @param {string} node */
function versionOf(node) {
  return execFileSync(node, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/** So that a `node` or an `npm` by its name runs on it too. @param {string} node */
export function environmentOf(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` }
}
