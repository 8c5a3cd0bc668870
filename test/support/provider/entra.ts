// The test provider with the ways of Entra ID's `organizations`: a document whose issuer is a pattern, an issuer for each tenant,
// keys that say whose they are. Somebody who logs in as `alice@TENANT_ID` is alice of that tenant: each tenant has its own.
import { type Forge, forgeNext, type Genuine } from './forge-id-token.ts'
import { startLogoutProvider } from './logout-client.ts'
import type { TestProvider } from './provider.ts'
import { claimsOfToken, createSigningKey, type Forgery, type SigningKey } from './signing-key.ts'
import { withoutIss } from './without-iss.ts'

type Claims = Record<string, unknown>

export const TENANTS = {
  ours: '11111111-aaaa-4bbb-8ccc-000000000001',
  theirs: '22222222-aaaa-4bbb-8ccc-000000000002',
  /** nobody's customer */
  other: '33333333-aaaa-4bbb-8ccc-000000000003',
} as const

export interface Entra {
  readonly provider: TestProvider
  readonly issuerBaseURL: string
  /** `{tenantid}` and all */
  readonly pattern: string
  issuerOf(tid: string): string
  /** signs for `TENANTS.theirs` alone, as its entry among the keys says */
  readonly keyOfTheirs: SigningKey
  /** what Entra's ID token says where the provider's says `claims` */
  claimsOf(claims: Claims): Claims
  /** The next ID token, with changed claims or signed otherwise; resolves with the refresh token beside it. */
  signNext(change?: (claims: Claims) => Claims, forgery?: Forgery): Promise<string>
  stop(): Promise<void>
}

export async function startEntra(): Promise<Entra> {
  const provider = await startLogoutProvider({
    configure: ({ clientAuthMethods = [], ...same }) => ({
      ...same,
      clientAuthMethods: [...clientAuthMethods, 'client_secret_jwt'],
      enabledJWA: { ...same.enabledJWA, clientAuthSigningAlgValues: ['HS256'] },
    }),
  })
  const keyOfTheirs = await createSigningKey()
  const pattern = `${provider.issuer}/{tenantid}/v2.0`
  const issuerBaseURL = `${provider.issuer}/organizations/v2.0`
  const issuerOf = (tid: string) => pattern.replace('{tenantid}', tid)
  const { authorization_response_iss_parameter_supported: _, ...document } = await jsonAt(
    `${provider.issuer}/.well-known/openid-configuration`,
  )
  const { keys } = (await jsonAt(`${provider.issuer}/jwks`)) as { keys: object[] }

  const claimsOf = ({ sub, ...claims }: Claims): Claims => {
    const [name, tid = ''] = String(sub).split('@')
    return { ...claims, sub: name, tid, iss: issuerOf(tid) }
  }
  const forge =
    (change: (claims: Claims) => Claims, forgery?: Forgery): Forge =>
    ({ idToken }: Genuine) =>
      provider.signIdToken(change(claimsOf(claimsOfToken(idToken))), forgery)

  const documentAt = `${new URL(issuerBaseURL).pathname}/.well-known/openid-configuration`
  provider.answerAll(
    'other',
    { status: 200, body: { ...document, issuer: pattern } },
    { when: ({ path }) => path === documentAt },
  )
  provider.answerAll('jwks', {
    status: 200,
    body: {
      keys: [
        ...keys.map((key) => ({ ...key, issuer: pattern })),
        { ...keyOfTheirs.publicJwk, issuer: issuerOf(TENANTS.theirs) },
      ],
    },
  })
  for (const endpoint of ['other', 'authorization'] as const)
    provider.changeAll(endpoint, async (answer) => withoutIss(answer))
  provider.changeAll('token', async (answer) => {
    if (answer.status !== 200) return answer
    const { id_token, ...json } = JSON.parse(String(answer.body))
    if (id_token === undefined) return answer
    const idToken = await provider.signIdToken(claimsOf(claimsOfToken(id_token)))
    return { ...answer, body: JSON.stringify({ ...json, id_token: idToken }) }
  })

  return {
    provider,
    issuerBaseURL,
    pattern,
    issuerOf,
    keyOfTheirs,
    claimsOf,
    signNext: (change = (claims) => claims, forgery) => forgeNext(provider, forge(change, forgery)),
    stop: () => provider.stop(),
  }
}

async function jsonAt(url: string): Promise<Claims> {
  return (await fetch(url)).json() as Promise<Claims>
}
