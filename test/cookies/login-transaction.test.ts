// Logins on their way: bound to a browser's cookies, to their time, and to bounds in number and bytes.
import type { CookieChange, RequestCookies } from '../../src/cookies/cookies.ts'
import { createLoginTransactions } from '../../src/cookies/login-transaction.ts'
import type { AuthOptions } from '../../src/index.ts'
import { resolve, SECRET } from '../options/valid.ts'

const NOW = 1_800_000_000_000
const logins = createLoginTransactions(resolve())
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
  const transaction = logins.create(returnTo, at)
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
  const made = Array.from({ length: 50 }, () => logins.create('/', NOW))
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
  const [change] = some.remember(some.create('/', NOW), [])
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
  expect(logins.find(state, [[name, `${value.slice(0, -4)}AAAA`]])).toBeUndefined()
  expect(logins.find(state, [[name, '']])).toBeUndefined()
  expect(logins.find(state, [[`${name}x`, value]])).toBeUndefined()
})

test('one login’s cookie under the name of another does not open', () => {
  const [one, other] = [begin(), begin()]
  const [[name] = ['']] = one.cookies
  const [[, value] = ['', '']] = other.cookies
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

test('two hundred that were given up, with long pages to return to, stay below 4 kB together', () => {
  let cookies: RequestCookies = [['theme', 'dark']]
  for (let count = 0; count < 200; count += 1) {
    const { transaction, ...next } = begin(`/${'a'.repeat((count * 37) % 2047)}`, NOW + count, cookies)
    cookies = next.cookies
    expect(logins.find(transaction.state, cookies)).toEqual(transaction)
    expect(bytesOf(cookies)).toBeLessThan(4500)
    // A browser takes no cookie over 4096 bytes (RFC 6265bis §5.6).
    for (const one of cookies) expect(bytesOf([one])).toBeLessThanOrEqual(4096)
  }
  expect(cookies).toContainEqual(['theme', 'dark'])
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
  const left = browser([logins.forget(one.transaction.state)], two.cookies)
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
