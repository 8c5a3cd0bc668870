// Google's: a refresh token for `access_type=offline` with `prompt=consent`.
import { type Habit, lastAsked } from '../habit.ts'
import { noOfflineScope } from './no-offline-scope.ts'

export const offlineByAccessType: Habit = {
  ...noOfflineScope,
  configure: (given, provider) => ({
    ...given,
    async issueRefreshToken() {
      const { access_type: type, prompt = '' } = lastAsked(provider())
      return type === 'offline' && prompt.split(' ').includes('consent')
    },
  }),
}
