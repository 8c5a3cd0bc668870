// A provider that knows APIs by their URLs (RFC 8707), and gives each its own access tokens, as JWTs.
import { type ProviderOptions, startProvider, type TestProvider } from './provider.ts'
import { errors } from './quiet-oidc-provider.ts'

/** @param apis what access tokens may allow, by `resource` */
export function startProviderWithApis(
  apis: Readonly<Record<string, { scope: string }>>,
  { configure = (same) => same, ...options }: ProviderOptions = {},
): Promise<TestProvider> {
  return startProvider({
    ...options,
    configure: (plain) =>
      configure({
        ...plain,
        features: {
          ...plain.features,
          resourceIndicators: {
            enabled: true,
            defaultResource: () => [],
            getResourceServerInfo(_ctx, resource) {
              const api = apis[resource]
              if (api === undefined) throw new errors.InvalidTarget()
              return { scope: api.scope, accessTokenFormat: 'jwt' }
            },
          },
        },
      }),
  })
}
