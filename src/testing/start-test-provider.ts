// The same provider on a port, for browsers: Playwright, Cypress, or a person.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestPerson } from './people.ts'
import { createTestProvider, type TestProvider } from './provider.ts'

export interface StartedTestProvider extends Omit<TestProvider, 'fetch' | 'logIn'> {
  /** For the app's environment: `ISSUER_BASE_URL`, `CLIENT_ID`, `CLIENT_SECRET`. */
  readonly env: {
    readonly ISSUER_BASE_URL: string
    readonly CLIENT_ID: string
    readonly CLIENT_SECRET: string
  }
  stop(): Promise<void>
}

export interface StartTestProviderOptions {
  /** @defaultValue a free one */
  port?: number | undefined
  /** Who may be chosen, with all that is said of them; any other name may be written too. @defaultValue nobody */
  people?: readonly TestPerson[] | undefined
}

/**
 * Its page has a field `sub` and a button; `getByLabel('Who are you?')` finds the field.
 *
 * @example const provider = await startTestProvider({ people: [{ sub: 'alice', roles: ['admin'] }] })
 */
export async function startTestProvider({
  port = 0,
  people = [],
}: StartTestProviderOptions = {}): Promise<StartedTestProvider> {
  const server = createServer((req, res) => {
    serve(req, res).catch((error: Error) => res.writeHead(500).end(error.message))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const { fetch, logIn, ...provider } = createTestProvider(issuer)

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', issuer)
    const body = req.method === 'POST' ? await text(req) : null
    if (url.pathname === '/logout') {
      res.writeHead(302, { location: url.searchParams.get('post_logout_redirect_uri') ?? '/' }).end()
    } else if (url.pathname !== '/authorize') {
      const request = {
        method: req.method ?? 'GET',
        headers: headersOf(req),
        body,
        redirect: 'manual' as const,
      }
      const answer = await fetch(url.href, { ...request, signal: new AbortController().signal })
      res.writeHead(answer.status, { 'content-type': 'application/json' })
      for await (const chunk of answer.body ?? []) res.write(chunk)
      res.end()
    } else if (body === null) {
      res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(people))
    } else {
      const sub = new URLSearchParams(body).get('sub') ?? ''
      const back = logIn(url.href, people.find((person) => person.sub === sub) ?? { sub })
      res.writeHead(303, { location: `${back.url}?${back.params}` }).end()
    }
  }

  return {
    ...provider,
    issuer,
    env: {
      ISSUER_BASE_URL: issuer,
      CLIENT_ID: 'test',
      CLIENT_SECRET: 'a-secret-of-the-tests-and-of-nobody-else',
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function headersOf(req: IncomingMessage): Record<string, string> {
  return { authorization: req.headers.authorization ?? '' }
}

function page(people: readonly TestPerson[]): string {
  const options = people.map(
    ({ sub }) => `<option value="${sub.replace(/[&"<]/g, (one) => `&#${one.charCodeAt(0)};`)}">`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Log in</title>
<form method="post"><label>Who are you? <input name="sub" list="people" required autofocus></label>
<datalist id="people">${options.join('')}</datalist><button>Log in</button></form></html>`
}
