// The provider that a callback has to be from: the one that its login was sent to, at the address that was named to it.
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { RefusedError } from '../errors/errors.ts'
import { onlyMethods } from '../http/method-and-query.ts'
import { comparablePath } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'
import { contextIn, type RequestContext } from '../session/request-context.ts'
import type { Services } from '../session/services.ts'

/**
 * The login says it, which is sealed; nothing in the callback does (RFC 9700 §4.4.2). A provider that leads the browser to
 * another, to get at the code from there, makes it come back to that one's address, or with that one's `iss`.
 *
 * @throws RefusedError
 */
export function atProviderOf(context: RequestContext, transaction: LoginTransaction): RequestContext {
  const own = sentTo(context, transaction)
  if (own === undefined || own.config.issuer.href !== transaction.issuer)
    throw unknown('The login was begun at another provider. Begin again.')
  if (!isAt(context, own.config)) throw unknown('The login was to come back to another address. Begin again.')
  if (!own.config.formPost) onlyMethods(context, ['GET'])
  return contextIn(own, context)
}

/** Where nothing is known of the login: the first that has this address. */
export function atAddress(context: RequestContext): RequestContext {
  const own = context.realms.all.find(({ config }) => isAt(context, config))
  return own === undefined || isAt(context, context.config) ? context : contextIn(own, context)
}

export function isAt({ req }: Pick<RequestContext, 'req'>, { routes }: Pick<Config, 'routes'>): boolean {
  return comparablePath(req.path) === comparablePath(routes.callback)
}

function sentTo({ realms }: RequestContext, { issuer, provider }: LoginTransaction): Services | undefined {
  if (provider !== undefined) return realms.byName(provider)
  // It was begun before there were several.
  return realms.all.find(({ config }) => config.issuer.href === issuer)
}

function unknown(message: string): RefusedError {
  return new RefusedError('login_unknown', 400, message)
}
