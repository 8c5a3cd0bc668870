// A real OpenID provider on loopback that a test can count, hold, cut, replace and take down.
import type { Configuration } from 'oidc-provider'
import { type ClientOptions, type TestClient, toMetadata } from './client.ts'
import { createConfiguration, type Lifetimes } from './config.ts'
import { withoutConsentPage } from './consent.ts'
import { createFaultControls, type FaultControls } from './fault-controls.ts'
import type { Answer } from './faults.ts'
import { createFront, type FrontTLS, type ShownCertificate } from './front.ts'
import { withMutualTLS } from './mutual-tls.ts'
import { createOidcProvider, here } from './quiet-oidc-provider.ts'
import { createSecretsSeen } from './secrets-seen.ts'
import type { SeenRequest } from './seen-requests.ts'
import { createSigningKey, type Forgery, sharedSigningKey, signToken } from './signing-key.ts'
import { createProviderStore, type ProviderStore } from './store.ts'

export interface ProviderOptions extends Partial<Lifetimes> {
  /** accept a spent refresh token again for so long; 0 (strict: reuse revokes the grant) unless told */
  reuseSeconds?: number
  /** a key of its own in place of the one that all providers of the process share */
  ownKey?: boolean
  /** https, and clients that authenticate by certificate */
  tls?: FrontTLS
  /** ask whoever logs in what the app may know; they have agreed unless told */
  asksForConsent?: boolean
  /** last word on oidc-provider's configuration */
  configure?(configuration: Configuration): Configuration
}

export interface TestProvider extends FaultControls {
  readonly issuer: string
  readonly store: ProviderStore
  /** seconds; may be changed at any time, holds for what is issued from then on */
  readonly lifetimes: Lifetimes
  /** at any time; the same `clientId` again replaces what was registered, but for its addresses: an app may have many servers */
  registerClient(options: ClientOptions): Promise<TestClient>
  /** later renewals answer invalid_grant, later logins fail */
  blockAccount(sub: string): void
  unblockAccount(sub: string): void
  revokeGrants(sub: string): void
  /** refresh tokens that would be accepted now */
  liveRefreshTokens(sub?: string): string[]
  /** connections with a certificate, in the order in which they were opened */
  shownCertificates(): readonly ShownCertificate[]
  requests(filter?: Partial<SeenRequest> | ((seen: SeenRequest) => boolean)): SeenRequest[]
  tokenRequests(grantType?: string): SeenRequest[]
  refreshCount(): number
  authorizationRequests(): SeenRequest[]
  revocations(): SeenRequest[]
  /** every code and token ever handed out */
  secretsSeen(): string[]
  signIdToken(claims: object, forgery?: Forgery): Promise<string>
  /** stops listening; connections are reset */
  down(): Promise<void>
  /** listens again, on the same port, with everything it knew */
  up(): Promise<void>
  stop(): Promise<void>
}

export async function startProvider(options: ProviderOptions = {}): Promise<TestProvider> {
  const {
    reuseSeconds = 0,
    ownKey = false,
    asksForConsent = false,
    tls,
    configure = (same) => same,
    ...given
  } = options
  const lifetimes: Lifetimes = { idToken: 3600, accessToken: 3600, refreshToken: 86_400, ...given }
  const secrets = createSecretsSeen()
  const blocked = new Set<string>()
  const store = createProviderStore()
  store.reuseSeconds = reuseSeconds
  const key = await (ownKey ? createSigningKey() : sharedSigningKey())

  const front = await createFront((answer: Answer) => secrets.look(answer), tls)
  const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${front.port}`
  const plain = createConfiguration({ store, jwks: { keys: [key.jwk] }, lifetimes, blocked })
  const agreed = asksForConsent ? plain : withoutConsentPage(plain)
  const configuration = tls ? withMutualTLS(agreed) : agreed
  const oidc = createOidcProvider(issuer, configure(configuration))
  // The front speaks TLS in its place.
  oidc.proxy = tls !== undefined
  // A refused request is an ordinary answer here; what is broken in the provider itself must be seen.
  oidc.on('server_error', (_ctx, error) => process.emitWarning(error))
  front.leadTo(oidc.callback())

  const requests: TestProvider['requests'] = (filter = {}) =>
    front.seen.filter(typeof filter === 'function' ? filter : (seen) => matches(seen, filter))

  return {
    ...createFaultControls(front.faults),
    issuer,
    store,
    lifetimes,
    async registerClient(client) {
      const metadata = withEarlierAddresses(toMetadata(client), store)
      await oidc.Client.validate(here(metadata))
      store.put('Client', metadata.client_id, metadata)
      return { clientId: metadata.client_id, clientSecret: metadata.client_secret }
    },
    blockAccount: (sub) => void blocked.add(sub),
    unblockAccount: (sub) => void blocked.delete(sub),
    revokeGrants(sub) {
      for (const grant of store.all('Grant')) {
        if (grant.accountId === sub && grant.jti) store.revokeGrant(grant.jti)
      }
    },
    liveRefreshTokens: (sub) =>
      store.all('RefreshToken').flatMap((token) => {
        const wanted = !token.consumed && (sub === undefined || token.accountId === sub)
        return wanted && token.jti ? [token.jti] : []
      }),
    shownCertificates: () => front.shown,
    requests,
    tokenRequests: (grantType) => requests({ endpoint: 'token', ...(grantType && { grantType }) }),
    refreshCount: () => requests({ endpoint: 'token', grantType: 'refresh_token' }).length,
    authorizationRequests: () => requests({ endpoint: 'authorization' }),
    revocations: () => requests({ endpoint: 'revocation' }),
    secretsSeen: () => secrets.list(),
    signIdToken: (claims, forgery) => signToken(key, claims, forgery),
    down: () => front.down(),
    up: () => front.up(),
    stop: () => front.stop(),
  }
}

function matches(seen: SeenRequest, filter: Partial<SeenRequest>): boolean {
  return Object.entries(filter).every(([name, value]) => seen[name as keyof SeenRequest] === value)
}

function withEarlierAddresses(
  metadata: ReturnType<typeof toMetadata>,
  store: ProviderStore,
): ReturnType<typeof toMetadata> {
  const before = store.get('Client', metadata.client_id) as typeof metadata | undefined
  if (before === undefined) return metadata
  const both = (name: 'redirect_uris' | 'post_logout_redirect_uris') => [
    ...new Set([...before[name], ...metadata[name]]),
  ]
  return {
    ...metadata,
    redirect_uris: both('redirect_uris'),
    post_logout_redirect_uris: both('post_logout_redirect_uris'),
  }
}
