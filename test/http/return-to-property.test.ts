// Sixty thousand nasty addresses: whatever goes in, the browser ends on a page of this site that is no route of ours.
import fc from 'fast-check'
import { safeReturnTo } from '../../src/http/return-to.ts'
import { anyText, holds } from '../support/property.ts'

const COUNT = 20_000

const PIECES = [
  ...'/ / / \\ . .. : @ ? # % & = ; , ~ + * $ ! [ ] { } < > " | ^ ` \''.split(' '),
  ...'%2f %2F %5c %5C %2e %2E %09 %0a %0d %00 %20 %25 %7f %c0%af %e3%80%82 %u002f %252f'.split(' '),
  ...'\t \n \r \u0000 \u000b \u001f \u007f \u0085 \u00a0 \u2028 \u2029 \u200b \ufeff \ud800 ／ ＼ ． 。 ﹕ ℀ ß İ K'.split(
    ' ',
  ),
  ...'http https http: https: https:/ https:// javascript: data: file: blob: ftp:// ws://'.split(' '),
  ...'evil evil.com app.example.com app.example.com. localhost 127.0.0.1 [::1] 0x7f.1 :443 :80 :8443'.split(
    ' ',
  ),
  ...'https://app.example.com https://app.example.com/ http://app.example.com xn--'.split(' '),
  ...'login LOGIN logout callback /login /logout/ /callback? %6cogin log%69n lo\tgin shop/login a b c %61'.split(
    ' ',
  ),
  ' ',
  '',
]

const piece = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...PIECES) },
  { weight: 1, arbitrary: anyText(3) },
)
const address = fc
  .tuple(fc.constantFrom('/', '/', ''), fc.array(piece, { minLength: 1, maxLength: 7 }))
  .map(([start, pieces]) => start + pieces.join(''))

/** What Express would route a path to: decoded once, in any case, with or without slashes at its end. */
function routed(pathname: string): string {
  let path = pathname
  try {
    path = decodeURIComponent(pathname)
  } catch {}
  while (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1)
  return path.toLowerCase()
}

describe.each([
  ['a site at the root', 'https://app.example.com/', ['/login', '/logout', '/callback']],
  ['a site below a path', 'https://app.example.com/shop', ['/shop/login', '/shop/logout', '/shop/callback']],
  ['a site with a port', 'http://localhost:3000/', ['/login', '/logout', '/callback']],
])('%s', (_what, base, own) => {
  const site = new URL(base)
  const returnTo = (wanted: unknown) => safeReturnTo(wanted, site, own, '/fallback')

  test('is never left, and its own routes are never returned to', () => {
    let taken = 0
    holds(COUNT, address, (wanted) => {
      const result = returnTo(wanted)
      if (result !== '/fallback') taken += 1

      // As a `Location`: relative to any page of the site, with what a browser drops before it reads an address.
      const seen = result.replace(/[\t\n\r]/g, '').replaceAll('\\', '/')
      const url = new URL(result, site)
      return (
        url.origin === site.origin &&
        new URL(seen, new URL('/deep/er', site)).origin === site.origin &&
        /^\/(?!\/)[!-[\]-~]*$/.test(result) &&
        !own.includes(routed(url.pathname)) &&
        // Taken once more, as the callback does, it stays what it is.
        returnTo(result) === result
      )
    })
    // The property is worth nothing if hardly anything was taken.
    expect(taken).toBeGreaterThan(COUNT / 20)
  })

  test('is returned to wherever the path is an ordinary one', () => {
    const word = fc.stringMatching(/^[\w~-]{1,10}$/)
    const page = fc.tuple(fc.array(word, { minLength: 1, maxLength: 5 }), fc.array(word, { maxLength: 3 }))
    holds(3000, page, ([segments, query]) => {
      const path = `/pages/${segments.join('/')}${query.length > 0 ? `?${query.join('&')}` : ''}`
      return returnTo(path) === path && returnTo(site.origin + path) === path
    })
  })

  test('is not left for any other address of the web', () => {
    const options = { withFragments: true, withQueryParameters: true }
    holds(3000, fc.webUrl(options), (url) =>
      [url, url.replace(/^https?:/, ''), url.replace('://', ':///')].every(
        (wanted) => returnTo(wanted) === '/fallback',
      ),
    )
  })

  test('takes nothing that is no text', () => {
    const noText = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withNullPrototype: true,
    })
    holds(2000, noText, (wanted) => typeof wanted === 'string' || returnTo(wanted) === '/fallback')
  })
})
