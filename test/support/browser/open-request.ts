// A request that stays open: its body is sent, and its answer read, piece by piece.
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { eventually, within } from '../deadline.ts'
import type { HeaderValues } from './http-exchange.ts'

export interface OpenRequest {
  readonly sent: ClientRequest
  /** as soon as its headers are there */
  response(): Promise<IncomingMessage>
}

/** With a connection of its own unless told. */
export function openRequest(
  method: string,
  url: string,
  headers: HeaderValues,
  agent = new Agent({ keepAlive: false }),
): OpenRequest {
  const sent = request(url, { method, agent, headers: { ...headers } })
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject)
  })
  // What breaks later is seen at the response.
  sent.on('error', () => {})
  response.catch(() => {})
  return { sent, response: () => within(response, `the headers of ${method} ${url}`) }
}

/** The next piece of a body, or `undefined` at its end. */
export async function nextPiece(body: IncomingMessage): Promise<string | undefined> {
  const iterator = body.iterator({ destroyOnReturn: false })
  const { value, done } = await within(iterator.next(), 'the next piece')
  // Its listener would keep the rest from flowing.
  await iterator.return?.()
  return done ? undefined : String(value)
}

/** Resolves with how a body ended: whole, or broken off. */
export async function endOf(body: IncomingMessage): Promise<'whole' | 'broken'> {
  body.on('error', () => {}).resume()
  // A request is closed only once it has been answered.
  await eventually('the end of a body', () => body.readableEnded || body.closed)
  return body.complete ? 'whole' : 'broken'
}
