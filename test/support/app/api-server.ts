// An API for relays to hand requests on to: it writes down what comes, and answers as the test says.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { readAll } from '../bodies.ts'
import { closeServer, listen } from '../listen.ts'

export interface ApiRequest {
  method: string
  url: string
  headers: IncomingHttpHeaders
  rawHeaders: string[]
  /** once all of it was read */
  body?: string
}

export type ApiHandler = (req: IncomingMessage, res: ServerResponse) => unknown

export interface ApiServer {
  /** where it listens; no slash at the end */
  readonly url: string
  readonly server: Server
  /** in the order in which they came */
  readonly seen: ApiRequest[]
  /** how it answers from now on */
  answer(handler: ApiHandler): void
  /** as at the beginning: 200, with what came */
  echo(): void
  stop(): Promise<void>
}

export async function startApiServer(): Promise<ApiServer> {
  const seen: ApiRequest[] = []
  let handler: ApiHandler = echo
  const server = createServer((req, res) => take(req, res))
  // To answer a request before its body is allowed, a handler has to see it first.
  server.on('checkContinue', (req, res) => take(req, res))
  const port = await listen(server, '127.0.0.1')

  function take(req: IncomingMessage, res: ServerResponse) {
    const { method = '', url = '', headers, rawHeaders } = req
    seen.push({ method, url, headers, rawHeaders })
    handler(req, res)
  }

  async function echo(req: IncomingMessage, res: ServerResponse) {
    const entry = seen.at(-1)
    if (req.headers.expect !== undefined) res.writeContinue()
    const body = `${await readAll(req)}`
    if (entry) entry.body = body
    res.setHeader('content-type', 'application/json')
    // Not the headers: the token is among them, and comes back to the browser no other way.
    res.end(JSON.stringify({ method: req.method, url: req.url, body }))
  }

  return {
    url: `http://127.0.0.1:${port}`,
    server,
    seen,
    answer(next) {
      handler = next
    },
    echo() {
      handler = echo
    },
    stop: () => closeServer(server),
  }
}
