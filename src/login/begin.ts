// Begins a login: remembers it in the browser, and sends the browser to the provider.
import { applyCookies } from '../cookies/cookies.ts'
import type { LoginWishes } from '../cookies/login-transaction.ts'
import type { Operation } from '../events/operations.ts'
import { redirect } from '../http/redirect.ts'
import { pageToReturnTo } from '../http/return-to.ts'
import type { Config } from '../options/config.ts'
import type { AppState } from '../options/login.ts'
import type { IdTokenClaims } from '../record/id-token-claims.ts'
import type { StepUp } from '../record/step-up.ts'
import type { RequestContext } from '../session/request-context.ts'
import { appStateOf } from './app-state.ts'
import { noteHost } from './other-host.ts'
import { sessionHere } from './session-here.ts'

export interface LoginRequest {
  /** Where the browser wants to be after it; anything that is no page to return to becomes the default. */
  readonly returnTo: unknown
  readonly stepUp?: StepUp | undefined
  readonly silent?: true
  readonly attempts?: number
  /** Parameters over those of the options; `prompt=none` among them makes it a silent one. */
  readonly asked?: Readonly<Record<string, string>> | undefined
  /** Without it the app is asked. */
  readonly appState?: AppState | undefined
}

/** Of what is put around a login: the cookie has little room. */
const MOST_CARRIED = 128

export function beginLogin(context: RequestContext, request: LoginRequest): Promise<void> {
  const operation: Operation & { name: 'login' } = { name: 'login', ...context.events.origin }
  const begin = () => sendToProvider(context, request, carriedBy(operation))
  return context.operations.run(operation, begin, () => ({ outcome: 'begun' }))
}

function carriedBy({ carry }: { carry?: unknown }): string | undefined {
  return typeof carry === 'string' ? carry.slice(0, MOST_CARRIED) : undefined
}

/** Where there is one issuer only, it is not carried along. */
function personIn({ issuerTenants }: Config, claims: IdTokenClaims | undefined) {
  return { sub: claims?.sub, ...(issuerTenants !== undefined && { iss: claims?.iss }) }
}

async function sendToProvider(
  { config, logins, operations, provider, store, ...request }: RequestContext,
  { returnTo, stepUp, silent, attempts, asked = {}, appState: given }: LoginRequest,
  carried: string | undefined,
): Promise<void> {
  request.session.requireKnown()
  const page = pageToReturnTo(returnTo, config)
  const appState = await appStateOf({ config, req: request.req }, page, given)
  // The store's clock; and where there is no store, a login could not be completed either.
  const now = await store.now()
  const wishes: LoginWishes = {
    ...(config.isOneOfSeveral && { redirectURI: config.redirectURI.href }),
    ...(stepUp && {
      stepUp: { ...stepUp, ...personIn(config, sessionHere({ config, ...request })?.claims) },
    }),
    ...(Object.keys(asked).length > 0 && { asked }),
    ...((silent || asked.prompt === 'none') && { silent: true }),
    ...(attempts && { attempts }),
    ...(appState && { appState }),
    ...(carried && { carried }),
  }
  const transaction = logins.create(config, page, now, wishes)
  const url = await provider.authorizationURL(transaction, config.redirectURI, now)
  noteHost({ config, operations, req: request.req }, transaction.state)
  applyCookies(request.res, logins.remember(transaction, request.cookies))
  // RFC 9700 §4.12: what was posted is not posted on.
  redirect(request.res, request.req.method === 'POST' ? 303 : 302, url.href)
}
