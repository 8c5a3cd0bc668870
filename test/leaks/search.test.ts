// The leak test can fail: a token that is planted in each kind of place, in each form, is found there.
import { EventEmitter } from 'node:events'
import { createHaystack, withoutLogoutHint } from './search.ts'

const OPAQUE = 'dLKvgQxolYzqHr0Atnqn_a7xfgXhSrGm8BsPrgxTLmy'
const JWT = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"alice"}').toString('base64url')}.FrGVcmDb5YYi0fwNec6HMv2bwOV2YT0Xu`
const END = 'https://issuer.example/session/end'

const findIn = (value: unknown, secrets = [OPAQUE, JWT]) => {
  const haystack = createHaystack()
  haystack.add('harmless', { sub: 'alice', text: 'nothing here' })
  haystack.add('planted', value)
  return haystack.find(secrets)
}

class Private extends EventEmitter {
  protected hidden = OPAQUE
}

test.each<[string, (token: string) => unknown]>([
  ['a body', (token) => `{"authenticated":true,"token":"${token}"}`],
  ['a header', (token) => ({ headers: { 'set-cookie': [`a=b; Path=/`, `t=${token}`] } })],
  ['a log line', (token) => `warn: refresh of ${token} failed\n`],
  ['an error’s message', (token) => new Error(`bad ${token}`)],
  [
    'an error’s cause’s cause',
    (token) => new Error('a', { cause: new Error('b', { cause: { body: token } }) }),
  ],
  ['an error’s own member', (token) => Object.assign(new TypeError('a'), { response: { body: { token } } })],
  ['an aggregate error', (token) => new AggregateError([new Error('a'), new Error(token)])],
  ['a stack', (token) => Object.assign(new Error('a'), { stack: `Error\n    at ${token}` })],
  ['a hidden member', (token) => Object.defineProperty({}, 'x', { value: token, enumerable: false })],
  ['a symbol', (token) => ({ [Symbol('x')]: { token } })],
  ['a symbol’s name', (token) => ({ [Symbol(token)]: 1 })],
  ['a member’s name', (token) => ({ [token]: 1 })],
  ['a Map in a Set', (token) => new Set([new Map([['k', { token }]])])],
  ['a Map’s key', (token) => new Map([[{ token }, 1]])],
  ['a function’s member', (token) => Object.assign(() => {}, { token })],
  ['a list of a thousand', (token) => [...Array(1000).fill('x'), token]],
  ['a text of a megabyte', (token) => ['x'.repeat(1_000_000) + token]],
  [
    'a hundred levels down',
    (token) =>
      Array(100)
        .fill(0)
        .reduce((inner) => ({ inner }), { token }),
  ],
  ['a buffer', (token) => ({ chunk: Buffer.from(`xx${token}`) })],
  ['a big buffer', (token) => ({ chunk: Buffer.concat([Buffer.alloc(5000), Buffer.from(token)]) })],
  ['an ArrayBuffer', (token) => new TextEncoder().encode(token).buffer],
  ['an URL', (token) => new URL(`https://app.example/?t=${token}`)],
  ['an emitter', (token) => Object.assign(new Private(), { token })],
  ['a Redis value', (token) => ['HSET', 'key', 'sealed', Buffer.from(token).toString('base64')]],
  ['base64 of a pair', (token) => `Basic ${Buffer.from(`a:${token}`).toString('base64')}`],
  ['base64 of another pair', (token) => `Basic ${Buffer.from(`ab:${token}`).toString('base64')}`],
  ['base64 of a third', (token) => `Basic ${Buffer.from(`abc:${token}`).toString('base64')}`],
  ['hex', (token) => Buffer.from(token).toString('hex')],
  ['only its end', (token) => `…${token.slice(-24)}`],
])('a token in %s is found', (_where, plant) => {
  for (const token of [OPAQUE, JWT]) {
    // A JWT's end alone says nothing that its signature's beginning does not.
    const planted = token === JWT && _where === 'only its end' ? token.split('.')[2] : plant(token)
    expect(findIn(planted).map(({ place }) => place)).toContain('planted')
  }
})

test('nothing is found where nothing is, and a find names no secret', () => {
  expect(findIn({ sub: 'alice', aud: 'client', generation: 2 })).toEqual([])
  expect(findIn('eyJhbGciOiJSUzI1NiJ9 is how every token begins')).toEqual([])
  const found = findIn({ OPAQUE, JWT })
  expect(found.length).toBeGreaterThan(1)
  expect(JSON.stringify(found)).not.toContain(OPAQUE)
})

test('a secret with letters that URLs and JSON escape is found in both', () => {
  const secret = 'a “secret”, with\t"quotes" & more /+='
  for (const planted of [secret, encodeURIComponent(secret), JSON.stringify({ secret })]) {
    expect(findIn(planted, [secret])).not.toEqual([])
  }
})

test('the hint is taken out of the address of the end-session endpoint, and nothing else is', () => {
  const address = `${END}?id_token_hint=${JWT}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F`
  expect(findIn(address)).not.toEqual([])
  expect(withoutLogoutHint(address, END)).toBe(`${END}?post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F`)
})

test.each([
  ['at another endpoint', `https://issuer.example/session/other?id_token_hint=${JWT}`],
  ['at another host', `https://evil.example/session/end?id_token_hint=${JWT}`],
  ['below the endpoint', `${END}/more?id_token_hint=${JWT}`],
  ['on our own site', `/logged-out?id_token_hint=${JWT}`],
  ['in another parameter', `${END}?state=${JWT}`],
  ['in the fragment', `${END}#id_token_hint=${JWT}`],
  ['of another token beside it', `${END}?id_token_hint=x&logout_hint=${OPAQUE}`],
])('a token %s is still found', (_where, location) => {
  expect(findIn(withoutLogoutHint(location, END))).not.toEqual([])
})
