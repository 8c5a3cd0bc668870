// One HTTP request over node:http: fetch would add Sec-Fetch headers of its own and hide redirects.
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { request as requestOverTLS, Agent as TLSAgent } from 'node:https'
import { buffer } from 'node:stream/consumers'

export type HeaderValues = Record<string, string | undefined>

export interface Sent {
  method: string
  url: string
  headers?: HeaderValues
  body?: string | undefined
  agent?: Agent
  signal?: AbortSignal | undefined
}

export interface Received {
  method: string
  url: string
  status: number
  headers: IncomingHttpHeaders
  body: string
}

const DEADLINE_MS = 15_000

export async function exchange({ method, url, headers = {}, body, agent, signal }: Sent): Promise<Received> {
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  try {
    return await new Promise((resolve, reject) => {
      const tls = url.startsWith('https:')
      const sent = (tls ? requestOverTLS : request)(url, {
        method,
        headers: { ...Object.fromEntries(given), ...length },
        // Whom a browser trusts is not what is tested.
        agent: agent ?? (tls ? new TLSAgent({ rejectUnauthorized: false }) : new Agent({ keepAlive: false })),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      })
      sent.on('error', reject)
      sent.on('response', (response) => {
        buffer(response).then((whole) => {
          resolve({
            method,
            url,
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: `${whole}`,
          })
        }, reject)
      })
      sent.end(body)
    })
  } catch (error) {
    if (deadline.aborted)
      throw new Error(`${method} ${url}: no answer within ${DEADLINE_MS} ms`, { cause: error })
    throw error
  }
}
