// How long a renewal's request may take, and how the provider is dealt with.
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { VALID } from './valid.ts'

const resolve = (options: object) => resolveOptions({ ...VALID, ...options }, {})

test.each<[object, number]>([
  [{}, 30],
  [{ timeoutSeconds: 10 }, 30],
  [{ timeoutSeconds: 45 }, 45],
  [{ timeoutSeconds: 1, requestTimeoutSeconds: 1 }, 1],
  [{ requestTimeoutSeconds: 300 }, 300],
])('with the renewal %j its request has %d seconds', (renewal, seconds) => {
  expect(resolve({ renewal }).renewal.requestTimeoutSeconds).toBe(seconds)
})

test('the provider is asked again after an hour, and by fifty logins at once', () => {
  expect(resolve({}).provider).toEqual({ refreshSeconds: 3600, maxConcurrentLogins: 50 })
})

test.each<[object, RegExp]>([
  [{ renewal: { requestTimeoutSeconds: 4 } }, /renewal\.requestTimeoutSeconds must be .* from 5 to 300/],
  [{ renewal: { requestTimeoutSeconds: 301 } }, /renewal\.requestTimeoutSeconds must be/],
  [{ provider: { refreshSeconds: 0 } }, /provider\.refreshSeconds must be a number of seconds/],
  [{ provider: { maxConcurrentLogins: 0 } }, /provider\.maxConcurrentLogins must be a whole number/],
  [{ provider: { refreshSecond: 5 } }, /did you mean provider\.refreshSeconds\?/],
  [{ provider: 'mine' }, /provider must be an object/],
])('%j is refused at start-up', (options, message) => {
  expect(() => resolve(options)).toThrow(message)
})
