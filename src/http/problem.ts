// Our errors as answers: problem details for scripts, a redirect to log in or a short page for people.
import type { Request, Response } from 'express'
import { type AuthError, LoginRequiredError, RefusedError } from '../errors/errors.ts'
import { tellCaches } from '../lib/caching.ts'
import { asBrowsersHaveIt, urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'
import { stepUpParameters } from '../record/step-up.ts'
import { isNavigation } from './navigation.ts'
import { OWN_RESOURCE } from './own-resource.ts'
import { escapeHTML, htmlPage } from './page.ts'
import { redirect } from './redirect.ts'
import { LONGEST_PATH } from './return-to.ts'

/** RFC 9457; `code` and `login_url` are extension members (§3.2). */
interface Problem {
  type: string
  title: string
  status: number
  code: string
  detail: string
  login_url?: string
}

/** By package, file and heading (RFC 9457 §3.1.1 wants it absolute): the documentation has no address that would last yet. */
const ERROR_DOCS = 'urn:express-bff-session:docs/errors.md'

/** RFC 9457 §3.1.3: the same for each occurrence of a type. For pages, their headings. */
const TITLES: Readonly<Record<AuthError['code'], string>> = {
  login_required: 'You are not logged in',
  session_ended: 'Your session has ended',
  renewal_impossible: 'Your session cannot be renewed',
  step_up_required: 'Your identity has to be confirmed',
  provider_required: 'You are logged in elsewhere',
  store_unavailable: 'The session store is out of reach',
  provider_unavailable: 'The login provider is out of reach',
  renewal_pending: 'Your session is still being renewed',
  api_unavailable: 'The service does not answer',
  send_again: 'The request has to be sent again',
  tenant_unavailable: 'This address cannot be looked up',
  callback_malformed: 'You were not logged in: the answer cannot be read',
  login_unknown: 'You were not logged in: this login is not known',
  login_expired: 'You were not logged in: it took too long',
  login_denied: 'You were not logged in: the provider said no',
  login_failed: 'You were not logged in: something went wrong',
  login_refused: 'You were not logged in: this site said no',
  login_malformed: 'You were not logged in: the request cannot be read',
  step_up_failed: 'Your identity was not confirmed',
  claim_required: 'You may not do this',
  access_token_refused: 'You have no access to this service',
  api_refused: 'The service does not take your access',
  request_malformed: 'The request cannot be handed on',
  logout_token_invalid: 'The logout token was refused',
  cross_site: 'Another site sent the request',
  not_a_page_load: 'No person opened this page',
  method_not_allowed: 'This method is not allowed here',
  unsupported_media_type: 'This content type is not taken here',
  content_too_large: 'The content is too large',
  tenant_unknown: 'Nobody is served here',
  invalid_option: 'An option is wrong',
  auth_not_mounted: 'auth() is not mounted',
  auth_mounted_twice: 'Two auth() ran for one request',
  api_not_listed: 'The API is not listed',
  body_already_read: 'The body was read before',
}

/** What belongs to it, whoever answers: it is one person's, and `Retry-After` or `WWW-Authenticate` say what to do. */
export function setErrorHeaders(res: Response, error: AuthError): void {
  tellCaches(res, 'no-store')
  res.set({ ...OWN_RESOURCE, ...error.headers })
}

/** Answers a request that may not pass. Where logging in helps a navigation, the browser is sent to do it. */
export function answerProblem(req: Request, res: Response, error: AuthError, config: Config): void {
  setErrorHeaders(res, error)
  res.vary('Accept, Sec-Fetch-Mode, Sec-Fetch-Dest')
  const loginURL = error instanceof LoginRequiredError ? loginURLFor(req, config, error) : undefined
  if (!isNavigation(req)) {
    const problem: Problem = {
      type: `${ERROR_DOCS}#${error.code}`,
      title: TITLES[error.code],
      status: error.status,
      code: error.code,
      detail: error.message,
      ...(loginURL === undefined ? {} : { login_url: loginURL }),
    }
    res.status(error.status).type('application/problem+json').send(JSON.stringify(problem))
  } else if (loginURL !== undefined && req.method === 'GET') {
    redirect(res, 302, loginURL)
  } else {
    res
      .status(error.status)
      .type('html')
      .send(page(error, config, loginURL))
  }
}

/** Where to log in; back to this page only where it is a page, since a request with a body cannot be sent again. */
function loginURLFor(
  req: Request,
  config: Config,
  { code, provider, stepUp }: LoginRequiredError,
): string | undefined {
  if (config.routes.login === false) return undefined
  const path = urlBelow(config.baseURL, config.routes.login).pathname
  const query = new URLSearchParams(stepUp && stepUpParameters(stepUp))
  // Who was logged in logs in again where they came from.
  const name = provider ?? (code === 'login_required' ? undefined : config.providerName)
  if (name !== undefined) query.set('provider', name)
  const page = asBrowsersHaveIt(req.originalUrl, config.baseURL)
  // A longer address would come back escaped, and longer than Node reads.
  if (req.method === 'GET' && isNavigation(req) && page.length <= LONGEST_PATH) query.set('return_to', page)
  return query.size === 0 ? path : `${path}?${query}`
}

/** A login that did not end well may be begun again; whoever may not do something may not do it after a login either. */
const MENDED_BY_LOGIN: ReadonlySet<AuthError['code']> = new Set([
  'callback_malformed',
  'login_unknown',
  'login_expired',
  'login_denied',
  'login_failed',
  'login_refused',
  'login_malformed',
])

/** Of logins that failed: with which of several providers they were. */
const failedAt = new WeakMap<AuthError, string>()

/** Whoever begins again by the page that tells of it does so with the same provider. */
export function beginsAgainAt(error: AuthError, provider: string): void {
  failedAt.set(error, provider)
}

/** @returns with which of several providers the login was that failed so */
export function failedWith(error: AuthError): string | undefined {
  return failedAt.get(error)
}

/** @param loginURL where what is missing can be asked for; without one, an ordinary login */
function page(error: AuthError, config: Config, loginURL: string | undefined): string {
  const { login } = config.routes
  const provider = failedAt.get(error)
  const query = provider === undefined ? '' : `?${new URLSearchParams({ provider })}`
  const url = loginURL ?? (login === false ? undefined : urlBelow(config.baseURL, login).pathname + query)
  const helps = error instanceof LoginRequiredError || MENDED_BY_LOGIN.has(error.code)
  const again =
    url === undefined || !helps
      ? ''
      : `<p><a href="${escapeHTML(url)}">${error.code === 'step_up_required' ? 'Confirm your identity' : 'Log in again'}</a></p>`
  const title = TITLES[error.code]
  const goesOn = url === undefined || !(error instanceof RefusedError) ? undefined : error.goesOn
  const refresh = goesOn
    ? `<meta http-equiv="refresh" content="0;url=${escapeHTML(`${url}${query === '' ? '?' : '&'}again=${goesOn}`)}">`
    : ''
  return htmlPage(title, `${refresh}<p>${escapeHTML(error.message)}</p>${again}`)
}
