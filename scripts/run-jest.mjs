// The one place that knows how jest is started.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const JEST = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url))
// On the command line: NODE_OPTIONS would reach every process that a test starts.
const NODE_ARGS = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  // Each test file leaves much behind that was needed for a moment: fewer, larger collections cost less.
  '--max-semi-space-size=64',
]
const PASSED_ON = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/**
 * @typedef {object} JestRun
 * @property {string} [node] the Node.js that runs it
 * @property {NodeJS.ProcessEnv} [env]
 * @property {'inherit' | 'pipe'} [output] piped, it is returned
 */

/**
 * @param {readonly string[]} args
 * @param {JestRun} [run]
 * @returns {Promise<{ code: number, output: string }>} the code as a shell would say it
 */
export async function runJest(args, { node = process.execPath, env = process.env, output = 'inherit' } = {}) {
  const child = spawn(node, [...NODE_ARGS, JEST, ...args], { env, stdio: ['inherit', output, output] })
  /** @type {Buffer[]} */
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk))
  const pass = (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal)
  for (const signal of PASSED_ON) process.on(signal, pass)
  const [code, signal] = await once(child, 'close')
  for (const signal of PASSED_ON) process.off(signal, pass)
  return {
    code: code ?? 128 + (constants.signals[/** @type {NodeJS.Signals} */ (signal)] ?? 0),
    output: `${Buffer.concat(chunks)}`,
  }
}
