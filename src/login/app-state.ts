// State of the app's own, from where a login begins to afterCallback: JSON, and short, since the login's cookie holds it.
import { type ConfigurationError, LoginRequiredError } from '../errors/errors.ts'
import type { AppState } from '../options/login.ts'
import { argumentError, optionError } from '../options/read-option.ts'
import { isPlainObject } from '../options/verdict.ts'
import type { RequestContext } from '../session/request-context.ts'

/** Beside the rest of a login it fits into the longest of a browser's cookies. */
const MOST_BYTES = 1000

/**
 * @param given to `res.oidc.login()`; without it the option `login.appState` is asked, so never for what a link says
 * @throws ConfigurationError for what cannot be kept
 */
export async function appStateOf(
  { config, req }: Pick<RequestContext, 'config' | 'req'>,
  returnTo: string,
  given: unknown,
): Promise<AppState | undefined> {
  if (given !== undefined)
    return checked(given, (fault) => argumentError('res.oidc.login()', 'appState', fault))
  const asked = await ask(config.login.appState, req, returnTo)
  return asked === undefined
    ? undefined
    : checked(asked, (fault) => optionError('what login.appState returns', fault))
}

type Ask = RequestContext['config']['login']['appState']

async function ask(appState: Ask, req: RequestContext['req'], returnTo: string): Promise<unknown> {
  try {
    return await appState?.(req, { returnTo })
  } catch (error) {
    // Whoever asks for the session here would be sent to log in, which is what they are doing.
    if (!(error instanceof LoginRequiredError)) throw error
    throw new TypeError(`login.appState() ran into '${error.code}': it is asked before there is a session`)
  }
}

function checked(state: unknown, mistake: (fault: string) => ConfigurationError): AppState {
  const text = isPlainObject(state) ? jsonOf(state) : undefined
  if (text === undefined) throw mistake("must be an object that JSON can hold, such as { invitation: 'k7Q' }")
  const bytes = Buffer.byteLength(text)
  if (bytes <= MOST_BYTES) return JSON.parse(text)
  throw mistake(
    `must be at most ${MOST_BYTES} bytes of JSON, not ${bytes}: a cookie holds it. Keep what is long in req.session, which is kept through a login`,
  )
}

/** @returns undefined where it would come out as something else */
function jsonOf(state: object): string | undefined {
  try {
    const text = JSON.stringify(state)
    return isJSON(state) ? text : undefined
  } catch {
    return undefined
  }
}

function isJSON(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isJSON)
  // What is undefined is left out, as JSON does.
  if (isPlainObject(value)) return Object.values(value).every((part) => part === undefined || isJSON(part))
  return value === null || Number.isFinite(value) || typeof value === 'string' || typeof value === 'boolean'
}
