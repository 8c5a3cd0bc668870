// The options `clientID` and `clientSecret`.
import { fromEnvironment } from './environment.ts'
import type { Mistakes } from './mistakes.ts'
import { text } from './read-option.ts'

type ClientSecret = string | (() => string | Promise<string>) | undefined

export function resolveCredentials(
  given: { readonly clientID?: unknown; readonly clientSecret?: unknown },
  env: NodeJS.ProcessEnv,
  { attempt }: Mistakes,
): { readonly clientID: string; readonly clientSecret: ClientSecret } {
  return {
    clientID: attempt(() => resolveClientID(given.clientID, env)),
    clientSecret: attempt(() => resolveClientSecret(given.clientSecret ?? env.CLIENT_SECRET), longEnough),
  }
}

/** For HS256, which is checked later. */
const longEnough = () => 'x'.repeat(32)

function resolveClientID(given: unknown, env: NodeJS.ProcessEnv): string {
  const option = 'clientID (CLIENT_ID)'
  const cure = 'is required: the id of this client at the provider'
  return text(given ?? fromEnvironment(env.CLIENT_ID, option), option, cure)
}

function resolveClientSecret(given: unknown): ClientSecret {
  if (given === undefined || given === '') return undefined
  if (typeof given === 'function') return given as () => string | Promise<string>
  const cure = 'must be a string, or a function that gives one; leave it out for a public client'
  return text(given, 'clientSecret (CLIENT_SECRET)', cure)
}
