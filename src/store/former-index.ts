// The index of the tenant that the app was before it had tenants: its sessions of that time stand where they stood then.
import type { Owner } from '../record/owner.ts'
import type { SessionIndex } from './store.ts'

export function withFormerIndex(
  indexOf: (owner: Owner) => SessionIndex,
  { issuer, clientID, ...owner }: Owner,
): SessionIndex {
  const [own, former] = [indexOf({ issuer, clientID, ...owner }), indexOf({ issuer, clientID })]
  return {
    add: own.add,

    async remove(...given) {
      await Promise.all([own.remove(...given), former.remove(...given)])
    },

    // Of both so many: whoever asks leaves out what is too much.
    async page(...given) {
      return (await Promise.all([own.page(...given), former.page(...given)])).flat()
    },

    async *endGroup(...given) {
      yield* own.endGroup(...given)
      yield* former.endGroup(...given)
    },

    async endedAt(group) {
      const times = await Promise.all([own.endedAt(group), former.endedAt(group)])
      const known = times.flatMap((time) => time ?? [])
      return known.length === 0 ? undefined : Math.max(...known)
    },
  }
}
