// Which of the API's response headers reach the browser: all but those that speak for a connection, a server, or the whole
// origin, which is the app's.
import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'
import { isFieldName, namedByConnection } from './request-headers.ts'

const DROPPED = new Set([
  // Between two neighbours (RFC 9110 §7.6.1); the answer is framed anew.
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // A login at the API is none of the browser's: `Basic` would even open a dialog.
  'www-authenticate',
  'authentication-info',
  'set-login',
  // The origin is the app's: its cookies, storage, transport, workers, reports.
  'set-cookie',
  'set-cookie2',
  'clear-site-data',
  'strict-transport-security',
  'expect-ct',
  'alt-svc',
  'origin-agent-cluster',
  'service-worker-allowed',
  'accept-ch',
  'critical-ch',
  'nel',
  'report-to',
  'reporting-endpoints',
  'timing-allow-origin',
  // To a cache or a web server in front of the app: nginx would even send files of its own for it.
  'surrogate-control',
  'x-sendfile',
  'x-lighttpd-send-file',
  'x-litespeed-location',
  // Nobody outside needs to know.
  'server',
  'via',
  'x-powered-by',
])
const DROPPED_KINDS =
  /^(?:access-control-|proxy-|public-key-pins|sec-websocket-|x-accel-|.*cdn-cache-control$)/
const WEBSOCKET = /^sec-websocket-/

interface ResponseHeaderRules {
  /** the address that the API was asked for */
  readonly url: URL
  readonly target: URL
  /** the path below which the app hands requests on */
  readonly mountPath: string
  /** The answer is one person's. */
  readonly withToken: boolean
}

/** What middleware above has set is the app's word, and stays. */
export function putHeaders(
  res: Response,
  { headers, statusCode }: IncomingMessage,
  rules: ResponseHeaderRules,
) {
  const named = namedByConnection(headers)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || DROPPED.has(name) || DROPPED_KINDS.test(name) || named.has(name)) continue
    if (name === 'vary') for (const field of fieldNames(`${value}`)) res.vary(field)
    else if (!res.hasHeader(name))
      res.setHeader(name, isAddress(name) ? addressFor(`${value}`, rules) : value)
  }
  // RFC 9110 §8.6
  if (statusCode === 204) res.removeHeader('content-length')
  // The cookie says whose token went to the API.
  res.vary('Cookie')
  if (rules.withToken) res.setHeader('cache-control', notShared(res.getHeader('cache-control')))
  // It is shown on the app's own origin: what has no type, or another one than it claims, must not become a page.
  if (!res.hasHeader('x-content-type-options')) res.setHeader('x-content-type-options', 'nosniff')
}

/** RFC 6455 §4.2.2: all that the handshake's answer needs. */
export function webSocketHeaders({ headers }: IncomingMessage) {
  const own = Object.entries(headers).filter(([name]) => WEBSOCKET.test(name))
  return { connection: 'Upgrade', upgrade: 'websocket', ...Object.fromEntries(own) }
}

/**
 * The API was sent `Authorization`, which keeps its answer out of shared caches (RFC 9111 §3.5). The browser sent none, so
 * it has to be said. `public` too becomes `private`: no cache asks whether the person is logged in.
 */
function notShared(given: number | string | string[] | undefined): string {
  const said = `${given ?? ''}`
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '')
  if (said.length === 0) return 'no-store'
  if (said.some((directive) => /^no-store$/i.test(directive))) return said.join(', ')
  const kept = said.filter((directive) => !/^(?:public|private|s-maxage|proxy-revalidate)\b/i.test(directive))
  return ['private', ...kept].join(', ')
}

/** What can be read of a list of header names; Express throws at the rest. */
function fieldNames(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter(isFieldName)
}

function isAddress(name: string): boolean {
  return name === 'location' || name === 'content-location'
}

/** An address below the target, as the browser would ask for it here. Any other is handed on, whole. */
function addressFor(given: string, { url, target, mountPath }: ResponseHeaderRules): string {
  if (!URL.canParse(given, url.href)) return given
  const meant = new URL(given, url)
  const base = target.pathname.replace(/\/$/, '')
  const isBelow = meant.pathname === base || meant.pathname.startsWith(`${base}/`)
  if (meant.origin !== target.origin || !isBelow) return meant.href
  const path = mountPath + meant.pathname.slice(base.length) || '/'
  // A browser would read it as another host.
  return path.startsWith('//') ? meant.href : path + meant.search + meant.hash
}
