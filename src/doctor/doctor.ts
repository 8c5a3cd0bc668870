// Asks all there is to ask: of the environment, of what `auth()` speaks to, and of the app from outside.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AuthHandler, type AuthOptions, auth, isAuthError } from '../index.ts'
import { type Asked, UsageError } from './arguments.ts'
import { type Found, found } from './finding.ts'
import { expectedOf, lookFromOutside } from './outside.ts'

/** What is told there is found here. */
const QUIET = { warn() {}, info() {}, error() {} }

/** @throws UsageError */
export async function runDoctor({ envFile, options: file, url }: Asked): Promise<Found[]> {
  if (envFile !== undefined) loadEnvironment(envFile)
  const options = file === undefined ? {} : await optionsIn(file)
  const bff = opened(options)
  if (Array.isArray(bff)) return bff
  try {
    const [inside, outside] = await Promise.all([
      bff.check(),
      url === undefined ? [] : lookFromOutside(url, expectedOf(options, url)),
    ])
    return [
      found('options', 'ok', 'nothing in the options or the environment is wrong'),
      ...inside,
      ...outside,
    ]
  } finally {
    await bff.close()
  }
}

function opened(options: AuthOptions): AuthHandler | Found[] {
  try {
    return auth({ ...options, logger: QUIET })
  } catch (error) {
    if (!isAuthError(error)) throw error
    const [title = '', ...mistakes] = error.message.replace('auth(): ', '').split('\n- ')
    return (mistakes.length === 0 ? [title] : mistakes).map((mistake) => found('options', 'failed', mistake))
  }
}

function loadEnvironment(file: string): void {
  try {
    process.loadEnvFile(file)
  } catch (error) {
    throw new UsageError(`--env-file ${file} cannot be read (${codeOf(error)})`)
  }
}

async function optionsIn(file: string): Promise<AuthOptions> {
  const module = await import(pathToFileURL(resolve(file)).href).catch((error: unknown) => {
    throw new UsageError(`--options ${file} cannot be loaded (${codeOf(error)})`)
  })
  const { default: options } = module as { default?: unknown }
  if (typeof options === 'object' && options !== null) return options as AuthOptions
  throw new UsageError(`--options ${file} has no default export that is an object`)
}

/** Its message may be anything. */
function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  return String(code ?? name)
}
