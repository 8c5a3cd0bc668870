// A refresh token is not spent by use.
import type { Habit } from '../habit.ts'

export const noRotation: Habit = { configure: (given) => ({ ...given, rotateRefreshToken: false }) }
