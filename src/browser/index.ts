// For the page: who is logged in, requests that come back from a login, and tabs that agree when it is over.
// One file, and types beside it: a server without a bundler sends it as it is.
import type { LoginOptions, Me, Problem, ProblemCode, ReturnOptions, SessionEndEvent } from './answers.ts'

export type { LoginOptions, Me, PageUser, ProblemCode, ReturnOptions, SessionEndEvent } from './answers.ts'

/** The person has to log in (again), or to confirm who they are (401); or try later (503). */
export class BffError extends Error {
  override readonly name = 'BffError'
  readonly status: number
  /** Undefined where the answer was none of this package's. */
  readonly code: ProblemCode | undefined
  /** Where to log in or to confirm: an address of this site, or undefined. */
  readonly loginURL: string | undefined

  constructor(status: number, { code, detail, login_url }: Problem) {
    super(detail ?? `${status}`)
    this.status = status
    this.code = code
    this.loginURL = ours(login_url)?.href
  }
}

const TO_LOG_IN = /^(login_required|session_ended|renewal_impossible|(step_up|provider)_required)$/
const MOST_RETRIES = 2
const LONGEST_SECONDS = 5
/** Who is sent to log in and comes back without a session is not sent again at once, and of two requests only one sends. */
const ONCE_IN_MS = 10_000
/** Longer ones the server does not return to. */
const LONGEST_PATH = 2048

const paths = { me: '/me', login: '/login', logout: '/logout' }
const events = new EventTarget()
let tabs: BroadcastChannel | undefined
/** Whose page this is (`sub`); null: nobody's; undefined: nobody has asked. */
let person: string | null | undefined
/** A listener wants the page to stay. */
let stays = false

/** Before anything else, where the server's routes are not `/me`, `/login` and `/logout`. @example configure({ me: '/whoami' }) */
export function configure(given: Partial<typeof paths>): void {
  Object.assign(paths, given)
}

/**
 * Who is logged in; undefined: nobody. Asking does not keep the session from its idle end.
 *
 * @example const person = await me().catch(() => undefined)
 * @throws BffError (503) where nobody can say just now; that is no logout
 */
export function me(): Promise<Me | undefined> {
  return ask(false)
}

/**
 * The browser's own `fetch`, for this site alone, with a header that a page of another site cannot send unasked. An answer
 * that asks for a login sends the page there and back, once the listeners of `onSessionEnd()` know. What could not be
 * answered just now (503) is asked again, if it is a GET.
 *
 * @example const orders = await (await fetch('/api/orders')).json()
 * @throws BffError (401) where the person has to act first: log in, or confirm who they are by `stepUp(error)`
 * @throws TypeError for another site, and where `fetch` does
 */
export async function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  // For redirects too: the header leaves for no other site.
  const request = new Request(input, { ...init, mode: 'same-origin', credentials: 'same-origin' })
  if (!ours(request.url)) throw new TypeError(`fetch() is for this site alone: ${request.url}`)
  const response = await send(request)
  const problem = response.status === 401 ? await problemIn(response) : {}
  const to = TO_LOG_IN.exec(`${problem.code}`)
  if (!to) return response
  const error = new BffError(401, problem)
  if (!to[2]) {
    if (person !== null) {
      person = null
      stays = !ended(problem.code)
      tellTabs()
    }
    if (!stays && error.loginURL && !wasSent()) go(error.loginURL)
  }
  throw error
}

/**
 * Leaves for the login, and comes back. With `prompt: 'none'`, which asks nobody anything, once in ten seconds at most.
 *
 * @example login({ returnTo: '/welcome', provider: 'customers', authorizationParams: { screen_hint: 'signup' } })
 */
export function login(options?: LoginOptions): void {
  go(paths.login, options)
}

/** Leaves for the logout, here and at the provider; other tabs hear of it. @example logout() */
export function logout(): void {
  // When the page is left, the server has answered: who asks it then is told.
  addEventListener('pagehide', tellTabs, { once: true })
  // No `fetch`: the redirect to the provider carries the ID token, and a script might read it.
  location.assign(paths.logout)
}

/** Leaves for the provider, where the person confirms who they are or logs in as it is needed, and comes back. @param problem or its `login_url` @example if (error instanceof BffError) stepUp(error) */
export function stepUp(problem: BffError | string, options?: ReturnOptions): void {
  go(typeof problem === 'string' ? problem : problem.loginURL, options)
}

/**
 * Tells once that the session is over, or somebody else's, wherever that happened: here, in another tab, at the provider,
 * or while the page was hidden or left.
 *
 * @example onSessionEnd((event) => event.preventDefault()) // the page stays
 * @returns stops it
 */
export function onSessionEnd(listener: (event: SessionEndEvent) => void): () => void {
  watch()
  events.addEventListener('end', listener as EventListener)
  return () => events.removeEventListener('end', listener as EventListener)
}

/** @param wasShown the page was somebody's before: nobody is a change then */
async function ask(wasShown: boolean): Promise<Me | undefined> {
  const response = await send(new Request(paths.me, { mode: 'same-origin', cache: 'no-store' }))
  if (!response.ok) throw new BffError(response.status, await problemIn(response))
  const { authenticated, ...answer } = await response.json()
  const [before, now] = [person, authenticated ? answer.user.sub : null]
  person = now
  if (before ? before !== now : wasShown && before === undefined && !now) stays = !ended()
  return authenticated ? answer : undefined
}

async function send(request: Request): Promise<Response> {
  const { headers, method, signal } = request
  if (!headers.has('x-requested-with')) headers.set('x-requested-with', 'XMLHttpRequest')
  for (let retries = 0; ; retries += 1) {
    const response = await globalThis.fetch(request)
    const seconds = Number(response.headers.get('retry-after'))
    if (response.status !== 503 || method !== 'GET' || retries === MOST_RETRIES) return response
    if (!seconds || seconds > LONGEST_SECONDS) return response
    await new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000)
      signal.addEventListener('abort', resolve)
    })
  }
}

/** An answer that is no problem is an empty one. */
async function problemIn(response: Response): Promise<Problem> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return {}
  const body = response.clone().json()
  return (await body.catch(() => {})) ?? {}
}

/** False where a listener wants the page to stay. */
const ended = (detail?: ProblemCode) =>
  events.dispatchEvent(new CustomEvent('end', { detail, cancelable: true }))

/** From now on whoever could not be asked is asked again at the next occasion. */
function watch(): BroadcastChannel {
  if (tabs) return tabs
  const look = () => void ask(true).catch(() => {})
  tabs = new BroadcastChannel('express-bff-session')
  tabs.onmessage = look
  addEventListener('pageshow', ({ persisted }) => persisted && look())
  document.addEventListener('visibilitychange', () => document.hidden || look())
  return tabs
}

/** Nothing but that it is worth asking. */
const tellTabs = () => watch().postMessage('ended')

function go(to?: string, { returnTo, authorizationParams = {}, provider }: LoginOptions = {}): void {
  const url = ours(to)
  if (!url) throw new TypeError(`This is no page of this site: ${to}`)
  if (authorizationParams.prompt === 'none' && wasSent('bff-silent-at')) return
  for (const [name, value] of Object.entries({ ...authorizationParams, provider }))
    if (value) url.searchParams.set(name, value)
  const { pathname, search, hash } = location
  const here = pathname + search
  const whole = here + hash
  url.searchParams.set('return_to', returnTo ?? (whole.length > LONGEST_PATH ? here : whole))
  location.assign(url)
}

/** An address of this site. By its protocol too: a `blob:` has our origin, and `javascript:` has none. */
function ours(address: string | undefined): URL | undefined {
  const url = address && URL.canParse(address, location.href) && new URL(address, location.href)
  return url && url.origin === location.origin && url.protocol === location.protocol ? url : undefined
}

/** @returns whether this tab was sent to log in a moment ago; if not, it is now */
function wasSent(key = 'bff-sent-at'): boolean {
  try {
    // Nothing is some fifty years ago.
    if (Math.abs(Date.now() - (sessionStorage[key] ?? 0)) < ONCE_IN_MS) return true
    sessionStorage[key] = Date.now()
    return false
  } catch {
    // A browser that keeps nothing here keeps no cookie either, and no login would last.
    return true
  }
}
