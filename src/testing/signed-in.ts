// Logs somebody in, by the app's own routes, as a browser would.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AuthHandler } from '../index.ts'
import type { LoginOptions, TestPerson } from './people.ts'
import { testProvider } from './test-options.ts'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

interface TestRequest extends PromiseLike<Answer> {
  set(name: string, value: string): TestRequest
  redirects(count: number): TestRequest
  send(body: string): TestRequest
}

/** What `request.agent(app)` of supertest has: it keeps cookies. */
export interface TestAgent {
  get(path: string): TestRequest
  post(path: string): TestRequest
}

export interface SignInOptions extends LoginOptions {
  /** The page that leads to the login: a guarded one, or one with a step-up. @defaultValue `'/login'` */
  at?: string | undefined
  /** Of several, with which provider; then `at` is the path of the login, if it is another than `/login`. @defaultValue the first, or the one that `at` leads to */
  provider?: string | undefined
}

type Ask = (method: 'GET' | 'POST', path: string, form?: string) => PromiseLike<Answer>

const MOST_REDIRECTS = 5

/**
 * Logs somebody in with that agent: its next requests are theirs. Without any more than `sub`, they are somebody of whom nothing
 * is known.
 *
 * @throws Error that says how the login ended, where nobody is logged in
 * @example await signedIn(agent, bff, { sub: 'alice', roles: ['admin'] })
 */
export async function signedIn(
  agent: TestAgent,
  bff: AuthHandler,
  person: TestPerson,
  options: SignInOptions = {},
): Promise<void> {
  const ask: Ask = (method, path, form) => {
    const request = (method === 'GET' ? agent.get(path) : agent.post(path))
      .set('accept', 'text/html')
      .redirects(0)
    return form === undefined ? request : request.set('content-type', FORM).send(form)
  }
  await logIn(ask, bff, person, options)
}

/**
 * The same for whatever sends requests without keeping cookies: headers to send along.
 *
 * @param app anything that `http.createServer()` takes; it is asked on a port of its own, for as long as that takes
 * @example const headers = await signedInHeaders(app, bff, { sub: 'alice' })
 */
export async function signedInHeaders(
  app: RequestListener,
  bff: AuthHandler,
  person: TestPerson,
  options: SignInOptions = {},
): Promise<{ cookie: string }> {
  const server = createServer(app)
  const cookies = new Map<string, string>()
  const header = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const ask: Ask = async (method, path, form) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          accept: 'text/html',
          cookie: header(),
          ...(form !== undefined && { 'content-type': FORM }),
        },
        ...(form !== undefined && { body: form }),
      })
      for (const line of response.headers.getSetCookie()) keepCookie(cookies, line)
      const text = await response.text()
      return { status: response.status, headers: Object.fromEntries(response.headers), text }
    }
    await logIn(ask, bff, person, options)
    return { cookie: header() }
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const FORM = 'application/x-www-form-urlencoded'

async function logIn(
  ask: Ask,
  bff: AuthHandler,
  person: TestPerson,
  { at = '/login', provider, ...options }: SignInOptions,
): Promise<void> {
  await bff.ready()
  const query = provider === undefined ? '' : `?${new URLSearchParams({ provider })}`
  const leaving = await toProvider(ask, at + query)
  const { method, url, params } = testProvider().logIn(leaving, person, options)
  const { pathname } = new URL(url)
  const path = method === 'GET' ? `${pathname}?${params}` : pathname
  let { status, headers, text } = await ask(method, path, method === 'GET' ? undefined : `${params}`)
  // What was posted is gone on with by a page of the same path.
  const onward = headers.location
  if (method === 'POST' && typeof onward === 'string' && onward.includes(pathname))
    ({ status, headers, text } = await ask(
      'GET',
      new URL(onward, url).pathname + new URL(onward, url).search,
    ))
  if (status < 300 || status > 399)
    throw new Error(
      `signedIn(): the login of '${person.sub}' ended with ${status}: ${wordsOf(text)} (an agent has to keep cookies, and Secure ones too where baseURL is https, or for form_post: signedInHeaders() does)`,
    )
}

/** @returns where the browser is sent to log in */
async function toProvider(ask: Ask, at: string): Promise<string> {
  const { issuer } = testProvider()
  let path = at
  for (let count = 0; count < MOST_REDIRECTS; count += 1) {
    const { status, headers, text } = await ask('GET', path)
    const { location } = headers
    if (typeof location !== 'string')
      throw new Error(`signedIn(): GET ${path} leads to no login, but answers ${status}: ${wordsOf(text)}`)
    if (location.startsWith(`${issuer}/`)) return location
    const url = new URL(location, 'http://localhost')
    if (url.origin !== 'http://localhost')
      throw new Error(`signedIn(): ${path} leads to ${url.origin}: is auth() made with testOptions()?`)
    path = url.pathname + url.search
  }
  throw new Error(`signedIn(): ${at} leads nowhere, at last to ${path}`)
}

function wordsOf(text: string): string {
  return text
    .replace(/<[^>]*>|\s+/g, ' ')
    .trim()
    .slice(0, 200)
}

function keepCookie(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const [name = '', ...value] = pair.split('=')
  const expires = attributes
    .map((each) => /^\s*expires=(.*)$/i.exec(each)?.[1])
    .find((each) => each !== undefined)
  if (expires !== undefined && Date.parse(expires) <= Date.now()) cookies.delete(name.trim())
  else cookies.set(name.trim(), value.join('='))
}
