// A request to a server's listener without a connection: the provider behind the front is asked a hundred thousand times a run.
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Answer } from './faults.ts'
import type { RawRequest } from './seen-requests.ts'

export async function ask(
  listener: RequestListener,
  { method, url, headers, body }: RawRequest,
): Promise<Answer> {
  const req = Object.assign(new IncomingMessage(new Socket()), {
    method,
    url,
    headers,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
  })
  if (body.length > 0) req.push(body)
  req.push(null)
  req.complete = true
  return new Promise((resolve) => listener(req, new Collected(req, resolve)))
}

/** What would go to the socket is kept; its length and its connection are the front's to say. */
class Collected extends ServerResponse {
  readonly #chunks: Buffer[] = []
  readonly #answered: (answer: Answer) => void

  constructor(req: IncomingMessage, answered: (answer: Answer) => void) {
    super(req)
    this.#answered = answered
  }

  override write(chunk: string | Uint8Array): boolean {
    this.#chunks.push(Buffer.from(chunk as string))
    return true
  }

  override end(last?: unknown): this {
    if (typeof last === 'string' || last instanceof Uint8Array) this.write(last)
    this.finished = true
    const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...headers } = this.getHeaders()
    this.#answered({
      status: this.statusCode,
      headers: headers as NonNullable<Answer['headers']>,
      body: Buffer.concat(this.#chunks),
    })
    this.emit('finish')
    this.emit('close')
    return this
  }
}
