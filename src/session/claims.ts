// A login, or the place of a session, is claimed for one session, and once it is over for none.
import { createHash } from 'node:crypto'
import { LOGIN_SECONDS } from '../cookies/login-transaction.ts'
import type { SessionStore } from '../store/store.ts'

/** In the place of a session's id; the time follows. */
const OVER = 'over:'

/** Longer than a login can be under way. */
const CLAIM_SECONDS = LOGIN_SECONDS + 60

/** By a hash: of a session that is over, its id is kept nowhere. */
export function claimKey(kind: 'login' | 'session', name: string): string {
  return `${kind}:${createHash('sha256').update(name).digest('base64url')}`
}

/** Since when it is over, by the store's clock. */
export function overSince(holder: string): number | undefined {
  return holder.startsWith(OVER) ? Number(holder.slice(OVER.length)) : undefined
}

/**
 * Claims it for the session `id`. What a session holds that is over, it holds no more.
 *
 * @param before the session that `id` replaces
 * @returns who holds it: `id`, another session, or nobody any more (`overSince`)
 */
export async function claim(store: SessionStore, key: string, id: string, before?: string): Promise<string> {
  let holder = await store.claim(key, id, CLAIM_SECONDS, before)
  while (holder !== id && overSince(holder) === undefined && (await store.find(holder)).value === undefined)
    holder = await store.claim(key, id, CLAIM_SECONDS, holder)
  return holder
}

/**
 * Nothing becomes a session by it any more.
 *
 * @param now by the store's clock
 * @returns the sessions that it became a moment ago
 */
export async function closeClaim(store: SessionStore, key: string, now: number): Promise<string[]> {
  const heirs: string[] = []
  for (;;) {
    const holder = await store.claim(key, OVER + now, CLAIM_SECONDS, heirs.at(-1))
    if (overSince(holder) !== undefined) return heirs
    heirs.push(holder)
  }
}
