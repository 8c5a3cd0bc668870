// Refresh tokens without a scope for them; `offline_access` is a scope that nobody knows.
import type { Habit } from '../habit.ts'
import { noOfflineScope } from './no-offline-scope.ts'

export const offlineAlways: Habit = {
  ...noOfflineScope,
  configure: (given) => ({ ...given, issueRefreshToken: async () => true }),
}
