// Cookies as they come with a request, and as an answer changes them.
import type { CookieOptions, Response } from 'express'
import onHeaders from 'on-headers'
import { isSaidToCaches, tellCaches } from '../lib/caching.ts'
import { createSideTable } from '../lib/side-table.ts'

/** A cookie to set, or to drop where `value` is undefined. */
export interface CookieChange {
  readonly name: string
  readonly value: string | undefined
  readonly options: CookieOptions
}

/** One cookie of a request; a name may come more than once. */
export type RequestCookies = readonly (readonly [name: string, value: string])[]

/** Every cookie in the order of the header, the same name as often as it comes (RFC 6265 §5.4). */
export function parseCookies(header: string): RequestCookies {
  const cookies: (readonly [string, string])[] = []
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at >= 1) cookies.push([trimBlanks(pair.slice(0, at)), decode(trimBlanks(pair.slice(at + 1)))])
  }
  return cookies
}

/** RFC 6265 §5.2 takes off blanks and tabs alone; `trim()` would make one name of two. */
function trimBlanks(text: string): string {
  const isBlank = (at: number) => text[at] === ' ' || text[at] === '\t'
  let [start, end] = [0, text.length]
  while (start < end && isBlank(start)) start += 1
  while (end > start && isBlank(end - 1)) end -= 1
  return text.slice(start, end)
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

export function applyCookies(res: Response, changes: readonly CookieChange[]): void {
  for (const { name, value, options } of changes) {
    keepFromCaches(res, name)
    if (value === undefined) res.clearCookie(name, options)
    else res.cookie(name, value, options)
  }
}

const ourCookies = createSideTable<Response, Set<string>>()

/**
 * An answer that carries that cookie is in no cache that others are answered from, whatever the app says of it, before or
 * after. RFC 9111 §7.3: a shared cache may store a `Set-Cookie` with the rest, and some do.
 */
export function keepFromCaches(res: Response, name: string): void {
  const known = ourCookies.get(res)
  if (known !== undefined) {
    known.add(name)
    return
  }
  const names = new Set([name])
  ourCookies.set(res, names)
  onHeaders(res, () => {
    if (!cookieNames(res).some((cookie) => names.has(cookie))) return
    tellCaches(res, 'no-store')
    const { appendHeader, setHeader } = res
    // Whoever waited for this moment before `auth()` did has their turn after it.
    res.setHeader = (header, value) => (isSaidToCaches(header) ? res : setHeader.call(res, header, value))
    res.appendHeader = (header, value) =>
      isSaidToCaches(header) ? res : appendHeader.call(res, header, value)
  })
}

/** The cookies that the answer sets or drops, as far as is known by now. */
export function cookieNames(res: Response): string[] {
  const lines = [res.getHeader('set-cookie') ?? []].flat().map(String)
  return lines.map((line) => line.slice(0, line.indexOf('=')))
}
