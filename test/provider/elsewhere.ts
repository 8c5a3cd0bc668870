// Another address of the provider: what comes there goes on to it, with a header that says so.
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { exchange, type HeaderValues } from '../support/browser/http-exchange.ts'
import { closeServer, listen } from '../support/listen.ts'
import type { SeenRequest } from '../support/provider/seen-requests.ts'

export interface Elsewhere {
  readonly url: string
  stop(): Promise<void>
}

const VIA = 'elsewhere'

/** For `provider.answerAll(…, { when })`: the provider answers there, and not at its old address. */
export const isAtOldAddress = ({ via }: SeenRequest): boolean => via !== VIA

/** @param change what becomes of each answer */
export async function startElsewhere(issuer: string, change = (body: string) => body): Promise<Elsewhere> {
  const server = createServer(async (req, res) => {
    const { method = 'GET', url = '/' } = req
    const body = await buffer(req)
    const headers = { ...req.headers, 'x-via': VIA } as HeaderValues
    const answer = await exchange({ method, url: issuer + url, headers, body: `${body}` })
    res.writeHead(answer.status, { 'content-type': answer.headers['content-type'] ?? '' })
    res.end(change(answer.body))
  })
  const url = `http://127.0.0.1:${await listen(server, '127.0.0.1')}`
  return { url, stop: () => closeServer(server) }
}
