// With NODE_ENV=production: https, and a store that outlives the process, unless this machine or memory is meant.
import { mistakeIn, resolve } from './valid.ts'

const PRODUCTION = { NODE_ENV: 'production', REDIS_URL: 'redis://redis' }

test.each([
  ['baseURL', 'http://app.example.com'],
  ['baseURL', 'http://192.168.1.7'],
  ['baseURL', 'http://0.0.0.0:3000'],
  ['baseURL', 'http://localhost.evil.example'],
  ['baseURL', 'http://127.0.0.1.evil.example'],
  ['baseURL', 'http://128.0.0.1'],
  ['baseURL', 'http://[::2]'],
  ['baseURL', 'http://mylocalhost'],
  ['issuerBaseURL', 'http://issuer.example.com'],
  ['issuerBaseURL', 'http://[::ffff:8.8.8.8]'],
])('%s: %s is refused', (option, url) => {
  expect(mistakeIn({ [option]: url }, PRODUCTION)).toMatch(
    new RegExp(`${option} .*must be https in production`),
  )
  expect(resolve({ [option]: url })).toBeDefined()
})

test.each([
  'http://localhost:3000',
  'http://127.0.0.1:3000',
  'http://127.8.9.1',
  'http://[::1]:3000',
  'http://app.localhost',
  'https://app.example.com',
])('%s is taken', (url) => {
  expect(resolve({ baseURL: url, issuerBaseURL: url }, PRODUCTION).baseURL.href).toBe(new URL(url).href)
})

test('sessions in memory are refused, unless asked for by name', () => {
  const env = { NODE_ENV: 'production' }
  const message = mistakeIn({}, env)
  expect(message).toMatch(/redis \(REDIS_URL\) is required in production/)
  expect(message).toMatch(/allowInMemoryStore: true/)
  expect(mistakeIn({ allowInMemoryStore: false }, env)).toBe(message)
  expect(mistakeIn({}, { ...env, REDIS_URL: '' })).toBe(message)
  expect(resolve({ allowInMemoryStore: true }, env).redis).toBeUndefined()
  expect(resolve({ redis: 'rediss://redis' }, env).redis).toBe('rediss://redis')
  expect(resolve({}, { NODE_ENV: 'development' }).redis).toBeUndefined()
  expect(resolve({}, {}).redis).toBeUndefined()
})
