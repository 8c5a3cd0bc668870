// A command of a project, run to its end.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** npm and compilers come to an end by far sooner, or hang. */
const HANGS_MS = 280_000

/**
 * The environment is ours, less what would tell it that it runs within our own tests.
 *
 * @returns what it has written to stdout
 */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { NODE_ENV: _, NODE_OPTIONS: __, JEST_WORKER_ID: ___, ...env } = process.env
  try {
    const options = { cwd, env, timeout: HANGS_MS, maxBuffer: 64 * 1024 * 1024 }
    return (await promisify(execFile)(command, args, options)).stdout
  } catch (error) {
    // tsc and npm say what is wrong on stdout, which Node.js leaves out of the message.
    const { message, stdout } = error as Error & { stdout?: string }
    throw new Error(`${message}\n${stdout ?? ''}`)
  }
}
