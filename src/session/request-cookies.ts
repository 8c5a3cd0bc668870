// The Cookie header of a request.
import type { RequestCookies } from '../login-transaction.ts'

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
