// Where a request goes: a path below the target's, however it was written (RFC 10017 §6.1: after normalisation).
import { RefusedError } from '../errors/errors.ts'

/** More than these are written by nobody who means well. */
const MOST_DECODINGS = 4
/** What some server or other reads as a dot, a slash or nothing: overlong UTF-8 (RFC 3629 §10) and `%uXXXX`. */
const DISGUISED = /[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|%u[0-9a-f]{4}/i

/**
 * The request target for the API, its query unchanged.
 *
 * @param url what follows the mount path
 * @param originalUrl the whole of it
 * @throws RefusedError (400)
 */
export function targetPath(url: string, originalUrl: string, target: URL): string {
  const path = url.replace(/\?.*$/s, '')
  const query = url.slice(path.length)
  const fault = pathFault(path)
  if (fault !== undefined) throw malformed(`its path has ${fault}`)
  // HTTP/1.1 allows no more in a request line, and Node.js writes no less than this (RFC 9112 §3).
  if (/[^\x21-\xff]|[#\x7f]/.test(query)) throw malformed('its query has a letter that has to be escaped')
  // Express says `/` below a mount path for `/api` too.
  const isMountPath = path === '/' && !originalUrl.replace(/\?.*$/s, '').endsWith('/')
  return (isMountPath ? target.pathname : target.pathname.replace(/\/$/, '') + path) + query
}

export function malformed(reason: string): RefusedError {
  return new RefusedError('request_malformed', 400, 'This request cannot be handed on.', { reason })
}

/** @returns what the path has that it must not have, or undefined */
function pathFault(path: string): string | undefined {
  // An absolute address (RFC 9112 §3.2.2) too: which host it names is no matter of the browser's.
  if (!path.startsWith('/')) return 'no slash at its beginning'
  if (/[^\x21-\x7e]|[#\\]/.test(path)) return 'a letter that has to be escaped'
  if (/%(?![0-9a-f]{2})/i.test(path)) return 'a broken escape'
  // RFC 3986 §2.3: equivalent for the API, and not for the guards of an app, which see it as it was written.
  if (/%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f|7e)/i.test(path)) return 'a letter that needs no escape'
  // Java servers cut a segment there: `/admin;x` is `/admin` to them, `..;` is `..`.
  if (path.includes(';')) return 'a semicolon'
  let read = path
  for (let times = 0; times <= MOST_DECODINGS; times += 1) {
    const segments = read.slice(1).split('/')
    if (segments.some((segment) => /^\s*\.\.?\s*(?:;|$)/.test(segment))) return 'a dot segment'
    if (segments.slice(0, -1).includes('')) return 'an empty segment'
    if (DISGUISED.test(read)) return 'a disguised letter'
    const decoded = decodeOnce(read)
    if (/[\x00-\x1f\x7f]/.test(decoded)) return 'a control character'
    if (decoded.includes('\\')) return 'a backslash'
    if (countSlashes(decoded) > countSlashes(read)) return 'an escaped slash'
    if (decoded === read) return undefined
    read = decoded
  }
  return 'escapes of escapes'
}

/** Byte for byte, and leaves alone what is no escape. */
function decodeOnce(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

function countSlashes(text: string): number {
  return text.split('/').length
}
