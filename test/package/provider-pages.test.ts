// What a provider's page says to set is taken: its `.env`, and each `auth()` of it beside that.
import { generateKeyPairSync } from 'node:crypto'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { optionsOf, PAGES, readPage, settingsOf } from './provider-page.ts'

/** What a page leaves to the reader, or takes from the app around it. */
const LEFT_OPEN = {
  BASE_URL: 'https://app.example.com',
  CLIENT_ID: 'client',
  CLIENT_SECRET: 'the client’s secret',
  SECRET: 'a secret of the providers’ pages which is long enough',
  REDIS_URL: 'redis://localhost',
  NODE_ENV: 'production',
}

const environmentOf = (page: string): NodeJS.ProcessEnv => ({ ...LEFT_OPEN, ...settingsOf(page).env })
const calls = PAGES.flatMap((page) => settingsOf(page).calls.map((options) => ({ page, options })))

test('there are pages, with options on most of them', () => {
  expect(PAGES).toHaveLength(15)
  expect(new Set(calls.map(({ page }) => page)).size).toBeGreaterThan(10)
})

test.each(PAGES)('%s: its .env alone is taken', (page) => {
  const env = environmentOf(page)
  expect(resolveOptions({}, env).issuer.href).toBe(new URL(env.ISSUER_BASE_URL ?? '').href)
})

test.each(calls)('$page: auth() takes what stands there, $options', ({ page, options }) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const withKey = options.includes('private_key_jwt')
  const env = withKey ? { CLIENT_SECRET: undefined, CLIENT_ASSERTION_SIGNING_KEY: key } : {}
  expect(() => resolveOptions(optionsOf(options), { ...environmentOf(page), ...env })).not.toThrow()
})

test.each(PAGES)('%s says when, and is in the table', (page) => {
  expect(readPage(page)).toMatch(/As of 2026-11-28/)
  expect(readPage('README.md')).toContain(`](${page}) |`)
})
