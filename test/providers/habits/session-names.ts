// Its ID tokens name its session (`sid`), and it tells of logouts (OpenID Connect Back-Channel Logout 1.0).
import { withLogoutsTold } from '../../support/provider/logout-client.ts'
import type { Habit } from '../habit.ts'

export const sessionNames: Habit = { configure: (given) => withLogoutsTold(given) }
