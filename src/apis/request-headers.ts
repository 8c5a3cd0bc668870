// Which of the browser's request headers reach the API. A list of those that do: what an API takes from "its" gateway, a
// name, a role, an address, differs from gateway to gateway, and no list of what must not be said would ever be complete.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

/** About the request itself, and nobody's word about who sends it. */
const FORWARDED = new Set([
  'cache-control',
  'idempotency-key',
  'last-event-id',
  'pragma',
  'prefer',
  'range',
  'user-agent',
  // Resumable uploads.
  'tus-resumable',
  // W3C Trace Context, and what others use for it.
  'baggage',
  'correlation-id',
  'request-id',
  'traceparent',
  'tracestate',
  'x-correlation-id',
  'x-request-id',
  'x-requested-with',
])
const FORWARDED_KINDS = /^(?:accept(?:-.+)?|content-.+|if-.+|upload-.+)$/
const WEBSOCKET = /^sec-websocket-/
/** The body is framed anew (RFC 9112 §6), and the rest is between two neighbours (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** Credentials, and what gateways alone may say. `_`, since CGI and its heirs read it as `-`. */
const NEVER =
  /^(?:authorization|cookie2?|forwarded|origin|referer|proxy-.+|sec-.+|x-forwarded-.+|x-real-ip|x-http-method.*|x-method-override|.*_.*)$/

/** RFC 9110 §5.1 */
export function isFieldName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(name)
}

/** What no option can let through. */
export function neverForwarded(name: string): boolean {
  return HOP_BY_HOP.has(name) || NEVER.test(name)
}

export interface RequestHeaderRules {
  readonly token: string | undefined
  /** as in `Host` */
  readonly host: string
  /** lower-case names beside ours */
  readonly further: readonly string[]
  readonly isWebSocket: boolean
}

/** Without those of the body's framing. */
export function headersForApi(
  headers: IncomingHttpHeaders,
  { token, host, further, isWebSocket }: RequestHeaderRules,
): OutgoingHttpHeaders {
  const named = namedByConnection(headers)
  const forwarded = Object.entries(headers).filter(([name]) => {
    if (isWebSocket && WEBSOCKET.test(name)) return true
    if (neverForwarded(name) || named.has(name)) return false
    return FORWARDED.has(name) || FORWARDED_KINDS.test(name) || further.includes(name)
  })
  return {
    ...Object.fromEntries(forwarded),
    host,
    ...(isWebSocket && { connection: 'Upgrade', upgrade: 'websocket' }),
    // RFC 6750 §2.1
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
}

/** RFC 9110 §7.6.1: for the next neighbour only. */
export function namedByConnection({ connection = '' }: IncomingHttpHeaders): Set<string> {
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}
