// The fewest options that auth() takes, and how the tests of this folder resolve them: without this machine's environment.
import { ConfigurationError } from '../../src/errors/errors.ts'
import type { Config } from '../../src/options/config.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'

export const SECRET = 'a secret of the option tests which is long enough'

export const VALID = {
  issuerBaseURL: 'https://issuer.example.com',
  baseURL: 'https://app.example.com',
  clientID: 'client',
  clientSecret: 'the client’s secret',
  secret: SECRET,
}

/** Options as a JavaScript caller may write them: anything at all. */
export function resolve(options: object = {}, env: NodeJS.ProcessEnv = {}): Config {
  return resolveOptions({ ...VALID, ...options } as Parameters<typeof resolveOptions>[0], env)
}

/** The message of the mistake that was found; fails where none was, or where something else broke. */
export function mistakeIn(options: object, env: NodeJS.ProcessEnv = {}): string {
  try {
    resolve(options, env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ code: 'invalid_option', status: 500 })
    return (error as Error).message
  }
  throw new Error('no mistake was found')
}

/** Nothing by an option: all that is needed is the environment's. */
export const FROM_ENVIRONMENT = {
  issuerBaseURL: undefined,
  baseURL: undefined,
  clientID: undefined,
  clientSecret: undefined,
  secret: undefined,
}
