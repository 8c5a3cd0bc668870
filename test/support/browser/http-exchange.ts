// One HTTP request over node:http: fetch would add Sec-Fetch headers of its own and hide redirects.
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { request as requestOverTLS, Agent as TLSAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import { readAll } from '../bodies.ts'

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

/** As a browser remembers an address: asking the system for it at each request is dear. */
const addresses = new Map<string, LookupAddress[]>()
const rememberedLookup: LookupFunction = (host, options: LookupOptions, found) => {
  const known = addresses.get(host)
  if (known && options.all) return found(null, known)
  lookup(host, { ...options, all: true }, (error, all) => {
    if (!error) addresses.set(host, all)
    if (error || options.all) found(error, all)
    else found(null, all[0]?.address ?? '', all[0]?.family)
  })
}

/** Connections that outlive a request: those of one visit, with all its redirects. */
export interface Connections {
  at(url: string): Agent
  close(): void
}

export function keepConnections(): Connections {
  const agents = new Map<string, Agent>()
  return {
    at(url) {
      const scheme = url.startsWith('https:') ? 'https' : 'http'
      const agent = agents.get(scheme) ?? createAgent(scheme, true)
      agents.set(scheme, agent)
      return agent
    },
    close() {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

function createAgent(scheme: 'http' | 'https', keepAlive: boolean): Agent {
  // Whom a browser trusts is not what is tested.
  return scheme === 'https'
    ? new TLSAgent({ keepAlive, rejectUnauthorized: false })
    : new Agent({ keepAlive })
}

export async function exchange({ method, url, headers = {}, body, agent, signal }: Sent): Promise<Received> {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  let deadline: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve, reject) => {
      const tls = url.startsWith('https:')
      const sent = (tls ? requestOverTLS : request)(url, {
        method,
        lookup: rememberedLookup,
        headers: { ...Object.fromEntries(given), ...length },
        agent: agent ?? createAgent(tls ? 'https' : 'http', false),
        ...(signal && { signal }),
      })
      const late = () => sent.destroy(new Error(`${method} ${url}: no answer within ${DEADLINE_MS} ms`))
      // Not by a signal, which costs more than a timer by far.
      deadline = setTimeout(late, DEADLINE_MS)
      sent.on('error', reject)
      sent.on('response', (response) => {
        readAll(response).then((whole) => {
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
  } finally {
    clearTimeout(deadline)
  }
}
