// Access tokens are for the API in `resource` (RFC 8707), and that API's only.
import type { Habit } from '../habit.ts'

export const resources: Habit = {
  configure: ({ features, ...given }) => ({
    ...given,
    features: {
      ...features,
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, audience) => ({ scope: 'openid', audience, accessTokenFormat: 'jwt' }),
      },
    },
  }),
}
