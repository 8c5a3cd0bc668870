// It does not look at the account when it renews.
import type { Habit } from '../habit.ts'

export const renewsBlocked: Habit = {
  configure: ({ findAccount, ...given }) => ({
    ...given,
    findAccount: async (ctx, sub, token) =>
      (await findAccount?.(ctx, sub, token)) ?? { accountId: sub, claims: () => ({ sub }) },
  }),
}
