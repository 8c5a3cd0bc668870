// The errors that an app is handed: what Express makes of them, and what they hold.
import { inspect } from 'node:util'
import {
  ConfigurationError,
  isAuthError,
  LoginRequiredError,
  RefusedError,
  TryLaterError,
} from '../../src/errors/errors.ts'

test.each([
  [new LoginRequiredError('session_ended', 'Over.'), 'LoginRequiredError', 401, 'session_ended', {}],
  [
    new TryLaterError('renewal_pending', 'Wait.'),
    'TryLaterError',
    503,
    'renewal_pending',
    { 'retry-after': '1' },
  ],
  [new RefusedError('cross_site', 403, 'No.'), 'RefusedError', 403, 'cross_site', {}],
  [new ConfigurationError('invalid_option', 'Wrong.'), 'ConfigurationError', 500, 'invalid_option', {}],
])('%s has a name, status, code and headers', (error, name, status, code, headers) => {
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name, status, code, headers })
  expect(error.message).toMatch(/\w\.$/)
  expect(String(error)).toBe(`${name}: ${error.message}`)
  expect(error.statusCode).toBe(status)
  expect(error.cause).toBeUndefined()
  expect(inspect(error)).toContain(`code: '${code}'`)
  expect(isAuthError(error)).toBe(true)
})

test.each([
  [undefined, 1],
  [0, 1],
  [-5, 1],
  [0.2, 1],
  [1.2, 2],
  [60, 60],
])('to try later after %p seconds is said as a whole number of them: %p', (given, said) => {
  const error = new TryLaterError('provider_unavailable', 'Wait.', given)
  expect(error.retryAfterSeconds).toBe(said)
  expect(error.headers).toEqual({ 'retry-after': String(said) })
})

test('a refusal carries the provider’s own words, beside the message and not in it', () => {
  const sent = { error: 'access_denied', errorDescription: '<script>alert(1)</script>' }
  const error = new RefusedError('login_denied', 400, 'The provider did not log you in.', sent)
  expect(error).toMatchObject(sent)
  expect(error.message).not.toContain('script')
  expect(new RefusedError('cross_site', 403, 'No.').error).toBeUndefined()
})

test.each([
  ['another error', new Error('x')],
  ['one that looks like it', Object.assign(new Error('x'), { code: 'login_required', status: 401 })],
  ['an object', { name: 'LoginRequiredError', code: 'login_required' }],
  ['undefined', undefined],
  ['null', null],
  ['a text', 'login_required'],
])('%s is none of ours', (_what, error) => {
  expect(isAuthError(error)).toBe(false)
})
