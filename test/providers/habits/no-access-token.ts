// No access token where no API's scope was asked for.
import { changedClaims, changedJson, type Habit } from '../habit.ts'

const withoutHash = changedClaims(({ at_hash: _, ...claims }) => claims)

export const noAccessToken: Habit = {
  answers: {
    token: changedJson(({ access_token: _, token_type: __, expires_in: ___, ...rest }, provider) =>
      withoutHash(rest, provider),
    ),
  },
}
