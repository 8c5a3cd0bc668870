// A client as a test describes it, and as the provider wants it.
import { randomBytes } from 'node:crypto'

export interface ClientOptions {
  /** stands for the redirect URIs `<baseURL>/callback` and `<baseURL>/`, `<baseURL>` after logout */
  baseURL?: string
  redirectUris?: string[]
  postLogoutRedirectUris?: string[]
  /** no secret, `token_endpoint_auth_method: none` */
  public?: boolean
  clientId?: string
  clientSecret?: string
  authMethod?: 'client_secret_basic' | 'client_secret_post'
  /** client metadata as in dynamic registration, e.g. `{ require_auth_time: true }` */
  metadata?: Record<string, unknown>
}

export interface TestClient {
  clientId: string
  /** undefined for a public client */
  clientSecret: string | undefined
}

export function toMetadata(client: ClientOptions) {
  const base = client.baseURL?.replace(/\/$/, '')
  const clientId = client.clientId ?? `client-${randomBytes(4).toString('hex')}`
  return {
    client_id: clientId,
    client_secret: client.public ? undefined : (client.clientSecret ?? randomBytes(24).toString('base64url')),
    token_endpoint_auth_method: client.public
      ? ('none' as const)
      : (client.authMethod ?? 'client_secret_basic'),
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: client.redirectUris ?? (base ? [`${base}/callback`] : []),
    post_logout_redirect_uris: client.postLogoutRedirectUris ?? (base ? [base, `${base}/`] : []),
    ...client.metadata,
  }
}
