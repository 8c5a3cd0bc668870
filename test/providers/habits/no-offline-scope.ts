// `offline_access` is refused as an unknown scope (RFC 6749 §4.1.2.1).
import type { Habit } from '../habit.ts'

export const noOfflineScope: Habit = {
  answers: {
    authorization(answer, { provider, seen: { params } }) {
      if (!params.scope?.split(' ').includes('offline_access')) return answer
      const back = new URL(params.redirect_uri ?? '')
      const error = { error: 'invalid_scope', state: params.state ?? '', iss: provider.issuer }
      back.search = `${new URLSearchParams(error)}`
      return { status: 303, headers: { location: back.href } }
    },
  },
}
