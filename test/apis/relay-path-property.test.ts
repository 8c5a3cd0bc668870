// Thirty thousand nasty paths: what is handed on is below the target, however often and however carelessly it is decoded.
import fc from 'fast-check'
import { targetPath } from '../../src/apis/target-path.ts'
import { isAuthError } from '../../src/errors.ts'
import { anyText, holds } from '../support/property.ts'

const COUNT = 30_000
const TARGET = new URL('http://api.example/v1/x')

const PIECES = [
  ...'/ / / . .. ... \\ ; : @ ? # % a b admin ~ + * = & , ! $ ( ) < > " | ^ ` { } [ ]'.split(' '),
  ...'%2f %2F %5c %5C %2e %2E %00 %09 %0a %0d %20 %7f %25 %2525 %3b %3f %23 %41 %61 %5f %2d %7e %c3%a9 %e9'.split(
    ' ',
  ),
  ...'%252e %252f %255c %2500 %25252e %25252f %c0%ae %c0%af %e0%80%ae %f0%80%80%ae %25c0%25ae %u002e %25u002e'.split(
    ' ',
  ),
  ...'\t \r \n \0 \x7f \xa0 é ／ ＼ ． 。 \ud800'.split(' '),
  ' ',
]
const piece = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...PIECES) },
  { weight: 1, arbitrary: anyText(3) },
)
const path = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`)

/** What is handed on, without its query; undefined where it is refused. */
function handedOn(url: string): string | undefined {
  try {
    return targetPath(url, url, TARGET).replace(/\?.*/s, '')
  } catch (error) {
    if (isAuthError(error)) return undefined
    throw error
  }
}

/** As the careless do it: whatever is no escape stays, `\` is a slash, what follows a `;` is none of the path. */
function decoded(text: string): string {
  return text
    .replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_, wide, narrow) =>
      String.fromCharCode(Number.parseInt(wide ?? narrow, 16)),
    )
    .replace(/\\/g, '/')
    .replace(/(?<=[^/]);[^/]*/g, '')
    .replace(/\xc0\xae|\xe0\x80\xae|\xf0\x80\x80\xae/g, '.')
    .replace(/\xc0\xaf/g, '/')
}

/** Where the file of that name is. */
function normalised(text: string): string[] {
  const names: string[] = []
  for (const name of text.split('/').map((each) => each.trim())) {
    if (name === '..') names.pop()
    else if (name !== '.') names.push(name)
  }
  return names
}

test('it stays below the target, at the same depth', () => {
  const reached = { count: 0 }
  holds(COUNT, path, (url) => {
    let read = handedOn(url)
    if (read === undefined) return true
    reached.count += 1
    const depth = read.split('/').length
    for (let times = 0; times < 8; times += 1) {
      const names = normalised(read)
      if (names.length !== depth || names.slice(0, 3).join('/') !== '/v1/x') return false
      if (/[\0-\x1f\x7f]|\/\//.test(read)) return false
      read = decoded(read)
    }
    return true
  })
  // Not because everything is refused.
  expect(reached.count).toBeGreaterThan(COUNT / 20)
})

test('what is a plain letter to the API was one to the guards of the app', () => {
  holds(COUNT, path, (url) => {
    const once = handedOn(url)?.replace(/%([0-9a-f]{2})/gi, (whole, code: string) => {
      const letter = String.fromCharCode(Number.parseInt(code, 16))
      return /[\w.-]/.test(letter) ? `${letter}!` : whole
    })
    return once === undefined || !once.includes('!') || url.includes('!')
  })
})
