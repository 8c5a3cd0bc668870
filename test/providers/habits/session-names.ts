// Its ID tokens name its session (`sid`), and it tells of logouts (OpenID Connect Back-Channel Logout 1.0).
import type { Habit } from '../habit.ts'

export const sessionNames: Habit = {
  configure: (given) => ({
    ...given,
    features: { ...given.features, backchannelLogout: { enabled: true } },
    // Its own dispatcher reaches nobody on loopback.
    fetch: (url, { dispatcher: _, ...init } = {}) => fetch(url, init),
  }),
}
