// No access token where no API's scope was asked for.
import { claimsOfToken } from '../../support/provider/signing-key.ts'
import { changedJson, type Habit } from '../habit.ts'

export const noAccessToken: Habit = {
  answers: {
    token: changedJson(async ({ access_token: _, token_type: __, expires_in: ___, ...rest }, provider) => {
      const { at_hash: ____, ...claims } = claimsOfToken(String(rest.id_token))
      return { ...rest, id_token: await provider.signIdToken(claims) }
    }),
  },
}
