// The cookie of a login on its way against any change and any company: found as it was begun, or not found.
import fc from 'fast-check'
import type { RequestCookies } from '../../src/cookies/cookies.ts'
import { createLoginTransactions, type LoginTransaction } from '../../src/cookies/login-transaction.ts'
import { resolve } from '../options/valid.ts'
import { anyChange, anyText, changed, holds } from '../support/property.ts'

const COUNT = 3000
const NOW = 1_800_000_000_000
const logins = createLoginTransactions(resolve())

function cookieOf(transaction: LoginTransaction): readonly [name: string, value: string] {
  const [change] = logins.remember(transaction, [])
  return [change?.name ?? '', change?.value ?? '']
}

const begun = logins.create('/page', NOW)
const [NAME, VALUE] = cookieOf(begun)
const PREFIX = NAME.slice(0, -16)
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
    const transaction = logins.create(returnTo, at)
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

test('whatever a browser has, after one more login there are five at most, and 4 kB, and the new one is found', () => {
  const ages = fc.array(fc.tuple(fc.nat(600_000), fc.nat(2000)), { maxLength: 8 })
  holds(COUNT / 2, fc.tuple(company, ages), ([strangers, others]) => {
    const own = others.map(([age, length]) => cookieOf(logins.create('/'.padEnd(length, 'a'), NOW - age)))
    const next = logins.create('/next', NOW)
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
      left.reduce((sum, [, value]) => sum + value.length, 0) <= 4000 &&
      strangers.every(([each]) => each.startsWith(PREFIX) || jar.has(each)) &&
      found([...jar], next.state)?.returnTo === '/next'
    )
  })
})
