// Secrets of a tenant's own, made from those of the app: what one tenant's signed or sealed, no other's opens.
import { hkdfSync } from 'node:crypto'

/**
 * @param secrets newest first; the same list for as long as it stays the same
 * @param isFormer what the app's own secrets signed and sealed before there were tenants is this one's to read
 * @returns by the same rule
 */
export function tenantSecrets(
  secrets: () => readonly string[],
  key: string,
  isFormer = false,
): () => readonly string[] {
  let of: readonly string[] | undefined
  let derived: readonly string[] = []
  return () => {
    const current = secrets()
    if (current !== of) {
      const own = current.map((secret) => derive(secret, key))
      // Last, so that nothing is written with them any more.
      derived = Object.freeze(isFormer ? [...own, ...current] : own)
      of = current
    }
    return derived
  }
}

/** RFC 5869 §3.2: `info` binds what is derived to what it is for. */
function derive(secret: string, key: string): string {
  const bytes = hkdfSync('sha256', secret, '', `express-bff-session tenant ${key}`, 32)
  return Buffer.from(bytes).toString('base64url')
}
