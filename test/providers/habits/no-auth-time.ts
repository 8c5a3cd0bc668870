// `max_age` is not followed, and no ID token says when somebody authenticated.
import { claimsOfToken } from '../../support/provider/signing-key.ts'
import { changedJson, type Habit } from '../habit.ts'

export const noAuthTime: Habit = {
  answers: {
    token: changedJson(async (json, provider) => {
      const { auth_time: _, ...claims } = claimsOfToken(String(json.id_token))
      return { ...json, id_token: await provider.signIdToken(claims) }
    }),
  },
}
