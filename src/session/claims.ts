// A login, or the place of a session, is claimed for one session, and once it is over for none.
import { createHash } from 'node:crypto'
import type { Config } from '../options/config.ts'
import type { SessionStore } from '../store/store.ts'

/** In the place of a session's id; the time follows. */
const OVER = 'over:'

interface Parts {
  readonly config: Pick<Config, 'login'>
  readonly store: SessionStore
}

/** Longer than a login can be under way. */
export function claimSeconds({ login }: Pick<Config, 'login'>): number {
  return login.timeoutSeconds + 60
}

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
export async function claim(
  { config, store }: Parts,
  key: string,
  id: string,
  before?: string,
): Promise<string> {
  const seconds = claimSeconds(config)
  let holder = await store.claim(key, id, seconds, before)
  while (holder !== id && overSince(holder) === undefined && (await store.find(holder)).value === undefined)
    holder = await store.claim(key, id, seconds, holder)
  return holder
}

/**
 * Nothing becomes a session by it any more.
 *
 * @param now by the store's clock
 * @returns the sessions that it became a moment ago
 */
export async function closeClaim({ config, store }: Parts, key: string, now: number): Promise<string[]> {
  const seconds = claimSeconds(config)
  const heirs: string[] = []
  for (;;) {
    const holder = await store.claim(key, OVER + now, seconds, heirs.at(-1))
    if (overSince(holder) !== undefined) return heirs
    heirs.push(holder)
  }
}
