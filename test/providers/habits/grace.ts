// A spent refresh token is taken again for a while, or until it ends.
import type { Habit } from '../habit.ts'

export const grace = (reuseSeconds: number): Habit => ({ reuseSeconds })
