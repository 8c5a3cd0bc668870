// A logout without an ID token, since nobody is logged in: some providers show a page and ask, others go to the page at once.
import { type Finding, ok, unknown, warning } from '../findings.ts'
import type { ProviderSetUp } from '../options/config.ts'
import {
  type Addressed,
  backchannelLogoutURI,
  postLogoutURI,
  toEnter,
} from '../options/registered-addresses.ts'
import { describeFailure } from './failures.ts'
import type { Look } from './look.ts'
import { quoted } from './provider-words.ts'

export async function logoutFindings(
  config: ProviderSetUp,
  addresses: Addressed,
  endpoint: string | undefined,
  look: Look,
): Promise<Finding[]> {
  const page = postLogoutURI(addresses)
  const backchannel = backchannelLogoutURI(addresses)
  const entered =
    backchannel === undefined
      ? ok('backchannel-logout-uri', 'is not needed: routes.backchannelLogout is false')
      : unknown('backchannel-logout-uri', `${backchannel}: nobody can be asked; ${toEnter(backchannel)}`)
  if (!config.idpLogout) return [ok('post-logout-uri', 'is not needed: idpLogout is false'), entered]
  if (endpoint === undefined || config.logout.endpoint !== undefined)
    return [unknown('post-logout-uri', `${page}: nobody can be asked; ${toEnter(page)}`), entered]
  const url = new URL(endpoint)
  url.searchParams.set('client_id', config.clientID)
  url.searchParams.set(config.logout.returnToParam, page)
  return [await postLogoutFinding(url, page, look), entered]
}

async function postLogoutFinding(url: URL, page: string, look: Look): Promise<Finding> {
  try {
    const { status, prose } = await look(url.href)
    const said = `${page}: the provider answered ${status}${quoted(prose)}`
    if (status >= 500 || status === 429) return unknown('post-logout-uri', said)
    if (status < 400) return ok('post-logout-uri', `${page}: the provider does not refuse it`)
    return warning('post-logout-uri', `${said}; it may not be registered`, toEnter(page))
  } catch (error) {
    return unknown(
      'post-logout-uri',
      `${page}: it could not be asked: ${describeFailure(error)}; ${toEnter(page)}`,
    )
  }
}
