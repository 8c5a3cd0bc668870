// Where the browser may be sent after a login: pages of this site, and nothing that a browser reads as anything else. And of
// sixty thousand nasty addresses: whatever goes in, it ends on a page of this site that is no route of ours.
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { safeReturnTo } from '../../src/http/return-to.ts'
import { comparablePath } from '../../src/options/app-paths.ts'
import { anyText, holds } from '../support/property.ts'

const SITE = new URL('https://app.example.com/shop')
const OWN = ['/shop/login', '/shop/callback', '/shop/logout', '/login', '/logout', '/callback']
const returnTo = (wanted: unknown, site = SITE) => safeReturnTo(wanted, site, OWN, '/fallback')

test.each([
  ['/', '/'],
  ['/profile', '/profile'],
  ['/profile/', '/profile/'],
  ['/profile?tab=1&next=//evil.com', '/profile?tab=1&next=//evil.com'],
  ['/profile#section', '/profile#section'],
  ['/?return_to=/login', '/?return_to=/login'],
  ['/a/../b', '/b'],
  ['/../../etc', '/etc'],
  ['/a//evil', '/a//evil'],
  ['/a/https://evil.com', '/a/https://evil.com'],
  ['/caf%C3%A9', '/caf%C3%A9'],
  ['/café', '/caf%C3%A9'],
  ['/%F0%9F%8D%95', '/%F0%9F%8D%95'],
  ['/50%', '/50%'],
  ['/?q=50%25&r=%0d%0a', '/?q=50%25&r=%0d%0a'],
  ['/logins', '/logins'],
  ['/loginx/', '/loginx/'],
  ['/account/login', '/account/login'],
  ['/me', '/me'],
  ['/@evil.com', '/@evil.com'],
  ['/user@evil.com:80', '/user@evil.com:80'],
  ['https://app.example.com', '/'],
  ['https://app.example.com/', '/'],
  ['https://app.example.com/profile?a#b', '/profile?a#b'],
])('%j is a page of ours: %j', (wanted, page) => {
  expect(returnTo(wanted)).toBe(page)
})

test.each([
  // HOSTILE-INPUTS, return_to
  '//evil',
  '///evil',
  '////evil',
  '/\\evil',
  '\\/evil',
  '\\\\evil',
  '/%09/evil',
  '/%5cevil',
  '/%5Cevil',
  '/.//evil',
  '/a/..//evil',
  '/%2e//evil',
  '/%2E%2e//evil',
  '/././/evil',
  '/../..//evil',
  '/a/b/../..//evil',
  'https:evil',
  'https:/evil',
  'https:/app.example.com',
  'javascript:alert(1)',
  'JAVASCRIPT:alert(1)',
  'data:text/html,x',
  'http://us@evil',
  'https://us@app.example.com/',
  'https://:us@app.example.com/',
  'https://app.example.com@evil.com/',
  'https://app.example.com.evil.com/',
  'https://app.example.com.:443/',
  'https://app.example.comevil.com/',
  'https://app.example.com:8443/',
  'https://APP.example.com/',
  'http://app.example.com/',
  'https://app.example.com\\.evil.com/',
  'https://app.example.com//evil.com',
  'https://app.example.com/.//evil.com',
  '/\tevil',
  '/\t/evil',
  '/\n/evil',
  '/\r\n/evil',
  '/a\r\nset-cookie: a=b',
  '\t//evil',
  ' //evil',
  ' /a',
  '/a b',
  '/\u0000',
  '/\u007f',
  '/%0d%0aset-cookie:a=b',
  '/%0D%0A',
  '/%00',
  '/%7f',
  '/%2fevil',
  '/%2Fevil',
  '',
  'profile',
  './profile',
  '../profile',
  '?a',
  '#a',
  '@evil.com',
  ':80/evil',
  '\u2028//evil',
  '／／evil.com',
  '\ufeff//evil',
  '//us@app.example.com/',
  // our own routes, in every way that Express takes them for
  '/login',
  '/LOGIN',
  '/Login/',
  '/login//',
  '/login?return_to=/login',
  '/login#x',
  '/logout',
  '/%6Cogin',
  '/lo%67out',
  '/%6c%6f%67%69%6e',
  '/a/../login',
  '/./logout',
  '/%2e/logout',
  '/callback?code=x',
  '/CALLBACK/?code=x&state=y',
  '/shop/login',
  '/shop/../logout',
  'https://app.example.com/logout',
  'https://app.example.com/shop/login',
])('%j is not taken', (wanted) => {
  expect(returnTo(wanted)).toBe('/fallback')
})

const OTHERS = [
  'https://www.example.com',
  'http://localhost:5173',
  'https://xn--caf-dma.example',
  SITE.origin,
]
const returnElsewhere = (wanted: unknown) => safeReturnTo(wanted, SITE, OWN, '/fallback', OTHERS)

test.each([
  ['https://www.example.com', 'https://www.example.com/'],
  ['https://www.example.com/bye?a=//evil.com#section', 'https://www.example.com/bye?a=//evil.com#section'],
  ['https://www.example.com?a', 'https://www.example.com/?a'],
  ['https://www.example.com#a', 'https://www.example.com/#a'],
  ['https://www.example.com/a/../b', 'https://www.example.com/b'],
  ['https://www.example.com/logout', 'https://www.example.com/logout'],
  ['https://www.example.com/café', 'https://www.example.com/caf%C3%A9'],
  ['http://localhost:5173/#/route', 'http://localhost:5173/#/route'],
  ['https://xn--caf-dma.example/', 'https://xn--caf-dma.example/'],
  ['/profile', '/profile'],
  ['https://app.example.com/profile', '/profile'],
])('%j is a page that may be returned to where its origin is listed: %j', (wanted, page) => {
  expect(returnElsewhere(wanted)).toBe(page)
})

test.each([
  // Our own origin in the list opens none of our routes.
  'https://app.example.com/logout',
  'https://app.example.com/shop/LOGIN/',
  '//www.example.com/',
  '/\\www.example.com/',
  'https:www.example.com/',
  'https:/www.example.com/',
  'https:///www.example.com/',
  'http://www.example.com/',
  'wss://www.example.com/',
  'HTTPS://www.example.com/',
  'https://WWW.example.com/',
  'https://www.example.com./',
  'https://www.example.com:443/',
  'https://www.example.com:444/',
  'https://www.example.com:/',
  'https://www.example.com:@evil.com/',
  'https://www.example.com@evil.com/',
  'https://us@www.example.com/',
  'https://us:word@www.example.com/',
  'https://@www.example.com/',
  'https://www.example.com.evil.com/',
  'https://www.example.comevil.com/',
  'https://evil.www.example.com/',
  'https://example.com/',
  'https://www.example.com\\@evil.com/',
  'https://www.example.com\\.evil.com/',
  'https://www.example.com\t.evil.com/',
  'https://www.exam\nple.com/',
  'https://www.example.com/\r\nset-cookie: a=b',
  'https://www.example.com/%0d%0aset-cookie:a=b',
  'https://www.example.com/%5cevil.com',
  'https://www.example.com//evil.com',
  'https://www.example.com/.//evil.com',
  'https://www.example.com/%2fevil.com',
  'https://www%2eexample.com/',
  'https://%77ww.example.com/',
  'https://ｗｗｗ.example.com/',
  'https://www。example.com/',
  'https://www．example．com/',
  'https://www.exam\u00adple.com/',
  'https://café.example/',
  ' https://www.example.com/',
  'https://www.example.com/ a',
  'blob:https://www.example.com/x',
  'javascript://www.example.com/%0aalert(1)',
  'view-source:https://www.example.com/',
  'http://localhost:51730/',
  'http://localhost:5173@evil.com/',
  'http://localhost/',
  'https://localhost:5173/',
  'http://127.0.0.1:5173/',
  `https://www.example.com/${'a'.repeat(2048)}`,
  `https://www.example.com/${'ü'.repeat(1000)}`,
])('%j is not taken for a page on a listed origin', (wanted) => {
  expect(returnElsewhere(wanted)).toBe('/fallback')
})

test.each([
  ['a text of 64 kB', `/${'a'.repeat(65_536)}`],
  ['a text of one letter too many', `/${'a'.repeat(2048)}`],
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['a list', ['/profile']],
  ['an object', { toString: () => '/profile' }],
  ['a String object', new String('/profile')],
  ['an URL', new URL('https://app.example.com/profile')],
])('%s is not taken', (_what, wanted) => {
  expect(returnTo(wanted)).toBe('/fallback')
})

test('a site of http with a port is told from its neighbours', () => {
  const site = new URL('http://localhost:3000/')
  expect(returnTo('http://localhost:3000/page', site)).toBe('/page')
  for (const wanted of ['http://localhost:3001/', 'http://localhost/', 'https://localhost:3000/']) {
    expect([wanted, returnTo(wanted, site)]).toEqual([wanted, '/fallback'])
  }
})

test('what comes out is no longer than what may go in, though letters grow when they are escaped', () => {
  const longest = '/'.padEnd(2000, 'a')
  expect(returnTo(longest)).toBe(longest)
  // 2000 letters of three bytes each would be a cookie of 24 kB, which the browser drops, and the login with it.
  for (const wanted of ['/'.padEnd(2000, '漢'), '/?'.padEnd(2000, '漢'), '/#'.padEnd(2000, '漢')]) {
    expect(returnTo(wanted).length).toBeLessThanOrEqual(2048)
  }
})

test.each([
  ['slashes', `${'/'.repeat(1_500_000)}a`],
  ['slashes at the end', `/a${'/'.repeat(1_500_000)}`],
  ['escaped slashes', `${'%2f'.repeat(500_000)}a`],
  ['broken escapes', '/%'.repeat(800_000)],
])('a path of thousands of %s is compared at once', (_what, path) => {
  // Every request's path is compared like this. It is a hundred times as long as the longest request line that Node takes:
  // what grows with the length takes milliseconds, what grows with its square takes an hour.
  const sandbox = { comparablePath, path }
  expect(runInNewContext('comparablePath(path)', sandbox, { timeout: 10_000 })).toMatch(/^[/%]/)
})

test.each([
  ['/login', '/LOGIN'],
  ['/login', '/login/'],
  ['/login', '/login//'],
  ['/login', '/%4cogin'],
  ['/', '//'],
  ['/%', '/%'],
])('%s and %s are the same to Express', (one, other) => {
  expect(comparablePath(other)).toBe(comparablePath(one))
  expect(comparablePath(one)).toBe(one)
})

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

  test('is left for listed origins alone, whatever is asked for', () => {
    const others = ['https://evil.com', 'http://localhost']
    const returnTo = (wanted: unknown) => safeReturnTo(wanted, site, own, '/fallback', others)
    let left = 0
    const start = fc.constantFrom('https://evil.com', 'http://localhost', 'https://', 'http://', '')
    holds(COUNT, fc.tuple(start, address), ([before, after]) => {
      const result = returnTo(before + after)
      if (result.startsWith('/')) return new URL(result, site).origin === site.origin
      left += 1
      const other = others.find((one) => result.startsWith(`${one}/`))
      return (
        other !== undefined &&
        before + after !== '' &&
        (before + after).startsWith(other) &&
        new URL(result).origin === other &&
        new URL(result.replaceAll('\\', '/')).host === new URL(other).host &&
        /^[!-[\]-~]*$/.test(result) &&
        returnTo(result) === result
      )
    })
    expect(left).toBeGreaterThan(COUNT / 20)
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
