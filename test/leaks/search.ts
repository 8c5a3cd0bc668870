// Looks for secrets in everything a run left behind: as they are, in pieces, and in the encodings that hide them.
import { inspect } from 'node:util'

export interface Found {
  place: string
  /** which secret, by its number, and in what form: never the secret itself */
  what: string
}

export interface Haystack {
  /** anything at all; objects are looked at to any depth */
  add(place: string, value: unknown): void
  /** how many places were added */
  size(): number
  find(secrets: readonly string[]): Found[]
}

export function createHaystack(): Haystack {
  let places = 0
  /** Each line once, with the first place that it was in: most of one request is in the next one too. */
  const lines = new Map<string, string>()
  return {
    add(place, value) {
      places += 1
      for (const line of (typeof value === 'string' ? value : textOf(value)).split('\n')) {
        if (!lines.has(line)) lines.set(line, place)
      }
    },
    size: () => places,
    find(secrets) {
      // A token's form in an URL is mostly the token itself: each needle is looked for once.
      const needles = new Map<string, string>()
      for (const [index, secret] of secrets.entries()) {
        for (const [form, needle] of Object.entries(formsOf(secret))) {
          if (!needles.has(needle)) needles.set(needle, `secret ${index} (${form})`)
        }
      }
      const all = [...lines.keys()].join('\n')
      const present = [...needles].filter(([needle]) => all.includes(needle))
      return present.flatMap(([needle, what]) =>
        [...lines].flatMap(([line, place]) => (line.includes(needle) ? [{ place, what }] : [])),
      )
    },
  }
}

/** What is added goes to all of them. */
export function into(...haystacks: readonly Haystack[]): Pick<Haystack, 'add'> {
  return {
    add(place, value) {
      for (const haystack of haystacks) haystack.add(place, value)
    },
  }
}

/** A secret in the ways in which it may be written; of a long one, also its beginning and its end. */
function formsOf(secret: string): Record<string, string> {
  const bytes = Buffer.from(secret)
  const [, payload, signature] = secret.split('.')
  const jwt = payload !== undefined && signature !== undefined
  // Where a secret stands among other bytes, its base64 depends on how many are before it, but for both ends.
  const shifted = (before: number) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(before === 0 ? 0 : 4, -4)
  return {
    'as it is': secret,
    'in an URL': encodeURIComponent(secret),
    'in JSON': JSON.stringify(secret).slice(1, -1),
    'in hex': bytes.toString('hex'),
    'in base64': shifted(0),
    'in base64, one byte on': shifted(1),
    'in base64, two bytes on': shifted(2),
    'in base64url': bytes.toString('base64url').slice(0, -2),
    // All JWTs of a provider begin alike: what makes one secret is its signature, what makes it telling its payload.
    ...(jwt && { 'its payload': payload }),
    ...(jwt && signature.length > 24 && { 'its signature’s beginning': signature.slice(0, 24) }),
    ...(!jwt &&
      secret.length >= 40 && { 'its beginning': secret.slice(0, 20), 'its end': secret.slice(-20) }),
  }
}

/** What a careless logger would print, and what it would not: buffers, hidden members, symbols, causes. */
function textOf(value: unknown): string {
  const options = {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    maxArrayLength: null,
    maxStringLength: null,
    breakLength: Number.POSITIVE_INFINITY,
  }
  return `${inspect(value, options)}\n${[...stringsIn(value)].join('\n')}`
}

/** Every string and buffer that can be reached without calling anything. */
function stringsIn(root: unknown): Set<string> {
  const strings = new Set<string>()
  const seen = new Set<unknown>()
  const left: unknown[] = [root]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === 'string') strings.add(value)
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
      continue
    seen.add(value)
    if (ArrayBuffer.isView(value)) {
      strings.add(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'))
      continue
    }
    if (value instanceof ArrayBuffer) strings.add(Buffer.from(value).toString('latin1'))
    if (value instanceof Map) left.push(...value.keys(), ...value.values())
    if (value instanceof Set) left.push(...value)
    for (const key of Reflect.ownKeys(value)) {
      left.push(key)
      const member = Object.getOwnPropertyDescriptor(value, key)
      if (member !== undefined && 'value' in member) left.push(member.value)
    }
  }
  return strings
}

/**
 * The one place in which a token may cross the browser: RP-Initiated Logout 1.0 §2 asks for the ID token as
 * `id_token_hint` at the provider's end-session endpoint. Takes out that parameter there, and nothing anywhere else.
 */
export function withoutLogoutHint(location: string, endSessionEndpoint: string): string {
  if (!URL.canParse(location)) return location
  const url = new URL(location)
  if (url.origin + url.pathname !== endSessionEndpoint) return location
  url.searchParams.delete('id_token_hint')
  return url.href
}
