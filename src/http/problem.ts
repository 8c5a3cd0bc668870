// Our errors as answers: problem details for scripts, a redirect to log in or a short page for people.
import type { Request, Response } from 'express'
import { type AuthError, LoginRequiredError } from '../errors.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'
import { type StepUp, stepUpParameters } from '../record/step-up.ts'
import { isNavigation } from './navigation.ts'
import { redirect } from './redirect.ts'
import { LONGEST_PATH } from './return-to.ts'

/** RFC 9457; `code` and `login_url` are extension members (§3.2). */
interface Problem {
  type: 'about:blank'
  title: string
  status: number
  code: string
  detail: string
  login_url?: string
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  503: 'Service Unavailable',
}

/** Answers a request that may not pass. Where logging in helps a navigation, the browser is sent to do it. */
export function answerProblem(req: Request, res: Response, error: AuthError, config: Config): void {
  res.set('cache-control', 'no-store')
  res.vary('Accept, Sec-Fetch-Mode, Sec-Fetch-Dest')
  res.set({ ...error.headers })
  const loginURL = error instanceof LoginRequiredError ? loginURLFor(req, config, error.stepUp) : undefined
  if (!isNavigation(req)) {
    const problem: Problem = {
      type: 'about:blank',
      title: TITLES[error.status] ?? 'Error',
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
function loginURLFor(req: Request, config: Config, stepUp: StepUp | undefined): string | undefined {
  if (config.routes.login === false) return undefined
  const path = urlBelow(config.baseURL, config.routes.login).pathname
  const query = new URLSearchParams(stepUp && stepUpParameters(stepUp))
  const { originalUrl } = req
  // A longer address would come back escaped, and longer than Node reads.
  if (req.method === 'GET' && isNavigation(req) && originalUrl.length <= LONGEST_PATH)
    query.set('return_to', originalUrl)
  return query.size === 0 ? path : `${path}?${query}`
}

/** @param loginURL where what is missing can be asked for; without one, an ordinary login */
function page(error: AuthError, config: Config, loginURL: string | undefined): string {
  const { login } = config.routes
  const url = loginURL ?? (login === false ? undefined : urlBelow(config.baseURL, login).pathname)
  const again =
    url === undefined || error.status === 503
      ? ''
      : `<p><a href="${escapeHTML(url)}">${error.code === 'step_up_required' ? 'Confirm your identity' : 'Log in again'}</a></p>`
  const title = /^(?:login|callback)_/.test(error.code)
    ? 'You were not logged in'
    : (TITLES[error.status] ?? 'Error')
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHTML(title)}</title><h1>${escapeHTML(title)}</h1>
<p>${escapeHTML(error.message)}</p>${again}</html>`
}

function escapeHTML(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
