// A lease that lasts as long as the work does that it was taken for, and ends soon after its holder.
import type { SessionStore } from '../store/store.ts'

/** Does the work, and extends the lease meanwhile: it can be short, so that nobody waits long for the lease of the dead. */
export async function withLease<T>(
  store: SessionStore,
  { id, owner }: { readonly id: string; readonly owner: string },
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  // A store that does not answer now may do so the next time; a lease that was lost meanwhile stays lost.
  const extend = () => void store.extend(id, owner, seconds).catch(() => undefined)
  const timer = setInterval(extend, (seconds * 1000) / 3)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
