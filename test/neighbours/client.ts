// An app as a client of the provider, by its environment.
import type { TestProvider } from '../support/provider/provider.ts'

/** @param baseURL where browsers have the app */
export async function registerApp(
  provider: Pick<TestProvider, 'registerClient' | 'issuer'>,
  baseURL: string,
): Promise<Record<string, string>> {
  const { clientId, clientSecret = '' } = await provider.registerClient({ baseURL })
  return {
    ISSUER_BASE_URL: provider.issuer,
    BASE_URL: baseURL,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    SECRET: 'a secret of this test that is long enough',
  }
}
