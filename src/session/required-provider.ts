// Guards that let through who comes from some of several providers only.
import { ConfigurationError, LoginRequiredError } from '../errors/errors.ts'
import { nearest } from '../options/read-option.ts'
import type { StepUp } from '../record/step-up.ts'
import type { RequestContext } from './request-context.ts'

export interface ProviderWish {
  /**
   * With the option `providers`: lets through who logged in with this one, or with one of these. Whoever did not is sent to
   * the first of them. @defaultValue any
   */
  provider?: string | readonly string[] | undefined
}

/** @returns undefined: any @throws ConfigurationError for what is no name */
export function readProviders(guard: string, wish: ProviderWish): readonly string[] | undefined {
  checkForm(guard, wish)
  if (wish.provider === undefined) return undefined
  const names = [wish.provider].flat()
  if (names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')) return names
  throw new ConfigurationError(
    'invalid_option',
    `${guard}(): provider must be a name of the option providers, or a list of them`,
  )
}

/** What is written in another way would be no wish, and everybody be let through. @throws ConfigurationError */
function checkForm(guard: string, wish: unknown): void {
  const isBare = typeof wish === 'string' || Array.isArray(wish)
  const misspelt = isBare ? '' : Object.keys(Object(wish)).find(isNearlyProvider)
  if (misspelt === undefined) return
  const found = isBare ? 'a name alone' : `'${misspelt}'`
  throw new ConfigurationError('invalid_option', `${guard}(): must be given { provider }, not ${found}`)
}

function isNearlyProvider(name: string): boolean {
  return name !== 'provider' && (nearest(name, ['provider'])?.distance ?? 3) <= 2
}

/**
 * @throws LoginRequiredError, TryLaterError; ConfigurationError for a name that `auth()` does not know
 * @internal
 */
export function requireProvider(
  { config, session }: Pick<RequestContext, 'config' | 'session'>,
  names: readonly string[],
  guard: string,
  stepUp: StepUp | undefined,
): void {
  checkNames(names, config.providerNames, guard)
  session.requireKnown()
  const { isAnonymous } = session
  if (!isAnonymous && names.includes(config.providerName ?? '')) return
  const [first = ''] = names
  throw session.record === undefined
    ? new LoginRequiredError('login_required', 'Log in to continue.', stepUp, first)
    : new LoginRequiredError('provider_required', `Log in with '${first}' to continue.`, stepUp, first)
}

/** A guard is made before it knows whose requests it will see. */
function checkNames(names: readonly string[], known: readonly string[], guard: string): void {
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new ConfigurationError('invalid_option', `${guard}(): provider ${unknownProvider(unknown, known)}`)
}

/** @returns what is wrong with it, and which one may be meant */
export function unknownProvider(name: string, known: readonly string[]): string {
  const what = `is ${JSON.stringify(name.slice(0, 64))}, which is none of the option providers`
  if (known.length === 0) return `${what}: it is not given, and there is one provider only`
  const near = nearest(name, known)
  const isNear = near !== undefined && near.distance <= Math.max(2, name.length / 3)
  return isNear ? `${what}; did you mean '${near.candidate}'?` : `${what}: they are ${known.join(', ')}`
}
