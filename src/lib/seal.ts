// Encrypts text so that only this deployment can read it, only for the purpose and the place it was sealed for.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

const FORMAT = 1
const KEY_ID_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + KEY_ID_BYTES + IV_BYTES + TAG_BYTES

/** Seals with the newest secret, opens with any. */
export interface Sealer {
  /** `place` binds the text to where it is kept: sealed for one place, it does not open in another. */
  seal(text: string, place: string): string
  /** The text, or undefined for whatever was not sealed here, for this place, with a known secret. */
  open(sealed: string, place: string): string | undefined
}

interface Key {
  readonly id: Buffer
  readonly secret: Buffer
}

/**
 * @param secrets newest first; a function where they change, which gives the same list while they do not
 * @param purpose one word a use, so that no key serves two
 */
export function createSealer(
  secrets: readonly string[] | (() => readonly string[]),
  purpose: string,
): Sealer {
  const current = typeof secrets === 'function' ? secrets : () => secrets
  let of: readonly string[] | undefined
  let keys: readonly Key[] = []

  /** Derived again where the secrets are others. */
  function currentKeys(): readonly Key[] {
    const list = current()
    if (list !== of) keys = list.map((secret) => deriveKey(secret, purpose))
    of = list
    return keys
  }

  function newestKey(): Key {
    const [newest] = currentKeys()
    if (newest === undefined) throw new TypeError('createSealer() needs a secret')
    return newest
  }

  // The keys are derived once they are needed: of many tenants most seal nothing for a while.
  if (current().length === 0) throw new TypeError('createSealer() needs a secret')

  return {
    seal(text, place) {
      const newest = newestKey()
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', newest.secret, iv)
      cipher.setAAD(Buffer.from(place))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(FORMAT), newest.id, iv, cipher.getAuthTag(), body]).toString(
        'base64url',
      )
    },

    open(sealed, place) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Node reads over letters that do not belong there: only one spelling of the bytes is taken.
      if (bytes.toString('base64url') !== sealed) return undefined
      if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) return undefined
      const id = bytes.subarray(1, 1 + KEY_ID_BYTES)
      const key = currentKeys().find((candidate) => candidate.id.equals(id))
      if (key === undefined) return undefined
      const iv = bytes.subarray(1 + KEY_ID_BYTES, 1 + KEY_ID_BYTES + IV_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', key.secret, iv, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(place))
      decipher.setAuthTag(bytes.subarray(HEADER_BYTES - TAG_BYTES, HEADER_BYTES))
      try {
        return decipher.update(bytes.subarray(HEADER_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        return undefined
      }
    },
  }
}

/** The letters that a text of ASCII has once it is sealed. */
export function sealedLength(text: string): number {
  return Math.ceil(((HEADER_BYTES + Buffer.byteLength(text)) * 4) / 3)
}

function deriveKey(secret: string, purpose: string): Key {
  const derived = Buffer.from(hkdfSync('sha256', secret, '', `express-bff-session ${purpose}`, 32))
  return { secret: derived, id: createHash('sha256').update(derived).digest().subarray(0, KEY_ID_BYTES) }
}
