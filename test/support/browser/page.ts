// What a browser has after a request: the last answer, and the way to it.
import type { IncomingHttpHeaders } from 'node:http'
import type { Received } from './http-exchange.ts'

export interface Hop {
  url: string
  status: number
  headers: IncomingHttpHeaders
}

export interface Page extends Received {
  /** every answer on the way here, this one last */
  hops: Hop[]
  json<T = Record<string, unknown>>(): T
}

export function toPage(answer: Received, hops: Hop[]): Page {
  return { ...answer, hops, json: () => JSON.parse(answer.body) }
}
