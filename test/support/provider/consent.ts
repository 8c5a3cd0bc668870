// Whoever logs in has consented: a second page at the provider would be a third of what a login costs a test run.
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { interactionPolicy } from './quiet-oidc-provider.ts'

export function withoutConsentPage(configuration: Configuration): Configuration {
  const policy = interactionPolicy.base()
  policy.get('consent')?.checks.remove('consent_prompt')
  return { ...configuration, interactions: { policy }, loadExistingGrant: grantOf }
}

async function grantOf({ oidc }: KoaContextWithOIDC) {
  const { client, session, params, provider, resourceServers } = oidc
  if (!client || !session?.accountId) return undefined
  const id = session.grantIdFor(client.clientId)
  const { clientId } = client
  const grant =
    (id && (await provider.Grant.find(id))) || new provider.Grant({ clientId, accountId: session.accountId })
  grant.addOIDCScope(String(params?.scope ?? ''))
  grant.addOIDCClaims([...oidc.requestParamClaims])
  for (const [audience, { scope }] of Object.entries(resourceServers ?? {}))
    grant.addResourceScope(audience, scope)
  await grant.save()
  return grant
}
