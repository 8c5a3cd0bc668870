// What the provider can be asked without a person: each question by itself, so that one that fails hides no other.
import type { ServerMetadata } from 'openid-client'
import { type Finding, type FindingName, failed, ok, unknown } from '../findings.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { type Addressed, everyAddress, toEnter } from '../options/registered-addresses.ts'
import type { AuthorizationRequests } from './authorization-request.ts'
import { clientFindings } from './check-client.ts'
import { findingsOf } from './check-document.ts'
import { keysFinding } from './check-keys.ts'
import { loginFindings } from './check-login.ts'
import { logoutFindings } from './check-logout.ts'
import type { Discovery } from './discovery.ts'
import { readProvider } from './document.ts'
import { describeFailure, MetadataError } from './failures.ts'
import { createLooking, type Look } from './look.ts'
import type { UserInfoEndpoint } from './userinfo.ts'

export interface ProviderCheck {
  readonly findings: readonly Finding[]
  /** How much its clock is ahead of this machine's, give or take a second; undefined where it did not say. */
  readonly aheadMilliseconds: number | undefined
}

/** Of an app that has more addresses, the first ones are looked at. */
const MOST_ADDRESSES = 10

/** They are not asked without a document. */
const FROM_DOCUMENT: readonly FindingName[] = [
  'id-token-algorithm',
  'scopes',
  'grants',
  'login-parameters',
  'userinfo-endpoint',
  'logout-endpoint',
  'revocation-endpoint',
  'keys',
  'client-credentials',
  'refresh-grant',
  'login',
]

export function createProviderCheck(
  config: ProviderSetUp,
  discovery: Discovery,
  requests: AuthorizationRequests,
  userInfo: Pick<UserInfoEndpoint, 'faultsIn'>,
): (now: number, addresses: Addressed) => Promise<ProviderCheck> {
  return async (now, addresses) => {
    const { look, fetch, aheadMilliseconds } = createLooking(config, discovery)
    const { document, finding } = await readAnew(config, fetch)
    const findings =
      document === undefined
        ? await withoutDocument(addresses, look)
        : await findingsBy(document, addresses, look, now)
    return { findings: [finding, ...findings], aheadMilliseconds: aheadMilliseconds() }
  }

  async function withoutDocument(addresses: Addressed, look: Look): Promise<Finding[]> {
    const address = unknown('redirect-uri', toEnter(addresses.redirectURI.href))
    const unasked = FROM_DOCUMENT.map((name) => unknown(name, 'was not asked: see discovery'))
    return [...unasked, address, ...(await logoutFindings(config, addresses, undefined, look))]
  }

  async function findingsBy(
    document: ServerMetadata,
    addresses: Addressed,
    look: Look,
    now: number,
  ): Promise<Finding[]> {
    const others = everyAddress(addresses).slice(1, MOST_ADDRESSES)
    const asked = await Promise.all([
      keysFinding(String(document.jwks_uri), config, look).then((finding) => [finding]),
      clientFindings(config, addresses, discovery, now),
      loginFindings(config, addresses, requests, look, now),
      logoutFindings(config, addresses, document.end_session_endpoint, look),
      ...others.map((other) => addressFindings(document, other, look, now)),
    ])
    const [userInfoFault] = userInfo.faultsIn(document)
    return [...findingsOf(document, config, userInfoFault), ...asked.flat()]
  }

  /** Of a further address: whether the provider knows it. */
  async function addressFindings(
    document: ServerMetadata,
    { redirectURI, baseURL, routes }: Omit<Addressed, 'otherAddresses'>,
    look: Look,
    now: number,
  ): Promise<Finding[]> {
    const address = { redirectURI, baseURL, routes, otherAddresses: [] }
    const found = await Promise.all([
      loginFindings(config, address, requests, look, now),
      logoutFindings(config, address, document.end_session_endpoint, look),
    ])
    return found.flat().filter(({ name }) => name === 'redirect-uri' || name === 'post-logout-uri')
  }
}

async function readAnew(
  config: ProviderSetUp,
  fetch: Discovery['look'],
): Promise<{ document?: ServerMetadata; finding: Finding }> {
  const { discoveryURL } = config.provider
  try {
    const document = await readProvider(config, fetch)
    const how =
      discoveryURL === undefined ? 'provider.metadata has what is needed' : `${discoveryURL} was read`
    return { document, finding: ok('discovery', `${how}; its issuer is ${document.issuer}`) }
  } catch (error) {
    const what =
      error instanceof MetadataError
        ? 'issuerBaseURL (ISSUER_BASE_URL) cannot be used'
        : `${discoveryURL} could not be read`
    return { finding: failed('discovery', `${what}: ${describeFailure(error)}`) }
  }
}
