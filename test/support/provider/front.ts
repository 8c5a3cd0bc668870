// The HTTP server in front of the provider: it writes down what comes, and lets a test interfere.
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTLSServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { readAll } from '../bodies.ts'
import { closeServer, listen, listenAgain, resetConnection } from '../listen.ts'
import { type Answer, type Cut, createFaults } from './faults.ts'
import { ask } from './in-process.ts'
import { type RawRequest, type SeenRequest, seeRequest, thumbprint } from './seen-requests.ts'

const HOST = '127.0.0.1'

/** TLS in front of the provider: clients may show a certificate, and it is the provider that judges it. */
export interface FrontTLS {
  cert: string
  key: string
  /** issues certificates of clients */
  ca: string
}

/** A connection on which a client showed a certificate. */
export interface ShownCertificate {
  readonly thumbprint: string
  isOpen: boolean
}

export async function createFront(onAnswer: (answer: Answer) => void, tls?: FrontTLS) {
  const faults = createFaults()
  const seen: SeenRequest[] = []
  const turns = new Map<string, Promise<unknown>>()
  let provider: RequestListener | undefined
  let isUp = true

  const listener = (req: IncomingMessage, res: ServerResponse) => {
    answer(req, res).catch((error: unknown) => {
      // A client that went away, or a provider that a test stopped meanwhile, is no fault of anybody's.
      if (!req.complete || res.destroyed || !isUp) return
      process.emitWarning(error instanceof Error ? error : new Error(String(error)))
      res.destroy()
    })
  }
  const server = tls
    ? createTLSServer({ ...tls, requestCert: true, rejectUnauthorized: false }, listener)
    : createServer(listener)
  const shown: ShownCertificate[] = []
  server.on('secureConnection', (socket: TLSSocket) => {
    const raw = socket.getPeerX509Certificate()?.raw
    if (raw === undefined) return
    const connection = { thumbprint: thumbprint(raw.toString('base64')), isOpen: true }
    shown.push(connection)
    socket.once('close', () => {
      connection.isOpen = false
    })
  })
  const port = await listen(server, HOST)

  async function answer(req: IncomingMessage, res: ServerResponse) {
    const raw = {
      method: req.method ?? '',
      url: req.url ?? '',
      headers: { ...req.headers, ...(tls && tlsHeaders(req.socket as TLSSocket)) },
      body: await readAll(req),
    }
    const entry = seeRequest(raw)
    seen.push(entry)
    res.once('close', () => {
      entry.endedAt = Date.now()
    })
    const handle = faults.take(entry)
    const forward = () => inTurn(entry, () => askProvider(raw))
    const outcome = await (handle ? handle(forward, entry) : forward())
    if (!res.destroyed) send(res, entry, outcome)
  }

  // oidc-provider reads a refresh token and marks it as spent in two steps: two requests at the very same moment
  // would both succeed. A strict provider lets only one of them.
  function inTurn(entry: SeenRequest, ask: () => Promise<Answer>): Promise<Answer> {
    const token = entry.refreshTokenHash
    if (!token) return ask()
    const turn = (turns.get(token) ?? Promise.resolve()).then(ask, ask)
    turns.set(token, turn)
    return turn
  }

  async function askProvider(raw: RawRequest): Promise<Answer> {
    if (provider === undefined) throw new Error('there is no provider behind the front yet')
    const answered = await ask(provider, raw)
    onAnswer(answered)
    return answered
  }

  function send(res: ServerResponse, entry: SeenRequest, outcome: Answer | Cut) {
    if (outcome === 'cut') return cut(res)
    const answered = 'cutMidway' in outcome ? outcome.cutMidway : outcome
    const body = bytes(answered.body)
    if (answered.body instanceof Buffer === false) onAnswer(answered)
    const json = typeof answered.body === 'object' && !(answered.body instanceof Buffer)
    const headers = { ...(json && { 'content-type': 'application/json' }), ...answered.headers }
    res.writeHead(answered.status, { ...headers, 'content-length': body.length })
    entry.status = answered.status
    if ('cutMidway' in outcome) {
      res.write(body.subarray(0, Math.ceil(body.length / 2)), () => cut(res))
    } else if (answered.dripMs) {
      drip(res, body, answered.dripMs)
    } else {
      res.end(body)
    }
  }

  return {
    port,
    faults,
    seen,
    shown,
    leadTo(listener: RequestListener) {
      provider = listener
    },
    async down() {
      if (isUp) await closeServer(server)
      isUp = false
    },
    async up() {
      if (!isUp) await listenAgain(server, HOST, port)
      isUp = true
    },
    async stop() {
      faults.clear()
      if (isUp) await closeServer(server)
      isUp = false
    },
  }
}

/** As a TLS terminator tells the provider behind it, in place of whatever a client sent in headers of these names. */
function tlsHeaders(socket: TLSSocket) {
  const certificate = socket.getPeerX509Certificate()
  return {
    'x-forwarded-proto': 'https',
    'x-client-certificate': certificate?.raw.toString('base64') ?? '',
    'x-client-certificate-authorized': String(certificate !== undefined && socket.authorized),
  }
}

function cut({ socket }: ServerResponse) {
  if (socket) resetConnection(socket)
}

function bytes(body: Answer['body']): Buffer {
  if (body instanceof Buffer) return body
  return Buffer.from(typeof body === 'object' ? JSON.stringify(body) : (body ?? ''))
}

function drip(res: ServerResponse, body: Buffer, everyMs: number) {
  let sent = 0
  const timer = setInterval(() => {
    if (sent < body.length) res.write(body.subarray(sent, ++sent))
    else res.end()
  }, everyMs)
  res.once('close', () => clearInterval(timer))
}
