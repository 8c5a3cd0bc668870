// Where a callback leaves the browser: on the page where the login began, or another that it named; also where its login is done already, or is not known here.
import { attemptsIn, hashState } from '../cookies/login-state.ts'
import { RefusedError } from '../errors/errors.ts'
import { redirect } from '../http/redirect.ts'
import { pageToReturnTo } from '../http/return-to.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'
import type { RequestContext } from '../session/request-context.ts'
import { hostFault } from './other-host.ts'

/** Of many tabs at the same moment each round lets some in, and all who come after the first of them. */
const MOST_ATTEMPTS = 3

const UNKNOWN =
  'This browser has no such login on its way: it was completed, begun elsewhere, or its cookie did not come back. Begin again.'

/** For operators: most often nothing is wrong. */
function cookieHint({ baseURL }: Config): string {
  return `Where it happens at every login: browsers keep its cookie for ${baseURL.origin} (baseURL, BASE_URL), where the login has to begin, and all servers need the same secret (SECRET)`
}

export function landOn({ config, res }: RequestContext, returnTo: string): void {
  redirect(res, 303, pageToReturnTo(returnTo, config))
}

/** The browser's back button, a reload: the page is there already, the session as it was. */
export function alreadyDone(context: RequestContext, state: string): 'already-done' {
  const { config, cookies, logins, session } = context
  const login = session.record?.logins.find(({ stateHash }) => stateHash === hashState(state))
  if (login === undefined && session.record === undefined) {
    // Of many tabs that were restored together the browser remembers some: whoever has another login under way is sent to
    // the provider once more, which knows them by now. Not without one, and not without end: cookies may be off, and then
    // they would go in circles.
    const attempts = attemptsIn(state) + 1
    const goesOn =
      attempts <= MOST_ATTEMPTS && logins.underWay(cookies).some((other) => other.state !== state)
    throw new RefusedError('login_unknown', 400, UNKNOWN, {
      goesOn: goesOn ? attempts : undefined,
      reason: hostFault(context, state) ?? `${UNKNOWN} ${cookieHint(config)}`,
    })
  }
  landOn(context, login?.returnTo ?? urlBelow(config.baseURL, '/').pathname)
  return 'already-done'
}
