// Logins on their way: bound to a browser's cookies, to their time, and to bounds in number and bytes; against any change
// and in any company, found as they were begun, or not found.
import fc from 'fast-check'
import type { CookieChange, RequestCookies } from '../../src/cookies/cookies.ts'
import { createLoginTransactions } from '../../src/cookies/login-cookies.ts'
import type { LoginTransaction } from '../../src/cookies/login-transaction.ts'
import type { AuthOptions } from '../../src/index.ts'
import { resolve, SECRET } from '../options/valid.ts'
import { anyChange, anyText, changed, holds } from '../support/property.ts'

const NOW = 1_800_000_000_000
/** One that is long, and four that are short, with their names; common proxies refuse a header of 8 kB. */
const MOST_BYTES = 3700 + 4 * 700 + 200
const REALM = resolve()
const logins = createLoginTransactions(REALM)
const others = createLoginTransactions(resolve({ secret: 'quite another secret which is as long as this' }))

/** What a browser has after these. */
function browser(changes: CookieChange[], before: RequestCookies = []): RequestCookies {
  const jar = new Map(before)
  for (const { name, value } of changes) {
    if (value === undefined) jar.delete(name)
    else jar.set(name, value)
  }
  return [...jar]
}

function begin(returnTo = '/', at = NOW, cookies: RequestCookies = []) {
  const transaction = logins.create(REALM, returnTo, at)
  return { transaction, cookies: browser(logins.remember(transaction, cookies), cookies) }
}

const bytesOf = (cookies: RequestCookies) =>
  cookies.map(([name, value]) => `${name}=${value}`).join('; ').length

test('a login is found again by its state, as it was begun', () => {
  const { transaction, cookies } = begin('/page?a=1#b')
  expect(logins.find(transaction.state, cookies)).toEqual(transaction)
  expect(transaction).toMatchObject({
    issuer: 'https://issuer.example.com/',
    returnTo: '/page?a=1#b',
    startedAt: NOW,
  })
})

test('state, nonce and verifier are long, of their own, and new every time', () => {
  const made = Array.from({ length: 50 }, () => logins.create(REALM, '/', NOW))
  const values = made.flatMap(({ state, nonce, codeVerifier }) => [state, nonce, codeVerifier])
  expect(new Set(values).size).toBe(150)
  // RFC 7636 §4.1 asks for 43 letters at least.
  for (const value of values) expect(value).toMatch(/^[\w-]{43,128}$/)
})

test('its cookie shows nothing of it, neither in its name nor in its value', () => {
  const { transaction, cookies } = begin('/a-page-to-come-back-to')
  const [[name, value] = ['', '']] = cookies
  const decoded = Buffer.from(value, 'base64url').toString('latin1')
  for (const secret of [transaction.state, transaction.nonce, transaction.codeVerifier, 'a-page-to']) {
    expect(`${name}=${value} ${decoded}`).not.toContain(secret)
  }
})

test.each<[string, object, object]>([
  ['on https', {}, { secure: true, httpOnly: true, path: '/', sameSite: 'lax', maxAge: 600_000 }],
  ['on http', { baseURL: 'http://localhost' }, { secure: false, httpOnly: true, sameSite: 'lax' }],
  ['with strict sessions', { session: { cookie: { sameSite: 'strict' } } }, { sameSite: 'lax' }],
  [
    'for form_post',
    { authorizationParams: { response_mode: 'form_post' } },
    { sameSite: 'none', secure: true },
  ],
])('its cookie %s has the attributes that bring it back', (_what, options, expected) => {
  const some = createLoginTransactions(resolve(options as AuthOptions))
  const [change] = some.remember(some.create(REALM, '/', NOW), [])
  expect(change?.options).toMatchObject(expected)
  expect(change?.options).not.toHaveProperty('domain')
})

test('another state, another browser, another secret and a changed cookie find nothing', () => {
  const { transaction, cookies } = begin()
  const { state } = transaction
  const [[name, value] = ['', '']] = cookies
  expect(logins.find(`${state}1`, cookies)).toBeUndefined()
  expect(logins.find('', cookies)).toBeUndefined()
  expect(logins.find(state, [])).toBeUndefined()
  expect(logins.find(state, begin().cookies)).toBeUndefined()
  expect(others.find(state, cookies)).toBeUndefined()
  // Not the last letter: some of its bits say nothing.
  const other = value.at(-2) === 'A' ? 'B' : 'A'
  expect(logins.find(state, [[name, `${value.slice(0, -2)}${other}${value.slice(-1)}`]])).toBeUndefined()
  expect(logins.find(state, [[name, '']])).toBeUndefined()
  expect(logins.find(state, [[`${name}x`, value]])).toBeUndefined()
})

test('one login’s cookie under the name of another does not open', () => {
  const one = begin()
  const other = begin('/', NOW, one.cookies)
  const [[name] = [''], [, value] = ['', '']] = other.cookies
  expect(logins.find(one.transaction.state, [[name, value]])).toBeUndefined()
  expect(logins.find(other.transaction.state, [[name, value]])).toBeUndefined()
})

test('a planted cookie of the same name, before or after it, does not hide it', () => {
  const { transaction, cookies } = begin()
  const planted: RequestCookies = [[cookies[0]?.[0] ?? '', 'planted']]
  expect(logins.find(transaction.state, [...planted, ...cookies])).toEqual(transaction)
  expect(logins.find(transaction.state, [...cookies, ...planted])).toEqual(transaction)
})

test('five are kept; the oldest makes room, whatever order the cookies come in', () => {
  let cookies: RequestCookies = []
  const begun = []
  for (let count = 0; count < 8; count += 1) {
    const next = begin('/', NOW + count, [...cookies].reverse())
    begun.push(next.transaction)
    cookies = next.cookies
    expect(cookies.length).toBeLessThanOrEqual(5)
  }
  const found = begun.map(({ state }) => logins.find(state, cookies) !== undefined)
  expect(found).toEqual([false, false, false, true, true, true, true, true])
})

test('two hundred that were given up, with long pages to return to, stay below 8 kB together', () => {
  let cookies: RequestCookies = [['theme', 'dark']]
  for (let count = 0; count < 200; count += 1) {
    const { transaction, ...next } = begin(`/${'a'.repeat((count * 37) % 2047)}`, NOW + count, cookies)
    cookies = next.cookies
    expect(logins.find(transaction.state, cookies)).toMatchObject({
      ...transaction,
      returnTo: expect.any(String),
    })
    expect(bytesOf(cookies)).toBeLessThan(MOST_BYTES)
    // A browser takes no cookie over 4096 bytes (RFC 6265bis §5.6).
    for (const one of cookies) expect(bytesOf([one])).toBeLessThanOrEqual(4096)
  }
  expect(cookies).toContainEqual(['theme', 'dark'])
})

test('what is carried for others gives way before the page to return to does', () => {
  let cookies: RequestCookies = []
  // The large places are taken.
  for (const length of [2000, 700]) cookies = begin(`/?${'l'.repeat(length)}`, NOW, cookies).cookies
  const remembered = (returnTo: string) => {
    const transaction = logins.create(REALM, returnTo, NOW, { carried: 'c'.repeat(50) })
    return logins.find(transaction.state, browser(logins.remember(transaction, cookies), cookies))
  }
  expect(remembered('/')?.carried).toHaveLength(50)
  const page = `/page?${'p'.repeat(130)}`
  expect([remembered(page)?.returnTo, remembered(page)?.carried]).toEqual([page, undefined])
})

test('cookies with our prefix that do not open are dropped first', () => {
  const [prefix = ''] = begin().cookies[0]?.[0].match(/^.*-login-/) ?? []
  const planted = Array.from({ length: 30 }, (_, index) => [`${prefix}${index}`, 'x'.repeat(200)] as const)
  const good = begin('/', NOW)
  const next = begin('/', NOW + 1, [...planted, ...good.cookies])
  expect(next.cookies).toHaveLength(2)
  expect(logins.find(good.transaction.state, next.cookies)).toEqual(good.transaction)
})

test('to forget one leaves the others', () => {
  const one = begin()
  const two = begin('/', NOW, one.cookies)
  const left = browser(logins.forget(one.transaction.state, two.cookies), two.cookies)
  expect(logins.find(one.transaction.state, left)).toBeUndefined()
  expect(logins.find(two.transaction.state, left)).toEqual(two.transaction)
})

test('ten minutes are its time, to the millisecond', () => {
  const { transaction } = begin()
  expect(logins.isExpired(transaction, NOW)).toBe(false)
  expect(logins.isExpired(transaction, NOW + 600_000)).toBe(false)
  expect(logins.isExpired(transaction, NOW + 600_001)).toBe(true)
})

test('one begun before the secret was rotated is completed after it', () => {
  const { transaction, cookies } = begin()
  const rotated = createLoginTransactions(
    resolve({ secret: ['quite another secret which is as long as this', SECRET] }),
  )
  expect(rotated.find(transaction.state, cookies)).toEqual(transaction)
})

describe('against any change and in any company', () => {
  const COUNT = 3000
  function cookieOf(transaction: LoginTransaction): readonly [name: string, value: string] {
    const [change] = logins.remember(transaction, [])
    return [change?.name ?? '', change?.value ?? '']
  }

  const begun = logins.create(REALM, '/page', NOW)
  const [NAME, VALUE] = cookieOf(begun)
  const PREFIX = NAME.slice(0, -1)
  const letters = 'ABCabc012-_= %'

  const found = (cookies: RequestCookies, state = begun.state) => logins.find(state, cookies)
  const isBegun = (transaction: LoginTransaction | undefined) =>
    JSON.stringify(transaction) === JSON.stringify(begun)

  /** Names that browsers send and values of anything: of strangers, and of somebody who knows our prefix. */
  const name = fc.oneof(
    fc.stringMatching(/^[\w-]{1,12}$/),
    fc.stringMatching(/^[\w-]{16}$/).map((end) => PREFIX + end),
  )
  const company = fc.array(fc.tuple(name, anyText(60)), { maxLength: 12 })

  test('any page to return to is found as it was', () => {
    holds(COUNT, fc.tuple(anyText(400), fc.nat()), ([returnTo, at]) => {
      const transaction = logins.create(REALM, returnTo, at)
      return JSON.stringify(found([cookieOf(transaction)], transaction.state)) === JSON.stringify(transaction)
    })
  })

  test('with any change of its value it is not found', () => {
    holds(5 * COUNT, anyChange(letters), (change) => {
      const value = changed(VALUE, change)
      return value === VALUE || found([[NAME, value]]) === undefined
    })
  })

  test('with any change of its name or of the state it is not found', () => {
    holds(COUNT, anyChange(letters), (change) => {
      const [other, state] = [changed(NAME, change), changed(begun.state, change)]
      return (
        (other === NAME || found([[other, VALUE]]) === undefined) &&
        (state === begun.state || found([[NAME, VALUE]], state) === undefined)
      )
    })
  })

  test('any text is no state and no cookie of ours, and nothing throws', () => {
    holds(COUNT, fc.tuple(anyText(100), company), ([text, cookies]) => {
      return found([[NAME, text], ...cookies]) === undefined && found([[NAME, VALUE]], text) === undefined
    })
  })

  test('in any company it is found, planted cookies of its own name among it', () => {
    const planted = company.map((all) =>
      all.map(([other, value], at) => [at % 3 ? other : NAME, value] as const),
    )
    holds(COUNT, fc.tuple(planted, planted), ([before, after]) =>
      isBegun(found([...before, [NAME, VALUE], ...after])),
    )
  })

  test('whatever a browser has, after one more login there are five at most, and 8 kB, and the new one is found', () => {
    const ages = fc.array(fc.tuple(fc.nat(600_000), fc.nat(2000)), { maxLength: 8 })
    holds(COUNT / 2, fc.tuple(company, ages), ([strangers, others]) => {
      const own = others.map(([age, length]) =>
        cookieOf(logins.create(REALM, '/'.padEnd(length, 'a'), NOW - age)),
      )
      const next = logins.create(REALM, '/next', NOW)
      const jar = new Map([...strangers, ...own])
      for (const { name: changing, value } of logins.remember(next, [...jar])) {
        // Only what is ours, or says that it is, goes.
        if (!changing.startsWith(PREFIX)) return false
        if (value === undefined) jar.delete(changing)
        else jar.set(changing, value)
      }
      const left = [...jar].filter(([each]) => each.startsWith(PREFIX))
      return (
        left.length <= 5 &&
        left.reduce((sum, [, value]) => sum + value.length, 0) <= MOST_BYTES &&
        strangers.every(([each]) => each.startsWith(PREFIX) || jar.has(each)) &&
        found([...jar], next.state)?.returnTo === '/next'
      )
    })
  })
})
