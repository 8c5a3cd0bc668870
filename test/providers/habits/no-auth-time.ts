// `max_age` is not followed, and no ID token says when somebody authenticated.
import { changedClaims, changedJson, type Habit } from '../habit.ts'

export const noAuthTime: Habit = {
  answers: { token: changedJson(changedClaims(({ auth_time: _, ...claims }) => claims)) },
}
