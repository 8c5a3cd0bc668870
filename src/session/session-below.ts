// An express-session that an app mounts below auth() does nothing: it finds a `req.session`, and leaves the request alone.
import { createOnceLog } from '../lib/once-log.ts'
import type { Config } from '../options/config.ts'

const EXPRESS_SESSION = /^\s+at session \(.*[\\/]express-session[\\/]index\.js/m

/** @returns tells the log, where it is express-session's middleware that is about to get `req.session` */
export function createSessionBelowLog({ development, logger }: Config): () => void {
  if (!development) return () => {}
  const sayOnce = createOnceLog(logger.warn)
  return () => {
    if (EXPRESS_SESSION.test(new Error().stack ?? ''))
      sayOnce(
        'an express-session is mounted below auth(), which has given the request a req.session already, so its options (store, secret, cookie) have no effect: leave it out, or put it above auth(), which then uses its session id',
      )
  }
}
