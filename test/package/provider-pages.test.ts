// What a provider's page says to set is taken: its `.env`, and each `auth()` of it beside that.
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { snippetsOf } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
const folder = 'docs/providers'
const pages = readdirSync(join(root, folder)).filter((file) => file.endsWith('.md') && file !== 'README.md')
const read = (file: string) => readFileSync(join(root, folder, file), 'utf8')

/** What a page leaves to the reader, or takes from the app around it. */
const LEFT_OPEN = {
  BASE_URL: 'https://app.example.com',
  CLIENT_ID: 'client',
  CLIENT_SECRET: 'the client’s secret',
  SECRET: 'a secret of the providers’ pages which is long enough',
  REDIS_URL: 'redis://localhost',
  NODE_ENV: 'production',
}

function environmentOf(page: string): NodeJS.ProcessEnv {
  const lines = snippetsOf(`${folder}/${page}`).flatMap(({ language, code }) =>
    language === 'ini' ? code.split('\n') : [],
  )
  const given = lines.flatMap((line) => {
    const [, name = '', quoted, plain = ''] = /^([A-Z_]+)=(?:"([^"]*)"|(\S+))/.exec(line) ?? []
    return name === '' || plain === '...' ? [] : [[name, quoted ?? plain]]
  })
  return { ...LEFT_OPEN, ...Object.fromEntries(given) }
}

const calls = pages.flatMap((page) =>
  snippetsOf(`${folder}/${page}`)
    .filter(({ language }) => language === 'js')
    .flatMap(({ code }) => [...code.matchAll(/^auth\((\{.*?\})\)(?: \/\/.*)?$/gms)])
    .map(([, options = '']) => ({ page, options })),
)

function optionsOf(options: string): Parameters<typeof resolveOptions>[0] {
  const around = { process: { env: {} }, clientID: 'client', signedSecret: () => 'signed' }
  return new Function(...Object.keys(around), `return (${options})`)(...Object.values(around))
}

test('there are pages, with options on most of them', () => {
  expect(pages).toHaveLength(15)
  expect(new Set(calls.map(({ page }) => page)).size).toBeGreaterThan(10)
})

test.each(pages)('%s: its .env alone is taken', (page) => {
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

test.each(pages)('%s says when, and is in the table', (page) => {
  expect(read(page)).toMatch(/As of 2026-11-28/)
  expect(read('README.md')).toContain(`](${page}) |`)
})
