// A client as a test describes it, and as the provider wants it.
import { randomBytes } from 'node:crypto'
import type { AuthOptions } from '../../../src/index.ts'

export interface ClientOptions {
  /** stands for the redirect URIs `<baseURL>/callback` and `<baseURL>/`, `<baseURL>` after logout */
  baseURL?: string
  redirectUris?: string[]
  postLogoutRedirectUris?: string[]
  /** no secret, `token_endpoint_auth_method: none` */
  public?: boolean
  clientId?: string
  clientSecret?: string
  /** `client_secret_basic` unless told; only the methods of a secret make one */
  authMethod?: NonNullable<AuthOptions['clientAuthMethod']>
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
  const method = client.public ? 'none' : (client.authMethod ?? 'client_secret_basic')
  const secret = client.clientSecret ?? randomBytes(24).toString('base64url')
  const clientId = client.clientId ?? `client-${randomBytes(4).toString('hex')}`
  return {
    client_id: clientId,
    client_secret: method.startsWith('client_secret_') ? secret : undefined,
    token_endpoint_auth_method: method,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: client.redirectUris ?? (base ? [`${base}/callback`] : []),
    post_logout_redirect_uris: client.postLogoutRedirectUris ?? (base ? [base, `${base}/`] : []),
    ...client.metadata,
  }
}
