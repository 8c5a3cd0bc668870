// In an app's own tests: a `req.oidc` that they made, in the place of the one that `auth()` would have.
import type { Request } from 'express'
import { ConfigurationError, LoginRequiredError } from '../errors/errors.ts'
import type { User } from '../record/person.ts'

/**
 * @param error why there is no session of ours
 * @param providers of whom somebody may be let through
 * @returns who the tests say is logged in; undefined where there is no such stub, or it is no test
 * @throws LoginRequiredError where they say that nobody is
 */
export function stubbedUser(req: Request, error: unknown, providers?: readonly string[]): User | undefined {
  const isMissing = error instanceof ConfigurationError && error.code === 'auth_not_mounted'
  // There a missing auth() is a mistake, whatever else put its name on the request.
  if (!isMissing || process.env.NODE_ENV === 'production') return undefined
  const { oidc } = req as Partial<Pick<Request, 'oidc'>>
  if (typeof oidc?.isAuthenticated !== 'function') return undefined
  if (oidc.isAuthenticated() !== true) throw new LoginRequiredError('login_required', 'Log in to continue.')
  if (providers?.includes(oidc.session?.provider ?? '') === false)
    throw new LoginRequiredError(
      'provider_required',
      `They say nothing of session.provider '${providers[0]}'.`,
    )
  return { sub: '', ...oidc.user }
}
