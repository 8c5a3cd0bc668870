// The provider's own prose (`error_description`), for operators: one line, and nothing in it that we sent or that may be a token.
import type { ProviderSetUp } from '../options/config.ts'
import type { Sent } from './bounded-fetch.ts'

const MOST_CHARACTERS = 200
const REMOVED = '[…]'
const TOKEN = /[A-Za-z0-9_.~+/=-]{20,}/g
/** Of a form that was sent: secrets, and what is of one login or one person. */
const SECRETS = [
  'client_secret',
  'client_assertion',
  'code',
  'code_verifier',
  'code_challenge',
  'refresh_token',
  'token',
  'request',
  'state',
  'nonce',
  'login_hint',
  'id_token_hint',
]

/** @param secrets are taken out of it */
export function cleanedWords(prose: unknown, secrets: readonly string[]): string | undefined {
  if (typeof prose !== 'string') return undefined
  const known = secrets.flatMap(spellings).sort((one, other) => other.length - one.length)
  const cleaned = known.reduce((text, secret) => text.replaceAll(secret, REMOVED), prose)
  const line = cleaned
    .replace(TOKEN, REMOVED)
    .replaceAll('"', "'")
    .replace(/[^\x20-\x7e…]+/g, ' ')
    .trim()
  return line === '' ? undefined : line.slice(0, MOST_CHARACTERS)
}

/** Those that the options have: what came by the browser was sent by nobody here. */
export function secretsOf({ clientSecret }: Pick<ProviderSetUp, 'clientSecret'>): string[] {
  return typeof clientSecret === 'string' ? [clientSecret] : []
}

export function secretsIn(sent: Sent | undefined): string[] {
  const { form = new URLSearchParams(), authorization = '' } = sent ?? {}
  const { credentials, secret } = basicIn(authorization)
  return [...SECRETS.map((name) => form.get(name) ?? ''), credentials, secret].filter((one) => one !== '')
}

/** What HTTP Basic was sent with; both parts of `pair` are form-encoded. */
export function basicIn(authorization: string) {
  const credentials = /^Basic (.+)$/.exec(authorization)?.[1] ?? ''
  const pair = Buffer.from(credentials, 'base64').toString()
  const encoded = pair.slice(pair.indexOf(':') + 1)
  return { credentials, pair, secret: new URLSearchParams(`secret=${encoded}`).get('secret') ?? '' }
}

/** As it is, and as it may have been written on its way. */
function spellings(secret: string): string[] {
  const formEncoded = new URLSearchParams([['', secret]]).toString().slice(1)
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  const base64url = Buffer.from(secret).toString('base64url')
  return [secret, formEncoded, encodeURIComponent(Buffer.from(secret).toString()), base64, base64url]
}

const MARK = '; its words: '

export function quoted(words: string | undefined): string {
  return words === undefined ? '' : `${MARK}"${words}"`
}

/** They may differ each time: what is told once is told without them the next time. */
export function withoutWords(detail: string): string {
  return detail.replace(/; its words: "[^"]*"$/, '')
}
