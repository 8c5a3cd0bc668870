// What the command was asked for.
import { parseArgs } from 'node:util'

export const USAGE = `Usage: express-bff-session doctor [options]

Reads the environment, as auth() does, asks the provider and Redis what can be asked without a person, and says
what is right, what is not, and what to change.

  --url URL         also look at the app that answers there, as browsers see it
  --env-file FILE   read the environment from this file first; what is set already stays
  --options FILE    a module whose default export is the options that your app gives to auth()
  --json            write JSON
  --help            write this

Ends with 0 where nothing failed, with 1 where something did, with 2 where it cannot be asked like that.
What it asks, and every finding with its cure: docs/doctor.md
`

export interface Asked {
  readonly url: URL | undefined
  readonly envFile: string | undefined
  readonly options: string | undefined
  readonly json: boolean
  readonly help: boolean
}

/** The command was asked for something that there is not. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws UsageError */
export function readArguments(args: readonly string[]): Asked {
  const { values, positionals } = parsed(args)
  const { url, 'env-file': envFile, options, json = false, help = false } = values
  if (help) return { url: undefined, envFile, options, json, help }
  const [command, ...others] = positionals
  if (command !== 'doctor') throw new UsageError(`no such command: ${command ?? 'none was named'}`)
  if (others.length > 0) throw new UsageError(`it takes no '${others[0]}'`)
  return { url: url === undefined ? undefined : webURL(url), envFile, options, json, help }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        url: { type: 'string' },
        'env-file': { type: 'string' },
        options: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function webURL(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError('--url must be the address of your app, such as https://app.example.com')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new UsageError('--url must have no user name, query or fragment')
  return url
}
