// What an answer says to caches: by `Cache-Control`, and by all the headers that some listen to in its place.
import type { ServerResponse } from 'node:http'

/** RFC 9111 §5.3, RFC 9213, and what caches listened to before that. */
const SAID_TO_CACHES =
  /^(?:expires|pragma|surrogate-control|x-accel-expires|edge-control|(?:.+-)?cache-control)$/

export function isSaidToCaches(header: string): boolean {
  return SAID_TO_CACHES.test(header.toLowerCase())
}

/** Says that to all of them, and nothing else: what is said to one kind by name goes before it (RFC 9213 §2.1). */
export function tellCaches(res: ServerResponse, cacheControl: string): void {
  for (const header of res.getHeaderNames()) if (isSaidToCaches(header)) res.removeHeader(header)
  res.setHeader('cache-control', cacheControl)
}

/** A shared cache may keep the answer and give it to others, as far as its headers say by now. */
export function mayBeShared(res: ServerResponse): boolean {
  const said = String(res.getHeader('cache-control') ?? '')
  if (/\b(?:no-store|private)\b/i.test(said)) return false
  const isTold = (header: string) => isSaidToCaches(header) && !/^(?:cache-control|pragma)$/.test(header)
  return res.getHeaderNames().some(isTold) || LASTS.test(said)
}

/** Not `no-cache` or `max-age=0`: whoever keeps that asks before it is used. */
const LASTS = /\b(?:s-maxage|max-age)="?0*[1-9]|\bimmutable\b|\bpublic\b(?!.*\bmax-age=)/i
