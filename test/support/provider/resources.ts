// A provider whose access tokens are for the API in `resource` (RFC 8707), and for that API only.
import type { Configuration } from 'oidc-provider'

export function withResources({ features, ...same }: Configuration): Configuration {
  return {
    ...same,
    features: {
      ...features,
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, audience) => ({ scope: 'openid', audience, accessTokenFormat: 'jwt' }),
      },
    },
  }
}
