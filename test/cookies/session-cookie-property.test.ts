// The session's cookie against any text: what we signed is read, nothing else is, and nothing throws.
import { sign } from 'cookie-signature'
import type { Request } from 'express'
import fc from 'fast-check'
import { parseCookies } from '../../src/cookies/cookies.ts'
import { createSessionCookie } from '../../src/cookies/session-cookie.ts'
import { resolve } from '../options/valid.ts'
import { anyChange, anyText, changed, holds } from '../support/property.ts'

const COUNT = 3000
const [NEW, OLD] = ['the newer of two secrets of these tests', 'the older of two secrets of these tests']
const config = resolve({ secret: NEW, baseURL: 'http://localhost', logger: { warn() {} } })
// Thousands of them are made, and all but the secrets is the same.
const cookieOf = (...secrets: string[]) => createSessionCookie({ ...config, secrets })
const cookie = cookieOf(NEW, OLD)

const cookiesIn = (header: string | undefined) => parseCookies(header ?? '')
const requestWith = (header: string) => ({ headers: { cookie: header } }) as Request
const read = (header: string) => cookie.read(requestWith(header)).session
const header = (name: string, value = '') => `${name}=${encodeURIComponent(value)}`

// Of the form that ids have; not random, so that a seed stands for the same cases always.
const [loggedIn, other, anonymous] = ['s', 's', 'a'].map(
  (kind, at) => `${kind}-${Buffer.alloc(32, at + 117).toString('base64url')}`,
) as [string, string, string]
const id = fc.constantFrom(loggedIn, other, anonymous)
const secret = fc.string({ unit: 'grapheme-ascii', minLength: 32, maxLength: 80 })
/** What may stand in a name or a value as it is: in a header every byte is a letter. */
const bytes = fc.uint8Array({ maxLength: 12 }).map((all) => Buffer.from(all).toString('latin1'))
const token = fc.stringMatching(/^[!#$%&'*+.^_`|~\w-]{1,12}$/)

/** Pieces of which a cookie of ours is made, and what a parser may trip over. */
const pieces = fc.constantFrom(
  ...'bff bff= =bff; ; = s: s%3A %73: . , " \' \\ % %3 %00 %ff %E0%A4%A j: j%3A{} __proto__= \t \xa0 \x85 \x00'.split(
    ' ',
  ),
  ' ',
  loggedIn,
  sign('other', NEW).split('.')[1] ?? '',
  sign('other', 'no secret of ours, and as long as one is').split('.')[1] ?? '',
)
const garbage = fc.array(fc.oneof({ weight: 5, arbitrary: pieces }, bytes), { maxLength: 12 })

test('what any of the secrets signed is read, and told by its age', () => {
  const secrets = fc.uniqueArray(secret, { minLength: 1, maxLength: 5 })
  holds(COUNT, fc.tuple(secrets, fc.nat(), anyText()), ([known, at, text]) => {
    const age = at % known.length
    const { name, value } = cookieOf(known[age] ?? '').write(text)
    const found = cookieOf(...known).read(requestWith(header(name, value))).session
    return found?.id === text && found.outdated === age > 0
  })
})

test('what a secret signed that is not known, or not any more, is not read', () => {
  const secrets = fc.uniqueArray(secret, { minLength: 2, maxLength: 5 })
  holds(COUNT, fc.tuple(secrets, id), ([[unknown = '', ...known], text]) => {
    const { name, value } = cookieOf(unknown).write(text)
    return cookieOf(...known).read(requestWith(header(name, value))).session === undefined
  })
})

test('a signed cookie with any change is anonymous', () => {
  const alphabet = 'sa:.-_+/=%3A ABCabc012,;"'
  holds(5 * COUNT, fc.tuple(id, fc.constantFrom(NEW, OLD), anyChange(alphabet)), ([text, by, change]) => {
    const value = `s:${sign(text, by)}`
    const other = changed(value, change)
    return other === value || read(header('bff', other)) === undefined
  })
})

test('the header of a signed cookie with any change names no other session', () => {
  holds(5 * COUNT, fc.tuple(id, anyChange('%3A25;=, "sbf.\t')), ([text, change]) => {
    const found = read(changed(`theme=dark; ${header('bff', `s:${sign(text, NEW)}`)}; a=b`, change))
    return found === undefined || (found.id === text && !found.outdated)
  })
})

test('the signature of one session is good for no other', () => {
  holds(COUNT, fc.tuple(anyText(), anyText()), ([one, other]) => {
    const signature = sign(one, NEW).slice(one.length)
    return one === other || read(header('bff', `s:${other}${signature}`)) === undefined
  })
})

test('only a header that names a session of ours is remembered, and no long one', () => {
  const ours = header('bff', `s:${sign(loggedIn, NEW)}`)
  const isRemembered = (all: string) => {
    const first = cookie.read(requestWith(all))
    return cookie.read(requestWith(all)) === first
  }
  const rest = 'x'.repeat(2000 - ours.length - 4)
  expect([ours, `${ours}; a=${rest.slice(1)}`, `${ours}; a=${rest}x`].map(isRemembered)).toEqual([
    true,
    true,
    false,
  ])
  expect(['', 'a=b', 'bff=s%3Anobody'].map(isRemembered)).toEqual([false, false, false])
})

test('any garbage is anonymous and never throws', () => {
  holds(5 * COUNT, garbage, (all) => read(all.join('')) === undefined)
  holds(COUNT, bytes, (value) => read(`bff=${value}`) === undefined)
  holds(COUNT, anyText(), (value) => read(header('bff', value)) === undefined)
})

test('beside any garbage ours is found, before and behind it', () => {
  holds(COUNT, fc.tuple(garbage, garbage, id), ([before, after, text]) => {
    const ours = header('bff', `s:${sign(text, NEW)}`)
    return read(`${before.join('')}; ${ours}; ${after.join('')}`)?.id === text
  })
})

test('all cookies of a header come out as they went in, in their order', () => {
  const all = fc.array(fc.tuple(token, anyText()))
  holds(COUNT, all, (cookies) => {
    const found = cookiesIn(cookies.map(([name, value]) => header(name, value)).join('; '))
    return JSON.stringify(found) === JSON.stringify(cookies)
  })
})

test('no header makes more cookies than it has, or names with what separates them', () => {
  holds(
    5 * COUNT,
    fc.oneof(
      garbage.map((all) => all.join('')),
      bytes,
    ),
    (text) => {
      const found = cookiesIn(text)
      return (
        found.length <= text.split(';').length &&
        found.every(([name, value]) => typeof value === 'string' && text.includes(name) && !/[;=]/.test(name))
      )
    },
  )
  expect(cookiesIn(undefined)).toEqual([])
})

// Browsers guard __Host- by the first letters of a name: a byte that is taken off makes anybody's cookie ours.
test('nothing but blanks and tabs is taken off a name', () => {
  const odd = fc.constantFrom(
    ...'\xa0 \x85 \x0b \x0c \x1f \x00 \xad \xff \ufeff \u2028 \u2000 \u3000 " %20'.split(' '),
  )
  holds(COUNT, fc.tuple(odd, token, fc.boolean()), ([letter, name, before]) => {
    const given = before ? letter + name : name + letter
    return cookiesIn(` \t${given}\t =x`)[0]?.[0] === given
  })
})
