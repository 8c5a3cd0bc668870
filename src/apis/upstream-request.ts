// One request to the API, over httpxy: it assembles and sends, passes aborts on, and knows the traps of both.
import {
  type ClientRequest,
  Agent as HTTPAgent,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http'
import { Agent as HTTPSAgent } from 'node:https'
import type { Socket } from 'node:net'
import { Stream, Writable } from 'node:stream'
import type { Request, Response } from 'express'
import { createProxyServer } from 'httpxy'
import type { RelayConfig } from './relay-options.ts'
import type { RequestBody } from './request-body.ts'

export interface ApiRequest {
  readonly method: string
  /** path and query */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body: RequestBody
  readonly isWebSocket: boolean
}

export type ApiOutcome =
  | { readonly kind: 'answered'; readonly message: IncomingMessage }
  /** The connection is a WebSocket's from now on. */
  | {
      readonly kind: 'upgraded'
      readonly message: IncomingMessage
      readonly socket: Socket
      readonly head: Buffer
    }
  /** The browser went away. */
  | { readonly kind: 'gone' }
  /** `isStale`: an idle connection was used just when the API closed it. */
  | { readonly kind: 'failed'; readonly why: string; readonly isStale: boolean }

export type UpstreamRequest = (
  sent: ApiRequest,
  binding: { req: Request; res: Response },
) => Promise<ApiOutcome>

/** Shorter than servers keep idle connections open: most say 5 seconds. */
const IDLE_MILLISECONDS = 4000

export function createUpstreamRequests({ target, timeoutSeconds }: RelayConfig): UpstreamRequest {
  const agentOptions = { keepAlive: true, timeout: IDLE_MILLISECONDS }
  // httpxy's own has 256 connections at most, and that many event streams would leave none.
  const agent = target.protocol === 'https:' ? new HTTPSAgent(agentOptions) : new HTTPAgent(agentOptions)
  const address = {
    protocol: target.protocol,
    // With an address of IPv6 in brackets Node.js would ask the DNS.
    hostname: target.hostname.replace(/^\[|\]$/g, ''),
    port: target.port,
  }

  return ({ method, path, headers, body, isWebSocket }, { req, res }) =>
    new Promise((resolve) => {
      // In place of the browser's answer: what ends an exchange must not end an answer that another may still give.
      const link = new Writable()
      const proxy = createProxyServer({
        target: address,
        prependPath: false,
        selfHandleResponse: true,
        // A WebSocket takes its connection with it.
        ...(!isWebSocket && { agent }),
        // httpxy pipes the body into the request once that has a connection, and tells of the request in no other way
        // where there is an `Expect` header.
        buffer: Object.assign(new Stream(), { pipe: begin }),
      })
      let apiRequest: ClientRequest | undefined
      const deadline = setTimeout(late, timeoutSeconds * 1000)
      let isSettled = false
      const leave = () => giveUp({ kind: 'gone' })
      res.once('close', leave)
      // Behind another answer it has no connection yet, and behind an upgrade it is not told of its end.
      if (res.socket === null) req.socket.once('close', leave)

      function settle(outcome: ApiOutcome): void {
        isSettled = true
        clearTimeout(deadline)
        res.off('close', leave)
        req.socket.off('close', leave)
        resolve(outcome)
      }

      /** An answer that has begun is not touched: whoever reads it sees its end. */
      function giveUp(outcome: ApiOutcome): void {
        if (isSettled) return
        settle(outcome)
        link.destroy()
      }

      function begin<T extends NodeJS.WritableStream>(request: T): T {
        const sent = request as unknown as ClientRequest
        apiRequest = sent
        if (isWebSocket)
          sent.once('upgrade', (message, socket, head) => settle({ kind: 'upgraded', message, socket, head }))
        // As it is after a switch of protocols that nobody asked for.
        sent.once('close', () => giveUp(failure('it closed the connection')))
        body.sendTo(sent, () => deadline.refresh())
        return request
      }

      function late(): void {
        const isConnected = apiRequest?.socket?.connecting === false
        // The API has taken all there is: it is the browser that is slow.
        if (isConnected && !apiRequest?.writableEnded && !apiRequest?.writableNeedDrain) deadline.refresh()
        else giveUp(failure('it did not answer in time'))
      }

      proxy.on('proxyRes', (message) => {
        settle({ kind: 'answered', message })
        res.once('close', () => link.destroy())
        if (res.socket === null) req.socket.once('close', () => link.destroy())
      })
      proxy.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = apiRequest?.reusedSocket === true && /^(?:ECONNRESET|EPIPE)$/.test(error.code ?? '')
        giveUp(failure(error.code ?? error.name, isStale))
      })
      // A request of our own making: the browser's has headers that the API must not see, and the token is never on it.
      const asked = {
        method,
        url: path,
        headers: { ...headers, ...body.framing },
        httpVersion: '1.1',
        httpVersionMajor: 1,
        socket: req.socket,
        on: req.on.bind(req),
      }
      proxy.web(asked as unknown as Request, link as unknown as Response).catch(() => {})
    })
}

function failure(why: string, isStale = false): ApiOutcome {
  return { kind: 'failed', why, isStale }
}
