// Where baseURL and the place of auth() do not fit together, the callback is somewhere else: the log says so.
import type { Request } from 'express'
import { createOnceLog } from '../lib/once-log.ts'
import { comparablePath } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'

/** @returns tells the log, where a request to one of our routes, or to none of them, shows it */
export function createMisplacedCallbackLog({ baseURL, development, logger, redirectURI, routes }: Config) {
  const sayOnce = createOnceLog(logger.warn)
  const { pathname } = redirectURI
  const isBelowPath = pathname !== routes.callback
  const basePath = baseURL.pathname.replace(/\/$/, '')

  return (req: Request, isOurs: boolean): void => {
    if (isOurs) {
      // A proxy may add a path in production.
      if (development && !comparablePath(basePath).endsWith(comparablePath(req.baseUrl)))
        sayOnce(
          `auth() is mounted below ${req.baseUrl}, and baseURL (BASE_URL) is ${baseURL.href}, so the callback goes to ${pathname}, where auth() does not answer: add the path to baseURL`,
        )
    } else if (isBelowPath && req.path === pathname && req.query.state !== undefined)
      sayOnce(
        `a callback came to ${pathname}, as baseURL (BASE_URL) has it, and auth() answers at ${routes.callback} here: mount it below the path, as app.use('${basePath}', auth()), have the proxy take the path off, or leave it out of baseURL`,
      )
  }
}
