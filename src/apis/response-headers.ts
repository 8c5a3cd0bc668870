// Which of the API's response headers reach the browser. A list of those that do: caches, web servers and browsers invent
// headers that speak for a connection, a server or the whole origin, which is the app's, faster than a list of them grows.
import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'
import { OWN_RESOURCE } from '../http/own-resource.ts'
import { isSaidToCaches, tellCaches } from '../lib/caching.ts'
import { isFieldName, namedByConnection, neverForwarded } from './request-headers.ts'

/** About this one answer: what it is, how long it holds, what else there is. */
const HANDED_ON = new Set([
  'accept-patch',
  'accept-post',
  'accept-ranges',
  'allow',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'deprecation',
  'etag',
  'last-modified',
  'link',
  'location',
  'preference-applied',
  'retry-after',
  'server-timing',
  'sunset',
  // Caching, as `putHeaders()` narrows it.
  'age',
  'cache-control',
  'expires',
  'vary',
  // RFC 9530, and what it replaces.
  'content-digest',
  'content-md5',
  'digest',
  'repr-digest',
  // They narrow what the answer itself may do where it is shown.
  'content-security-policy',
  'x-content-type-options',
  'x-frame-options',
  // How often somebody may come, in the names of today and of before.
  'ratelimit',
  'ratelimit-limit',
  'ratelimit-policy',
  'ratelimit-remaining',
  'ratelimit-reset',
  'x-rate-limit-limit',
  'x-rate-limit-remaining',
  'x-rate-limit-reset',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  // W3C Trace Context, and what others use for it.
  'correlation-id',
  'request-id',
  'traceparent',
  'traceresponse',
  'tracestate',
  'x-correlation-id',
  'x-request-id',
  // Resumable uploads.
  'tus-checksum-algorithm',
  'tus-extension',
  'tus-max-size',
  'tus-resumable',
  'tus-version',
])
const HANDED_ON_KINDS = /^upload-/
/** RFC 6455 §4.2.2 */
const HANDSHAKE = ['sec-websocket-accept', 'sec-websocket-extensions', 'sec-websocket-protocol']
/** What an app cannot mean to have from an API: it speaks for its origin, or to the server in front of it. */
const NEVER =
  /^(?:access-control-.+|clear-site-data|cross-origin-.+|set-cookie2?|set-login|strict-transport-security|www-authenticate|x-accel-.+|x-(?:lighttpd-)?send-?file2?)$/

/** What no option can let through. */
export function neverHandedOn(name: string): boolean {
  return !HANDED_ON.has(name) && (neverForwarded(name) || isSaidToCaches(name) || NEVER.test(name))
}

interface ResponseHeaderRules {
  /** the address that the API was asked for */
  readonly url: URL
  readonly target: URL
  /** the path below which the app hands requests on */
  readonly mountPath: string
  /** The answer is one person's. */
  readonly withToken: boolean
  /** lower-case names beside ours */
  readonly further: readonly string[]
}

/** What middleware above has set is the app's word, and stays. */
export function putHeaders(
  res: Response,
  { headers, statusCode }: IncomingMessage,
  rules: ResponseHeaderRules,
) {
  const named = namedByConnection(headers)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || named.has(name)) continue
    if (!HANDED_ON.has(name) && !HANDED_ON_KINDS.test(name) && !rules.further.includes(name)) continue
    if (name === 'vary') for (const field of fieldNames(`${value}`)) res.vary(field)
    else if (!res.hasHeader(name))
      res.setHeader(name, isAddress(name) ? addressFor(`${value}`, rules) : value)
  }
  res.set(OWN_RESOURCE)
  // RFC 9110 §8.6
  if (statusCode === 204) res.removeHeader('content-length')
  // The cookie says whose token went to the API.
  res.vary('Cookie')
  if (rules.withToken) {
    const expires = res.getHeader('expires')
    tellCaches(res, notShared(res.getHeader('cache-control')))
    if (expires !== undefined) res.setHeader('expires', expires)
  }
  // It is shown on the app's own origin: what has no type, or another one than it claims, must not become a page.
  if (!res.hasHeader('x-content-type-options')) res.setHeader('x-content-type-options', 'nosniff')
}

/** All that the handshake's answer needs. */
export function webSocketHeaders({ headers }: IncomingMessage) {
  const own = HANDSHAKE.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]))
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
