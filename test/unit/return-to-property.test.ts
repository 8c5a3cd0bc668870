// Sixty thousand nasty addresses: whatever goes in, the browser ends on a page of this site that is no route of ours.
import { safeReturnTo } from '../../src/return-to.ts'

// The tail of what was tried is printed with a failure; the same seed tries the same again.
const SEED = Number(process.env.RETURN_TO_SEED ?? 20_260_101)
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

/** mulberry32: small, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What Express would route a path to: decoded once, in any case, with or without slashes at its end. */
function routed(pathname: string): string {
  let path = pathname
  try {
    path = decodeURIComponent(pathname)
  } catch {}
  while (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1)
  return path.toLowerCase()
}

test.each([
  ['a site at the root', 'https://app.example.com/', ['/login', '/logout', '/callback']],
  ['a site below a path', 'https://app.example.com/shop', ['/shop/login', '/shop/logout', '/shop/callback']],
  ['a site with a port', 'http://localhost:3000/', ['/login', '/logout', '/callback']],
])('%s is never left, and its own routes are never returned to', (_what, base, own) => {
  const site = new URL(base)
  const next = random(SEED)
  let taken = 0
  for (let count = 0; count < COUNT; count += 1) {
    const pieces = Array.from(
      { length: 1 + Math.floor(next() * 7) },
      () => PIECES[Math.floor(next() * PIECES.length)],
    )
    const wanted = (next() < 0.6 ? '/' : '') + pieces.join('')
    const result = safeReturnTo(wanted, site, own, '/fallback')
    if (result !== '/fallback') taken += 1

    // As a `Location`: relative to any page of the site, with what a browser drops before it reads an address.
    const seen = result.replace(/[\t\n\r]/g, '').replaceAll('\\', '/')
    const url = new URL(result, site)
    const harmless =
      result.startsWith('/') &&
      !seen.startsWith('//') &&
      !/[\u0000-\u0020\u007f-\uffff\\]/.test(result) &&
      url.origin === site.origin &&
      new URL(seen, new URL('/deep/er', site)).origin === site.origin &&
      !own.includes(routed(url.pathname)) &&
      // Taken once more, as the callback does, it stays what it is.
      safeReturnTo(result, site, own, '/fallback') === result
    if (!harmless) throw new Error(`seed ${SEED}, number ${count}: ${JSON.stringify({ wanted, result })}`)
  }
  // The property is worth nothing if hardly anything was taken.
  expect(taken).toBeGreaterThan(COUNT / 20)
})
