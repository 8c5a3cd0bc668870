// The ID token says who it is alone; the rest is at the userinfo endpoint (OpenID Connect Core §5.4).
import type { Habit } from '../habit.ts'

export const thinIdToken: Habit = { configure: (given) => ({ ...given, conformIdTokenClaims: true }) }
