// Cookies as they come with a request, and as an answer changes them.
import type { CookieOptions, Response } from 'express'

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
    if (value === undefined) res.clearCookie(name, options)
    else res.cookie(name, value, options)
  }
}
