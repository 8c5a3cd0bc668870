// Refresh tokens for the scope `offline_access`, whatever the prompt.
import { type Habit, lastAsked } from '../habit.ts'

export const offlineByScope: Habit = {
  configure: (given, provider) => ({
    ...given,
    issueRefreshToken: async () => (lastAsked(provider()).scope ?? '').split(' ').includes('offline_access'),
  }),
}
