// A refresh token that is gone is `invalid_request`, where RFC 6749 §5.2 says `invalid_grant`.
import type { Habit } from '../habit.ts'

export const goneAsInvalidRequest: Habit = {
  answers: {
    token: (answer, { seen }) =>
      answer.status === 400 && seen.grantType === 'refresh_token'
        ? { ...answer, body: { error: 'invalid_request' } }
        : answer,
  },
}
